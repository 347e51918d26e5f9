/** What all views share: the API, who asks, whether the server is in reach, and what changes. */
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Api } from './api/client';
import { isMissing } from './api/errors';
import type { Change, Me } from './api/types';

/** Whether the server is there: `absent` means that it runs without this product's extension. */
export type Reach = 'connecting' | 'connected' | 'lost' | 'absent';

export class Model implements IDisposable {
  constructor(readonly api: Api) {}

  /** Ask who asks, and follow what changes from now on. */
  async connect(): Promise<void> {
    const following = {
      signal: this._ending.signal,
      onReach: (isReached: boolean) => {
        this._setReach(isReached ? 'connected' : 'lost');
      }
    };
    try {
      for await (const change of this.api.changes(following)) {
        this._changed.emit(change);
      }
    } catch (error) {
      // a 404 is the server's own: there is no such API
      this._setReach(isMissing(error) ? 'absent' : 'lost');
    }
  }

  /** Emitted for each change that may be seen, and with `reset` when anything may have changed. */
  get changed(): ISignal<this, Change | 'reset'> {
    return this._changed;
  }

  get reach(): Reach {
    return this._reach;
  }

  get reachChanged(): ISignal<this, Reach> {
    return this._reachChanged;
  }

  /** Who asks; `undefined` until the server has said so. */
  get me(): Me | undefined {
    return this._me;
  }

  /** Whether who asks may change what an owner has. */
  mayChange({ owner }: { readonly owner: string }): boolean {
    return this._me?.is_admin === true || this._me?.name === owner;
  }

  get isDisposed(): boolean {
    return this._ending.signal.aborted;
  }

  dispose(): void {
    this._ending.abort();
    Signal.clearData(this);
  }

  private _setReach(reach: Reach): void {
    if (reach === this._reach) {
      return;
    }
    const wasLost = this._reach === 'lost';
    this._reach = reach;
    if (reach === 'connected') {
      this.api.me().then(
        me => {
          this._me = me;
          this._reachChanged.emit(reach);
        },
        () => {
          // it is asked for again when the server is there again
        }
      );
      if (wasLost) {
        this._changed.emit('reset');
      }
    }
    this._reachChanged.emit(reach);
  }

  private readonly _changed = new Signal<this, Change | 'reset'>(this);
  private readonly _reachChanged = new Signal<this, Reach>(this);
  private readonly _ending = new AbortController();
  private _reach: Reach = 'connecting';
  private _me: Me | undefined;
}
