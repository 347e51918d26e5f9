/** Finding text in the lines of a block; which blocks there are, and where this runs, is left to others. */
import { plainText } from './ansi';

export interface Query {
  readonly text: string;
  readonly isCaseSensitive: boolean;
  readonly isRegex: boolean;
}

/** Where something was found: a line and the characters of it, as it is shown. */
export interface Match {
  readonly line: number;
  readonly from: number;
  readonly to: number;
}

/** What a worker is asked. */
export interface Asked {
  readonly bytes: Uint8Array;
  readonly firstLine: number;
  readonly query: Query;
  /** The most that is to be found. */
  readonly limit: number;
}

/**
 * Return the expression that a query means.
 *
 * @throws SyntaxError if it is none.
 */
export function expressionOf({
  text,
  isCaseSensitive,
  isRegex
}: Query): RegExp {
  const source = isRegex ? text : text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(source, isCaseSensitive ? 'g' : 'gi');
}

/** Return what is found in the lines of a block, in their order. */
export function findIn({ bytes, firstLine, query, limit }: Asked): Match[] {
  const expression = expressionOf(query);
  const text = new TextDecoder().decode(bytes);
  const found: Match[] = [];
  let from = 0;
  let line = firstLine;
  while (from < text.length && found.length < limit) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 ? text.length : newline;
    const shown = plainText(text.slice(from, to));
    for (const match of shown.matchAll(expression)) {
      // an expression that matches nothing at all has nothing to show
      if (match[0] !== '' && found.length < limit) {
        const { index } = match;
        found.push({ line, from: index, to: index + match[0].length });
      }
    }
    from = to + 1;
    line += 1;
  }
  return found;
}
