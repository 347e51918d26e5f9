/** How many items a section lists. */
import type { ReactElement } from 'react';

import { useGiven, useSignal } from '../context';
import type { PagedList } from '../pages';

export function Count<T>({ list }: { list: PagedList<T> }): ReactElement {
  const { trans } = useGiven();
  useSignal(list.changed);
  const { length } = list.items;
  const words = list.hasMore
    ? trans.__('%1 or more', length)
    : trans._n('%1 entry', '%1 entries', length);
  return (
    <span className="jp-TooInstance-count" title={list.isNew ? '' : words}>
      {list.isNew ? '' : `${length}${list.hasMore ? '+' : ''}`}
    </span>
  );
}
