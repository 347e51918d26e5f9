/** What the sections of the side panel list: kept up to date by what changes, while it is shown. */
import { isFinal } from '../api/types';
import type { Change, Page, Run, Scope, ToolDetail } from '../api/types';
import type { Model } from '../model';
import { PagedList } from '../pages';

/** How often the step of a build is asked for. */
const STEP_MS = 1500;
const GATHER_MS = 250;
/** From how many changed runs on the list is read again, instead of each of them. */
const MANY_RUNS = 8;

abstract class Listing<T> {
  readonly list: PagedList<T>;

  constructor(
    protected readonly model: Model,
    read: (
      text: string,
      cursor: string | undefined,
      limit: number
    ) => Promise<Page<T>>,
    keyOf: (item: T) => string
  ) {
    this.list = new PagedList(
      (cursor, limit) => read(this._text, cursor, limit),
      keyOf
    );
    model.changed.connect((_, change) => {
      if (!this._isShown) {
        this._isStale = true;
      } else if (change === 'reset') {
        this.list.refresh();
      } else {
        this.follow(change);
      }
    });
  }

  /** Whether it can be seen; what cannot be seen is not read. */
  set isShown(isShown: boolean) {
    this._isShown = isShown;
    if (isShown && this._isStale) {
      this._isStale = false;
      void this.list.reset();
    }
  }

  /** What it is searched for. */
  set text(text: string) {
    if (text === this._text) {
      return;
    }
    this._text = text;
    if (this._isShown) {
      void this.list.reset();
    } else {
      this._isStale = true;
    }
  }

  get text(): string {
    return this._text;
  }

  protected abstract follow(change: Change): void;

  private _text = '';
  private _isShown = false;
  private _isStale = true;
}

/** The tools of one scope. */
export class ToolListing extends Listing<ToolDetail> {
  constructor(
    model: Model,
    readonly scope: Scope
  ) {
    super(
      model,
      (text, cursor, limit) => model.api.tools({ scope, text, limit, cursor }),
      ({ tool }) => tool.id
    );
    this.list.changed.connect(() => {
      this._askForSteps();
    });
  }

  protected follow({ kind }: Change): void {
    if (kind !== 'run') {
      this.list.refresh();
    }
  }

  /** Ask how far builds are: only their states are told by themselves. */
  private _askForSteps(): void {
    const building = this.list.items
      .flatMap(({ versions }) => versions.slice(0, 1))
      .filter(newest => !isFinal(newest))
      .map(({ id }) => id);
    if (building.length === 0 || this._timer !== undefined) {
      return;
    }
    this._timer = setTimeout(() => {
      void Promise.allSettled(
        building.map(id => this.model.api.version(id))
      ).then(answers => {
        this._timer = undefined;
        const found = new Map(
          answers.flatMap(answer =>
            answer.status === 'fulfilled'
              ? [[answer.value.id, answer.value] as const]
              : []
          )
        );
        this.list.update(detail =>
          detail.versions.some(({ id }) => found.has(id))
            ? {
                ...detail,
                versions: detail.versions.map(one => found.get(one.id) ?? one)
              }
            : detail
        );
        this._askForSteps();
      });
    }, STEP_MS);
  }

  private _timer: ReturnType<typeof setTimeout> | undefined;
}

/** The history of runs. */
export class RunListing extends Listing<Run> {
  constructor(model: Model) {
    super(
      model,
      (text, cursor, limit) =>
        model.api.runs({ scope: 'all', text, limit, cursor }),
      run => String(run.number)
    );
  }

  protected follow({ kind, subject, action }: Change): void {
    if (kind !== 'run') {
      return;
    }
    const number = Number(subject);
    if (action === 'deleted') {
      this.list.update(run => (run.number === number ? undefined : run));
      // a page that was being read meanwhile may hold it still
      this.list.refresh();
    } else if (this.list.items.some(run => run.number === number)) {
      this._changed.add(number);
      this._timer ??= setTimeout(() => {
        void this._readChanged();
      }, GATHER_MS);
    } else {
      this.list.refresh();
    }
  }

  private async _readChanged(): Promise<void> {
    const numbers = [...this._changed];
    this._changed.clear();
    this._timer = undefined;
    if (numbers.length > MANY_RUNS) {
      this.list.refresh();
      return;
    }
    const answers = await Promise.allSettled(
      numbers.map(number => this.model.api.run(number))
    );
    for (const answer of answers) {
      if (answer.status === 'fulfilled') {
        const { value } = answer;
        this.list.update(run => (run.number === value.number ? value : run));
      } else {
        // it may be seen no more
        this.list.refresh();
      }
    }
  }

  private readonly _changed = new Set<number>();
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
