/** The command line of a run, with what it is read as. */
import { Button, historyIcon } from '@jupyterlab/ui-components';
import { useId, useLayoutEffect, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement, RefObject } from 'react';

import { useGiven } from '../context';
import { Problem } from '../parts/problem';
import { Argv } from './argv';
import type { FormModel } from './model';
import { PastCommands } from './past-commands';
import { isJson } from './quoting';

export function CommandLine({ form }: { form: FormModel }): ReactElement {
  const { trans } = useGiven();
  const id = useId();
  const control = useRef<HTMLTextAreaElement>(null);
  const [hasPast, setHasPast] = useState(false);
  const { line, argv } = form.arguments;
  const error = form.arguments.error ?? form.problem('arguments');
  const isRefused = error !== undefined;
  useGrowing(control, line);

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const { selectionStart, value } = event.currentTarget;
    const isAtEnd = !value.slice(selectionStart).includes('\n');
    if (event.key === 'ArrowDown' && isAtEnd && (event.altKey || !value)) {
      event.preventDefault();
      setHasPast(true);
    }
  };
  return (
    <section className="jp-TooInstance-form-command">
      <div className="jp-TooInstance-form-labels">
        <label htmlFor={id}>{trans.__('Command line')}</label>
        <Button
          type="button"
          minimal
          small
          aria-pressed={isJson(line)}
          title={trans.__('Write the arguments as JSON')}
          disabled={isRefused || (argv.length === 0 && !isJson(line))}
          data-testid="tooi-form-json"
          onClick={() => {
            void form.arguments.setJson(!isJson(line));
          }}
        >
          {trans.__('JSON')}
        </Button>
        <Button
          type="button"
          minimal
          small
          aria-expanded={hasPast}
          aria-haspopup="listbox"
          title={trans.__('Commands of earlier runs')}
          aria-label={trans.__('Commands of earlier runs')}
          data-testid="tooi-form-past"
          // the list is closed as it loses the focus, and would be opened again at once
          onMouseDown={event => {
            event.preventDefault();
          }}
          onClick={() => {
            setHasPast(!hasPast);
          }}
        >
          <historyIcon.react tag="span" />
        </Button>
      </div>
      <div className="jp-TooInstance-form-line">
        <textarea
          id={id}
          ref={control}
          className="jp-mod-styled"
          rows={1}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          value={line}
          placeholder={trans.__('as it is typed after the name of the tool')}
          aria-invalid={isRefused || undefined}
          aria-describedby={`${id}-read`}
          data-testid="tooi-form-line"
          onKeyDown={onKeyDown}
          onChange={event => {
            form.arguments.setLine(event.currentTarget.value);
          }}
        />
        {hasPast && (
          <PastCommands
            tool={form.tool}
            onChoose={chosen => {
              form.arguments.setArgv(chosen);
              setHasPast(false);
              control.current?.focus();
            }}
            onClose={() => {
              setHasPast(false);
              control.current?.focus();
            }}
          />
        )}
      </div>
      <div id={`${id}-read`} className="jp-TooInstance-form-read">
        {isRefused ? <Problem error={error} /> : <Argv argv={argv} />}
      </div>
    </section>
  );
}

/** Let a control be as high as its text. */
function useGrowing(
  control: RefObject<HTMLTextAreaElement>,
  text: string
): void {
  useLayoutEffect(() => {
    const { current } = control;
    if (current) {
      current.style.height = '0';
      current.style.height = `${current.scrollHeight + 2}px`;
    }
  }, [control, text]);
}
