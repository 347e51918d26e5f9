/** The arguments of a run twice, as a command line and as a form, each following the other. */
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ArgumentsRequest, Form, ReadArguments } from '../api/types';
import { isJson } from './quoting';

const TYPING_MS = 150;

/** What a field of a form holds: whether a flag is given, a value, or several. */
export type Value = boolean | string | string[];
export type Values = Readonly<Record<string, Value>>;

export const EMPTY_FORM: Form = {
  subcommand: null,
  values: {},
  sub_values: {},
  rest: []
};

export class Arguments {
  /** @param _ask - asks the server how arguments or a form are read. */
  constructor(
    private readonly _ask: (asked: ArgumentsRequest) => Promise<ReadArguments>,
    private _line = ''
  ) {
    this._asked = { arguments: _line };
  }

  /** Emitted when anything of it is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The command line, or JSON, as typed. */
  get line(): string {
    return this._line;
  }

  /** What it is read as, last; as long as it is being read, that is of an earlier line. */
  get argv(): readonly string[] {
    return this._argv;
  }

  /** What the fields hold. */
  get form(): Form {
    return this._form;
  }

  /** Why it cannot be read. */
  get error(): Error | undefined {
    return this._error;
  }

  /** Whether anybody has typed or filled in anything. */
  get isTouched(): boolean {
    return this._isTouched;
  }

  /** Read nothing any more. */
  dispose(): void {
    clearTimeout(this._timer);
    this._count += 1;
    Signal.clearData(this);
  }

  /** Type a command line. */
  setLine(line: string): void {
    this._isTouched = true;
    this._line = line;
    this._asked = { arguments: line };
    this._readSoon();
  }

  /** Give the arguments themselves. */
  setArgv(argv: readonly string[]): void {
    this._asked = { arguments: [...argv] };
    this._readNow();
  }

  /** Fill in fields. */
  setForm(change: Partial<Form>): void {
    this._isTouched = true;
    this._form = { ...this._form, ...change };
    this._asked = { form: this._form };
    this._readSoon();
  }

  /** Write the line as JSON, or as a command line again, if it can be read. */
  async setJson(isWanted: boolean): Promise<void> {
    try {
      await this.settled();
    } catch {
      return; // why, is shown already
    }
    this._isTouched = true;
    this._line = isWanted ? JSON.stringify(this._argv) : this._joined;
    this._changed.emit();
  }

  /** Read it again, as when the options of a tool have become known. */
  refresh(): void {
    // fields that the line does not follow yet are what counts
    if (this._asked.form && this._taken === this._asked) {
      this._asked = { arguments: this._line };
    }
    this._readNow();
  }

  /** Return the arguments once all that was changed has been read; throws why they cannot be. */
  async settled(): Promise<readonly string[]> {
    if (this._timer !== undefined || this._reading === undefined) {
      this._readNow();
    }
    let reading: Promise<void> | undefined;
    while (reading !== this._reading) {
      reading = this._reading;
      await reading;
    }
    if (this._error !== undefined) {
      throw this._error;
    }
    return this._argv;
  }

  private _readSoon(): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._readNow();
    }, TYPING_MS);
    this._changed.emit();
  }

  private _readNow(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    const asked = this._asked;
    this._count += 1;
    const count = this._count;
    this._reading = this._ask(asked)
      .then(read => {
        if (count === this._count && this._timer === undefined) {
          this._take(read, asked);
        }
      })
      .catch((error: unknown) => {
        if (count === this._count) {
          this._error =
            error instanceof Error ? error : new Error(String(error));
        }
      })
      .then(() => {
        this._changed.emit();
      });
  }

  private _take(read: ReadArguments, asked: ArgumentsRequest): void {
    this._error = undefined;
    this._taken = asked;
    this._argv = read.argv;
    this._joined = read.line;
    // what somebody types is left as it is
    if (typeof asked.arguments !== 'string') {
      this._line = isJson(this._line) ? JSON.stringify(read.argv) : read.line;
    }
    if (!asked.form) {
      this._form = read.form ? { ...EMPTY_FORM, ...read.form } : EMPTY_FORM;
    }
  }

  private _asked: ArgumentsRequest;
  private _taken: ArgumentsRequest | undefined;
  private _isTouched = false;
  private readonly _changed = new Signal<this, void>(this);
  private _argv: readonly string[] = [];
  private _joined = '';
  private _form: Form = EMPTY_FORM;
  private _error: Error | undefined;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _reading: Promise<void> | undefined;
  private _count = 0;
}
