/** One output stream of a run: what has been read of it, and reading the rest as it is needed. */
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { StreamName } from '../api/types';
import { parseLine } from './ansi';
import type { Span } from './ansi';
import { Lines } from './lines';
import type { Block } from './lines';

/** What is read at once. */
const PART_BYTES = 4 << 20;
/** What is read of a finished stream before somebody wants to see more. */
const FIRST_BYTES = 8 << 20;
/** The longest part of a line that is shown. */
const SHOWN_BYTES = 10_000;
const SLICE_BYTES = 1 << 18;
const SLICE_MS = 8;
const MOST_ROWS = 1_000;
const RETURN = 0x0d;

/** A line as it is drawn. */
export interface Row {
  readonly spans: readonly Span[];
  /** How many bytes of it are not shown. */
  readonly hiddenBytes: number;
}

export class StreamLog {
  constructor(
    readonly name: StreamName,
    private readonly _api: Api,
    readonly path: string
  ) {}

  readonly lines = new Lines();

  /** Emitted when there is more, or what had been let go of is there again. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** How much there is to read (bytes), as far as is known. */
  get total(): number {
    return Math.max(this._total, this.lines.size);
  }

  get isReading(): boolean {
    return this._isReading;
  }

  get error(): Error | undefined {
    return this._error;
  }

  /** Whether all that there will ever be has been read. */
  get isWhole(): boolean {
    return this._isEnded && this.lines.size >= this._total;
  }

  /** Say how much there is in the end. */
  end(total: number): void {
    this._total = total;
    this._isEnded = true;
    this._changed.emit();
  }

  /** Take a piece that was sent; what is there already is left out. */
  take(offset: number, data: Uint8Array): void {
    const known = this.lines.size - offset;
    if (known >= 0 && known < data.length) {
      this._append(data.subarray(known));
      this._changed.emit();
    }
  }

  /**
   * Read on, up to a size or to the end, in parts.
   *
   * @param until - how much is wanted (bytes) beside what nobody has to ask for.
   */
  read(signal: AbortSignal, until = FIRST_BYTES): Promise<void> {
    this._wanted = Math.max(this._wanted, until);
    this._reading = this._reading.then(() => this._read(signal));
    return this._reading;
  }

  /** Return a line as it is drawn; `undefined` while it is read again. */
  row(line: number): Row | undefined {
    // the last line may grow, and one after it is yet to come
    const isOpen = line >= this.lines.count - 1;
    const known = isOpen ? undefined : this._rows.get(line);
    if (known) {
      return known;
    }
    const bytes = this.lines.line(line);
    if (bytes === undefined) {
      void this.load(this.lines.blockAt(line));
      return undefined;
    }
    const shown = shownOf(bytes);
    const text = new TextDecoder().decode(shown, {
      // a character that is cut in two is left out
      stream: shown.length < bytes.length
    });
    const cut = this.lines.isCut(line) ? 1 : 0;
    const row: Row = {
      spans: parseLine(text, this.lines.styleAt(line)).spans,
      hiddenBytes: bytes.length - shown.length + cut
    };
    if (!isOpen) {
      if (this._rows.size > MOST_ROWS) {
        this._rows.clear();
      }
      this._rows.set(line, row);
    }
    return row;
  }

  /** Read a block again that was let go of; returns its bytes. */
  async load(block: Block): Promise<Uint8Array | undefined> {
    const held = this.lines.bytesOf(block);
    if (held) {
      return held;
    }
    let loading = this._loading.get(block.offset);
    if (loading === undefined) {
      loading = this._api
        .part(this.path, block.offset, block.size)
        .then(({ bytes }) => bytes)
        .finally(() => this._loading.delete(block.offset));
      this._loading.set(block.offset, loading);
      loading.then(
        bytes => {
          this.lines.restore(block, bytes);
          this._changed.emit();
        },
        () => undefined
      );
    }
    return loading.catch(() => undefined);
  }

  private async _read(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.isWhole || this.lines.size >= this._wanted) {
      return;
    }
    this._isReading = true;
    this._error = undefined;
    const isOver = () => signal.aborted;
    try {
      let hasMore = true;
      while (hasMore && this.lines.size < this._wanted && !isOver()) {
        hasMore = await this._readPart(signal);
        this._changed.emit();
      }
    } catch (error) {
      this._error = error instanceof Error ? error : new Error(String(error));
    } finally {
      this._isReading = false;
      this._changed.emit();
    }
  }

  private async _readPart(signal: AbortSignal): Promise<boolean> {
    const from = this.lines.size;
    let data: Uint8Array;
    try {
      const part = await this._api.part(this.path, from, PART_BYTES);
      data = part.bytes;
      this._total = part.total;
    } catch (error) {
      if (error instanceof ApiError && error.status === 416) {
        this._total = from;
        return false;
      }
      throw error;
    }
    let busySince = performance.now();
    for (let at = 0; at < data.length; at += SLICE_BYTES) {
      // whoever was sent what is read here has it already
      if (signal.aborted || this.lines.size !== from + at) {
        return false;
      }
      this._append(data.subarray(at, at + SLICE_BYTES));
      if (performance.now() - busySince > SLICE_MS) {
        await turn();
        busySince = performance.now();
      }
    }
    return this.lines.size < this._total;
  }

  private _append(data: Uint8Array): void {
    this._rows.delete(this.lines.count - 1);
    this.lines.append(data);
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _rows = new Map<number, Row>();
  private readonly _loading = new Map<number, Promise<Uint8Array>>();
  private _total = 0;
  private _wanted = 0;
  private _reading = Promise.resolve();
  private _isReading = false;
  private _isEnded = false;
  private _error: Error | undefined;
}

/** Return the part of a line that is shown: its beginning, or what was last written over it. */
function shownOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= SHOWN_BYTES) {
    return bytes;
  }
  const over = bytes.lastIndexOf(RETURN, bytes.length - 2);
  return over >= bytes.length - SHOWN_BYTES
    ? bytes.subarray(over)
    : bytes.subarray(0, SHOWN_BYTES);
}

/** Let the page do what else it has to do. */
function turn(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
