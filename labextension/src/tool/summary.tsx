/** What a tool is at a glance, and what can be done with it. */
import {
  Button,
  addBelowIcon,
  deleteIcon,
  editIcon,
  refreshIcon,
  runIcon,
  shareIcon
} from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { ReactElement } from 'react';

import { fullName, readyVersion } from '../api/types';
import type { Interface, Tool, ToolDetail, Version } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';
import { ExportButton } from '../parts/export-button';
import { Field } from '../parts/field';
import { Seen } from '../parts/seen';
import { SourceLink, sourceInWords } from '../parts/source';
import { Status } from '../parts/status';
import { commitInShort } from '../words';

const MOST_COMMANDS = 40;

export function Summary({ detail }: { detail: ToolDetail }): ReactElement {
  const { commands, model, trans } = useGiven();
  const { tool, versions } = detail;
  const name = fullName(tool);
  const ready = readyVersion(detail);
  const newest = versions.at(0);
  const mayChange = model.mayChange(tool);
  const action = (
    label: string,
    testId: string,
    command: string,
    icon: LabIcon
  ) => (
    <Button
      type="button"
      minimal
      small
      data-testid={testId}
      onClick={() => {
        void commands.execute(command, { tool: name });
      }}
    >
      <icon.react tag="span" width="16px" height="16px" />
      {label}
    </Button>
  );
  return (
    <header className="jp-TooInstance-summary">
      <h2>
        {tool.owner !== model.me?.name && (
          <span className="jp-TooInstance-help">{`${tool.owner}/`}</span>
        )}
        {tool.name} {newest && <Status status={newest.status} />}
      </h2>
      <Description tool={tool} mayChange={mayChange} />
      <div className="jp-TooInstance-controls">
        <Button
          type="button"
          className="jp-mod-styled jp-mod-accept jp-TooInstance-run-tool"
          data-testid="tooi-tool-run"
          disabled={ready === undefined}
          title={
            ready
              ? undefined
              : trans.__('It can be run once a version is ready.')
          }
          onClick={() => {
            void commands.execute(CommandIDs.run, { tool: name });
          }}
        >
          <runIcon.react tag="span" width="16px" height="16px" />
          {trans.__('Run')}
        </Button>
        {ready &&
          action(
            trans.__('Insert into Notebook'),
            'tooi-tool-insert',
            CommandIDs.insert,
            addBelowIcon
          )}
        {ready && (
          <ExportButton name="tooi-tool-export" subject={{ tool: name }} />
        )}
        {mayChange && (
          <>
            {action(
              trans.__('Rebuild'),
              'tooi-tool-rebuild',
              CommandIDs.rebuild,
              refreshIcon
            )}
            {action(
              trans.__('Share'),
              'tooi-tool-share',
              CommandIDs.shareTool,
              shareIcon
            )}
            {action(
              trans.__('Delete'),
              'tooi-tool-delete',
              CommandIDs.deleteTool,
              deleteIcon
            )}
          </>
        )}
      </div>
      <dl className="jp-TooInstance-facts">
        <dt>{trans.__('Source')}</dt>
        <dd>
          <SourceLink source={tool.source} />
        </dd>
        {!mayChange && (
          <>
            <dt>{trans.__('Seen by')}</dt>
            <dd>
              <Seen tool={tool} />
            </dd>
          </>
        )}
        {ready && (
          <>
            {ready.commit && (
              <>
                <dt>
                  {tool.source.kind === 'git'
                    ? trans.__('Commit')
                    : trans.__('Built from')}
                </dt>
                <dd>
                  <code title={ready.commit}>
                    {commitInShort(ready.commit)}
                  </code>
                </dd>
              </>
            )}
            <dt>{trans.__('Runs')}</dt>
            <dd>
              {ready.runtime}
              {ready.entry_point && (
                <>
                  {' · '}
                  <code>{ready.entry_point}</code>
                </>
              )}
              {` · ${ready.engine}`}
            </dd>
            <OtherCommands tool={tool} version={ready} />
            <dt>{trans.__('Takes')}</dt>
            <dd>
              <Takes interface={ready.interface} />
            </dd>
          </>
        )}
      </dl>
    </header>
  );
}

