/** The bar that searches a log: what to look for, how, and from one finding to the next. */
import {
  caretDownEmptyThinIcon,
  caretUpEmptyThinIcon,
  caseSensitiveIcon,
  closeIcon,
  regexIcon
} from '@jupyterlab/ui-components';
import { useEffect, useRef } from 'react';
import type { ReactElement } from 'react';

import { useGiven } from '../context';
import { BarButton } from './button';
import type { Finder } from './finder';
import type { Query } from './search';

export function FindBar({
  query,
  onQuery,
  finder,
  current,
  onMove,
  onClose
}: {
  query: Query;
  onQuery: (query: Query) => void;
  finder: Finder | undefined;
  /** The number of the finding that is shown. */
  current: number;
  onMove: (by: 1 | -1) => void;
  onClose: () => void;
}): ReactElement {
  const { trans } = useGiven();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current?.select();
  }, []);
  return (
    <div
      className="jp-TooInstance-find"
      role="search"
      aria-label={trans.__('Search in the output')}
    >
      <div className="jp-TooInstance-find-field">
        <input
          ref={input}
          className="jp-mod-styled"
          type="text"
          spellCheck={false}
          placeholder={trans.__('Find')}
          aria-label={trans.__('Find in the output')}
          aria-invalid={finder?.trouble === 'expression'}
          data-testid="tooi-find-text"
          value={query.text}
          onChange={event => {
            onQuery({ ...query, text: event.target.value });
          }}
          onKeyDown={event => {
            if (event.key === 'Enter') {
              event.preventDefault();
              onMove(event.shiftKey ? -1 : 1);
            } else if (event.key === 'Escape') {
              event.stopPropagation();
              onClose();
            }
          }}
        />
        <BarButton
          icon={caseSensitiveIcon}
          title={trans.__('Match case')}
          isPressed={query.isCaseSensitive}
          name="tooi-find-case"
          onClick={() => {
            onQuery({ ...query, isCaseSensitive: !query.isCaseSensitive });
          }}
        />
        <BarButton
          icon={regexIcon}
          title={trans.__('Regular expression')}
          isPressed={query.isRegex}
          name="tooi-find-regex"
          onClick={() => {
            onQuery({ ...query, isRegex: !query.isRegex });
          }}
        />
      </div>
      <span
        className="jp-TooInstance-find-count"
        role="status"
        data-testid="tooi-find-count"
      >
        <Count finder={finder} current={current} />
      </span>
      <BarButton
        icon={caretUpEmptyThinIcon}
        title={trans.__('Previous match')}
        name="tooi-find-previous"
        onClick={() => {
          onMove(-1);
        }}
      />
      <BarButton
        icon={caretDownEmptyThinIcon}
        title={trans.__('Next match')}
        name="tooi-find-next"
        onClick={() => {
          onMove(1);
        }}
      />
      <BarButton
        icon={closeIcon}
        title={trans.__('Close the search')}
        name="tooi-find-close"
        onClick={onClose}
      />
    </div>
  );
}

function Count({
  finder,
  current
}: {
  finder: Finder | undefined;
  current: number;
}): ReactElement | null {
  const { trans } = useGiven();
  if (finder === undefined) {
    return null;
  }
  switch (finder.trouble) {
    case 'expression':
      return <>{trans.__('Not a regular expression')}</>;
    case 'slow':
      return (
        <>
          {trans.__(
            'Stopped: this expression takes too long. Try a simpler one.'
          )}
        </>
      );
    case 'worker':
      return <>{trans.__('The browser does not let this page search.')}</>;
    case undefined:
  }
  const { count, progress, isFull } = finder;
  const number = count === 0 ? 0 : current + 1;
  const found = trans.__(
    '%1 of %2',
    number.toLocaleString(),
    `${count.toLocaleString()}${isFull ? '+' : ''}`
  );
  if (progress < 1) {
    return (
      <>
        {found} · {Math.floor(100 * progress)} %
      </>
    );
  }
  return <>{count === 0 ? trans.__('Not found') : found}</>;
}
