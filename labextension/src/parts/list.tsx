/** A list of any length, of which only what can be seen is drawn; pages are read as one scrolls. */
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement, ReactNode } from 'react';

import { useGiven, useSignal } from '../context';
import type { PagedList } from '../pages';
import { Problem } from './problem';

const PAGE_ROWS = 10;
/** How many rows before the last one the next page is asked for. */
const ROWS_AHEAD = 30;

export interface ListProps<T> {
  list: PagedList<T>;
  label: string;
  keyOf: (item: T) => string;
  /** How tall a row is before it has been drawn (pixels). */
  rowHeight: number;
  /**
   * Draws an item; its controls take `tabIndex`, as one row at a time stands in the tab order, and
   * the first of them is what the arrow keys go to.
   */
  children: (item: T, tabIndex: 0 | -1) => ReactNode;
  /** What stands there when the list is empty. */
  empty: ReactNode;
}

export function List<T>(props: ListProps<T>): ReactElement {
  const { list, label, keyOf, rowHeight, children, empty } = props;
  const { trans } = useGiven();
  const scroller = useRef<HTMLDivElement>(null);
  const [currentKey, setCurrentKey] = useState<string>();
  const isWanted = useRef(false);
  useSignal(list.changed);
  const { items } = list;
  // by its key, as others are put before it; one row has to be in the tab order
  const current = useMemo(
    () =>
      Math.max(
        0,
        items.findIndex(item => keyOf(item) === currentKey)
      ),
    [items, keyOf, currentKey]
  );
  const rows = useVirtualizer({
    count: items.length + (list.hasMore && !list.error ? 1 : 0),
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: index => {
      const item = items[index];
      return item === undefined ? 'more' : keyOf(item);
    },
    // the current row is drawn wherever one has scrolled: it may have the focus
    rangeExtractor: range => {
      const drawn = defaultRangeExtractor(range);
      return current >= range.count || drawn.includes(current)
        ? drawn
        : [...drawn, current].sort((one, other) => one - other);
    },
    overscan: 8
  });
  const last = rows.range?.endIndex ?? 0;
  useEffect(() => {
    // in good time, so that nobody who scrolls has to wait; while it reads nothing more is begun,
    // so that it is looked at again whenever it has changed
    if (last >= items.length - ROWS_AHEAD && list.hasMore && !list.error) {
      void list.more();
    }
  });
  useEffect(() => {
    if (isWanted.current) {
      isWanted.current = false;
      scroller.current
        ?.querySelector<HTMLElement>(`[data-index="${current}"] button`)
        ?.focus({ preventScroll: true });
    }
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Partial<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: PAGE_ROWS,
      PageUp: -PAGE_ROWS,
      Home: -items.length,
      End: items.length
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    event.preventDefault();
    const next = Math.max(0, Math.min(items.length - 1, current + step));
    const item = items[next];
    if (item !== undefined && next !== current) {
      isWanted.current = true;
      setCurrentKey(keyOf(item));
      rows.scrollToIndex(next);
    }
  };

  if (items.length === 0 && !list.hasMore && !list.error) {
    return <div className="jp-TooInstance-empty">{empty}</div>;
  }
  return (
    <div
      className="jp-TooInstance-list"
      ref={scroller}
      role="presentation"
      onKeyDown={onKeyDown}
      onFocus={event => {
        const row = event.target.closest<HTMLElement>('[data-index]');
        const item = row && items[Number(row.dataset.index)];
        if (item) {
          setCurrentKey(keyOf(item));
        }
      }}
    >
      {list.error && (
        <Problem error={list.error}>
          <button
            type="button"
            className="jp-TooInstance-link"
            data-testid="tooi-list-retry"
            onClick={() => {
              void list.reset();
            }}
          >
            {trans.__('Try again')}
          </button>
        </Problem>
      )}
      <div
        role="list"
        aria-label={label}
        aria-busy={list.isLoading}
        style={{ height: rows.getTotalSize() }}
      >
        {rows.getVirtualItems().map(({ key, index, start }) => {
          const item = items[index];
          return (
            <div
              key={key}
              role="listitem"
              aria-posinset={index + 1}
              aria-setsize={list.hasMore ? -1 : items.length}
              ref={rows.measureElement}
              data-index={index}
              className="jp-TooInstance-row"
              style={{ transform: `translateY(${start}px)` }}
            >
              {item === undefined ? (
                <div className="jp-TooInstance-more">
                  {trans.__('Loading…')}
                </div>
              ) : (
                children(item, index === current ? 0 : -1)
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
