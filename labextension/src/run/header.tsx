/** What a run is, how it stands, and what can be done with it. */
import { Clipboard } from '@jupyterlab/apputils';
import { copyIcon, lockIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { ReactElement } from 'react';

import { bareName, isFinal } from '../api/types';
import type { Run } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';
import { joined } from '../form/quoting';
import { Cut } from '../parts/cut';
import { useNowSince } from '../parts/now';
import { Hint } from '../parts/problem';
import { Status } from '../parts/status';
import { ago, durationInWords, secondsOf } from '../words';
import { Actions } from './actions';
import { BarButton } from './button';
import { Label } from './label';
import type { RunModel } from './model';
import { Share } from './share';

export function Header({
  model,
  run
}: {
  model: RunModel;
  run: Run;
}): ReactElement {
  const { commands, trans } = useGiven();
  const [isSharing, setIsSharing] = useState(false);
  return (
    <div className="jp-TooInstance-run-header">
      <div className="jp-TooInstance-run-title">
        <h2>
          <button
            type="button"
            className="jp-TooInstance-link"
            title={trans.__('Open the tool %1', run.tool_name)}
            data-testid="tooi-run-tool"
            disabled={run.tool_id === null}
            onClick={() => {
              void commands.execute(CommandIDs.openTool, {
                tool: run.tool_name
              });
            }}
          >
            {bareName(run.tool_name)}
          </button>{' '}
          <span>#{run.number}</span>
        </h2>
        <Label model={model} run={run} />
        <Actions
          model={model}
          run={run}
          isSharing={isSharing}
          onShare={() => {
            setIsSharing(!isSharing);
          }}
        />
      </div>
      <CommandLine run={run} />
      <Facts model={model} run={run} />
      {run.failure && (
        <div
          className="jp-TooInstance-problem"
          role="alert"
          data-testid="tooi-run-failure"
        >
          <p>{run.failure.message}</p>
          <Hint text={run.failure.hint} />
        </div>
      )}
      {isSharing && model.isOwn && <Share model={model} run={run} />}
    </div>
  );
}

function CommandLine({ run }: { run: Run }): ReactElement {
  const { trans } = useGiven();
  const line = joined(run.arguments);
  const title = trans.__('Passed to: %1', joined(run.command) || run.tool_name);
  return (
    <div className="jp-TooInstance-run-line">
      <code title={title} data-testid="tooi-run-line">
        <b>{bareName(run.tool_name)}</b> {line}
      </code>
      <BarButton
        name="tooi-run-copy-line"
        icon={copyIcon}
        title={trans.__('Copy the arguments')}
        onClick={() => {
          Clipboard.copyToSystem(line);
        }}
      />
    </div>
  );
}

function Facts({ model, run }: { model: RunModel; run: Run }): ReactElement {
  const { trans } = useGiven();
  const isLive = !isFinal(run);
  const now = useNowSince(run.created_at, isLive);
  const seconds = secondsOf(run, now);
  const facts: string[] = [];
  if (run.status === 'queued') {
    facts.push(
      trans.__(
        'in line for %1',
        durationInWords(
          Math.max(0, Math.floor((now - Date.parse(run.created_at)) / 1000))
        )
      )
    );
  }
  if (seconds !== undefined) {
    facts.push(durationInWords(isLive ? Math.floor(seconds) : seconds));
  }
  if (run.exit_code !== null) {
    facts.push(trans.__('exit code %1', run.exit_code));
  }
  if (!isLive) {
    facts.push(ago(run.created_at, undefined, now));
  }
  facts.push(trans.__('version %1', run.version_number));
  facts.push(
    run.isolation && run.isolation !== run.engine
      ? `${run.engine} (${run.isolation})`
      : run.engine
  );
  if (!model.isOwn) {
    facts.push(trans.__('shared with you by %1', run.owner));
  }
  return (
    <div className="jp-TooInstance-run-facts" data-testid="tooi-run-facts">
      <span role="status">
        <Status status={run.status} isCut={run.cut !== ''} />
        <Cut run={run} />
      </span>
      {isLive && run.message && run.status !== 'running' && (
        <span>{run.message}</span>
      )}
      {facts.map(fact => (
        <span key={fact}>{fact}</span>
      ))}
      {run.access.length > 0 && (
        <span>
          {trans._n('shared with %1', 'shared with %1', run.access.length)}
        </span>
      )}
      {run.secrets.length > 0 && (
        <span title={run.secrets.join(', ')}>
          <lockIcon.react tag="span" width="12px" height="12px" />
          {trans._n('%1 secret', '%1 secrets', run.secrets.length)}
        </span>
      )}
    </div>
  );
}
