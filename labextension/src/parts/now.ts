/** The present moment for views that say how long something takes, or how long ago it was. */
import { useEffect, useState } from 'react';

import { useShown } from '../context';

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
