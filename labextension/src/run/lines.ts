/** What a stream has written, as lines that are found by number; it holds bytes, of which those long unseen can be let go. */
import { PLAIN, styleAfter } from './ansi';
import type { Style } from './ansi';

/** The bytes that are kept together, let go of together, and read again together. */
export const BLOCK_BYTES = 1 << 20;
const FIRST_BYTES = 1 << 14;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const ESCAPE = 0x1b;

/** Whole lines that follow each other; only the last block may end within a line. */
export interface Block {
  /** Where it begins in the stream (bytes). */
  readonly offset: number;
  readonly size: number;
  readonly firstLine: number;
  readonly lineCount: number;
  /** The style that its first line begins with. */
  readonly style: Style;
  /** Whether its last line goes on in bytes that are not kept. */
  readonly isCut: boolean;
}

interface Held extends Block {
  bytes: Uint8Array | undefined;
  /** Where its lines begin in `bytes`. */
  starts: Uint32Array | undefined;
  usedAt: number;
}

export class Lines {
  /**
   * @param budget - how many bytes may be held; blocks that were not used for longest go first.
   */
  constructor(private readonly _budget = 64 * BLOCK_BYTES) {}

  /** How many bytes have been taken. */
  get size(): number {
    return this._taken;
  }

  /** How many lines there are; what follows the last newline is one, if there is anything. */
  get count(): number {
    return this._firstLine + this._openCount;
  }

  /** The blocks that change no more. */
  get closed(): readonly Block[] {
    return this._blocks;
  }

  /** The block that still grows. */
  get open(): Block {
    return {
      offset: this._offset,
      size: this._length,
      firstLine: this._firstLine,
      lineCount: this._openCount,
      style: this._style,
      isCut: false
    };
  }

  /** Take what the stream wrote next. */
  append(data: Uint8Array): void {
    this._taken += data.length;
    let rest = data;
    while (rest.length > 0) {
      if (this._isSkipping) {
        const end = rest.indexOf(NEWLINE);
        const skipped = end < 0 ? rest.length : end + 1;
        this._offset += skipped;
        this._isSkipping = end < 0;
        rest = rest.subarray(skipped);
        continue;
      }
      const fitting = rest.subarray(0, BLOCK_BYTES - this._length);
      this._write(fitting);
      rest = rest.subarray(fitting.length);
      if (this._length === BLOCK_BYTES) {
        this._close();
      }
    }
  }

  /** Return the bytes of a block, unless they were let go. */
  bytesOf(block: Block): Uint8Array | undefined {
    if (block.firstLine === this._firstLine) {
      return this._bytes.subarray(0, this._length);
    }
    return this._use(this._blockOf(block.firstLine))?.bytes;
  }

  /** Give a block back its bytes. */
  restore(block: Block, bytes: Uint8Array): void {
    const held = this._blockOf(block.firstLine);
    if (held && held.bytes === undefined && bytes.length === held.size) {
      held.bytes = bytes;
      held.starts = startsIn(bytes, held.lineCount);
      this._held += costOf(held);
      this._use(held);
      this._letGo(held);
    }
  }

  /** Return the block that holds a line. */
  blockAt(line: number): Block {
    return line >= this._firstLine
      ? this.open
      : (this._blockOf(line) ?? this.open);
  }

  /** Return the bytes of a line without its newline; `undefined` if they were let go. */
  line(line: number): Uint8Array | undefined {
    if (line >= this._firstLine) {
      return lineIn(
        this._bytes.subarray(0, this._length),
        this._starts,
        line - this._firstLine,
        this._openCount
      );
    }
    const held = this._use(this._blockOf(line));
    return (
      held?.bytes &&
      held.starts &&
      lineIn(held.bytes, held.starts, line - held.firstLine, held.lineCount)
    );
  }

  /** Whether a line has more than is kept of it. */
  isCut(line: number): boolean {
    const block = this.blockAt(line);
    return block.isCut && line === block.firstLine + block.lineCount - 1;
  }

  /** Return the style that a line begins with. */
  styleAt(line: number): Style {
    const block = this.blockAt(line);
    const bytes = this.bytesOf(block);
    const starts =
      line >= this._firstLine ? this._starts : this._blockOf(line)?.starts;
    if (bytes === undefined || starts === undefined) {
      return PLAIN;
    }
    const end = starts[line - block.firstLine] ?? 0;
    // lines are mostly asked for in their order
    const known = this._known;
    const isAfter = known.firstLine === block.firstLine && known.end <= end;
    const style = isAfter
      ? styleBehind(bytes.subarray(known.end, end), known.style)
      : styleBehind(bytes.subarray(0, end), block.style);
    this._known = { firstLine: block.firstLine, end, style };
    return style;
  }

