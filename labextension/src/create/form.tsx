/** The form that makes a tool: a link is enough, and the rest is found by itself. */
import { Button } from '@jupyterlab/ui-components';
import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import { fullName } from '../api/types';
import { useGiven, useGo } from '../context';
import { isDiscarded } from '../discarding';
import { Field } from '../parts/field';
import { Problem } from '../parts/problem';
import { fieldOf, forget, keep, kept, requestOf } from './draft';
import type { ToolDraft } from './draft';
import { MoreFields } from './more';

export function CreateForm({
  place
}: {
  place: { source?: string; command?: string };
}): ReactElement {
  const { model, trans } = useGiven();
  const go = useGo();
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState(kept);
  const typed = useRef('');
  typed.current = draft.source;
  const [isBusy, setIsBusy] = useState(false);
  const [isMore, setIsMore] = useState(false);
  const [error, setError] = useState<unknown>();
  const faulty = error === undefined ? undefined : fieldOf(error, draft);
  const isFaultBelow = faulty !== undefined && faulty !== 'source';

  useEffect(() => {
    const { source, command } = place;
    const begin = () => {
      if (source !== undefined) {
        setDraft(before => ({ ...before, source }));
        setError(undefined);
      }
      if (command !== undefined) {
        // a tool of another command is another tool
        const name = command.split('/').at(-1) ?? command;
        setDraft(before => ({ ...before, name, entry_point: command }));
        setIsMore(true);
      }
      focusField(form.current, 'source');
    };
    const there = typed.current.trim();
    if (source === undefined || ['', source.trim()].includes(there)) {
      begin();
      return;
    }
    let isCurrent = true;
    void isDiscarded(trans).then(isAgreed => {
      if (isAgreed && isCurrent) {
        begin();
      }
    });
    return () => {
      isCurrent = false;
    };
  }, [place, trans]);
  useEffect(() => {
    keep(draft);
  }, [draft]);
  useEffect(() => {
    if (error !== undefined && faulty !== undefined) {
      focusField(form.current, faulty);
    }
  }, [error, faulty]);

  const create = async () => {
    setIsBusy(true);
    setError(undefined);
    try {
      const { tool } = await model.api.createTool(requestOf(draft));
      setDraft(before => ({ ...before, source: '' }));
      forget();
      go({ kind: 'tool', tool: fullName(tool) });
    } catch (failure) {
      setError(failure);
      setIsBusy(false);
    }
  };
  const change = (changes: Partial<ToolDraft>) => {
    setDraft(before => ({ ...before, ...changes }));
    // what was wrong is being mended
    if (faulty !== undefined && faulty in changes) {
      setError(undefined);
    }
  };

  return (
    <form
      ref={form}
      className="jp-TooInstance-page jp-TooInstance-create"
      aria-labelledby="tooinstance-create-title"
      aria-busy={isBusy}
      data-testid="tooi-create"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        if (!isBusy && draft.source.trim()) {
          void create();
        }
      }}
    >
      <h2 id="tooinstance-create-title">{trans.__('New tool')}</h2>
      {error !== undefined && faulty === undefined && <Problem error={error} />}
      <div data-field="source">
        <Field
          label={trans.__('Git link')}
          help={trans.__(
            'A repository, at a @branch, @tag or @commit if you like; or pypi:NAME, npm:NAME, a DOI, a folder.'
          )}
          error={faulty === 'source' ? error : undefined}
        >
          {control => (
            <div className="jp-TooInstance-create-source">
              <input
                {...control}
                className="jp-mod-styled"
                type="text"
                inputMode="url"
                autoComplete="off"
                spellCheck={false}
                placeholder="https://github.com/owner/repository"
                data-testid="tooi-create-source"
                value={draft.source}
                onChange={event => {
                  change({ source: event.target.value });
                }}
              />
              <Button
                type="submit"
                className="jp-mod-styled jp-mod-accept"
                data-testid="tooi-create-submit"
                disabled={isBusy || !draft.source.trim()}
              >
                {isBusy ? trans.__('Creating…') : trans.__('Create')}
              </Button>
            </div>
          )}
        </Field>
      </div>
      <details
        open={isMore || isFaultBelow}
        onToggle={event => {
          setIsMore(event.currentTarget.open);
        }}
      >
        <summary data-testid="tooi-create-more">
          <h3>{trans.__('More')}</h3>
        </summary>
        <MoreFields
          draft={draft}
          onChange={change}
          errorOf={field => (field === faulty ? error : undefined)}
        />
      </details>
    </form>
  );
}

function focusField(
  form: HTMLFormElement | null,
  field: keyof ToolDraft
): void {
  const place = form?.querySelector(`[data-field="${field}"]`);
  const control =
    // other things may stand before it, such as what can be removed
    place?.querySelector<HTMLElement>('[aria-invalid="true"]') ??
    place?.querySelector<HTMLElement>('input, select, textarea, button');
  control?.focus();
}
