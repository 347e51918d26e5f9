/** The cells that run tools in notebooks; what stands in them is left to the server. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { NotebookActions } from '@jupyterlab/notebook';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

const LOAD = '%load_ext tooinstance_jupyter';
const LOADED = /^\s*%(re)?load_ext\s+tooinstance_jupyter\b/m;

export class Notebooks {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _tracker: INotebookTracker,
    private readonly _trans: TranslationBundle
  ) {}

  /**
   * Put a cell into the current notebook, or into a new one if one is wanted.
   *
   * @param sourceIn - Returns the source for a notebook at a path of the server, or nothing if
   *   there is to be no cell.
   */
  async insert(
    sourceIn: (path: string) => Promise<string | undefined>
  ): Promise<void> {
    const notebook = this._tracker.currentWidget ?? (await this._new());
    if (!notebook) {
      return;
    }
    const source = await sourceIn(notebook.context.localPath);
    if (source === undefined || notebook.isDisposed) {
      return;
    }
    const isInSight = notebook.isVisible;
    putCell(notebook, source);
    this._app.shell.activateById(notebook.id);
    // beside the form it would only cover its buttons
    if (!isInSight) {
      Notification.success(
        this._trans.__('A cell was put into %1.', notebook.title.label),
        { autoClose: 3_000 }
      );
    }
  }

  /** Return a new notebook, if one is wanted. */
  private async _new(): Promise<NotebookPanel | undefined> {
    const { commands, serviceManager } = this._app;
    const { button } = await showDialog({
      title: this._trans.__('No notebook is open'),
      body: this._trans.__('Make a new one for the cell?'),
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: this._trans.__('New Notebook') })
      ]
    });
    if (!button.accept) {
      return undefined;
    }
    const panel = (await commands.execute('notebook:create-new', {
      kernelName: serviceManager.kernelspecs.specs?.default,
      activate: true
    })) as NotebookPanel | undefined;
    await panel?.revealed;
    return panel;
  }
}

/** Put a cell below the active cell of a notebook, and make it the active one. */
function putCell(panel: NotebookPanel, source: string): void {
  const isLoaded = panel.content.widgets.some(({ model }) =>
    LOADED.test(model.sharedModel.source)
  );
  if (isLoaded) {
    put(panel, source);
  } else if (source.startsWith('%%')) {
    // nothing can stand before the magic of a cell
    put(panel, LOAD);
    put(panel, source);
  } else {
    put(panel, `${LOAD}\n${source}`);
  }
}

function put({ content }: NotebookPanel, source: string): void {
  const { activeCell } = content;
  const isFree =
    activeCell?.model.type === 'code' &&
    activeCell.model.sharedModel.source.trim() === '';
  if (!isFree) {
    NotebookActions.insertBelow(content);
  }
  content.activeCell?.model.sharedModel.setSource(source);
}
