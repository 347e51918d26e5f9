/** The arguments as they are passed, one by one, with what cannot be seen made visible. */
import type { ReactElement } from 'react';

import { useGiven } from '../context';

const MOST_SHOWN = 100;
const MOST_CHARACTERS = 300;
/** Spaces at an end or several together, and all that is not drawn or turns the text around. */
const HIDDEN = /^ +| +$| {2,}|[^\S ]|\p{Cc}|\p{Cf}|\p{Cs}|\p{Co}|\p{Cn}/gu;
const SIGNS: Record<string, string> = { '\n': '↵', '\t': '⇥', '\r': '␍' };

export function Argv({ argv }: { argv: readonly string[] }): ReactElement {
  const { trans } = useGiven();
  if (argv.length === 0) {
    return (
      <span className="jp-TooInstance-hint">{trans.__('No arguments')}</span>
    );
  }
  return (
    <ol
      className="jp-TooInstance-argv"
      aria-label={trans.__('The arguments as they are passed')}
      title={trans.__('Each is one argument, as the tool gets it')}
      data-testid="tooi-form-argv"
    >
      {argv.slice(0, MOST_SHOWN).map((word, index) => (
        <li key={index}>
          <code>
            <Word word={word} />
          </code>
        </li>
      ))}
      {argv.length > MOST_SHOWN && (
        <li>{trans.__('… and %1 more', argv.length - MOST_SHOWN)}</li>
      )}
    </ol>
  );
}

/** One argument, or a part of it where it is long. */
export function Word({ word }: { word: string }): ReactElement {
  const { trans } = useGiven();
  if (word === '') {
    return <i>{trans.__('empty')}</i>;
  }
  const shown = word.slice(0, MOST_CHARACTERS);
  const parts: (string | ReactElement)[] = [];
  let end = 0;
  for (const match of shown.matchAll(HIDDEN)) {
    parts.push(
      shown.slice(end, match.index),
      <mark key={match.index}>{signOf(match[0])}</mark>
    );
    end = match.index + match[0].length;
  }
  parts.push(shown.slice(end));
  return (
    <>
      {parts}
      {word.length > MOST_CHARACTERS && (
        <i>{trans.__('… %1 characters', word.length)}</i>
      )}
    </>
  );
}

function signOf(hidden: string): string {
  if (hidden.startsWith(' ')) {
    return '·'.repeat(hidden.length);
  }
  const code = (hidden.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return SIGNS[hidden] ?? `U+${code.padStart(4, '0')}`;
}
