/** What went wrong, and what to do next, where it matters. */
import type { ReactElement, ReactNode } from 'react';

import { ApiError } from '../api/errors';
import { useGiven } from '../context';
import { inWords } from '../words';

/** An error in its place; `children` are what can be clicked to go on. */
export function Problem({
  error,
  id,
  children
}: {
  error: unknown;
  id?: string;
  children?: ReactNode;
}): ReactElement {
  const { trans } = useGiven();
  const hint = error instanceof ApiError ? error.hint : '';
  const message =
    hint && error instanceof ApiError ? error.message : inWords(error, trans);
  return (
    <div
      className="jp-TooInstance-problem"
      role="alert"
      id={id}
      data-testid="tooi-problem"
    >
      <p>{message}</p>
      <Hint text={hint} />
      {children}
    </div>
  );
}

/** What to do next; what stands between backticks is typed, and looks so. */
export function Hint({ text }: { text: string }): ReactElement | null {
  return text === '' ? null : (
    <p className="jp-TooInstance-hint">
      {text
        .split('`')
        .map((part, index) =>
          index % 2 === 1 ? <code key={index}>{part}</code> : part
        )}
    </p>
  );
}
