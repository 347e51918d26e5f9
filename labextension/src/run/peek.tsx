/** The last thing that was said on standard error, under the output, so that nobody misses it. */
import type { ReactElement } from 'react';

import { useGiven } from '../context';
import { useFrames } from './frames';
import type { StreamLog } from './stream';

const LONGEST = 300;

export function Peek({
  log,
  onShow
}: {
  log: StreamLog;
  onShow: () => void;
}): ReactElement | null {
  const { trans } = useGiven();
  useFrames([log.changed]);
  const { count } = log.lines;
  if (count === 0) {
    return null;
  }
  let text = '';
  for (
    let line = count - 1;
    text === '' && line >= Math.max(0, count - 20);
    line -= 1
  ) {
    text = (log.row(line)?.spans ?? [])
      .map(span => span.text)
      .join('')
      .trim();
  }
  return (
    <button
      type="button"
      className="jp-TooInstance-peek"
      title={trans.__('Show the errors')}
      data-testid="tooi-peek"
      onClick={onShow}
    >
      <b>{trans.__('Errors')}</b> <span>{text.slice(0, LONGEST)}</span>
    </button>
  );
}
