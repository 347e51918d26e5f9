/** The input files of a run that is being prepared; where they come from is left to others. */
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

export interface Input {
  readonly file: File;
  /** Where it lies on the server, if it is from there. */
  readonly path?: string;
}

export class Inputs {
  /** Emitted when there are others. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly Input[] {
    return this._items;
  }

  /** Names of files that were chosen before a reload, which a browser does not keep. */
  get missing(): readonly string[] {
    return this._missing;
  }

  /** Add files; one with the name of another takes its place, as both would be in one folder. */
  add(inputs: readonly Input[]): void {
    const names = new Set(inputs.map(({ file }) => file.name));
    this._items = [
      ...this._items.filter(({ file }) => !names.has(file.name)),
      ...inputs
    ];
    this._missing = this._missing.filter(name => !names.has(name));
    this._changed.emit();
  }

  remove(name: string): void {
    this._items = this._items.filter(({ file }) => file.name !== name);
    this._changed.emit();
  }

  /** Say which files are to be chosen again. */
  miss(names: readonly string[]): void {
    this._missing = names;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _items: readonly Input[] = [];
  private _missing: readonly string[] = [];
}
