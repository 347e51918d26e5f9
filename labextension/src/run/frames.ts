/** Draws a view at most once a frame, however often what it shows changes. */
import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/** Draw again in the next frame after any of some signals; the list has to keep its length. */
export function useFrames(
  signals: readonly (ISignal<unknown, unknown> | undefined)[]
): void {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let frame: number | undefined;
    const slot = () => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        draw();
      });
    };
    for (const signal of signals) {
      signal?.connect(slot);
    }
    return () => {
      for (const signal of signals) {
        signal?.disconnect(slot);
      }
      if (frame !== undefined) {
        cancelAnimationFrame(frame);
      }
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the signals are the dependencies
  }, signals);
}
