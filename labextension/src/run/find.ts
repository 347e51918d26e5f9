/** The state of a search in a log: what is looked for, what was found, and which of it is shown. */
import type { ISignal } from '@lumino/signaling';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { Finder } from './finder';
import { NO_MARKS } from './row';
import type { Mark } from './row';
import type { Scroll } from './scroll';
import type { Query } from './search';
import type { StreamLog } from './stream';

const PAUSE_MS = 150;

export interface Find {
  readonly isOpen: boolean;
  readonly query: Query;
  readonly finder: Finder | undefined;
  readonly current: number;
  readonly changed: ISignal<unknown, void> | undefined;
  readonly open: () => void;
  readonly close: () => void;
  readonly setQuery: (query: Query) => void;
  readonly move: (by: 1 | -1) => void;
  readonly marksOf: (line: number) => readonly Mark[];
}

/** @param onRead - asks for all of a stream, so that all of it is searched. */
export function useFind(
  log: StreamLog,
  scroll: Scroll,
  onRead: (until: number) => void
): Find {
  const [isOpen, setIsOpen] = useState(false);
  const [query, setQuery] = useState<Query>({
    text: '',
    isCaseSensitive: false,
    isRegex: false
  });
  const [finder, setFinder] = useState<Finder>();
  const [current, setCurrent] = useState(0);
  const isShown = useRef(false);

  useEffect(() => {
    if (!isOpen || query.text === '') {
      setFinder(undefined);
      return;
    }
    let made: Finder | undefined;
    const timer = setTimeout(() => {
      onRead(Infinity);
      made = new Finder(log, query);
      isShown.current = false;
      setCurrent(0);
      setFinder(made);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      made?.dispose();
    };
  }, [isOpen, query, log, onRead]);

  const show = useCallback(
    (index: number) => {
      const match = finder?.at(index);
      if (match) {
        setCurrent(index);
        scroll.show(match.line);
      }
    },
    [finder, scroll]
  );

  // the first that is found from what is seen on is shown as soon as it is there
  useEffect(() => {
    const slot = () => {
      if (finder && !isShown.current && finder.count > 0) {
        isShown.current = true;
        show(finder.indexFrom(scroll.top.line));
      }
    };
    slot();
    finder?.changed.connect(slot);
    return () => {
      finder?.changed.disconnect(slot);
    };
  }, [finder, scroll, show]);

  const open = useCallback(() => {
    setIsOpen(true);
  }, []);
  const close = useCallback(() => {
    setIsOpen(false);
  }, []);
  const move = useCallback(
    (by: 1 | -1) => {
      if (finder && finder.count > 0) {
        show((current + by + finder.count) % finder.count);
      }
    },
    [finder, current, show]
  );
  return useMemo(
    () => ({
      isOpen,
      query,
      finder,
      current,
      changed: finder?.changed,
      open,
      close,
      setQuery,
      move,
      marksOf: line => marksIn(finder, line, current)
    }),
    [isOpen, query, finder, current, open, close, move]
  );
}

function marksIn(
  finder: Finder | undefined,
  line: number,
  current: number
): readonly Mark[] {
  if (finder === undefined || finder.count === 0) {
    return NO_MARKS;
  }
  const { first, matches } = finder.inLine(line);
  return matches.length === 0
    ? NO_MARKS
    : matches.map(({ from, to }, index) => ({
        from,
        to,
        kind: first + index === current ? 'current' : 'found'
      }));
}
