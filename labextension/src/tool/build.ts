/** A build as it goes: its state, and the last lines of its log. */
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Api } from '../api/client';
import type { Version } from '../api/types';

/** How many lines are kept in view; the server has the whole log. */
export const MOST_LINES = 5000;
/** How many more there may be before the oldest ones are let go, all at once. */
const SLACK_LINES = 1000;
const DRAW_MS = 50;
// eslint-disable-next-line no-control-regex -- the escapes of terminals are control characters
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)/g;

/** The last lines of a text that grows, as a terminal without colours shows them. */
export class LogLines {
  readonly lines: string[] = [];
  /** How many lines before them have been let go. */
  dropped = 0;

  append(text: string): void {
    const [first, ...others] = text.split('\n');
    this._open += first;
    for (const other of others) {
      this._set(this._open);
      this._isOpen = false;
      this._open = other;
    }
    if (this._open !== '') {
      this._set(this._open);
      this._isOpen = true;
    }
    if (this.lines.length > MOST_LINES + SLACK_LINES) {
      const surplus = this.lines.length - MOST_LINES;
      this.lines.splice(0, surplus);
      this.dropped += surplus;
    }
  }

  /** Put a line at the end, or in the place of the one that is still written to. */
  private _set(raw: string): void {
    // what is after the last return stands over what was before it
    const shown = raw.replace(/\r+$/, '').replace(ESCAPES, '');
    const line = shown.slice(shown.lastIndexOf('\r') + 1);
    if (this._isOpen) {
      this.lines[this.lines.length - 1] = line;
    } else {
      this.lines.push(line);
    }
  }

  private _open = '';
  private _isOpen = false;
}

export class Build {
  constructor(
    private readonly _api: Api,
    readonly id: string
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get version(): Version | undefined {
    return this._version;
  }

  get log(): LogLines {
    return this._log;
  }

  /** Why it cannot be followed. */
  get error(): unknown {
    return this._error;
  }

  /** Follow it until its end, or until the signal ends that. */
  async follow(signal: AbortSignal): Promise<void> {
    try {
      for await (const told of this._api.followBuild(this.id, { signal })) {
        if ('text' in told) {
          if (told.offset === 0) {
            this._log = new LogLines();
          }
          this._log.append(told.text);
        } else {
          this._version = told;
        }
        this._draw();
      }
    } catch (error) {
      this._error = error;
      this._draw();
    }
  }

  /** A log comes in many pieces: they are drawn some times a second. */
  private _draw(): void {
    this._timer ??= setTimeout(() => {
      this._timer = undefined;
      this._changed.emit();
    }, DRAW_MS);
  }

  private readonly _changed = new Signal<this, void>(this);
  private _version: Version | undefined;
  private _log = new LogLines();
  private _error: unknown;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
