/** A table of any size, of which only what can be seen is drawn; its first row is its header. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import type { ReactElement } from 'react';

import { useGiven } from '../../context';

const ROW_PX = 22;
const CHARACTER_PX = 7.5;
const BOLD = 1.3;
const NARROWEST = 5;
const WIDEST = 40;
const LOOKED_AT = 50;
const LONGEST = 300;

export function Table({
  rows,
  label
}: {
  rows: readonly (readonly string[])[];
  label: string;
}): ReactElement {
  const { trans } = useGiven();
  const scroller = useRef<HTMLDivElement>(null);
  const widths = useMemo(() => widthsOf(rows), [rows]);
  const [header = [], ...body] = rows;
  const lines = useVirtualizer({
    count: body.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    scrollMargin: ROW_PX,
    overscan: 10
  });
  const columns = useVirtualizer({
    horizontal: true,
    count: widths.length,
    getScrollElement: () => scroller.current,
    estimateSize: index => widths[index] ?? 0,
    overscan: 4
  });
  const shown = columns.getVirtualItems();
  const cells = (row: readonly string[], role: 'cell' | 'columnheader') =>
    shown.map(({ index, start, size }) => (
      <div
        key={index}
        role={role}
        aria-colindex={index + 1}
        style={{ left: start, width: size }}
        title={(row[index] ?? '').slice(0, LONGEST)}
      >
        {(row[index] ?? '').slice(0, LONGEST)}
      </div>
    ));
  return (
    <div
      className="jp-TooInstance-table"
      ref={scroller}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
      tabIndex={0}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length}
      aria-colcount={widths.length}
      data-testid="tooi-file-table"
    >
      <div
        role="rowgroup"
        style={{
          height: lines.getTotalSize() + ROW_PX,
          width: columns.getTotalSize()
        }}
      >
        <div
          role="row"
          aria-rowindex={1}
          className="jp-TooInstance-table-header"
        >
          {cells(header, 'columnheader')}
        </div>
        {lines.getVirtualItems().map(({ index, start }) => (
          <div
            key={index}
            role="row"
            aria-rowindex={index + 2}
            style={{ transform: `translateY(${start}px)` }}
          >
            {cells(body[index] ?? [], 'cell')}
          </div>
        ))}
      </div>
      {body.length === 0 && (
        <p className="jp-TooInstance-help">
          {trans.__('There are no rows beneath the header.')}
        </p>
      )}
    </div>
  );
}

/** Return the widths of all columns (pixels), judged by the first rows. */
function widthsOf(rows: readonly (readonly string[])[]): number[] {
  let count = 0;
  for (const row of rows) {
    count = Math.max(count, row.length);
  }
  const longest = new Array<number>(count).fill(NARROWEST);
  for (const [number, row] of rows.slice(0, LOOKED_AT).entries()) {
    row.forEach((cell, index) => {
      // the header is bold
      const wanted = number === 0 ? cell.length * BOLD : cell.length;
      const length = Math.min(WIDEST, wanted);
      longest[index] = Math.max(longest[index] ?? 0, length);
    });
  }
  return longest.map(length => Math.round(length * CHARACTER_PX) + 16);
}
