/** What one can do with what a display in a notebook shows, beneath it; empty without the server. */
import { Button } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { useRef } from 'react';
import type { ReactElement } from 'react';

import { readyVersion } from '../api/types';
import type { Run, ToolDetail } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';
import { joined } from '../form/quoting';
import { Cut } from '../parts/cut';
import { Status } from '../parts/status';
import { useLive, useSeen } from './live';
import type { Live } from './live';
import type { Subject } from './subjects';

export function Bar({ subject }: { subject: Subject }): ReactElement {
  const { model } = useGiven();
  const place = useRef<HTMLDivElement>(null);
  const isSeen = useSeen(place);
  const live = useLive(model, subject, isSeen);
  return (
    <div
      ref={place}
      className="jp-TooInstance-bar"
      data-testid={`tooi-display-${subject.kind}`}
    >
      <Content subject={subject} live={live} />
    </div>
  );
}

function Content({
  subject,
  live
}: {
  subject: Subject;
  live: Live | undefined;
}): ReactElement | null {
  const { trans } = useGiven();
  if (live === undefined) {
    return null;
  }
  if (live === 'hidden') {
    const owner = subject.kind === 'run' ? subject.owner : '';
    return (
      <span className="jp-TooInstance-help" data-testid="tooi-display-ask">
        {trans.__(
          'To open it here or to run it again, ask %1 to share the run or its tool.',
          owner
        )}
      </span>
    );
  }
  if (!('tool' in live)) {
    return (
      <RunBar run={live} shown={subject.kind === 'run' ? subject.status : ''} />
    );
  }
  return subject.kind === 'run' ? (
    <Act
      label={trans.__('Run again')}
      testId="tooi-display-run-again"
      command={CommandIDs.run}
      args={{
        tool: `${live.tool.owner}/${live.tool.name}`,
        draft: { line: joined(subject.tool?.argv ?? []) }
      }}
    />
  ) : (
    <ToolBar detail={live} />
  );
}

function RunBar({ run, shown }: { run: Run; shown: string }): ReactElement {
  const { trans } = useGiven();
  return (
    <>
      {run.status !== shown && (
        <span className="jp-TooInstance-bar-now">
          {trans.__('Now:')}{' '}
          <Status status={run.status} isCut={run.cut !== ''} />{' '}
          <Cut run={run} />
        </span>
      )}
      <Act
        label={trans.__('Open run')}
        testId="tooi-display-open-run"
        command={CommandIDs.openRun}
        args={{ number: run.number }}
      />
      <Act
        label={trans.__('Edit and run')}
        testId="tooi-display-run-again"
        command={CommandIDs.run}
        args={{ tool: run.tool_name, draft: { of: run.number } }}
      />
    </>
  );
}

function ToolBar({ detail }: { detail: ToolDetail }): ReactElement {
  const { trans } = useGiven();
  const { tool, versions } = detail;
  const args = { tool: `${tool.owner}/${tool.name}` };
  const newest = versions.at(0);
  return (
    <>
      {newest && newest.status !== 'ready' && (
        <span className="jp-TooInstance-bar-now">
          {trans.__('Now:')} <Status status={newest.status} />
        </span>
      )}
      <Act
        label={trans.__('Open tool')}
        testId="tooi-display-open-tool"
        command={CommandIDs.openTool}
        args={args}
      />
      {readyVersion(detail) && (
        <Act
          label={trans.__('Run')}
          testId="tooi-display-run-tool"
          command={CommandIDs.run}
          args={args}
        />
      )}
    </>
  );
}

function Act({
  label,
  testId,
  command,
  args
}: {
  label: string;
  testId: string;
  command: string;
  args: ReadonlyPartialJSONObject;
}): ReactElement {
  const { commands } = useGiven();
  return (
    <Button
      minimal
      small
      data-testid={testId}
      onClick={() => {
        void commands.execute(command, args);
      }}
    >
      {label}
    </Button>
  );
}
