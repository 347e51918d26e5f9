/** One option of a tool as a control of its kind. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import { memo, useId } from 'react';
import type { ReactElement, ReactNode } from 'react';

import type { Option } from '../api/types';
import { useGiven } from '../context';
import type { Value } from './arguments';
import type { FileChoice } from './file-choice';
import { holdsSeveral, keyOf } from './options';
import { OneValue, SeveralValues } from './values';

export interface OptionFieldProps {
  option: Option;
  value: Value | undefined;
  files: FileChoice;
  /** Set what it holds; `undefined` when it is not given. */
  onChange: (key: string, value: Value | undefined) => void;
}

export const OptionField = memo(function OptionField(
  props: OptionFieldProps
): ReactElement {
  const { option } = props;
  const id = useId();
  const testId = `tooi-option-${keyOf(option).replace(/^-+/, '')}`;
  const help = option.help && (
    <div className="jp-TooInstance-help" id={`${id}-help`}>
      {option.help}
    </div>
  );
  const described = option.help ? `${id}-help` : undefined;
  const shared = { ...props, id, testId, described };
  if (option.kind === 'flag' && !option.opposite && !option.is_repeated) {
    return (
      <div className="jp-TooInstance-option jp-mod-flag">
        <Flag {...shared} />
        {help}
      </div>
    );
  }
  const isGroup = holdsSeveral(option);
  return (
    <div
      className="jp-TooInstance-option"
      {...(isGroup
        ? {
            role: 'group',
            'aria-labelledby': `${id}-name`,
            'aria-describedby': described
          }
        : {})}
    >
      {isGroup ? (
        <span id={`${id}-name`} className="jp-TooInstance-option-name">
          <Names option={option} />
        </span>
      ) : (
        <label htmlFor={id} className="jp-TooInstance-option-name">
          <Names option={option} />
        </label>
      )}
      <Control {...shared} />
      {help}
    </div>
  );
});

export interface ControlProps extends OptionFieldProps {
  id: string;
  testId: string;
  described: string | undefined;
}

function Control(props: ControlProps): ReactNode {
  const { option, value, onChange } = props;
  const key = keyOf(option);
  if (option.kind === 'flag') {
    return option.is_repeated ? <Times {...props} /> : <YesNo {...props} />;
  }
  if (holdsSeveral(option)) {
    return <SeveralValues {...props} />;
  }
  return (
    <OneValue
      {...props}
      value={typeof value === 'string' ? value : (listOf(value)[0] ?? '')}
      isBare={value === true}
      onChange={text => {
        onChange(key, text === '' ? undefined : text);
      }}
    />
  );
}

function listOf(value: Value | undefined): readonly string[] {
  return Array.isArray(value) ? value : [];
}

function Names({ option }: { option: Option }): ReactElement {
  const { names, metavar, is_required: isRequired } = option;
  const { trans } = useGiven();
  return (
    <>
      {names.length > 0 ? names.join(', ') : metavar}
      {isRequired && (
        <span
          className="jp-TooInstance-option-required"
          title={trans.__('Required')}
          aria-hidden
        >
          *
        </span>
      )}
    </>
  );
}

function Flag(props: ControlProps): ReactElement {
  const { option, value, onChange, id, testId, described } = props;
  return (
    <>
      <input
        type="checkbox"
        className="jp-mod-styled"
        id={id}
        data-testid={testId}
        aria-describedby={described}
        checked={value === true}
        onChange={event => {
          onChange(keyOf(option), event.currentTarget.checked || undefined);
        }}
      />
      <label htmlFor={id} className="jp-TooInstance-option-name">
        <Names option={option} />
      </label>
    </>
  );
}

/** A flag that can be taken back: left alone, given, or its opposite. */
function YesNo(props: ControlProps): ReactElement {
  const { option, value, onChange, id, testId, described } = props;
  const key = keyOf(option);
  const { trans } = useGiven();
  return (
    <HTMLSelect
      id={id}
      data-testid={testId}
      aria-describedby={described}
      value={value === true ? 'yes' : value === false ? 'no' : ''}
      onChange={({ currentTarget }) => {
        const chosen = currentTarget.value;
        onChange(key, chosen === '' ? undefined : chosen === 'yes');
      }}
    >
      <option value="">
        {option.default === null
          ? trans.__('not given')
          : trans.__('not given (%1)', option.default)}
      </option>
      <option value="yes">{key}</option>
      <option value="no">{option.opposite}</option>
    </HTMLSelect>
  );
}

/** A flag that means more each time that it is given. */
function Times(props: ControlProps): ReactElement {
  const { option, value, onChange, id, testId, described } = props;
  const times = value === true ? '1' : typeof value === 'string' ? value : '';
  return (
    <input
      type="number"
      min={0}
      max={100}
      className="jp-mod-styled"
      id={id}
      data-testid={testId}
      aria-describedby={described}
      placeholder="0"
      value={times}
      onChange={event => {
        const count = Number(event.currentTarget.value);
        onChange(
          keyOf(option),
          count > 1 ? String(count) : count === 1 || undefined
        );
      }}
    />
  );
}
