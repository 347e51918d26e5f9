/** Who sees a tool, as far as who asks may know: whom else it is shared with is told to its owner. */
import type { ReactElement } from 'react';

import type { Tool } from '../api/types';
import { useGiven } from '../context';

export function Seen({ tool }: { tool: Tool }): ReactElement {
  const { model, trans } = useGiven();
  const { length } = tool.access;
  if (tool.visibility === 'public') {
    return <>{trans.__('Everybody here')}</>;
  }
  if (!model.mayChange(tool)) {
    return <>{trans.__('Shared with you by %1', tool.owner)}</>;
  }
  const isOwn = model.me?.name === tool.owner;
  if (length === 0) {
    return (
      <>{isOwn ? trans.__('You only') : trans.__('Only %1', tool.owner)}</>
    );
  }
  return (
    <span title={tool.access.join(', ')}>
      {isOwn
        ? trans._n('You and %1 other', 'You and %1 others', length)
        : trans._n('%2 and %1 other', '%2 and %1 others', length, tool.owner)}
    </span>
  );
}
