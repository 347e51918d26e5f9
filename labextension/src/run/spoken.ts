/** What a screen reader says of output that comes: now and then the last line, never all. */
import { useEffect, useState } from 'react';

import { useGiven } from '../context';
import type { StreamLog } from './stream';

const EVERY_MS = 4_000;
const LONGEST = 200;

/** Return what is to be said now. */
export function useSpoken(log: StreamLog, isLive: boolean): string {
  const { trans } = useGiven();
  const [spoken, setSpoken] = useState('');
  useEffect(() => {
    if (!isLive) {
      return;
    }
    let known = log.lines.count;
    const timer = setInterval(() => {
      const { count } = log.lines;
      if (count > known) {
        const spans = log.row(count - 1)?.spans ?? [];
        const last = spans.map(({ text }) => text).join('');
        setSpoken(
          trans._n(
            '%1 new line: %2',
            '%1 new lines, the last: %2',
            count - known,
            last.slice(0, LONGEST)
          )
        );
        known = count;
      }
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
    };
  }, [log, isLive, trans]);
  return spoken;
}
