/** A tool as its document shows it: read anew when it changes, and found again under another name. */
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { isMissing } from '../api/errors';
import { fullName } from '../api/types';
import type { Change, Run, ToolDetail } from '../api/types';
import type { Model } from '../model';

const LAST_RUNS = 10;
const MOST_LOOKED_THROUGH = 1000;
const GATHER_MS = 100;

export class ToolState {
  constructor(
    private readonly _model: Model,
    private _name: string
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get detail(): ToolDetail | undefined {
    return this._detail;
  }

  get runs(): readonly Run[] {
    return this._runs;
  }

  /** Why it cannot be read. */
  get error(): unknown {
    return this._error;
  }

  /** Whether there is no such tool, or none that may be seen. */
  get isGone(): boolean {
    return isMissing(this._error);
  }

  /** The name that it has now, if that is another one. */
  get newName(): string | undefined {
    return this._newName;
  }

  get name(): string {
    return this._name;
  }

  set name(name: string) {
    if (name !== this._name) {
      this._name = name;
      this._newName = undefined;
      void this.read();
    }
  }

  /** Begin to follow it. */
  start(): void {
    this._model.changed.connect(this._onChange);
    void this.read();
  }

  stop(): void {
    this._model.changed.disconnect(this._onChange);
  }

  async read(): Promise<void> {
    this._reads += 1;
    const count = this._reads;
    const name = this._name;
    const { api } = this._model;
    try {
      const [detail, runs] = await Promise.all([
        api.tool(name),
        api.runs({ scope: 'all', tool: name, limit: LAST_RUNS })
      ]);
      if (count === this._reads) {
        this._detail = detail;
        this._runs = runs.items;
        this._error = undefined;
      }
    } catch (error) {
      const newName = await this._nameNow(error);
      if (count === this._reads) {
        this._newName = newName;
        this._error = newName === undefined ? error : undefined;
      }
    }
    this._changed.emit();
  }

  /** Return the name under which a tool that was there is there still. */
  private async _nameNow(error: unknown): Promise<string | undefined> {
    const id = this._detail?.tool.id;
    if (!isMissing(error) || !id) {
      return undefined;
    }
    const page = await this._model.api
      .tools({ scope: 'all', limit: MOST_LOOKED_THROUGH })
      .catch(() => undefined);
    const found = page?.items.find(({ tool }) => tool.id === id);
    return found && fullName(found.tool);
  }

  private readonly _onChange = (_: Model, change: Change | 'reset'): void => {
    const isMeant =
      change === 'reset' ||
      this._detail === undefined ||
      change.tool_id === this._detail.tool.id ||
      change.subject === this._detail.tool.id;
    if (isMeant) {
      this._timer ??= setTimeout(() => {
        this._timer = undefined;
        void this.read();
      }, GATHER_MS);
    }
  };

  private readonly _changed = new Signal<this, void>(this);
  private _detail: ToolDetail | undefined;
  private _runs: readonly Run[] = [];
  private _error: unknown;
  private _newName: string | undefined;
  private _reads = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
