/** Files that a person chooses, of this computer or of the server; and their contents. */
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import { ServerConnection } from '@jupyterlab/services';
import type { ITranslator } from '@jupyterlab/translation';

import { answerOrError } from '../api/errors';
import type { Input } from './inputs';

/** What the fields of a form can do to have a file chosen. */
export interface FileChoice {
  /** Whether files of the server can be chosen. */
  readonly hasServer: boolean;
  /** What the files that the run is given are called. */
  readonly names: readonly string[];
  /** Have a file chosen and made an input; return its name. */
  choose(from: 'computer' | 'server'): Promise<string | undefined>;
}

/** The mark of what is dragged from JupyterLab's file browser. */
export const DRAGGED = 'application/x-jupyter-icontents';

/** The files of the server, as JupyterLab's file browser shows them. */
export class ServerFiles {
  constructor(
    private readonly _documents: IDocumentManager,
    private readonly _translator: ITranslator
  ) {}

  /** Have files chosen; none where that is given up. */
  async choose(title: string): Promise<Input[]> {
    const { value } = await FileDialog.getOpenFiles({
      manager: this._documents,
      translator: this._translator,
      title
    });
    const files = (value ?? []).filter(({ type }) => type !== 'directory');
    return Promise.all(files.map(({ path }) => this.read(path)));
  }

  /** Return a file with its bytes as they are. */
  async read(path: string): Promise<Input> {
    const { contents, serverSettings } = this._documents.services;
    const url = await contents.getDownloadUrl(path);
    const response = await answerOrError(
      await ServerConnection.makeRequest(
        url,
        { cache: 'no-cache' },
        serverSettings
      )
    );
    const name = path.split('/').at(-1) ?? path;
    return { file: new File([await response.blob()], name), path };
  }
}

/** Have files of this computer chosen; none where that is given up. */
export function chooseLocal(isOne = false): Promise<Input[]> {
  return new Promise(resolve => {
    const control = document.createElement('input');
    control.type = 'file';
    control.multiple = !isOne;
    control.onchange = () => {
      resolve([...(control.files ?? [])].map(file => ({ file })));
    };
    control.oncancel = () => {
      resolve([]);
    };
    control.click();
  });
}