  private _write(data: Uint8Array): void {
    const length = this._length + data.length;
    if (length > this._bytes.length) {
      const larger = Math.max(length, 2 * this._bytes.length, FIRST_BYTES);
      this._bytes = extended(
        this._bytes,
        Math.min(larger, BLOCK_BYTES),
        Uint8Array
      );
    }
    this._bytes.set(data, this._length);
    // every byte passes here: nothing is looked up twice
    const bytes = this._bytes;
    let starts = this._starts;
    let count = this._openCount;
    let isAtStart = this._isAtStart;
    for (let at = this._length; at < length; at += 1) {
      if (isAtStart) {
        if (count === starts.length) {
          starts = extended(starts, Math.max(256, 2 * count), Uint32Array);
        }
        starts[count] = at;
        count += 1;
      }
      isAtStart = bytes[at] === NEWLINE;
    }
    this._starts = starts;
    this._openCount = count;
    this._isAtStart = isAtStart;
    this._length = length;
  }

  /** Close the full block behind its last newline. */
  private _close(): void {
    const bytes = this._bytes;
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      this._push(end, false);
      return;
    }
    // of a line that is written over again and again, only the last time counts
    const last = bytes.lastIndexOf(RETURN, bytes.length - 2);
    if (last > 0) {
      this._style = styleBehind(bytes.subarray(0, last), this._style);
      this._begin(bytes.slice(last), this._offset + last);
    } else {
      this._push(bytes.length, true);
    }
  }

  private _push(size: number, isCut: boolean): void {
    const bytes = this._bytes.slice(0, size);
    const isWhole = isCut || size === this._length;
    const lineCount = isWhole ? this._openCount : this._openCount - 1;
    const held: Held = {
      ...this.open,
      size,
      lineCount,
      isCut,
      bytes,
      starts: this._starts.slice(0, lineCount),
      usedAt: (this._clock += 1)
    };
    this._blocks.push(held);
    this._held += costOf(held);
    this._firstLine += lineCount;
    this._style = styleBehind(bytes, this._style);
    this._isSkipping = isCut;
    this._begin(this._bytes.slice(size, this._length), this._offset + size);
    this._letGo(held);
  }

  private _begin(bytes: Uint8Array, offset: number): void {
    this._bytes = new Uint8Array(BLOCK_BYTES);
    this._length = 0;
    this._openCount = 0;
    this._isAtStart = true;
    this._offset = offset;
    this._write(bytes);
  }

  private _blockOf(line: number): Held | undefined {
    let low = 0;
    let high = this._blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this._blocks[middle]?.firstLine ?? 0) <= line) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return this._blocks[low];
  }

  private _use(held: Held | undefined): Held | undefined {
    if (held) {
      held.usedAt = this._clock += 1;
    }
    return held;
  }

  private _letGo(kept: Held): void {
    while (this._held > this._budget) {
      let oldest: Held | undefined;
      for (const held of this._blocks) {
        if (
          held.bytes &&
          held !== kept &&
          held.usedAt < (oldest?.usedAt ?? Infinity)
        ) {
          oldest = held;
        }
      }
      if (oldest === undefined) {
        return;
      }
      this._held -= costOf(oldest);
      oldest.bytes = oldest.starts = undefined;
    }
  }

  private readonly _blocks: Held[] = [];
  private _held = 0;
  private _clock = 0;
  private _taken = 0;
  private _isSkipping = false;
  private _known = { firstLine: -1, end: 0, style: PLAIN };

  // the open block
  private _bytes = new Uint8Array(0);
  private _length = 0;
  private _starts = new Uint32Array(0);
  private _openCount = 0;
  private _isAtStart = true;
  private _offset = 0;
  private _firstLine = 0;
  private _style = PLAIN;
}

function lineIn(
  bytes: Uint8Array,
  starts: Uint32Array,
  index: number,
  count: number
): Uint8Array {
  const from = starts[index] ?? 0;
  const to = index + 1 < count ? (starts[index + 1] ?? 0) : bytes.length;
  const hasNewline = to > from && bytes[to - 1] === NEWLINE;
  return bytes.subarray(from, hasNewline ? to - 1 : to);
}

function startsIn(bytes: Uint8Array, count: number): Uint32Array {
  const starts = new Uint32Array(count);
  let at = 0;
  for (let line = 1; line < count; line += 1) {
    at = bytes.indexOf(NEWLINE, at) + 1;
    starts[line] = at;
  }
  return starts;
}

function costOf({ bytes, starts }: Held): number {
  return (bytes?.byteLength ?? 0) + (starts?.byteLength ?? 0);
}

function extended<T extends Uint8Array | Uint32Array>(
  array: T,
  length: number,
  type: new (length: number) => T
): T {
  const longer = new type(length);
  longer.set(array);
  return longer;
}

const LATIN = new TextDecoder('latin1');

function styleBehind(bytes: Uint8Array, style: Style): Style {
  return bytes.includes(ESCAPE)
    ? styleAfter(LATIN.decode(bytes), style)
    : style;
}
