/** What is selected in a log, of which most may not be drawn: by mouse, and all; copied as text. */
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { plainText } from './ansi';
import type { Scroll } from './scroll';
import type { StreamLog } from './stream';

/** The longest text that is put into the clipboard. */
const MOST_BYTES = 32 << 20;
const SCROLL_MS = 40;

/** A character of a line, as it is shown. */
interface Point {
  readonly line: number;
  readonly column: number;
}

export class LogSelection {
  constructor(
    private readonly _log: StreamLog,
    private readonly _scroll: Scroll
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isEmpty(): boolean {
    const { from, to } = this._ordered;
    return from.line === to.line && from.column === to.column;
  }

  /** Return which characters of a line are selected, if any are. */
  inLine(line: number): { from: number; to: number } | undefined {
    const { from, to } = this._ordered;
    if (this.isEmpty || line < from.line || line > to.line) {
      return undefined;
    }
    return {
      from: line === from.line ? from.column : 0,
      to: line === to.line ? to.column : Infinity
    };
  }

  all(): void {
    const { count } = this._log.lines;
    this._set({ line: 0, column: 0 }, { line: count - 1, column: Infinity });
  }

  clear(): void {
    if (!this.isEmpty) {
      this._set({ line: 0, column: 0 }, { line: 0, column: 0 });
    }
  }

  /** Whether what is selected is more than a clipboard should take. */
  get isTooLarge(): boolean {
    const { from, to } = this._ordered;
    const { lines } = this._log;
    const last = lines.blockAt(Math.max(0, to.line));
    return (
      last.offset + last.size - lines.blockAt(from.line).offset > MOST_BYTES
    );
  }

  /** Return the selected text, which may have to be read again. */
  async text(): Promise<string> {
    const { from, to } = this._ordered;
    const { lines } = this._log;
    const parts: string[] = [];
    for (let line = from.line; line <= to.line && line < lines.count;) {
      const block = lines.blockAt(line);
      await this._log.load(block);
      const end = Math.min(to.line, block.firstLine + block.lineCount - 1);
      for (; line <= end; line += 1) {
        const bytes = lines.line(line) ?? new Uint8Array();
        const text = plainText(new TextDecoder().decode(bytes));
        const { from: first = 0, to: last = 0 } = this.inLine(line) ?? {};
        parts.push(text.slice(first, last));
      }
      if (block.lineCount === 0) {
        break;
      }
    }
    return parts.join('\n');
  }

  /** Let the mouse select in an element. */
  attach(scroller: HTMLElement, signal: AbortSignal): void {
    scroller.addEventListener(
      'mousedown',
      event => {
        const point = pointAt(event.clientX, event.clientY);
        // a scroll bar is not the text
        if (event.button !== 0 || event.offsetX > scroller.clientWidth) {
          return;
        }
        if (point === undefined) {
          this.clear();
          return;
        }
        if (event.detail > 1) {
          this._word(point, event.detail > 2);
          return;
        }
        this._set(event.shiftKey ? this._anchor : point, point);
        this._drag(scroller);
      },
      { signal }
    );
  }

  private _drag(scroller: HTMLElement): void {
    const dragging = new AbortController();
    const { signal } = dragging;
    let pixels = 0;
    let place = { x: 0, y: 0 };
    const follow = () => {
      const { left, right, top, bottom } = scroller.getBoundingClientRect();
      const x = Math.min(Math.max(place.x, left + 1), right - 1);
      const y = Math.min(Math.max(place.y, top + 1), bottom - 1);
      const point = pointAt(x, y);
      if (point) {
        this._set(this._anchor, point);
      }
    };
    const timer = setInterval(() => {
      if (pixels !== 0) {
        this._scroll.moveBy(pixels);
        follow();
      }
    }, SCROLL_MS);
    addEventListener(
      'mousemove',
      event => {
        const { top, bottom } = scroller.getBoundingClientRect();
        place = { x: event.clientX, y: event.clientY };
        pixels =
          Math.min(0, event.clientY - top) +
          Math.max(0, event.clientY - bottom);
        follow();
      },
      { signal }
    );
    addEventListener(
      'mouseup',
      () => {
        clearInterval(timer);
        dragging.abort();
      },
      { signal }
    );
  }

  private _word({ line, column }: Point, isLine: boolean): void {
    const spans = this._log.row(line)?.spans ?? [];
    const text = spans.map(span => span.text).join('');
    if (isLine) {
      this._set({ line, column: 0 }, { line, column: text.length });
      return;
    }
    const before = /[\w./:@%+~-]*$/.exec(text.slice(0, column))?.[0] ?? '';
    const after = /^[\w./:@%+~-]*/.exec(text.slice(column))?.[0] ?? '';
    this._set(
      { line, column: column - before.length },
      { line, column: column + after.length }
    );
  }

  private _set(anchor: Point, focus: Point): void {
    this._anchor = anchor;
    this._focus = focus;
    this._changed.emit();
  }

  private get _ordered(): { from: Point; to: Point } {
    const [one, other] = [this._anchor, this._focus];
    const isForward =
      one.line < other.line ||
      (one.line === other.line && one.column <= other.column);
    return isForward ? { from: one, to: other } : { from: other, to: one };
  }

  private readonly _changed = new Signal<this, void>(this);
  private _anchor: Point = { line: 0, column: 0 };
  private _focus: Point = { line: 0, column: 0 };
}

/** Return the character at a place of the page. */
function pointAt(x: number, y: number): Point | undefined {
  const place = caretAt(x, y);
  const element =
    place?.node instanceof Element ? place.node : place?.node.parentElement;
  const row = element?.closest<HTMLElement>('[data-line]');
  if (!place || !row) {
    return undefined;
  }
  const range = document.createRange();
  range.setStart(row, 0);
  range.setEnd(place.node, place.offset);
  return {
    line: Number(row.dataset.line),
    column: range.toString().replace(/\n$/, '').length
  };
}

function caretAt(
  x: number,
  y: number
): { node: Node; offset: number } | undefined {
  // the one is the standard, the other is what Safari has
  if ('caretPositionFromPoint' in document) {
    const place = document.caretPositionFromPoint(x, y);
    return place ? { node: place.offsetNode, offset: place.offset } : undefined;
  }
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- Safari knows no other
  const range = (document as Document).caretRangeFromPoint(x, y);
  return range
    ? { node: range.startContainer, offset: range.startOffset }
    : undefined;
}
