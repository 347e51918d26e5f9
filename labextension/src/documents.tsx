/** The main area's documents: one for each place, opened once, there again after a reload. */
import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';

import { bareName } from './api/types';
import { View } from './context';
import type { Context } from './context';
import { isDiscarded } from './discarding';
import { toolIcon } from './icons';
import { Later } from './later';
import type { Views } from './later';
import { keyOf } from './places';
import type { Place } from './places';

/** A document of the main area, which knows the place that it shows. */
export class Document extends MainAreaWidget<View> {
  constructor(
    private readonly _given: Context,
    private _place: Place,
    go: (from: Document, to: Place) => void
  ) {
    super({
      content: new View(
        _given,
        viewOf(_place),
        to => {
          go(this, to);
        },
        title => {
          this._entitle(title);
        }
      )
    });
    this.id = `tooinstance-${keyOf(_place)}`;
    this.title.icon = toolIcon;
    this.title.closable = true;
    this._entitle(labelOf(_place, _given));
    this.toolbar.hide();
  }

  /** Whether it holds what somebody filled in, and has not sent. */
  get isUnsent(): boolean {
    return this._given.unsent.has(keyOf(this._place));
  }

  protected override onCloseRequest(message: Message): void {
    if (!this.isUnsent) {
      super.onCloseRequest(message);
      return;
    }
    void isDiscarded(this._given.trans).then(isAgreed => {
      if (isAgreed && !this.isDisposed) {
        super.onCloseRequest(message);
      }
    });
  }

  get place(): Place {
    return this._place;
  }

  set place(place: Place) {
    const isOther = keyOf(place) !== keyOf(this._place);
    this._place = place;
    this.content.view = viewOf(place);
    if (isOther) {
      this._entitle(labelOf(place, this._given));
    }
  }

  private _entitle(title: string): void {
    this.title.label = title;
    this.title.caption = title;
  }
}

export class Documents {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _given: Context
  ) {}

  /** Show a place, in the document that it has already or in a new one. */
  open(place: Place): Document {
    const key = keyOf(place);
    const there = this._tracker.find(document => keyOf(document.place) === key);
    // a form that is to begin with another command is another form
    if (there && !(place.kind === 'form' && place.draft)) {
      if (place.kind !== 'form') {
        // it may say a section to go to, or a link to begin with
        there.place = place;
      }
      this._app.shell.activateById(there.id);
      return there;
    }
    if (there?.isUnsent) {
      this._app.shell.activateById(there.id);
      void isDiscarded(this._given.trans).then(isAgreed => {
        if (isAgreed) {
          there.dispose();
          this.open(place);
        }
      });
      return there;
    }
    there?.dispose();
    const document = new Document(this._given, place, (from, to) => {
      this._go(from, to);
    });
    void this._tracker.add(document);
    this._app.shell.add(document, 'main', { type: 'TooInstance' });
    this._app.shell.activateById(document.id);
    this._findRoom(document);
    return document;
  }

  /** Close what shows a tool, and the forms that would run it. */
  closeTool(tool: string): void {
    const about: Document[] = [];
    this._tracker.forEach(document => {
      if ('tool' in document.place && document.place.tool === tool) {
        about.push(document);
      }
    });
    for (const document of about) {
      document.dispose();
    }
  }

  /** Whether a form that would run a tool is filled in, and not sent. */
  isFilledIn(tool: string): boolean {
    return (
      this._tracker.find(
        ({ place, isUnsent }) =>
          place.kind === 'form' && place.tool === tool && isUnsent
      ) !== undefined
    );
  }

  /** The places whose documents are open, and cannot be seen. */
  get unseen(): Place[] {
    const places: Place[] = [];
    this._tracker.forEach(document => {
      if (!document.isVisible) {
        places.push(document.place);
      }
    });
    return places;
  }

  /** Open again what was open before a reload. */
  restore(restorer: ILayoutRestorer, command: string): void {
    void restorer.restore(this._tracker, {
      command,
      args: ({ place }) => kept(place),
      name: ({ place }) => keyOf(place)
    });
  }

  /** Show a document to the right where the main area takes no other one, as in Notebook 7. */
  private _findRoom(document: Document): void {
    // until then JupyterLab's shell may hold it back
    void this._app.restored.then(() => {
      if (!document.isAttached && !document.isDisposed) {
        this._app.shell.add(document, 'right', { rank: 0 });
        this._app.shell.activateById(document.id);
      }
    });
  }

  /** Show another place in a document, unless it has a document of its own already. */
  private _go(from: Document, to: Place): void {
    const key = keyOf(to);
    if (this._tracker.find(one => one !== from && keyOf(one.place) === key)) {
      this.open(to);
      from.dispose();
      return;
    }
    from.place = to;
    void this._tracker.save(from);
  }

  private readonly _tracker = new WidgetTracker<Document>({
    namespace: 'tooinstance'
  });
}

/** Return what is kept of a place: what was typed may hold a password, and the form keeps it. */
function kept(place: Place): Place {
  switch (place.kind) {
    case 'create':
      return { kind: 'create' };
    case 'form': {
      const of = place.draft?.of;
      const draft = of === undefined ? undefined : { of };
      return { kind: 'form', tool: place.tool, draft };
    }
    default:
      return place;
  }
}

function viewOf(place: Place): ReactElement {
  return <Later draw={views => drawn(views, place)} />;
}

function drawn(views: Views, place: Place): ReactElement {
  switch (place.kind) {
    case 'create':
      return <views.CreateForm place={place} />;
    case 'tool':
      return <views.ToolView place={place} />;
    case 'form':
      return <views.RunForm key={keyOf(place)} place={place} />;
    case 'run':
      return <views.RunView key={place.number} number={place.number} />;
  }
}

function labelOf(place: Place, { trans }: Context): string {
  switch (place.kind) {
    case 'create':
      return trans.__('New tool');
    case 'tool':
      return bareName(place.tool);
    case 'form': {
      const name = bareName(place.tool);
      const of = place.draft?.of;
      return of === undefined
        ? trans.__('Run %1', name)
        : trans.__('Run %1 like #%2', name, of);
    }
    case 'run':
      return trans.__('Run %1', `#${place.number}`);
  }
}
