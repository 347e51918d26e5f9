/** What a row of a tool opens to: where it comes from, who sees it, its last runs, and what to do with it. */
import { Button } from '@jupyterlab/ui-components';
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import { fullName, readyVersion } from '../api/types';
import type { Run, ToolDetail } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven, useShown } from '../context';
import { Hint } from '../parts/problem';
import { Seen } from '../parts/seen';
import { SourceLink } from '../parts/source';
import { statusInWords } from '../parts/status';
import { ago } from '../words';
import { RunRow } from '../parts/run-row';

const LAST_RUNS = 3;

export function ToolCard({
  id,
  detail,
  tabIndex
}: {
  id: string;
  detail: ToolDetail;
  tabIndex: 0 | -1;
}): ReactElement {
  const { commands, model, trans } = useGiven();
  const { tool, versions } = detail;
  const newest = versions.at(0);
  const name = fullName(tool);
  const runs = useLastRuns(name, tool.id);
  const mayChange = model.mayChange(tool);
  const action = (
    label: string,
    testid: string,
    command: string,
    isMain = false
  ) => (
    <Button
      type="button"
      small
      className={isMain ? 'jp-mod-styled jp-mod-accept' : 'jp-mod-styled'}
      tabIndex={tabIndex}
      data-testid={testid}
      onClick={() => {
        void commands.execute(command, { tool: name });
      }}
    >
      {label}
    </Button>
  );
  return (
    <div className="jp-TooInstance-card" id={id} data-testid="tooi-tool-card">
      {tool.description && <p>{tool.description}</p>}
      <dl>
        <dt>{trans.__('Source')}</dt>
        <dd>
          <SourceLink source={tool.source} tabIndex={tabIndex} />
        </dd>
        {newest && (
          <>
            <dt>{trans.__('Version')}</dt>
            <dd>
              {newest.number} · {statusInWords(newest.status, trans)} ·{' '}
              {ago(newest.created_at, undefined)}
            </dd>
          </>
        )}
        <dt>{trans.__('Seen by')}</dt>
        <dd>
          <Seen tool={detail.tool} />
        </dd>
      </dl>
      {newest?.status === 'failed' && newest.failure && (
        <div className="jp-TooInstance-problem">
          <p>{newest.failure.message}</p>
          <Hint text={newest.failure.hint} />
        </div>
      )}
      <div className="jp-TooInstance-actions">
        {readyVersion(detail) &&
          action(trans.__('Run'), 'tooi-card-run', CommandIDs.run, true)}
        {action(trans.__('Open'), 'tooi-card-open', CommandIDs.openTool)}
        {mayChange && (
          <>
            {action(
              trans.__('Rebuild'),
              'tooi-card-rebuild',
              CommandIDs.rebuild
            )}
            {action(trans.__('Share'), 'tooi-card-share', CommandIDs.shareTool)}
            {action(
              trans.__('Delete'),
              'tooi-card-delete',
              CommandIDs.deleteTool
            )}
          </>
        )}
      </div>
      {runs.length > 0 && (
        <>
          <div className="jp-TooInstance-card-title">
            {trans.__('Last runs')}
          </div>
          {runs.map(run => (
            <RunRow key={run.id} run={run} tabIndex={tabIndex} />
          ))}
        </>
      )}
    </div>
  );
}

function useLastRuns(name: string, toolId: string): readonly Run[] {
  const { model } = useGiven();
  const isShown = useShown();
  const [runs, setRuns] = useState<readonly Run[]>([]);
  useEffect(() => {
    if (!isShown) {
      return;
    }
    let isCurrent = true;
    const read = () => {
      model.api.runs({ scope: 'all', tool: name, limit: LAST_RUNS }).then(
        ({ items }) => {
          if (isCurrent) {
            setRuns(items);
          }
        },
        () => {
          // the list of runs says what is wrong
        }
      );
    };
    const slot = (
      _: unknown,
      change: { tool_id?: string | null } | 'reset'
    ) => {
      if (change === 'reset' || change.tool_id === toolId) {
        read();
      }
    };
    read();
    model.changed.connect(slot);
    return () => {
      isCurrent = false;
      model.changed.disconnect(slot);
    };
  }, [model, name, toolId, isShown]);
  return runs;
}
