/** Arguments written as a command line that is read as the same arguments; no shell is meant. */

const UNSAFE = /[^A-Za-z0-9_@%+=:,./-]/;

/** Return the command line that is read as these arguments. */
export function joined(argv: readonly string[]): string {
  return argv.map(quoted).join(' ');
}

/** Return an argument as one word of a command line. */
export function quoted(word: string): string {
  if (word === '') {
    return "''";
  }
  return UNSAFE.test(word) ? `'${word.replaceAll("'", `'"'"'`)}'` : word;
}

/** Whether a command line is JSON, a list or an object, which is allowed as well. */
export function isJson(line: string): boolean {
  return /^[\s\ufeff\u200b\u2060]*[[{]/.test(line);
}
