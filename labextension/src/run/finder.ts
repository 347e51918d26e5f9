/** A search through one stream, block by block beside the page, that goes on while there is more. */
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Block } from './lines';
import { expressionOf } from './search';
import type { Asked, Match, Query } from './search';
import type { StreamLog } from './stream';

const MOST_FOUND = 100_000;
/** How long an expression may take for one block. */
const LONGEST_MS = 3_000;
/** How often what still grows is searched again. */
const AGAIN_MS = 500;

export type Trouble = 'expression' | 'slow' | 'worker';

export class Finder {
  constructor(
    private readonly _log: StreamLog,
    readonly query: Query
  ) {
    try {
      expressionOf(query);
    } catch {
      this._trouble = 'expression';
      return;
    }
    _log.changed.connect(this._wake);
    this._wake();
  }

  /** Emitted when more has been found, or searched. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get count(): number {
    return this._found.length + this._tail.length;
  }

  /** Whether there may be more than is told. */
  get isFull(): boolean {
    return this.count >= MOST_FOUND;
  }

  get trouble(): Trouble | undefined {
    return this._trouble;
  }

  /** How much has been searched, from 0 to 1. */
  get progress(): number {
    const { total } = this._log;
    return total === 0 || this.isFull ? 1 : Math.min(1, this._searched / total);
  }

  /** Return the match with a number. */
  at(index: number): Match | undefined {
    return this._found[index] ?? this._tail[index - this._found.length];
  }

  /** Return the number of the first match from a line on; of the first of all if there is none. */
  indexFrom(line: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.at(middle)?.line ?? 0) < line) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < this.count ? low : 0;
  }

  /** Return what has been found in a line, with the number of the first. */
  inLine(line: number): { first: number; matches: readonly Match[] } {
    const first = this.indexFrom(line);
    const matches: Match[] = [];
    for (let index = first; this.at(index)?.line === line; index += 1) {
      const match = this.at(index);
      if (match) {
        matches.push(match);
      }
    }
    return { first, matches };
  }

  dispose(): void {
    this._isDisposed = true;
    this._log.changed.disconnect(this._wake);
    clearTimeout(this._timer);
    this._worker?.terminate();
    Signal.clearData(this);
  }

  private readonly _wake = () => {
    if (!this._isBusy && !this._isDisposed && this._timer === undefined) {
      void this._search();
    }
  };

  private async _search(): Promise<void> {
    const { lines } = this._log;
    this._isBusy = true;
    for (;;) {
      const block = lines.closed.at(this._blocks);
      if (block === undefined || !this._mayGoOn()) {
        break;
      }
      const found = await this._ask(block, MOST_FOUND - this._found.length);
      if (found === undefined) {
        break;
      }
      for (const match of found) {
        this._found.push(match);
      }
      this._blocks += 1;
      this._tail = [];
      this._searched = block.offset + block.size;
      this._changed.emit();
    }
    if (this._mayGoOn() && lines.open.size > 0 && lines.size > this._searched) {
      const { size } = lines;
      const left = MOST_FOUND - this._found.length;
      const before = this._blocks;
      const found = await this._ask(lines.open, left);
      // what was open may have been closed meanwhile, and is searched as such
      if (found && lines.closed.length === before) {
        this._tail = found;
        this._searched = size;
      }
      this._changed.emit();
    }
    this._isBusy = false;
    if (lines.size > this._searched && this._mayGoOn()) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        this._wake();
      }, AGAIN_MS);
    }
  }

  private _mayGoOn(): boolean {
    return !this._isDisposed && this._trouble === undefined && !this.isFull;
  }

  private async _ask(
    block: Block,
    limit: number
  ): Promise<Match[] | undefined> {
    const bytes = await this._log.load(block);
    if (bytes === undefined || this._isDisposed) {
      return undefined;
    }
    const worker = (this._worker ??= new Worker(
      new URL('./search.worker.js', import.meta.url)
    ));
    return new Promise(resolve => {
      const done = (found: Match[] | undefined) => {
        clearTimeout(timer);
        worker.onmessage = worker.onerror = null;
        resolve(this._isDisposed ? undefined : found);
      };
      const timer = setTimeout(() => {
        worker.terminate();
        this._worker = undefined;
        this._trouble = 'slow';
        done(undefined);
        this._changed.emit();
      }, LONGEST_MS);
      worker.onmessage = ({ data }: MessageEvent<Match[]>) => {
        done(data);
      };
      worker.onerror = () => {
        this._trouble = 'worker';
        done(undefined);
        this._changed.emit();
      };
      const { query } = this;
      const { firstLine } = block;
      // a copy: a view would be sent with all that its buffer holds
      const asked: Asked = { bytes: bytes.slice(), firstLine, query, limit };
      worker.postMessage(asked, [asked.bytes.buffer]);
    });
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _found: Match[] = [];
  private _tail: readonly Match[] = [];
  private _blocks = 0;
  private _searched = 0;
  private _isBusy = false;
  private _isDisposed = false;
  private _trouble: Trouble | undefined;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _worker: Worker | undefined;
}
