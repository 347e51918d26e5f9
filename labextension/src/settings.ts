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
    return this._get('wrapOutput', this._wrapsOutput);
  }

  set wrapsOutput(wraps: boolean) {
    this._wrapsOutput = wraps;
    void this._settings?.set('wrapOutput', wraps);
    this._changed.emit();
  }

  /** Whether a word is said when a run or a build that nobody looks at has ended. */
  get notifies(): boolean {
    return this._get('notify', true);
  }

  load(settings: ISettingRegistry.ISettings): void {
    this._settings = settings;
    settings.changed.connect(() => {
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

  /** What holds where there are no settings to be kept. */
  private _wrapsOutput = true;
  private readonly _changed = new Signal<this, void>(this);
  private _settings: ISettingRegistry.ISettings | undefined;
}
