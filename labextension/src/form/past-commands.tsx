/** What a tool was run with before, to choose from; a list that arrow keys move in. */
import { useEffect, useId, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';

import type { Run } from '../api/types';
import { useGiven } from '../context';
import { Problem } from '../parts/problem';
import { ago } from '../words';
import { joined } from './quoting';

const RUNS_READ = 100;
const MOST_SHOWN = 20;
const MOST_CHARACTERS = 300;

export function PastCommands({
  tool,
  onChoose,
  onClose
}: {
  tool: string;
  onChoose: (argv: readonly string[]) => void;
  onClose: () => void;
}): ReactElement {
  const { model, trans } = useGiven();
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [runs, setRuns] = useState<readonly Run[]>();
  const [error, setError] = useState<unknown>();
  const [active, setActive] = useState(0);

  useEffect(() => {
    list.current?.focus();
    model.api.runs({ tool, scope: 'mine', limit: RUNS_READ }).then(
      page => {
        setRuns(distinct(page.items).slice(0, MOST_SHOWN));
      },
      (reason: unknown) => {
        setError(reason);
      }
    );
  }, [model, tool]);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const choose = (index: number) => {
    const run = runs?.at(index);
    if (run) {
      onChoose(run.arguments);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const last = (runs?.length ?? 1) - 1;
    const moves: Partial<Record<string, number>> = {
      ArrowDown: Math.min(active + 1, last),
      ArrowUp: Math.max(active - 1, 0),
      Home: 0,
      End: last
    };
    const to = moves[event.key];
    if (to !== undefined) {
      setActive(to);
    } else if (event.key === 'Enter' || event.key === ' ') {
      choose(active);
    } else if (event.key === 'Escape') {
      onClose();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="jp-TooInstance-form-past">
      {error !== undefined && <Problem error={error} />}
      {error === undefined && !runs?.length && (
        <p>
          {runs
            ? trans.__('You have not run this tool yet.')
            : trans.__('Loading…')}
        </p>
      )}
      <div
        ref={list}
        role="listbox"
        tabIndex={0}
        aria-label={trans.__('Commands of earlier runs')}
        aria-activedescendant={runs?.length ? `${id}-${active}` : undefined}
        data-testid="tooi-form-past-list"
        onKeyDown={onKeyDown}
        onBlur={onClose}
      >
        {runs?.map((run, index) => (
          // the keys are those of the list, which has the focus
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={run.number}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            data-testid="tooi-form-past-command"
            onMouseDown={event => {
              event.preventDefault();
            }}
            onClick={() => {
              choose(index);
            }}
          >
            <code>
              {joined(run.arguments).slice(0, MOST_CHARACTERS) || '—'}
            </code>
            <span>{ago(run.created_at, undefined)}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

/** Return the newest run of each command line. */
function distinct(runs: readonly Run[]): Run[] {
  const newest = new Map<string, Run>();
  for (const run of runs) {
    const line = joined(run.arguments);
    if (!newest.has(line)) {
      newest.set(line, run);
    }
  }
  return [...newest.values()];
}
