/** The tabs of a run, with how much there is under each. */
import { useRef } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';

import type { Run, StreamName } from '../api/types';
import { useGiven } from '../context';
import { sizeInWords } from '../words';
import { useFrames } from './frames';
import type { StreamLog } from './stream';

export type TabName = StreamName | 'files';
const NAMES: readonly TabName[] = ['stdout', 'stderr', 'files'];

export function Tabs({
  id,
  run,
  logs,
  tab,
  onChoose
}: {
  id: string;
  run: Run;
  logs: Readonly<Record<StreamName, StreamLog>>;
  tab: TabName;
  onChoose: (tab: TabName) => void;
}): ReactElement {
  const { trans } = useGiven();
  const list = useRef<HTMLDivElement>(null);
  useFrames([logs.stdout.changed, logs.stderr.changed]);
  const labels: Record<TabName, string> = {
    stdout: trans.__('Output'),
    stderr: trans.__('Errors'),
    files: trans.__('Files')
  };
  const counts: Record<TabName, string> = {
    stdout: sizeOf(logs.stdout),
    stderr: sizeOf(logs.stderr),
    files: run.files.length > 0 ? run.files.length.toLocaleString() : ''
  };
  const titles: Record<TabName, string> = {
    stdout: trans.__('Standard output'),
    stderr: trans.__('Standard error: messages, warnings and errors'),
    files: trans.__('The files that the run left')
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step =
      event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const at = NAMES.indexOf(tab) + step;
      const next = NAMES[(at + NAMES.length) % NAMES.length] ?? tab;
      onChoose(next);
      list.current
        ?.querySelector<HTMLElement>(`[data-testid="tooi-tab-${next}"]`)
        ?.focus();
    }
  };
  return (
    <div
      className="jp-TooInstance-tabs"
      role="tablist"
      aria-label={trans.__('What the run left')}
      ref={list}
    >
      {NAMES.map(name => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`${id}-${name}`}
          aria-selected={name === tab}
          aria-controls={`${id}-panel-${name}`}
          tabIndex={name === tab ? 0 : -1}
          title={titles[name]}
          data-testid={`tooi-tab-${name}`}
          onKeyDown={onKeyDown}
          onClick={() => {
            onChoose(name);
          }}
        >
          {labels[name]}
          {counts[name] && (
            <span className="jp-TooInstance-tabs-count">{counts[name]}</span>
          )}
        </button>
      ))}
    </div>
  );
}

function sizeOf(log: StreamLog): string {
  return log.total > 0 ? sizeInWords(log.total) : '';
}
