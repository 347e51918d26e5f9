/** A run in one row: what ran, how it went, when and for how long. */
import type { ReactElement } from 'react';

import { bareName, isFinal } from '../api/types';
import type { Run } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';
import { Cut } from './cut';
import { useNowSince } from './now';
import { Status, statusInWords } from './status';
import { ago, durationInWords, secondsOf } from '../words';

export function RunRow({
  run,
  tabIndex
}: {
  run: Run;
  tabIndex: 0 | -1;
}): ReactElement {
  const { commands, model, trans } = useGiven();
  const now = useNowSince(run.created_at, !isFinal(run));
  const seconds = secondsOf(run, now);
  const line = run.label || run.arguments.join(' ');
  const name = bareName(run.tool_name);
  const isOthers = model.me !== undefined && run.owner !== model.me.name;
  return (
    <button
      type="button"
      className="jp-TooInstance-entry"
      tabIndex={tabIndex}
      title={`#${run.number} ${run.tool_name} ${run.arguments.join(' ')}`}
      data-testid="tooi-run-row"
      data-number={run.number}
      onClick={() => {
        void commands.execute(CommandIDs.openRun, { number: run.number });
      }}
    >
      <span className="jp-TooInstance-entry-top">
        <Status status={run.status} isCompact isCut={run.cut !== ''} />
        <Cut run={run} isCompact />
        <span className="jp-TooInstance-entry-name">{name}</span>
        {line && <code className="jp-TooInstance-entry-line">{line}</code>}
        <span className="jp-TooInstance-entry-side">{`#${run.number}`}</span>
      </span>
      <span className="jp-TooInstance-entry-more">
        {[
          run.cut,
          run.status === 'succeeded' ? '' : statusInWords(run.status, trans),
          isOthers ? run.owner : '',
          seconds === undefined ? '' : durationInWords(seconds),
          ago(run.created_at, undefined, now)
        ]
          .filter(Boolean)
          .join(' · ')}
      </span>
    </button>
  );
}
