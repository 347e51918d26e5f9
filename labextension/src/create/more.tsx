/** What can be said about a new tool beside its link. */
import type { ReactElement, ReactNode } from 'react';

import { useGiven } from '../context';
import { Pairs } from '../parts/pairs';
import { AccessEditor } from '../parts/access';
import { Field } from '../parts/field';
import type { ControlProps } from '../parts/field';
import {
  EngineInput,
  OutputSelect,
  RuntimeInput,
  VisibilityChoice
} from '../parts/tool-inputs';
import type { ToolDraft } from './draft';

export function MoreFields({
  draft,
  onChange,
  errorOf
}: {
  draft: ToolDraft;
  onChange: (changes: Partial<ToolDraft>) => void;
  errorOf: (field: keyof ToolDraft) => unknown;
}): ReactElement {
  const { trans } = useGiven();
  const field = (
    name: keyof ToolDraft,
    label: string,
    help: string,
    control: (props: ControlProps) => ReactNode
  ) => (
    <div data-field={name}>
      <Field label={label} help={help} error={errorOf(name)}>
        {control}
      </Field>
    </div>
  );
  const text = (
    name: 'name' | 'ref' | 'entry_point',
    label: string,
    help: string,
    placeholder: string
  ) =>
    field(name, label, help, control => (
      <input
        {...control}
        className="jp-mod-styled"
        type="text"
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        data-testid={`tooi-create-${name.replace('_', '-')}`}
        value={draft[name]}
        onChange={event => {
          onChange({ [name]: event.target.value });
        }}
      />
    ));
  return (
    <div className="jp-TooInstance-fields">
      {text(
        'name',
        trans.__('Name'),
        trans.__('Small letters, digits, “.”, “_” and “-”.'),
        trans.__('as its source is named')
      )}
      {text(
        'ref',
        trans.__('Branch, tag or commit'),
        trans.__('Of a package: its version.'),
        trans.__('the newest')
      )}
      {field(
        'runtime',
        trans.__('Runtime'),
        trans.__('What builds and runs it.'),
        control => (
          <RuntimeInput
            control={control}
            testId="tooi-create-runtime"
            value={draft.runtime}
            onChange={runtime => {
              onChange({ runtime });
            }}
          />
        )
      )}
      {text(
        'entry_point',
        trans.__('Entry point'),
        trans.__(
          'A console script, a bin name, “-m package”, or a script’s path.'
        ),
        trans.__('found by itself')
      )}
      {field(
        'output',
        trans.__('Shows first'),
        trans.__('What one sees of a run at once; all of it is kept.'),
        control => (
          <OutputSelect
            control={control}
            testId="tooi-create-output"
            value={draft.output}
            onChange={output => {
              onChange({ output });
            }}
          />
        )
      )}
      {field(
        'engine',
        trans.__('Engine'),
        trans.__('Where it is built and run.'),
        control => (
          <EngineInput
            control={control}
            testId="tooi-create-engine"
            value={draft.engine}
            onChange={engine => {
              onChange({ engine });
            }}
          />
        )
      )}
      <div data-field="visibility" className="jp-mod-wide">
        <VisibilityChoice
          testId="tooi-create-visibility"
          error={errorOf('visibility')}
          value={draft.visibility}
          onChange={visibility => {
            onChange({ visibility });
          }}
        />
      </div>
      <div data-field="access" className="jp-mod-wide">
        <Field
          label={trans.__('Share with')}
          help={trans.__('They see it and run it once it is ready.')}
          error={errorOf('access')}
        >
          {control => (
            <AccessEditor
              control={control}
              value={draft.access}
              onChange={access => {
                onChange({ access });
              }}
            />
          )}
        </Field>
      </div>
      <div data-field="description" className="jp-mod-wide">
        <Field label={trans.__('Description')} error={errorOf('description')}>
          {control => (
            <textarea
              {...control}
              className="jp-mod-styled"
              rows={2}
              data-testid="tooi-create-description"
              value={draft.description}
              onChange={event => {
                onChange({ description: event.target.value });
              }}
            />
          )}
        </Field>
      </div>
      <div data-field="build_arguments" className="jp-mod-wide">
        <Pairs
          title={trans.__('Build arguments')}
          help={trans.__('As docker build --build-arg takes them.')}
          add={trans.__('Add a build argument')}
          pairs={draft.build_arguments}
          isSecret={false}
          problem={errorOf('build_arguments')}
          testId="tooi-create-build-argument"
          onChange={build_arguments => {
            onChange({ build_arguments });
          }}
        />
      </div>
    </div>
  );
}
