/** One open run: its record and its two streams, followed while somebody looks. */
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import { isFinal } from '../api/types';
import type { Change, Run, RunChanges, StreamName } from '../api/types';
import type { Model } from '../model';
import { StreamLog } from './stream';

/** The size of an event that says that there is more than can be sent as it comes. */
const FULL_EVENT_BYTES = 256 * 1024;
const FULL_EVENTS = 2;
const RETRY_MS = 2_000;

export class RunModel implements IDisposable {
  constructor(
    private readonly _shared: Model,
    readonly number: number
  ) {
    const log = (name: StreamName) =>
      new StreamLog(name, this.api, `runs/${number}/${name}`);
    this.logs = { stdout: log('stdout'), stderr: log('stderr') };
    _shared.changed.connect(this._onChange);
  }

  readonly logs: Readonly<Record<StreamName, StreamLog>>;

  get api(): Api {
    return this._shared.api;
  }

  /** Emitted when the record, or whether it can be had, is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The record; `undefined` until it has been read. */
  get run(): Run | undefined {
    return this._run;
  }

  /** Whether it was deleted from here. */
  get isDeleted(): boolean {
    return this._isDeleted;
  }

  /** Why there is no record, or not the newest. */
  get error(): unknown {
    return this._error;
  }

  /** Whether the server is in reach, as far as is known. */
  get isReached(): boolean {
    return this._isReached;
  }

  /** Whether whoever asks owns the run. */
  get isOwn(): boolean {
    const { me } = this._shared;
    return me !== undefined && (me.is_admin || me.name === this._run?.owner);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._shared.changed.disconnect(this._onChange);
    this.pause();
    Signal.clearData(this);
  }

  /** Follow the run, from where it was left. */
  resume(): void {
    if (this._following === undefined && !this._isDisposed) {
      const following = new AbortController();
      this._following = following;
      void this._follow(following.signal);
    }
  }

  /** Follow it no more until `resume`. */
  pause(): void {
    this._following?.abort();
    this._following = undefined;
  }

  /** Read more of a stream that has ended. */
  read(name: StreamName, until: number): void {
    const signal = this._following?.signal;
    if (signal && this._run && isFinal(this._run)) {
      void this.logs[name].read(signal, until);
    }
  }

  async update(changes: RunChanges): Promise<void> {
    this._set(await this.api.updateRun(this.number, changes));
  }

  async cancel(): Promise<void> {
    this._set(await this.api.cancelRun(this.number));
  }

  async delete(): Promise<void> {
    await this.api.deleteRun(this.number);
    this._isDeleted = true;
    await this._lookAgain();
  }

  private async _follow(signal: AbortSignal): Promise<void> {
    const isOver = () => signal.aborted;
    while (!isOver()) {
      try {
        await this._look();
        while (!this._isOver && !isOver()) {
          await this._listen(signal);
        }
        await Promise.all(
          Object.values(this.logs).map(log => log.read(signal))
        );
        return;
      } catch (error) {
        this._error = error;
        this._changed.emit();
        if (error instanceof ApiError && !error.isPassing) {
          return;
        }
        this._reach(false);
        await new Promise(resolve => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Take what is sent; return at the end, or when there is so much that it is better fetched. */
  private async _listen(signal: AbortSignal): Promise<void> {
    const { stdout, stderr } = this.logs;
    const listening = new AbortController();
    const end = () => {
      listening.abort();
    };
    signal.addEventListener('abort', end);
    const from = { stdout: stdout.lines.size, stderr: stderr.lines.size };
    const full = { stdout: 0, stderr: 0 };
    let behind: StreamLog | undefined;
    try {
      const events = this.api.followRun(this.number, from, {
        signal: listening.signal,
        onReach: isReached => {
          this._reach(isReached || listening.signal.aborted);
        }
      });
      for await (const event of events) {
        if ('status' in event) {
          this._set(event);
          continue;
        }
        this.logs[event.stream].take(event.offset, event.data);
        const isFull = event.data.length >= FULL_EVENT_BYTES;
        full[event.stream] = isFull ? full[event.stream] + 1 : 0;
        if (full[event.stream] >= FULL_EVENTS) {
          behind = this.logs[event.stream];
          break;
        }
      }
    } finally {
      listening.abort();
      signal.removeEventListener('abort', end);
    }
    await behind?.read(signal, Infinity);
  }

  private async _look(): Promise<void> {
    this._set(await this.api.run(this.number));
    this._reach(true);
  }

  private _set(run: Run): void {
    this._run = run;
    this._error = undefined;
    if (isFinal(run)) {
      this.logs.stdout.end(run.stdout.kept_bytes);
      this.logs.stderr.end(run.stderr.kept_bytes);
    }
    this._changed.emit();
  }

  private _reach(isReached: boolean): void {
    if (isReached !== this._isReached) {
      this._isReached = isReached;
      this._changed.emit();
    }
  }

  /** Look again at a run that is not followed now: its label, its access or itself may have changed. */
  private readonly _onChange = (_: Model, change: Change | 'reset') => {
    const isMine =
      change === 'reset' ||
      (change.kind === 'run' && change.subject === String(this.number));
    if (!isMine || !this._following) {
      return;
    }
    if (this._isOver) {
      void this._lookAgain();
    } else if (this._error instanceof ApiError) {
      // it was not to be had, and may have been shared since
      this.pause();
      this.resume();
    }
  };

  private async _lookAgain(): Promise<void> {
    try {
      await this._look();
    } catch (error) {
      this._error = error;
      this._changed.emit();
    }
  }

  private get _isOver(): boolean {
    return this._run !== undefined && isFinal(this._run);
  }

  private readonly _changed = new Signal<this, void>(this);
  private _run: Run | undefined;
  private _isDeleted = false;
  private _error: unknown;
  private _isReached = true;
  private _isDisposed = false;
  private _following: AbortController | undefined;
}
