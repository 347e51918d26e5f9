/** The controls for the values of an option: one, or a list that grows. */
import {
  Button,
  HTMLSelect,
  addIcon,
  fileUploadIcon,
  folderIcon
} from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { ReactElement } from 'react';

import { useGiven } from '../context';
import { RemoveButton } from '../parts/remove-button';
import { arity, doubt, isWritten, keyOf, mayBeForgotten } from './options';
import type { ControlProps } from './option-field';

type ValueProps = Omit<ControlProps, 'value' | 'onChange'> & {
  value: string;
  /** Whether the option is given without its value, which may be left out. */
  isBare?: boolean;
  onChange: (text: string) => void;
  /** Its label, where it is one of several. */
  label?: string;
  placeholder?: string;
};

export function OneValue(props: ValueProps): ReactElement {
  const { option, value, files, onChange, id, testId, described, label } =
    props;
  const { trans } = useGiven();
  if (option.choices.length > 0) {
    return <Choice {...props} />;
  }
  const problem = doubt(option, value, trans);
  const isForgotten = mayBeForgotten(option, value, files.names);
  const remark =
    problem ??
    (isForgotten
      ? trans.__(
          'It is not among the input files: choose it, or the tool may not find it.'
        )
      : undefined);
  const isNumber = option.kind === 'integer' || option.kind === 'number';
  const expected =
    option.default ?? (option.names.length ? option.metavar : '');
  const bare = props.isBare ? trans.__('given without a value') : undefined;
  return (
    <div className="jp-TooInstance-option-one">
      <div className="jp-TooInstance-option-control">
        <input
          className="jp-mod-styled"
          id={id}
          data-testid={testId}
          aria-label={label}
          aria-describedby={remark ? `${id}-doubt` : described}
          aria-required={option.is_required || undefined}
          aria-invalid={problem ? true : undefined}
          inputMode={isNumber ? 'decimal' : undefined}
          spellCheck={false}
          autoComplete="off"
          placeholder={bare ?? props.placeholder ?? expected}
          value={value}
          onChange={event => {
            onChange(event.currentTarget.value);
          }}
        />
        {option.kind === 'file' && !isWritten(option) && (
          <FileButtons {...props} />
        )}
      </div>
      {remark && (
        <div className="jp-TooInstance-option-doubt" id={`${id}-doubt`}>
          {remark}
        </div>
      )}
    </div>
  );
}

function Choice(props: ValueProps): ReactElement {
  const { option, value, onChange, id, testId, described, label } = props;
  const { trans } = useGiven();
  const isOther = value !== '' && !option.choices.includes(value);
  return (
    <HTMLSelect
      id={id}
      data-testid={testId}
      aria-label={label}
      aria-describedby={described}
      aria-required={option.is_required || undefined}
      value={value}
      onChange={({ currentTarget }) => {
        onChange(currentTarget.value);
      }}
    >
      <option value="">
        {option.default === null
          ? trans.__('not given')
          : trans.__('not given (%1)', option.default)}
      </option>
      {option.choices.map(choice => (
        <option key={choice} value={choice}>
          {choice}
        </option>
      ))}
      {isOther && <option value={value}>{value}</option>}
    </HTMLSelect>
  );
}

function FileButtons({
  option,
  files,
  onChange,
  testId
}: ValueProps): ReactElement {
  const { trans } = useGiven();
  const take = async (from: 'computer' | 'server') => {
    const name = await files.choose(from);
    if (name !== undefined) {
      onChange(name);
    }
  };
  const upload = trans.__(
    'Choose a file of this computer for %1',
    keyOf(option)
  );
  const browse = trans.__('Choose a file of the server for %1', keyOf(option));
  return (
    <>
      <Button
        type="button"
        minimal
        small
        title={upload}
        aria-label={upload}
        data-testid={`${testId}-upload`}
        onClick={() => {
          void take('computer');
        }}
      >
        <fileUploadIcon.react tag="span" />
      </Button>
      {files.hasServer && (
        <Button
          type="button"
          minimal
          small
          title={browse}
          aria-label={browse}
          data-testid={`${testId}-browse`}
          onClick={() => {
            void take('server');
          }}
        >
          <folderIcon.react tag="span" />
        </Button>
      )}
    </>
  );
}

export function SeveralValues(props: ControlProps): ReactElement {
  const { option, value, onChange, id, testId } = props;
  const { trans } = useGiven();
  const key = keyOf(option);
  const words = option.metavar.replace(/\.\.\.$/, '').split(' ');
  const each = arity(option);
  const isEndless = option.is_repeated || option.metavar.endsWith('...');
  const held = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? [value]
      : [];
  // rows that are still empty are only here, since an empty value is a value too
  const [typed, setTyped] = useState<readonly string[]>(held);
  const isSame = given(typed, each).join('\0') === given(held, each).join('\0');
  const rows = isSame ? typed : held;
  const count = Math.max(Math.ceil(rows.length / each) * each, each);
  const shown = Array.from({ length: count }, (_, at) => rows[at] ?? '');
  const set = (values: readonly string[]) => {
    setTyped(values);
    const filled = given(values, each);
    onChange(key, filled.length > 0 ? filled : undefined);
  };
  return (
    <div className="jp-TooInstance-option-values">
      {shown.map((text, at) => (
        <div key={at} className="jp-TooInstance-option-value">
          <OneValue
            {...props}
            id={`${id}-${at}`}
            testId={at === 0 ? testId : `${testId}-${at + 1}`}
            label={trans.__('Value %1 of %2', at + 1, key)}
            placeholder={each > 1 ? words[at % each] : undefined}
            value={text}
            onChange={changed => {
              set(shown.map((one, index) => (index === at ? changed : one)));
            }}
          />
          {isEndless && each === 1 && shown.length > 1 && (
            <RemoveButton
              label={trans.__('Remove value %1 of %2', at + 1, key)}
              testId={`${testId}-remove`}
              onClick={() => {
                set(shown.filter((_, index) => index !== at));
              }}
            />
          )}
        </div>
      ))}
      {isEndless && (
        <Button
          type="button"
          minimal
          small
          disabled={shown.at(-1) === ''}
          title={trans.__('Add a value')}
          aria-label={trans.__('Add a value to %1', key)}
          data-testid={`${testId}-add`}
          onClick={() => {
            setTyped([...shown, ...Array.from({ length: each }, () => '')]);
          }}
        >
          <addIcon.react tag="span" />
        </Button>
      )}
    </div>
  );
}

/** Return the values without the rows in which nothing stands, and without what is to come. */
function given(values: readonly string[], each: number): string[] {
  const filled = values.filter((_, at) => {
    const start = at - (at % each);
    return values.slice(start, start + each).some(Boolean);
  });
  while (filled.at(-1) === '') {
    filled.pop();
  }
  return filled;
}
