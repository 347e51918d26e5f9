/** The settings of a tool: its name, what it shows, and what its next build takes. */
import { Button } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { ApiError } from '../api/errors';
import { fullName } from '../api/types';
import type { ToolDetail } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven, useGo } from '../context';
import { Field } from '../parts/field';
import { Problem } from '../parts/problem';
import { ChoiceInput, OutputSelect, RuntimeInput } from '../parts/tool-inputs';
import { useChanges } from './changes';

export function SettingsSection({
  detail
}: {
  detail: ToolDetail;
}): ReactElement {
  const { commands, trans } = useGiven();
  const go = useGo();
  const { tool, versions } = detail;
  const { changed, error, saved, setSaved, change, save } = useChanges(tool);
  const needsBuild =
    saved !== undefined && ('runtime' in saved || 'entry_point' in saved);
  const name = changed.name ?? tool.name;
  const runtime = changed.runtime ?? tool.runtime ?? '';
  const entryPoint = changed.entry_point ?? tool.entry_point ?? '';
  const isNameFaulty =
    error instanceof ApiError && error.code.startsWith('name_');
  const choices = [
    ...new Set(
      versions.flatMap(({ entry_point, candidates }) => [
        ...(entry_point ? [entry_point] : []),
        ...candidates.map(candidate => candidate.entry_point)
      ])
    )
  ];
  const saveAll = async () => {
    const now = await save();
    if (now && now.name !== tool.name) {
      go({ kind: 'tool', tool: fullName(now) });
    }
  };
  return (
    <section
      aria-label={trans.__('Settings')}
      data-section="settings"
      data-testid="tooi-tool-settings"
    >
      <h3>{trans.__('Settings')}</h3>
      <form
        className="jp-TooInstance-fields"
        noValidate
        onSubmit={event => {
          event.preventDefault();
          void saveAll();
        }}
      >
        <Field
          label={trans.__('Name')}
          error={isNameFaulty ? error : undefined}
        >
          {control => (
            <input
              {...control}
              className="jp-mod-styled"
              type="text"
              autoComplete="off"
              spellCheck={false}
              data-testid="tooi-tool-name"
              value={name}
              onChange={event => {
                change({ name: event.target.value });
              }}
            />
          )}
        </Field>
        <Field label={trans.__('Shows first')}>
          {control => (
            <OutputSelect
              control={control}
              testId="tooi-tool-output"
              value={changed.output ?? tool.output}
              onChange={output => {
                change({ output });
              }}
            />
          )}
        </Field>
        <Field
          label={trans.__('Runtime')}
          help={trans.__('Taken by the next build.')}
        >
          {control => (
            <RuntimeInput
              control={control}
              testId="tooi-tool-runtime"
              value={runtime}
              onChange={chosen => {
                change({ runtime: chosen });
              }}
            />
          )}
        </Field>
        <Field
          label={trans.__('Entry point')}
          help={trans.__('Taken by the next build.')}
        >
          {control => (
            <ChoiceInput
              control={control}
              testId="tooi-tool-entry-point"
              choices={choices}
              placeholder={trans.__('found by itself')}
              value={entryPoint}
              onChange={chosen => {
                change({ entry_point: chosen });
              }}
            />
          )}
        </Field>
        <div className="jp-mod-wide jp-TooInstance-controls">
          <Button
            type="submit"
            className="jp-mod-styled jp-mod-accept"
            data-testid="tooi-tool-settings-save"
          >
            {trans.__('Save settings')}
          </Button>
          <span role="status">
            {saved !== undefined &&
              (needsBuild
                ? trans.__(
                    'Saved. It takes effect once the tool is built again.'
                  )
                : trans.__('Saved.'))}
          </span>
          {needsBuild && (
            <button
              type="button"
              className="jp-TooInstance-link"
              data-testid="tooi-tool-settings-rebuild"
              onClick={() => {
                setSaved({});
                void commands.execute(CommandIDs.rebuild, {
                  tool: fullName(tool)
                });
              }}
            >
              {trans.__('Rebuild now')}
            </button>
          )}
        </div>
        {error !== undefined && !isNameFaulty && (
          <div className="jp-mod-wide">
            <Problem error={error} />
          </div>
        )}
      </form>
    </section>
  );
}
