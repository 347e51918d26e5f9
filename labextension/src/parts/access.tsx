/** The editor of an access list: names, e-mail addresses and groups, with known ones to choose from. */
import { closeIcon, userIcon, usersIcon } from '@jupyterlab/ui-components';
import { useEffect, useId, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';

import { useGiven } from '../context';
import type { ControlProps } from './field';

const GROUP = 'group:';
const PAUSE_MS = 150;
const MOST_ASKED = 20;

interface Suggestion {
  entry: string;
  about: string;
}

/**
 * Chips with a field after them that takes one more.
 *
 * A typed name becomes a chip at Enter, at a comma, and at a click on Add or on a suggestion; never
 * by leaving the field, which says then that it is not added.
 *
 * @param control - what the field of a form gives to its control.
 */
export function AccessEditor({
  value,
  onChange,
  control
}: {
  value: readonly string[];
  onChange: (value: string[]) => void;
  control?: ControlProps;
}): ReactElement {
  const { trans } = useGiven();
  const id = useId();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(-1);
  const [isOpen, setIsOpen] = useState(false);
  const [isLeft, setIsLeft] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const suggestions = useSuggestions(text, value);
  const unknown = useUnknown(value);
  const isListed = isOpen && suggestions.length > 0;

  const add = (typed: string) => {
    const entries = typed
      .split(/[,;\n]/)
      .map(entry => entry.trim())
      .filter(Boolean);
    setText('');
    setChosen(-1);
    setIsOpen(false);
    const all = [...new Set([...value, ...entries])];
    if (all.length > value.length) {
      onChange(all);
    }
  };
  const remove = (entry: string) => {
    onChange(value.filter(one => one !== entry));
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { length } = suggestions;
    if (event.key === 'Enter' || event.key === ',' || event.key === ';') {
      const entry = (isListed ? suggestions[chosen]?.entry : undefined) ?? text;
      // an empty field leaves Enter to the form
      if (entry.trim()) {
        event.preventDefault();
        add(entry);
      }
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setIsOpen(true);
      if (length > 0) {
        const step = event.key === 'ArrowDown' ? 1 : -1;
        setChosen(
          chosen < 0 && step < 0
            ? length - 1
            : (chosen + step + length) % length
        );
      }
    } else if (event.key === 'Escape' && isListed) {
      event.stopPropagation();
      setIsOpen(false);
      setChosen(-1);
    } else if (event.key === 'Backspace' && text === '') {
      const last = value.at(-1);
      if (last !== undefined) {
        remove(last);
      }
    }
  };

  return (
    <div className="jp-TooInstance-access" data-testid="tooi-access">
      {value.length > 0 && (
        <ul aria-label={trans.__('Shared with')}>
          {value.map(entry => (
            <li key={entry} className="jp-TooInstance-chip">
              <Sign entry={entry} />
              <span>{entry}</span>
              <button
                type="button"
                aria-label={trans.__('Remove %1', entry)}
                title={trans.__('Remove %1', entry)}
                data-testid="tooi-access-remove"
                onClick={() => {
                  remove(entry);
                }}
              >
                <closeIcon.react tag="span" width="10px" height="10px" />
              </button>
            </li>
          ))}
        </ul>
      )}
      {unknown.length > 0 && (
        <p className="jp-TooInstance-help" data-testid="tooi-access-unknown">
          {trans.__(
            'Not seen here so far: %1. Is it written right? They have access from when they come.',
            unknown.join(', ')
          )}
        </p>
      )}
      <div className="jp-TooInstance-access-field">
        <input
          ref={input}
          type="text"
          className="jp-mod-styled"
          role="combobox"
          autoComplete="off"
          spellCheck={false}
          placeholder={trans.__('Name, e-mail or group:NAME')}
          aria-label={control ? undefined : trans.__('Share with')}
          aria-autocomplete="list"
          aria-expanded={isListed}
          aria-controls={`${id}-list`}
          aria-activedescendant={
            isListed && chosen >= 0 ? `${id}-${chosen}` : undefined
          }
          data-testid="tooi-access-input"
          value={text}
          onChange={event => {
            setText(event.target.value);
            setIsOpen(true);
            setChosen(-1);
          }}
          onPaste={event => {
            const pasted = event.clipboardData.getData('text');
            if (/[,;\n]/.test(pasted)) {
              event.preventDefault();
              add(text + pasted);
            }
          }}
          onKeyDown={onKeyDown}
          onFocus={() => {
            setIsLeft(false);
          }}
          onBlur={() => {
            setIsOpen(false);
            setIsLeft(true);
          }}
          {...control}
        />
        {text.trim() && (
          <button
            type="button"
            className="jp-TooInstance-link"
            aria-label={trans.__('Add %1', text.trim())}
            data-testid="tooi-access-add"
            // the field keeps the focus
            onMouseDown={event => {
              event.preventDefault();
            }}
            onClick={() => {
              add(text);
            }}
          >
            {trans.__('Add')}
          </button>
        )}
        <div
          role="listbox"
          id={`${id}-list`}
          aria-label={trans.__('Known users and groups')}
          hidden={!isListed}
        >
          {suggestions.map(({ entry, about }, index) => (
            <div
              key={entry}
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              data-testid="tooi-access-option"
              // the field keeps the focus
              onMouseDown={event => {
                event.preventDefault();
                add(entry);
              }}
            >
              <Sign entry={entry} />
              <span>{entry}</span>
              {about && <small>{about}</small>}
            </div>
          ))}
        </div>
      </div>
      <div aria-live="polite">
        {isLeft && text.trim() && (
          <p
            className="jp-TooInstance-help"
            data-testid="tooi-access-not-added"
          >
            {trans.__(
              'Not added: %1. Press Enter in the field, or Add.',
              text.trim()
            )}
          </p>
        )}
      </div>
    </div>
  );
}

function Sign({ entry }: { entry: string }): ReactElement {
  const icon = entry.startsWith(GROUP) ? usersIcon : userIcon;
  return <icon.react tag="span" width="14px" height="14px" aria-hidden />;
}

/** Return whom a text may mean, but for those who are listed already. */
function useSuggestions(
  text: string,
  listed: readonly string[]
): readonly Suggestion[] {
  const { model } = useGiven();
  const [found, setFound] = useState<readonly Suggestion[]>([]);
  const wanted = text.trim();
  useEffect(() => {
    if (wanted === '') {
      setFound([]);
      return;
    }
    let isCurrent = true;
    const timer = setTimeout(() => {
      model.api.users(wanted).then(
        users => {
          if (isCurrent) {
            const people = users.map(({ name, display_name, email }) => ({
              entry: name,
              about: [display_name === name ? '' : display_name, email]
                .filter(Boolean)
                .join(', ')
            }));
            setFound([
              ...people,
              ...groupsLike(wanted, model.me?.groups ?? [])
            ]);
          }
        },
        () => {
          // whoever knows the name needs no completion
          if (isCurrent) {
            setFound([]);
          }
        }
      );
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [model, wanted]);
  return found.filter(
    ({ entry }) => !listed.includes(entry) && entry !== model.me?.name
  );
}

/** Return those of a list who have never been here: invitations, or misspelt. */
function useUnknown(listed: readonly string[]): readonly string[] {
  const { model } = useGiven();
  const asked = useRef(new Set<string>());
  const [unknown, setUnknown] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    for (const entry of listed.slice(0, MOST_ASKED)) {
      if (entry.startsWith(GROUP) || asked.current.has(entry)) {
        continue;
      }
      asked.current.add(entry);
      const wanted = entry.toLowerCase();
      model.api.users(entry).then(
        users => {
          const isKnown = users.some(
            ({ name, email }) =>
              name.toLowerCase() === wanted || email?.toLowerCase() === wanted
          );
          if (!isKnown) {
            setUnknown(before => new Set([...before, entry]));
          }
        },
        () => {
          // that somebody is not known is a hint only
        }
      );
    }
  }, [model, listed]);
  return listed.filter(entry => unknown.has(entry));
}

function groupsLike(text: string, groups: readonly string[]): Suggestion[] {
  const start = text.toLowerCase();
  return groups
    .filter(
      group =>
        group.toLowerCase().startsWith(start) ||
        `${GROUP}${group.toLowerCase()}`.startsWith(start)
    )
    .map(group => ({ entry: `${GROUP}${group}`, about: '' }));
}
