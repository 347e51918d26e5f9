/** The small cross that takes one thing out of a list. */
import { Button, closeIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { useGiven } from '../context';

export function RemoveButton({
  title,
  label,
  testId,
  onClick
}: {
  /** Shown to the pointer; `Remove` if not said. */
  title?: string;
  /** What is removed, for those who do not see where it stands. */
  label: string;
  testId: string;
  onClick: () => void;
}): ReactElement {
  const { trans } = useGiven();
  return (
    <Button
      type="button"
      minimal
      small
      title={title ?? trans.__('Remove')}
      aria-label={label}
      data-testid={testId}
      onClick={onClick}
    >
      <closeIcon.react tag="span" />
    </Button>
  );
}
