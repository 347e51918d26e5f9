/** Displays of runs and tools in notebooks: the HTML that is saved with them, and what is live. */
import {
  htmlRendererFactory,
  MimeModel,
  textRendererFactory
} from '@jupyterlab/rendermime';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';
import type { ReactElement } from 'react';

import { View } from '../context';
import type { Context } from '../context';
import { Later } from '../later';
import { mimeTypeOf, subjectOf } from './subjects';
import type { Kind, Subject } from './subjects';

/** Before JupyterLab's own renderer of HTML, which has rank 50. */
const RANK = 40;
const KINDS: readonly Kind[] = ['run', 'tool', 'version'];
const HTML = 'text/html';
const TEXT = 'text/plain';

/** Let displays of runs and tools have buttons and their present state. */
export function addDisplays(
  registry: IRenderMimeRegistry,
  given: Context
): void {
  for (const kind of KINDS) {
    registry.addFactory(
      {
        // the HTML goes through JupyterLab's own renderer, which cleans what is not trusted
        safe: true,
        mimeTypes: [mimeTypeOf(kind)],
        createRenderer: options => new Display(kind, given, options)
      },
      RANK
    );
  }
}

class Display extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly _kind: Kind,
    private readonly _given: Context,
    private readonly _options: IRenderMime.IRendererOptions
  ) {
    super();
    this.addClass('jp-TooInstance-display');
  }

  /** Draw a bundle; another one of the same output is drawn in its place. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const subject = subjectOf(this._kind, model.data[mimeTypeOf(this._kind)]);
    await this._drawSaved(model);
    this._drawBar(subject);
  }

  private async _drawSaved(model: IRenderMime.IMimeModel): Promise<void> {
    const mimeType = typeof model.data[HTML] === 'string' ? HTML : TEXT;
    const text = model.data[mimeType];
    if (this._saved === undefined || mimeType !== this._mimeType) {
      this._saved?.dispose();
      const factory =
        mimeType === HTML ? htmlRendererFactory : textRendererFactory;
      this._saved = factory.createRenderer({ ...this._options, mimeType });
      this._mimeType = mimeType;
      this.insertWidget(0, this._saved);
    }
    await this._saved.renderModel(
      new MimeModel({
        trusted: model.trusted,
        data: {
          [mimeType]:
            typeof text === 'string'
              ? text
              : JSON.stringify(model.data[mimeTypeOf(this._kind)], null, 2)
        }
      })
    );
  }

  private _drawBar(subject: Subject | undefined): void {
    if (subject === undefined) {
      this._bar?.dispose();
      this._bar = undefined;
    } else if (this._bar) {
      this._bar.view = barOf(subject);
    } else {
      this._bar = new View(this._given, barOf(subject));
      this.addWidget(this._bar);
    }
  }

  private _saved: IRenderMime.IRenderer | undefined;
  private _mimeType = '';
  private _bar: View | undefined;
}

function barOf(subject: Subject): ReactElement {
  return <Later draw={({ Bar }) => <Bar subject={subject} />} isQuiet />;
}
