/** The state of the form that runs a tool: what is filled in, what it is for, how it goes. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';
import type { IDisposable } from '@lumino/disposable';

import type { Api } from '../api/client';
import { isMissing } from '../api/errors';
import type {
  CellRequest,
  Run,
  RunRequest,
  ToolDetail,
  Usage,
  Version
} from '../api/types';
import { readyVersion } from '../api/types';
import type { Pair } from '../parts/pairs';
import { keyOf } from '../places';
import type { Draft } from '../places';
import { Arguments } from './arguments';
import { NO_EXTRAS, forget, keep, kept } from './draft';
import type { Extras, Kept } from './draft';
import { Inputs } from './inputs';
import { typedBytes, typedSeconds } from './limits';
import { partOf } from './problems';
import type { Part } from './problems';
import { namesOf, requestOf } from './request';

/** What can be filled in beside arguments and files. */
type Field = keyof Extras | 'variables' | 'secrets';

export class FormModel implements IDisposable {
  readonly arguments: Arguments;
  readonly inputs = new Inputs();

  constructor(
    private readonly _api: Api,
    private readonly _trans: TranslationBundle,
    readonly tool: string,
    private readonly _draft: Draft | undefined,
    private readonly _unsent: Set<string>
  ) {
    this._key = keyOf({ kind: 'form', tool, draft: _draft });
    const before = kept(this._key, _draft);
    this.arguments = new Arguments(
      asked =>
        this._api.readArguments({
          ...asked,
          version: this.version?.id ?? null
        }),
      before?.line ?? _draft?.line ?? ''
    );
    if (before) {
      this._takeKept(before);
    }
    this._ready = this._begin(before === undefined);
    this.arguments.changed.connect(({ isTouched, line }) => {
      this._setUnsent(isTouched && line !== this._sentLine);
      this._change();
    });
    this.inputs.changed.connect(() => {
      this._setUnsent();
      this._change();
    });
  }

  /** Emitted when anything of it is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The tool with its versions; `undefined` until it is known. */
  get detail(): ToolDetail | undefined {
    return this._detail;
  }

  /** Whether a change of a tool is one of this form's. */
  isAbout(toolId: string | null | undefined): boolean {
    return toolId === (this._detail?.tool.id ?? this._missingId);
  }

  /** The version that would be run, whose options these are. */
  get version(): Version | undefined {
    const { engine } = this._extras;
    return engine
      ? this._detail?.versions.find(
          one => one.status === 'ready' && one.engine === engine
        )
      : this._detail && readyVersion(this._detail);
  }

  /** Why the tool cannot be read. */
  get toolError(): unknown {
    return this._toolError;
  }

  /** What the user may use; `undefined` until it is known. */
  get usage(): Usage | undefined {
    return this._usage;
  }

  /** The run that it is taken from, if its files or standard input are to be used again. */
  get earlier(): Run | undefined {
    return this._keepsInputs ? this._earlier : undefined;
  }

  get extras(): Extras {
    return this._extras;
  }

  get variables(): readonly Pair[] {
    return this._variables;
  }

  get secrets(): readonly Pair[] {
    return this._secrets;
  }

  get stdinFile(): File | undefined {
    return this._stdinFile;
  }

  /** Whether a run is being started. */
  get isStarting(): boolean {
    return this._isStarting;
  }

  /** How often what is filled in was refused: each time is one to look at `problem`. */
  get refusals(): number {
    return this._refusals;
  }

