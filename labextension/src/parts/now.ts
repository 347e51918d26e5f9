/** The present moment for views that say how long something takes, or how long ago it was. */
import { useEffect, useState } from 'react';

import { useShown } from '../context';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

/** Return the present (milliseconds) for what began at a moment: in seconds at first, and while it goes on. */
export function useNowSince(moment: string, isLive: boolean): number {
  const [isFresh, setIsFresh] = useState(
    () => Date.now() - Date.parse(moment) < MINUTE_MS
  );
  const now = useNow(isFresh || isLive ? SECOND_MS : MINUTE_MS);
  const isNew = now - Date.parse(moment) < MINUTE_MS;
  useEffect(() => {
    setIsFresh(isNew);
  }, [isNew]);
  return now;
}

/** Return the present (milliseconds), which moves on in steps; without a period it stands still. */
export function useNow(periodMs: number | undefined): number {
  const isShown = useShown();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (periodMs === undefined || !isShown) {
      return;
    }
    setNow(Date.now());
    const timer = setInterval(() => {
      setNow(Date.now());
    }, periodMs);
    return () => {
      clearInterval(timer);
    };
  }, [periodMs, isShown]);
  return now;
}
