/** What a user sets in the settings editor, with what holds until then. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

export class Settings {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether output is followed to its end as it comes. */
  get followsOutput(): boolean {
    return this._get('followOutput', true);
  }

  /** Whether the long lines of output are broken. */
  get wrapsOutput(): boolean {
    return this._wrapsOutput ?? this._get('wrapOutput', true);
  }

  set wrapsOutput(wraps: boolean) {
    this._wrapsOutput = wraps;
    this._changed.emit();
    // where it cannot be kept it holds until the page is closed
    this._settings?.set('wrapOutput', wraps).catch(() => undefined);
  }

  /** Whether a word is said when a run or a build that nobody looks at has ended. */
  get notifies(): boolean {
    return this._get('notify', true);
  }

  load(settings: ISettingRegistry.ISettings): void {
    this._settings = settings;
    settings.changed.connect(() => {
      this._wrapsOutput = undefined;
      this._changed.emit();
    });
    this._changed.emit();
  }

  private _get<T extends boolean | number | string>(
    name: string,
    otherwise: T
  ): T {
    return (this._settings?.composite[name] as T | undefined) ?? otherwise;
  }

  /** What was chosen last, until it is kept. */
  private _wrapsOutput: boolean | undefined;
  private readonly _changed = new Signal<this, void>(this);
  private _settings: ISettingRegistry.ISettings | undefined;
}
