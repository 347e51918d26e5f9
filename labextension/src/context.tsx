/** What every React view is given: the model, the commands and the translator, and hooks on them. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import {
  createContext,
  useContext,
  useEffect,
  useReducer,
  useRef
} from 'react';
import type { ReactElement } from 'react';

import type { ServerFiles } from './form/file-choice';
import type { Model } from './model';
import type { Notebooks } from './notebook';
import type { Place } from './places';
import type { Settings } from './settings';

export interface Context {
  readonly model: Model;
  readonly commands: CommandRegistry;
  readonly settings: Settings;
  /** The files of the server; `null` where they cannot be chosen. */
  readonly serverFiles: ServerFiles | null;
  /** The notebooks that cells are put into; `null` where there are none. */
  readonly notebooks: Notebooks | null;
  /** The keys of the documents that hold what somebody filled in, and has not sent yet. */
  readonly unsent: Set<string>;
  readonly trans: TranslationBundle;
}

const Given = createContext<Context | undefined>(undefined);

/** Return what the view was given. */
export function useGiven(): Context {
  const given = useContext(Given);
  if (given === undefined) {
    throw new Error('This view stands outside of a View widget.');
  }
  return given;
}

/** Draw again whenever a signal is emitted; `when` tells whether an emission matters. */
export function useSignal<S, A>(
  signal: ISignal<S, A>,
  when: (args: A) => boolean = () => true
): void {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const matters = useRef(when);
  matters.current = when;
  useEffect(() => {
    const slot = (_: S, args: A) => {
      if (matters.current(args)) {
        draw();
      }
    };
    signal.connect(slot);
    return () => {
      signal.disconnect(slot);
    };
  }, [signal]);
}

const Shown = createContext(true);

/** Tell whether the view can be seen now; what cannot be seen follows nothing. */
export function useShown(): boolean {
  return useContext(Shown);
}

const Go = createContext<(place: Place) => void>(() => undefined);

/** Return what shows another place where this view is now. */
export function useGo(): (place: Place) => void {
  return useContext(Go);
}

const Entitle = createContext<(title: string) => void>(() => undefined);

/** Give the document that a view is in a title; it has another one until there is one. */
export function useTitle(title: string | undefined): void {
  const entitle = useContext(Entitle);
  useEffect(() => {
    if (title !== undefined) {
      entitle(title);
    }
  }, [entitle, title]);
}

/** A widget that draws a view, which finds its context by `useGiven`. */
export class View extends ReactWidget {
  constructor(
    private readonly _given: Context,
    private _view: ReactElement,
    private readonly _go: (place: Place) => void = () => undefined,
    private readonly _entitle: (title: string) => void = () => undefined
  ) {
    super();
    this.addClass('jp-TooInstance');
  }

  /** Draw another view. */
  set view(view: ReactElement) {
    this._view = view;
    this.update();
  }

  protected override render(): ReactElement {
    return (
      <Given.Provider value={this._given}>
        <Go.Provider value={this._go}>
          <Entitle.Provider value={this._entitle}>
            <Shown.Provider value={this.isVisible}>{this._view}</Shown.Provider>
          </Entitle.Provider>
        </Go.Provider>
      </Given.Provider>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }
}
