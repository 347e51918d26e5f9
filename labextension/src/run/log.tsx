/** One stream as it is seen: the lines in view, a bar over them, and what is said of what is not there. */
import type { ReactElement, ReactNode } from 'react';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

import { useGiven } from '../context';
import { Problem } from '../parts/problem';
import { sizeInWords } from '../words';
import { copy } from './copy';
import { FindBar } from './find-bar';
import { useFind } from './find';
import { useFrames } from './frames';
import { LogBar } from './log-bar';
import { LogRow } from './row';
import type { Mark } from './row';
import { Scroll } from './scroll';
import { LogSelection } from './selection';
import type { StreamLog } from './stream';
import { useSpoken } from './spoken';

const PROBE = 'x'.repeat(40);
/** How near the end of what was read one has to be for more to be read. */
const NEAR_END = 2_000;

export function LogView({
  log,
  label,
  labelledBy,
  id,
  isLive,
  keptBytes,
  totalBytes,
  onRead,
  empty
}: {
  log: StreamLog;
  label: string;
  labelledBy: string;
  id: string;
  /** Whether more may come. */
  isLive: boolean;
  keptBytes: number;
  totalBytes: number;
  /** Asks for more of a stream that has ended, up to a size (bytes). */
  onRead: (until: number) => void;
  empty: ReactNode;
}): ReactElement {
  const { trans, settings } = useGiven();
  const [scroll] = useState(() => {
    const made = new Scroll(log);
    made.mayFollow = isLive;
    made.follows = isLive && settings.followsOutput;
    made.wraps = settings.wrapsOutput;
    return made;
  });
  const [selection] = useState(() => new LogSelection(log, scroll));
  const root = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const probe = useRef<HTMLSpanElement>(null);
  const layer = useRef<HTMLPreElement>(null);
  const widest = useRef(0);
  scroll.mayFollow = isLive;
  const find = useFind(log, scroll, onRead);
  useFrames([scroll.changed, selection.changed, find.changed]);
  const spoken = useSpoken(log, isLive);

  useEffect(() => {
    const detaching = new AbortController();
    const { signal } = detaching;
    const refresh = () => {
      scroll.refresh();
    };
    if (scroller.current && probe.current) {
      scroll.attach(scroller.current, probe.current, PROBE.length);
      selection.attach(scroller.current, signal);
    }
    const wrap = () => {
      if (scroll.wraps !== settings.wrapsOutput) {
        scroll.wraps = settings.wrapsOutput;
      }
    };
    log.changed.connect(refresh);
    settings.changed.connect(wrap);
    return () => {
      detaching.abort();
      log.changed.disconnect(refresh);
      settings.changed.disconnect(wrap);
      scroll.dispose();
    };
  }, [log, scroll, selection, settings]);

  useKeys(root, selection, find.open);

  const { from, to } = scroll.drawn;
  useLayoutEffect(() => {
    const heights = new Map<number, number>();
    const drawn = layer.current;
    if (drawn === null) {
      return;
    }
    if (scroll.wraps) {
      for (const row of drawn.querySelectorAll<HTMLElement>('[data-line]')) {
        heights.set(Number(row.dataset.line), row.offsetHeight);
      }
    } else {
      widest.current = Math.max(widest.current, drawn.offsetWidth);
    }
    scroll.settle(heights);
  });
  const { count, size } = log.lines;
  useEffect(() => {
    if (!isLive && to > count - NEAR_END && !log.isWhole) {
      onRead(size + (8 << 20));
    }
  }, [isLive, to, count, size, log, onRead]);

  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  return (
    <div className="jp-TooInstance-log" ref={root}>
      {keptBytes < totalBytes && (
        <p
          className="jp-TooInstance-log-cut jp-TooInstance-cut"
          role="note"
          data-testid="tooi-log-cut"
        >
          {trans.__(
            'The limit was reached: %1 of %2 were kept, the rest is lost. The administrator can raise the limit.',
            sizeInWords(keptBytes),
            sizeInWords(totalBytes)
          )}
        </p>
      )}
      <LogBar
        log={log}
        scroll={scroll}
        selection={selection}
        isLive={isLive}
        onFind={find.open}
      >
        {find.isOpen && (
          <FindBar
            query={find.query}
            onQuery={find.setQuery}
            finder={find.finder}
            current={find.current}
            onMove={find.move}
            onClose={() => {
              find.close();
              scroller.current?.focus();
            }}
          />
        )}
      </LogBar>
      <div
        className="jp-TooInstance-log-scroller"
        ref={scroller}
        role="tabpanel"
        id={id}
        aria-labelledby={labelledBy}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
        tabIndex={0}
        data-wraps={scroll.wraps}
        data-testid={`tooi-log-${log.name}`}
      >
        <span
          className="jp-TooInstance-log-probe"
          ref={probe}
          aria-hidden="true"
        >
          {PROBE}
        </span>
        {count === 0 && !log.isReading && (
          <div className="jp-TooInstance-empty">{empty}</div>
        )}
        <div
          style={{
            height: count === 0 ? 0 : scroll.height,
            minWidth: scroll.wraps ? undefined : widest.current
          }}
        >
          <div
            className="jp-TooInstance-log-layer jp-RenderedText"
            style={{ height: scroll.view }}
          >
            <pre
              ref={layer}
              role="log"
              aria-label={label}
              aria-live="off"
              style={{ transform: `translateY(-${scroll.top.above}px)` }}
            >
              {numbers.map(line => (
                <LogRow
                  key={line}
                  line={line}
                  row={log.row(line)}
                  marks={marksOf(line, find.marksOf(line), selection)}
                />
              ))}
            </pre>
          </div>
        </div>
      </div>
      <div className="jp-TooInstance-spoken" aria-live="polite">
        {spoken}
      </div>
      {log.error && <Problem error={log.error} />}
    </div>
  );
}

function marksOf(
  line: number,
  found: readonly Mark[],
  selection: LogSelection
): readonly Mark[] {
  const selected = selection.inLine(line);
  // what is selected covers what is found: marks do not overlap
  return selected ? [{ ...selected, kind: 'selected' }] : found;
}

/** Have the keys for finding, selecting all and copying work in an element. */
function useKeys(
  root: React.RefObject<HTMLElement>,
  selection: LogSelection,
  onFind: () => void
): void {
  const { trans } = useGiven();
  useEffect(() => {
    const element = root.current;
    const detaching = new AbortController();
    element?.addEventListener(
      'keydown',
      event => {
        const isAccel = event.ctrlKey || event.metaKey;
        const isInField = event.target instanceof HTMLInputElement;
        const key = event.key.toLowerCase();
        if (isAccel && key === 'f') {
          onFind();
        } else if (isAccel && key === 'a' && !isInField) {
          selection.all();
        } else if (isAccel && key === 'c' && !isInField && !selection.isEmpty) {
          void copy(selection, trans);
        } else {
          return;
        }
        event.preventDefault();
        event.stopPropagation();
      },
      { signal: detaching.signal }
    );
    return () => {
      detaching.abort();
    };
  }, [root, selection, onFind, trans]);
}
