/** The label of a run, which its owner can change where it stands. */
import { editIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { ReactElement } from 'react';

import type { Run } from '../api/types';
import { useGiven } from '../context';
import { Problem } from '../parts/problem';
import type { RunModel } from './model';

const LONGEST = 200;

export function Label({
  model,
  run
}: {
  model: RunModel;
  run: Run;
}): ReactElement | null {
  const { trans } = useGiven();
  const [text, setText] = useState<string>();
  const [error, setError] = useState<unknown>();
  if (!model.isOwn) {
    return run.label ? (
      <span className="jp-TooInstance-run-label">{run.label}</span>
    ) : null;
  }
  if (text === undefined) {
    return (
      <button
        type="button"
        className="jp-TooInstance-run-label"
        aria-label={
          run.label
            ? trans.__('Change the label: %1', run.label)
            : trans.__('Add a label')
        }
        title={trans.__('A label makes the run easy to find')}
        data-testid="tooi-run-label"
        onClick={() => {
          setText(run.label);
        }}
      >
        <span>{run.label || trans.__('Add a label')}</span>
        <editIcon.react tag="span" width="12px" height="12px" />
      </button>
    );
  }
  const save = () => {
    setError(undefined);
    if (text.trim() === run.label) {
      setText(undefined);
      return;
    }
    model.update({ label: text.trim() }).then(() => {
      setText(undefined);
    }, setError);
  };
  return (
    <form
      className="jp-TooInstance-run-label"
      onSubmit={event => {
        event.preventDefault();
        save();
      }}
    >
      <input
        className="jp-mod-styled"
        type="text"
        // the button that was pressed has become this field
        ref={focused}
        maxLength={LONGEST}
        aria-label={trans.__('Label of the run')}
        data-testid="tooi-run-label-text"
        value={text}
        onChange={event => {
          setText(event.target.value);
        }}
        onBlur={() => {
          // what was not changed needs no field
          if (text.trim() === run.label) {
            setText(undefined);
          }
        }}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            setText(undefined);
          }
        }}
      />
      {text.trim() !== run.label && (
        <button
          type="submit"
          className="jp-TooInstance-link"
          data-testid="tooi-run-label-save"
        >
          {trans.__('Save')}
        </button>
      )}
      {error !== undefined && <Problem error={error} />}
    </form>
  );
}

function focused(field: HTMLInputElement | null): void {
  if (field && document.activeElement !== field) {
    field.focus();
  }
}
