/** Lines of a terminal as styled text: colours and overwriting are kept, all other control is dropped. */

/** How text looks; a colour is -1 for the default, 0–255 of the palette, or RGB + 0x1000000. */
export interface Style {
  readonly foreground: number;
  readonly background: number;
  /** Of the bits `BOLD`, `FAINT`, … */
  readonly flags: number;
}

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export interface ParsedLine {
  readonly spans: readonly Span[];
  /** The style that the next line begins with. */
  readonly end: Style;
}

export const BOLD = 1;
export const FAINT = 2;
export const ITALIC = 4;
export const UNDERLINE = 8;
export const INVERSE = 16;
export const STRIKE = 32;
export const HIDDEN = 64;

export const PLAIN: Style = { foreground: -1, background: -1, flags: 0 };
const RGB = 0x1000000;
const FIRST_PRINTABLE = 0x20;

/* eslint-disable no-control-regex -- control characters are what this file is about */
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;
/** CSI, strings (OSC, DCS, SOS, PM, APC) and other escapes; whatever is cut off goes to the line's end. */
const ESCAPE =
  /(?:\x1b\[|\x9b)([\x30-\x3f]*)[\x20-\x2f]*([\x40-\x7e]?)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|\x1b[\x20-\x2f]*[\x30-\x7e]?/y;
const SGR = /\x1b\[([\x30-\x3f]*)m/g;
/* eslint-enable no-control-regex */

/** Return how a line looks that begins in a style. */
export function parseLine(line: string, style: Style = PLAIN): ParsedLine {
  if (!CONTROL.test(line)) {
    return { spans: line === '' ? [] : [{ text: line, style }], end: style };
  }
  const cells = new Cells();
  let current = style;
  let at = 0;
  while (at < line.length) {
    const code = line.codePointAt(at) ?? 0;
    const isControl = code < FIRST_PRINTABLE || (code >= 0x7f && code <= 0x9f);
    if (!isControl || code === 0x09) {
      const length = code > 0xffff ? 2 : 1;
      cells.put(line.slice(at, at + length), current);
      at += length;
      continue;
    }
    ESCAPE.lastIndex = at;
    const escape = ESCAPE.exec(line);
    if (escape === null) {
      cells.move(code);
      at += 1;
      continue;
    }
    const [all, parameters = '', final = ''] = escape;
    if (final === 'm' && all.startsWith('\x1b')) {
      current = styled(current, parameters);
    } else if (final === 'K') {
      cells.erase(parameters);
    }
    at += all.length;
  }
  return { spans: cells.spans(), end: current };
}

/** Return the text of a line as it is shown. */
export function plainText(line: string): string {
  return CONTROL.test(line)
    ? parseLine(line)
        .spans.map(({ text }) => text)
        .join('')
    : line;
}

/** Return the style after a text, whose characters may be the bytes of UTF-8. */
export function styleAfter(text: string, style: Style): Style {
  let current = style;
  if (text.includes('\x1b')) {
    for (const [, parameters = ''] of text.matchAll(SGR)) {
      current = styled(current, parameters);
    }
  }
  return current;
}

/** The characters of one line, which may be written over. */
class Cells {
  put(text: string, style: Style): void {
    this._texts[this._cursor] = text;
    this._styles[this._cursor] = style;
    this._cursor += 1;
  }

  /** Move the cursor as a control character says. */
  move(code: number): void {
    if (code === 0x0d) {
      this._cursor = 0;
    } else if (code === 0x08) {
      this._cursor = Math.max(0, this._cursor - 1);
    }
  }

  /** Erase what is after the cursor, before it, or all, as CSI K does. */
  erase(how: string): void {
    if (how === '' || how === '0') {
      this._texts.length = Math.min(this._texts.length, this._cursor);
    } else if (how === '1' || how === '2') {
      const end = how === '2' ? this._texts.length : this._cursor;
      this._texts.fill(' ', 0, end);
      this._styles.fill(PLAIN, 0, end);
      if (how === '2') {
        this._texts.length = this._cursor;
      }
    }
  }

  spans(): Span[] {
    const spans: Span[] = [];
    let text = '';
    let style = PLAIN;
    for (let at = 0; at < this._texts.length; at += 1) {
      const next = this._styles[at] ?? PLAIN;
      if (next !== style && text !== '') {
        spans.push({ text, style });
        text = '';
      }
      style = next;
      // where the cursor has jumped over nothing there are blanks
      text += this._texts[at] ?? ' ';
    }
    if (text !== '') {
      spans.push({ text, style });
    }
    return spans;
  }

  private readonly _texts: (string | undefined)[] = [];
  private readonly _styles: (Style | undefined)[] = [];
  private _cursor = 0;
}

const ON: ReadonlyMap<number, number> = new Map([
  [1, BOLD],
  [2, FAINT],
  [3, ITALIC],
  [4, UNDERLINE],
  [7, INVERSE],
  [8, HIDDEN],
  [9, STRIKE],
  [21, UNDERLINE]
]);
const OFF: ReadonlyMap<number, number> = new Map([
  [22, BOLD | FAINT],
  [23, ITALIC],
  [24, UNDERLINE],
  [27, INVERSE],
  [28, HIDDEN],
  [29, STRIKE]
]);

/** Return a style changed by the parameters of a "select graphic rendition" (ECMA-48). */
function styled(style: Style, parameters: string): Style {
  if (/[^\d;:]/.test(parameters)) {
    return style;
  }
  let { foreground, background, flags } = style;
  const codes = parameters.split(';');
  for (let at = 0; at < codes.length; at += 1) {
    // sub-parameters after colons belong to their code: `38:2::1:2:3`, `4:3`
    const [first = '', ...own] = (codes[at] ?? '').split(':');
    const code = Number(first);
    if (code === 0) {
      foreground = background = -1;
      flags = 0;
    } else if (code === 38 || code === 48) {
      const rest = own.length > 0 ? own : codes.slice(at + 1);
      const { colour, used } = colourOf(rest, own.length > 0);
      if (own.length === 0) {
        at += used;
      }
      if (colour !== undefined) {
        foreground = code === 38 ? colour : foreground;
        background = code === 48 ? colour : background;
      }
    } else if (code === 4 && own[0] === '0') {
      flags &= ~UNDERLINE;
    } else if (ON.has(code)) {
      flags |= ON.get(code) ?? 0;
    } else if (OFF.has(code)) {
      flags &= ~(OFF.get(code) ?? 0);
    } else if (code === 39) {
      foreground = -1;
    } else if (code === 49) {
      background = -1;
    } else {
      const tens = Math.floor(code / 10);
      const unit = code % 10;
      if (unit < 8 && (tens === 3 || tens === 9)) {
        foreground = tens === 3 ? unit : unit + 8;
      } else if (unit < 8 && (tens === 4 || tens === 10)) {
        background = tens === 4 ? unit : unit + 8;
      }
    }
  }
  return foreground === -1 && background === -1 && flags === 0
    ? PLAIN
    : { foreground, background, flags };
}

/** Return the colour after 38 or 48, and how many parameters say it. */
function colourOf(
  rest: readonly string[],
  hasColons: boolean
): { colour: number | undefined; used: number } {
  const byte = (text: string | undefined) => {
    const value = Number(text ?? '');
    return value <= 255 ? value : undefined;
  };
  if (rest[0] === '5') {
    return { colour: byte(rest[1]), used: 2 };
  }
  if (rest[0] === '2') {
    // with colons there may be a colour space before the three values
    const from = hasColons && rest.length > 4 ? 2 : 1;
    const [red, green, blue] = [0, 1, 2].map(index => byte(rest[from + index]));
    const colour =
      red === undefined || green === undefined || blue === undefined
        ? undefined
        : RGB + (red << 16) + (green << 8) + blue;
    return { colour, used: 4 };
  }
  return { colour: undefined, used: 1 };
}
