/** A part of the form that can be folded away; it opens when it matters, and closes by hand only. */
import { useEffect, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';

export function Fold({
  title,
  count,
  isWanted,
  testId,
  children
}: {
  title: string;
  /** How many things are in it. */
  count?: number;
  /** Whether there is a reason to have it open. */
  isWanted: boolean;
  testId?: string;
  children: ReactNode;
}): ReactElement {
  const [isOpen, setIsOpen] = useState(isWanted);
  useEffect(() => {
    if (isWanted) {
      setIsOpen(true);
    }
  }, [isWanted]);
  return (
    <details
      className="jp-TooInstance-fold"
      open={isOpen}
      onToggle={event => {
        setIsOpen(event.currentTarget.open);
      }}
    >
      <summary data-testid={testId}>
        <h3>{title}</h3>
        {count !== undefined && (
          <span className="jp-TooInstance-hint">{count}</span>
        )}
      </summary>
      {children}
    </details>
  );
}
