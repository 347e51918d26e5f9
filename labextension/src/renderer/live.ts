/** What a display is about, as the server has it now; it is asked only for what can be seen. */
import { useEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';

import { isMissing } from '../api/errors';
import { readyVersion } from '../api/types';
import type { Change, Run, ToolDetail } from '../api/types';
import type { Model } from '../model';
import type { Subject } from './subjects';

/** What is there; of a run that may not be seen its tool, or that nothing of it may be. */
export type Live = Run | ToolDetail | 'hidden';

/** Return what this server has of the very run or tool, as far as the user may see it. */
export function useLive(
  model: Model,
  subject: Subject,
  isSeen: boolean
): Live | undefined {
  const [live, setLive] = useState<Live>();
  const { kind, id } = subject;
  const place = kind === 'run' ? subject.number : subject.name;
  const tool = subject.kind === 'run' ? subject.tool?.id : id;
  const told = useRef(subject);
  told.current = subject;
  useEffect(() => {
    if (!isSeen) {
      return;
    }
    let isOver = false;
    const look = () => {
      if (model.reach === 'absent') {
        return;
      }
      found(model, told.current).then(
        live => {
          if (!isOver) {
            setLive(live);
          }
        },
        () => {
          // the display says what it says; there is only nothing to add
          if (!isOver) {
            setLive(undefined);
          }
        }
      );
    };
    const slot = (_: Model, change: Change | 'reset') => {
      const isOurs =
        change === 'reset' ||
        (kind === 'run'
          ? (change.kind === 'run' && change.subject === String(place)) ||
            // it may be shared now
            (change.kind === 'tool' && change.tool_id === tool)
          : change.tool_id === id);
      if (isOurs) {
        look();
      }
    };
    look();
    model.changed.connect(slot);
    return () => {
      isOver = true;
      model.changed.disconnect(slot);
    };
  }, [model, kind, id, tool, place, isSeen]);
  return live;
}

async function found(
  model: Model,
  subject: Subject
): Promise<Live | undefined> {
  if (subject.kind === 'tool') {
    const detail = await unlessHidden(model.api.tool(subject.name));
    return detail?.tool.id === subject.id ? detail : undefined;
  }
  const run = await unlessHidden(model.api.run(subject.number));
  if (run?.id === subject.id) {
    return run;
  }
  const { tool, owner } = subject;
  const detail = tool && (await unlessHidden(model.api.tool(tool.name)));
  if (detail && detail.tool.id === tool.id && readyVersion(detail)) {
    return detail;
  }
  const isOthers = owner !== '' && owner !== model.me?.name;
  return isOthers ? 'hidden' : undefined;
}

/** Return what is there; `undefined` for what is not there, or not for the user. */
async function unlessHidden<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

/** Tell whether an element has come into sight. */
export function useSeen(target: RefObject<HTMLElement>): boolean {
  const [isSeen, setIsSeen] = useState(false);
  useEffect(() => {
    const { current } = target;
    if (!current) {
      return;
    }
    const watching = new IntersectionObserver(entries => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) {
        setIsSeen(true);
        watching.disconnect();
      }
    });
    watching.observe(current);
    return () => {
      watching.disconnect();
    };
  }, [target]);
  return isSeen;
}
