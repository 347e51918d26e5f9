/** What a display is about, as the server has it now; it is asked only for what can be seen. */
import { useEffect, useState } from 'react';
import type { RefObject } from 'react';

import type { Change, Run, ToolDetail } from '../api/types';
import type { Model } from '../model';
import type { Subject } from './subjects';

export type Live = Run | ToolDetail;

/** Return the run or tool, if this server has the very one and the user may see it. */
export function useLive(
  model: Model,
  subject: Subject,
  isSeen: boolean
): Live | undefined {
  const [live, setLive] = useState<Live>();
  const { kind, id } = subject;
  const place = kind === 'run' ? subject.number : subject.name;
  useEffect(() => {
    if (!isSeen) {
      return;
    }
    let isOver = false;
    const look = () => {
      if (model.reach === 'absent') {
        return;
      }
      read(model, place).then(
        found => {
          if (!isOver) {
            setLive(idOf(found) === id ? found : undefined);
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
          ? change.kind === 'run' && change.subject === String(place)
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
  }, [model, kind, id, place, isSeen]);
  return live;
}

function read(model: Model, place: number | string): Promise<Live> {
  return typeof place === 'number'
    ? model.api.run(place)
    : model.api.tool(place);
}

function idOf(live: Live): string {
  return 'tool' in live ? live.tool.id : live.id;
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
