/** Tables of text with delimiters (RFC 4180), read as far as there is text; errors in them are lived with. */

/**
 * Return the rows of a text; rows may differ in length.
 *
 * @param isWhole - whether the text ends where the table does: if not, its last row is left out.
 */
export function parseTable(
  text: string,
  delimiter: string,
  isWhole = true
): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = text.startsWith('\ufeff') ? 1 : 0;
  let isOpen = at < text.length;
  while (at < text.length) {
    let field: string;
    if (text[at] === '"') {
      [field, at] = quotedField(text, at);
      // what follows a closing quote belongs to the field, as spreadsheets have it
    } else {
      field = '';
    }
    const from = at;
    while (at < text.length && !isEnd(text[at], delimiter)) {
      at += 1;
    }
    row.push(field + text.slice(from, at));
    isOpen = at < text.length;
    if (text[at] === delimiter) {
      at += 1;
      if (at === text.length) {
        row.push('');
      }
      continue;
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) {
    rows.push(row);
  }
  if (!isWhole && (isOpen || rows.length > 0)) {
    rows.pop();
  }
  return rows;
}

/** Return the delimiter that a table has, judged by its first line. */
export function delimiterOf(text: string, path: string): string {
  if (/\.(tsv|tab)$/i.test(path)) {
    return '\t';
  }
  const end = text.search(/[\r\n]/);
  const line = end < 0 ? text : text.slice(0, end);
  const count = (delimiter: string) => line.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, one) =>
    count(one) > count(best) ? one : best
  );
}

function quotedField(text: string, begin: number): [string, number] {
  let field = '';
  let from = begin + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) {
      return [field + text.slice(from), text.length];
    }
    field += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      return [field, quote + 1];
    }
    field += '"';
    from = quote + 2;
  }
}

function isEnd(character: string | undefined, delimiter: string): boolean {
  return character === delimiter || character === '\n' || character === '\r';
}
