/** A control of a form with its label, its help and what is wrong with it. */
import { useId } from 'react';
import type { ReactElement, ReactNode } from 'react';

import { Problem } from './problem';

/** What a control has to be given so that it belongs to its field. */
export interface ControlProps {
  id: string;
  'aria-describedby'?: string;
  'aria-invalid'?: boolean;
}

export function Field({
  label,
  help,
  error,
  children
}: {
  label: string;
  help?: ReactNode;
  error?: unknown;
  children: (control: ControlProps) => ReactNode;
}): ReactElement {
  const id = useId();
  const described = [
    help ? `${id}-help` : '',
    error ? `${id}-error` : ''
  ].filter(Boolean);
  return (
    <div className="jp-TooInstance-field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        ...(described.length > 0
          ? { 'aria-describedby': described.join(' ') }
          : {}),
        ...(error ? { 'aria-invalid': true } : {})
      })}
      {help && (
        <div className="jp-TooInstance-help" id={`${id}-help`}>
          {help}
        </div>
      )}
      {error !== undefined && <Problem error={error} id={`${id}-error`} />}
    </div>
  );
}