  /** How much of the files has been sent (0 to 1). */
  get sent(): number {
    return this._sent;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Forget what was typed; nothing that still comes is taken any more. */
  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.arguments.dispose();
      Signal.clearData(this);
      this._unsent.delete(this._key);
      forget(this._key);
    }
  }

  /** Why a part of it was refused. */
  problem(part: Part): unknown {
    return this._error !== undefined && partOf(this._error) === part
      ? this._error
      : undefined;
  }

  set(change: Partial<Extras>): void {
    this._touch(...(Object.keys(change) as (keyof Extras)[]));
    this._extras = { ...this._extras, ...change };
    if (change.engine !== undefined) {
      this.arguments.refresh();
    }
    this._change();
  }

  setVariables(variables: readonly Pair[]): void {
    this._touch('variables');
    this._variables = variables;
    this._change();
  }

  setSecrets(secrets: readonly Pair[]): void {
    this._touch('secrets');
    this._secrets = secrets;
    this._change();
  }

  setStdinFile(file: File | undefined): void {
    this._stdinFile = file;
    this._setUnsent();
    this._change();
  }

  /** Use the files and standard input of the earlier run no more. */
  dropEarlier(): void {
    this._keepsInputs = false;
    this._setUnsent();
    this._change();
  }

  /** Look at the tool again. */
  async refresh(): Promise<void> {
    const before = this.version?.id;
    try {
      this._detail = await this._api.tool(this.tool);
      this._toolError = undefined;
    } catch (error) {
      this._toolError = error;
      if (isMissing(error)) {
        // it may be shared again
        this._missingId = this._detail?.tool.id ?? this._missingId;
        this._detail = undefined;
      }
    }
    if (this.version && this.version.id !== before) {
      this.arguments.refresh();
    }
    this._changed.emit();
  }

  /** Do something with the arguments, once they are read; `problem` tells what is in the way. */
  async withArguments(
    act: (argv: readonly string[]) => Promise<void>
  ): Promise<void> {
    this._error = undefined;
    try {
      await this._ready;
      await act(await this.arguments.settled());
    } catch (error) {
      this._refuse(error);
    }
    this._changed.emit();
  }

  /**
   * Return what a cell is to run, but for its files.
   *
   * @throws EntryError if something cannot be read.
   */
  cellRequest(argv: readonly string[]): CellRequest {
    const {
      timeout_s,
      memory_bytes,
      stdin,
      variables,
      network,
      engine,
      label
    } = this._requestOf([]);
    return {
      tool: this.tool,
      arguments: [...argv],
      inputs_of: this.earlier?.number ?? null,
      secrets: namesOf(this._secrets, this._trans),
      ...{ timeout_s, memory_bytes, stdin, variables, network, engine, label }
    };
  }

  /** Start a run; return nothing if it is refused, which `problem` tells then. */
  async start(): Promise<Run | undefined> {
    if (this._isStarting) {
      return undefined;
    }
    this._isStarting = true;
    this._sent = 0;
    this._error = undefined;
    this._changed.emit();
    try {
      await this._ready;
      const argv = await this.arguments.settled();
      const files = this.inputs.items.map(({ file }) => file);
      const request: RunRequest = {
        ...this._requestOf(this._secrets),
        tool: this.tool,
        // no arguments at all would be taken for "as they were" where a run is run again
        arguments: argv.length > 0 ? [...argv] : ' '
      };
      const { earlier } = this;
      const sending = {
        stdin: this._stdinFile,
        onSent: (sent: number) => {
          this._sent = sent;
          this._changed.emit();
        }
      };
      const run = earlier
        ? await this._api.rerun(earlier.number, request, files, sending)
        : await this._api.startRun(request, files, sending);
      // from now on the run has all of it
      this._sentLine = this.arguments.line;
      this._unsent.delete(this._key);
      this._keep();
      return run;
    } catch (error) {
      this._refuse(error);
      return undefined;
    } finally {
      this._isStarting = false;
      this._changed.emit();
    }
  }

  private _requestOf(secrets: readonly Pair[]): RunRequest {
    return requestOf(
      this._stdinFile ? { ...this._extras, stdin: '' } : this._extras,
      this._variables,
      secrets,
      this._trans
    );
  }

  private _refuse(error: unknown): void {
    this._error = error;
    this._refusals += 1;
  }

  private async _begin(isNew: boolean): Promise<void> {
    const earlier = this._draft?.of;
    const [usage, run] = await Promise.all([
      // without them, the limits are told when they are passed
      this._api.usage().catch(() => undefined),
      earlier === undefined
        ? undefined
        : this._api.run(earlier).catch((error: unknown) => {
            this._error = error;
            return undefined;
          }),
      this.refresh()
    ]);
    this._usage = usage;
    if (run) {
      this._takeRun(run, isNew);
    }
    this._keep();
    this._changed.emit();
  }

  /** Begin with what an earlier run was given. */
  private _takeRun(run: Run, isNew: boolean): void {
    const hasInputs = run.inputs.length > 0 || run.stdin !== null;
    this._earlier = hasInputs ? run : undefined;
    if (!isNew) {
      return;
    }
    // what was typed meanwhile stays
    if (this._draft?.line === undefined && !this.arguments.isTouched) {
      this.arguments.setArgv(run.arguments);
    }
    if (!this._touched.has('variables')) {
      this._variables = Object.entries(run.variables).map(([name, value]) => ({
        name,
        value
      }));
    }
    if (!this._touched.has('secrets')) {
      this._secrets = run.secrets.map(name => ({ name, value: '' }));
    }
    const { timeout_s: timeout, memory_bytes: memory, network } = run.limits;
    const most = this._usage?.limits;
    const given: Partial<Extras> = {
      label: run.label,
      timeout: timeout === most?.timeout_s ? '' : typedSeconds(timeout),
      memory: memory === most?.memory_bytes ? '' : typedBytes(memory),
      isOffline: !network
    };
    const untouched = Object.entries(given).filter(
      ([name]) => !this._touched.has(name as keyof Extras)
    );
    this._extras = { ...this._extras, ...Object.fromEntries(untouched) };
  }

  private _takeKept(before: Kept): void {
    this._extras = { ...NO_EXTRAS, ...before.extras };
    this._variables = before.variables.map(([name, value]) => ({
      name,
      value
    }));
    this._secrets = before.secretNames.map(name => ({ name, value: '' }));
    this._keepsInputs = before.keepsInputs;
    this._setUnsent(before.isUnsent);
    this.inputs.miss([...before.files, ...before.paths]);
  }

  private _touch(...names: Field[]): void {
    names.forEach(name => this._touched.add(name));
    this._setUnsent();
  }

  /** Note that there is something to lose. */
  private _setUnsent(isUnsent = true): void {
    if (isUnsent && !this._isDisposed) {
      this._unsent.add(this._key);
    }
  }

  private _change(): void {
    if (this._isDisposed) {
      return;
    }
    this._error = undefined;
    this._keep();
    this._changed.emit();
  }

  /** Keep what is filled in over a reload. */
  private _keep(): void {
    if (this._isDisposed) {
      return;
    }
    const { items } = this.inputs;
    keep(this._key, {
      draft: this._draft,
      line: this.arguments.line,
      extras: this._extras,
      variables: this._variables.map(({ name, value }) => [name, value]),
      secretNames: this._secrets.map(({ name }) => name),
      paths: items.flatMap(({ path }) => path ?? []),
      files: items
        .filter(({ path }) => path === undefined)
        .map(({ file }) => file.name),
      keepsInputs: this._keepsInputs,
      isUnsent: this._unsent.has(this._key)
    });
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _key: string;
  private readonly _ready: Promise<void>;
  private _isDisposed = false;
  /** What was filled in by the user. */
  private readonly _touched = new Set<Field>();
  /** The command line of the last run. */
  private _sentLine: string | undefined;
  private _detail: ToolDetail | undefined;
  private _missingId: string | undefined;
  private _toolError: unknown;
  private _usage: Usage | undefined;
  private _earlier: Run | undefined;
  private _keepsInputs = true;
  private _extras = NO_EXTRAS;
  private _variables: readonly Pair[] = [];
  private _secrets: readonly Pair[] = [];
  private _stdinFile: File | undefined;
  private _error: unknown;
  private _refusals = 0;
  private _isStarting = false;
  private _sent = 0;
}
