/** One line of a log as it is drawn, with what is marked in it. */
import { Fragment, memo } from 'react';
import type { ReactElement, ReactNode } from 'react';

import { useGiven } from '../context';
import { sizeInWords } from '../words';
import { lookOf } from './colours';
import type { Row } from './stream';

/** Characters of a line that stand out. */
export interface Mark {
  readonly from: number;
  readonly to: number;
  readonly kind: 'found' | 'current' | 'selected';
}

export const NO_MARKS: readonly Mark[] = [];

export const LogRow = memo(function LogRow({
  line,
  row,
  marks
}: {
  line: number;
  row: Row | undefined;
  marks: readonly Mark[];
}): ReactElement {
  const { trans } = useGiven();
  let at = 0;
  return (
    <span className="jp-TooInstance-log-row" data-line={line}>
      {row === undefined && (
        <span className="jp-TooInstance-log-note">{trans.__('Loading…')}</span>
      )}
      {row?.spans.map(({ text, style }, index) => {
        const from = at;
        at += text.length;
        return (
          <span key={index} {...lookOf(style)}>
            {marked(text, from, marks)}
          </span>
        );
      })}
      {row !== undefined && row.hiddenBytes > 0 && (
        <span className="jp-TooInstance-log-note">
          {row.hiddenBytes === 1
            ? trans.__(
                '… this line is longer than can be shown; the download has all of it'
              )
            : trans.__(
                '… %1 more on this line; the download has all of it',
                sizeInWords(row.hiddenBytes)
              )}
        </span>
      )}
      {'\n'}
    </span>
  );
});

/** Return a text that begins at a character of its line, with marks around what stands out. */
function marked(
  text: string,
  begin: number,
  marks: readonly Mark[]
): ReactNode {
  const parts: ReactNode[] = [];
  let at = 0;
  for (const { from, to, kind } of marks) {
    const first = Math.max(at, from - begin);
    const last = Math.min(text.length, to - begin);
    if (first < last) {
      parts.push(
        <Fragment key={at}>{text.slice(at, first)}</Fragment>,
        <mark key={`mark-${first}`} data-kind={kind}>
          {text.slice(first, last)}
        </mark>
      );
      at = last;
    }
  }
  return parts.length === 0 ? text : [...parts, text.slice(at)];
}
