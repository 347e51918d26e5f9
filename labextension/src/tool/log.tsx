/** The log of a build: its last lines, of which only those in sight are drawn. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import { useGiven, useShown, useSignal } from '../context';
import { Problem } from '../parts/problem';
import { Build } from './build';

const LINE_PX = 16;

/** Return a build, which is followed while it can be seen. */
export function useBuild(id: string): Build {
  const { model } = useGiven();
  const isShown = useShown();
  const build = useMemo(() => new Build(model.api, id), [model, id]);
  useSignal(build.changed);
  useEffect(() => {
    if (isShown) {
      const ending = new AbortController();
      void build.follow(ending.signal);
      return () => {
        ending.abort();
      };
    }
    return undefined;
  }, [build, isShown]);
  return build;
}

export function BuildLog({ build }: { build: Build }): ReactElement {
  const { model, trans } = useGiven();
  const [isLong, setIsLong] = useState(false);
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const { lines, dropped } = build.log;
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20
  });
  useEffect(() => {
    const { current } = scroller;
    if (current && follows.current) {
      current.scrollTop = current.scrollHeight;
    }
  });
  return (
    <div className="jp-TooInstance-build-log">
      <div className="jp-TooInstance-controls">
        <button
          type="button"
          className="jp-TooInstance-link"
          aria-expanded={isLong}
          data-testid="tooi-build-log-expand"
          onClick={() => {
            setIsLong(!isLong);
          }}
        >
          {isLong ? trans.__('Show less') : trans.__('Show more')}
        </button>
        <a
          href={model.api.url(`versions/${build.id}/log`)}
          target="_blank"
          rel="noopener noreferrer"
          data-testid="tooi-build-log-whole"
        >
          {dropped > 0
            ? trans.__('The whole log (%1 lines are left out here)', dropped)
            : trans.__('The whole log')}
        </a>
      </div>
      {build.error !== undefined && <Problem error={build.error} />}
      <div
        ref={scroller}
        className="jp-TooInstance-build-lines"
        data-long={isLong}
        role="region"
        aria-label={trans.__('Log of the build')}
        data-testid="tooi-build-log"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls is scrolled by keys too
        tabIndex={0}
        onScroll={event => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          follows.current = scrollTop + clientHeight > scrollHeight - LINE_PX;
        }}
      >
        {lines.length === 0 ? (
          <span className="jp-TooInstance-help">
            {trans.__('Nothing has been written yet.')}
          </span>
        ) : (
          <div style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index, start }) => (
              <div key={index} style={{ transform: `translateY(${start}px)` }}>
                {lines[index]}
              </div>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}