/** Commands that are in the source, too: each can become a tool of its own. */
function OtherCommands({
  tool,
  version
}: {
  tool: Tool;
  version: Version;
}): ReactElement | null {
  const { commands, trans } = useGiven();
  const others = new Set(
    version.candidates
      .map(({ entry_point }) => entry_point)
      // a module of the same package is no command of its own
      .filter(name => name && !name.startsWith('-'))
      .filter(name => name !== version.entry_point)
  );
  if (others.size === 0) {
    return null;
  }
  return (
    <>
      <dt>{trans.__('Also in it')}</dt>
      <dd className="jp-TooInstance-commands">
        {[...others].slice(0, MOST_COMMANDS).map(name => (
          <button
            key={name}
            type="button"
            className="jp-TooInstance-link"
            title={trans.__('Make a tool of %1', name)}
            data-testid="tooi-tool-other-command"
            onClick={() => {
              void commands.execute(CommandIDs.create, {
                source: sourceInWords(tool.source),
                command: name
              });
            }}
          >
            {name}
          </button>
        ))}
      </dd>
    </>
  );
}

/** How much a tool can be given. */
function Takes({
  interface: known
}: {
  interface: Interface | null;
}): ReactElement {
  const { trans } = useGiven();
  if (known === null) {
    return <>{trans.__('A command line; its help could not be read')}</>;
  }
  const { options, arguments: positional, subcommands } = known;
  return (
    <>
      {[
        trans._n('%1 option', '%1 options', options.length),
        positional.length > 0 &&
          trans._n('%1 argument', '%1 arguments', positional.length),
        subcommands.length > 0 &&
          trans._n('%1 subcommand', '%1 subcommands', subcommands.length)
      ]
        .filter(Boolean)
        .join(', ')}
    </>
  );
}

function Description({
  tool,
  mayChange
}: {
  tool: Tool;
  mayChange: boolean;
}): ReactElement {
  const { model, trans } = useGiven();
  const [text, setText] = useState<string>();
  const [error, setError] = useState<unknown>();
  const save = async (description: string) => {
    try {
      await model.api.updateTool(fullName(tool), { description });
      setText(undefined);
      setError(undefined);
    } catch (failure) {
      setError(failure);
    }
  };
  if (text === undefined) {
    return (
      <div className="jp-TooInstance-description">
        <p>
          {tool.description || (
            <span className="jp-TooInstance-help">
              {trans.__('No description')}
            </span>
          )}
        </p>
        {mayChange && (
          <Button
            type="button"
            minimal
            small
            title={trans.__('Edit the description')}
            aria-label={trans.__('Edit the description')}
            data-testid="tooi-tool-describe"
            onClick={() => {
              setText(tool.description);
            }}
          >
            <editIcon.react tag="span" width="16px" height="16px" />
          </Button>
        )}
      </div>
    );
  }
  return (
    <form
      className="jp-TooInstance-describe"
      onSubmit={event => {
        event.preventDefault();
        void save(text);
      }}
    >
      <Field label={trans.__('Description')} error={error}>
        {control => (
          <textarea
            {...control}
            className="jp-mod-styled"
            rows={3}
            // whoever asks for it goes on to type
            ref={element => {
              if (element && document.activeElement === document.body) {
                element.focus();
              }
            }}
            data-testid="tooi-tool-description"
            value={text}
            onChange={event => {
              setText(event.target.value);
            }}
            onKeyDown={event => {
              if (event.key === 'Escape') {
                setText(undefined);
              } else if (event.key === 'Enter' && event.ctrlKey) {
                void save(text);
              }
            }}
          />
        )}
      </Field>
      <div className="jp-TooInstance-actions">
        <Button
          type="submit"
          className="jp-mod-styled jp-mod-accept"
          data-testid="tooi-tool-description-save"
        >
          {trans.__('Save')}
        </Button>
        <Button
          type="button"
          className="jp-mod-styled jp-mod-reject"
          data-testid="tooi-tool-description-cancel"
          onClick={() => {
            setText(undefined);
          }}
        >
          {trans.__('Cancel')}
        </Button>
      </div>
    </form>
  );
}
