/** What says that not all of a run's output is kept. */
import type { ReactElement } from 'react';

import type { Run } from '../api/types';
import { useGiven } from '../context';

/** A mark with what is missing in words or, where there is no room, as its tooltip. */
export function Cut({
  run,
  isCompact = false
}: {
  run: Run;
  isCompact?: boolean;
}): ReactElement | null {
  const { trans } = useGiven();
  if (!run.cut) {
    return null;
  }
  return (
    <span
      className="jp-TooInstance-cut"
      title={run.cut}
      data-testid="tooi-run-cut"
    >
      {isCompact ? trans.__('cut') : run.cut}
    </span>
  );
}
