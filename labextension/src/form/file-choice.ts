/** Files that a person chooses, of this computer or of the server; and their contents. */
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import { ServerConnection } from '@jupyterlab/services';
import type { Contents } from '@jupyterlab/services';
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

const CHUNK_BYTES = 2 ** 20;

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

  /** Put a copy of a file into a folder of its own within a folder; return the copy's path. */
  async put(file: File, within: string): Promise<string> {
    for (let number = 1; ; number += 1) {
      const name = number === 1 ? 'inputs' : `inputs-${number}`;
      const folder = await this._folder(PathExt.join(within, name));
      const path = `${folder}/${file.name}`;
      const there = await this._look(path);
      if (!there) {
        await this._upload(file, path);
        return path;
      }
      // another file of that name stays as it is
      if (there.size === file.size && (await this._holds(path, file))) {
        return path;
      }
    }
  }

  private async _folder(path: string): Promise<string> {
    if (!(await this._look(path))) {
      await this._documents.services.contents.save(path, { type: 'directory' });
    }
    return path;
  }

  private async _look(path: string): Promise<Contents.IModel | undefined> {
    try {
      const { contents } = this._documents.services;
      return await contents.get(path, { content: false });
    } catch (error) {
      if (
        error instanceof ServerConnection.ResponseError &&
        error.response.status === 404
      ) {
        return undefined;
      }
      throw error;
    }
  }

  private async _holds(path: string, file: File): Promise<boolean> {
    const found = await this.read(path);
    const [ours, theirs] = await Promise.all(
      [file, found.file].map(
        async one => new Uint8Array(await one.arrayBuffer())
      )
    );
    return ours.every((byte, at) => byte === theirs[at]);
  }

  /** Send a file in chunks, as JupyterLab's file browser does. */
  private async _upload(file: File, path: string): Promise<void> {
    const { contents } = this._documents.services;
    for (let start = 0, chunk = 1; ; start += CHUNK_BYTES, chunk += 1) {
      const isLast = start + CHUNK_BYTES >= file.size;
      await contents.save(path, {
        type: 'file',
        format: 'base64',
        content: await asBase64(file.slice(start, start + CHUNK_BYTES)),
        ...(file.size > CHUNK_BYTES ? { chunk: isLast ? -1 : chunk } : {})
      });
      if (isLast) {
        return;
      }
    }
  }
}

async function asBase64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
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
