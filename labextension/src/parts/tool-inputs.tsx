/** The controls for what a tool is built with, who sees it, and what it shows. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import { useId } from 'react';
import type { ReactElement } from 'react';

import type { Tool, Visibility } from '../api/types';
import { useGiven } from '../context';
import type { ControlProps } from './field';
import { Problem } from './problem';

type OutputKind = Tool['output'];

interface InputProps<T> {
  control: ControlProps;
  testId: string;
  value: T;
  onChange: (value: T) => void;
}

const RUNTIMES = [
  'python',
  'node',
  'script',
  'rust',
  'go',
  'java',
  'ruby',
  'perl',
  'r',
  'julia',
  'dockerfile'
];
const ENGINES = ['docker', 'process'];

export function RuntimeInput(props: InputProps<string>): ReactElement {
  const { trans } = useGiven();
  return (
    <ChoiceInput
      {...props}
      choices={RUNTIMES}
      placeholder={trans.__('found by itself')}
    />
  );
}

export function EngineInput(props: InputProps<string>): ReactElement {
  const { trans } = useGiven();
  return (
    <ChoiceInput
      {...props}
      choices={ENGINES}
      placeholder={trans.__('the server’s own')}
    />
  );
}

/** A field that offers choices, and takes others too. */
export function ChoiceInput({
  control,
  testId,
  value,
  onChange,
  choices,
  placeholder
}: InputProps<string> & {
  choices: readonly string[];
  placeholder: string;
}): ReactElement {
  const list = useId();
  return (
    <>
      <input
        {...control}
        className="jp-mod-styled"
        type="text"
        autoComplete="off"
        spellCheck={false}
        list={list}
        placeholder={placeholder}
        data-testid={testId}
        value={value}
        onChange={event => {
          onChange(event.target.value);
        }}
      />
      <datalist id={list}>
        {choices.map(choice => (
          <option key={choice} value={choice} />
        ))}
      </datalist>
    </>
  );
}

export function OutputSelect({
  control,
  testId,
  value,
  onChange
}: InputProps<OutputKind>): ReactElement {
  const { trans } = useGiven();
  return (
    <HTMLSelect
      {...control}
      className="jp-mod-styled"
      data-testid={testId}
      value={value}
      onChange={event => {
        onChange(event.currentTarget.value as OutputKind);
      }}
    >
      <option value="stdout">{trans.__('What it prints')}</option>
      <option value="files">{trans.__('The files that it writes')}</option>
      <option value="both">{trans.__('Both')}</option>
    </HTMLSelect>
  );
}

/** Whether a tool is private or public. */
export function VisibilityChoice({
  testId,
  value,
  onChange,
  error
}: {
  testId: string;
  value: Visibility;
  onChange: (value: Visibility) => void;
  error?: unknown;
}): ReactElement {
  const { trans } = useGiven();
  const id = useId();
  const choice = (visibility: Visibility, label: string) => (
    <label>
      <input
        type="radio"
        name={id}
        data-testid={`${testId}-${visibility}`}
        checked={value === visibility}
        onChange={() => {
          onChange(visibility);
        }}
      />
      {label}
    </label>
  );
  return (
    <fieldset className="jp-TooInstance-visibility">
      <legend>{trans.__('Who sees it')}</legend>
      {choice('private', trans.__('You, and those whom you share it with'))}
      {choice('public', trans.__('Public: everybody here'))}
      {error !== undefined && <Problem error={error} />}
    </fieldset>
  );
}
