/** A list that is read page by page as it is scrolled, and read anew when something changes. */
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Page } from './api/types';

const REFRESH_MS = 250;
/** How many items are read again at once; of a longer list only the first ones are. */
const MOST_REFRESHED = 200;

export class PagedList<T> {
  /**
   * @param read - reads a page of at most `limit` items after a cursor.
   * @param keyOf - what tells an item from all others.
   * @param pageSize - how many are read at once.
   */
  constructor(
    private readonly _read: (
      cursor: string | undefined,
      limit: number
    ) => Promise<Page<T>>,
    private readonly _keyOf: (item: T) => string,
    private readonly _pageSize = 50
  ) {}

  /** Emitted when anything of it is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly T[] {
    return this._items;
  }

  /** Whether more can be read. */
  get hasMore(): boolean {
    return this._cursor !== null;
  }

  /** Whether nothing has been read yet. */
  get isNew(): boolean {
    return this._isNew;
  }

  get isLoading(): boolean {
    return this._loading !== undefined;
  }

  /** Why the last reading failed. */
  get error(): Error | undefined {
    return this._error;
  }

  /** Read the next page, unless one is being read. */
  async more(): Promise<void> {
    if (!this.hasMore || this._loading) {
      return this._loading;
    }
    await this._load(this._cursor ?? undefined, this._pageSize);
  }

  /** Read again what has been read, soon; several calls are one reading. */
  refresh(): void {
    this._timer ??= setTimeout(() => {
      this._timer = undefined;
      void this._reload();
    }, REFRESH_MS);
  }

  /** Put other items in the place of those that were read; `undefined` takes one out. */
  update(change: (item: T) => T | undefined): void {
    const items = this._items
      .map(change)
      .filter((item): item is T & {} => item !== undefined);
    const isSame =
      items.length === this._items.length &&
      items.every((item, index) => item === this._items[index]);
    if (!isSame) {
      this._items = items;
      this._changed.emit();
    }
  }

  /** Forget what was read, and begin anew. */
  async reset(): Promise<void> {
    this._generation += 1;
    this._loading = undefined;
    await this._load(undefined, this._pageSize);
  }

  private async _reload(): Promise<void> {
    await this._loading;
    const size = this._items.length;
    if (size > MOST_REFRESHED) {
      await this._loadTop();
    } else {
      await this._load(undefined, Math.max(size, this._pageSize));
    }
  }

  /** Read the first page again, and keep the others, from where one has scrolled. */
  private _loadTop(): Promise<void> {
    const cursor = this._cursor;
    const before = this._items;
    return this._load(undefined, this._pageSize).then(() => {
      if (this._error || this._cursor === null) {
        return;
      }
      const known = new Set(this._items.map(this._keyOf));
      const rest = before.filter(item => !known.has(this._keyOf(item)));
      this._items = [...this._items, ...rest];
      this._cursor = cursor;
      this._changed.emit();
    });
  }

  private _load(cursor: string | undefined, limit: number): Promise<void> {
    const generation = this._generation;
    const loading = this._read(cursor, limit)
      .then(page => {
        if (generation !== this._generation) {
          return;
        }
        // what was held may have been changed or taken out meanwhile
        const held = cursor === undefined ? [] : this._items;
        const known = new Set(held.map(this._keyOf));
        const fresh = page.items.filter(item => !known.has(this._keyOf(item)));
        this._items = [...held, ...fresh];
        this._cursor = page.next_cursor;
        this._error = undefined;
        this._isNew = false;
      })
      .catch((error: unknown) => {
        if (generation === this._generation) {
          this._error =
            error instanceof Error ? error : new Error(String(error));
        }
      })
      .finally(() => {
        if (generation === this._generation) {
          this._loading = undefined;
          this._changed.emit();
        }
      });
    this._loading = loading;
    return loading;
  }

  private readonly _changed = new Signal<this, void>(this);
  private _items: readonly T[] = [];
  private _cursor: string | null | undefined;
  private _loading: Promise<void> | undefined;
  private _error: Error | undefined;
  private _isNew = true;
  private _generation = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
