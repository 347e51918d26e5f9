/** The API of the server, a method for each operation; what is shown of it is left to the views. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { answerOrError } from './errors';
import { follow } from './events';
import type { Following } from './events';
import { isFinal } from './types';
import type {
  ArgumentsRequest,
  BuildLog,
  CellRequest,
  Change,
  Link,
  Me,
  NewLink,
  NewTool,
  Output,
  Page,
  ReadArguments,
  Run,
  RunChanges,
  RunRequest,
  RunStatus,
  Scope,
  StreamName,
  Tool,
  ToolChanges,
  ToolDetail,
  Usage,
  User,
  Version
} from './types';
import { fetchTelling } from './upload';

type Query = Record<string, string | number | undefined>;

export interface RunsQuery {
  scope?: 'all' | 'mine' | 'shared';
  tool?: string;
  status?: RunStatus;
  text?: string;
  limit?: number;
  cursor?: string;
}

/** What goes with a run beside its input files. */
export interface Sending {
  /** Standard input. */
  stdin?: File;
  /** Called with the part of the files that has been sent (0 to 1). */
  onSent?: (part: number) => void;
}

export class Api {
  constructor(
    readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()
  ) {}

  me(): Promise<Me> {
    return this._get('me');
  }

  usage(): Promise<Usage> {
    return this._get('usage');
  }

  async users(text: string): Promise<User[]> {
    return (await this._get<Page<User>>('users', { text, limit: 10 })).items;
  }

  tools(query: {
    text?: string;
    scope?: Scope;
    limit?: number;
    cursor?: string;
  }): Promise<Page<ToolDetail>> {
    return this._get('tools', query);
  }

  tool(name: string): Promise<ToolDetail> {
    return this._get(toolPath(name));
  }

  createTool(tool: NewTool): Promise<{ tool: Tool; version: Version }> {
    return this._send('POST', 'tools', tool);
  }

  updateTool(name: string, changes: ToolChanges): Promise<Tool> {
    return this._send('PATCH', toolPath(name), changes);
  }

  deleteTool(name: string): Promise<Tool> {
    return this._send('DELETE', toolPath(name));
  }

  build(
    name: string,
    request: { ref?: string; force?: boolean } = {}
  ): Promise<Version> {
    return this._send('POST', `${toolPath(name)}/versions`, request);
  }

  version(id: string): Promise<Version> {
    return this._get(`versions/${id}`);
  }

  cancelBuild(id: string): Promise<Version> {
    return this._send('POST', `versions/${id}/cancel`);
  }

  /** Yield the states of a build and its log, until it is final. */
  async *followBuild(
    id: string,
    following: Following
  ): AsyncGenerator<Version | BuildLog> {
    const url = this.url(`versions/${id}/events`);
    for await (const { event, data } of follow(url, this.settings, following)) {
      if (event === 'log') {
        yield JSON.parse(data) as BuildLog;
      } else if (event === 'version') {
        const version = JSON.parse(data) as Version;
        yield version;
        if (isFinal(version)) {
          return;
        }
      }
    }
  }

  runs(query: RunsQuery): Promise<Page<Run>> {
    return this._get('runs', { ...query });
  }

  run(number: number): Promise<Run> {
    return this._get(`runs/${number}`);
  }

  /** Return how a command line, a list of arguments, or a form is read. */
  readArguments(asked: ArgumentsRequest): Promise<ReadArguments> {
    return this._send('POST', 'arguments', asked);
  }

  /** Start a run, with files for its working directory. */
  startRun(
    request: RunRequest,
    files: readonly File[] = [],
    sending: Sending = {}
  ): Promise<Run> {
    return this._start('runs', request, files, sending);
  }

  /** Start a run again, with changes or without. */
  rerun(
    number: number,
    changes: RunRequest = {},
    files: readonly File[] = [],
    sending: Sending = {}
  ): Promise<Run> {
    return this._start(`runs/${number}/rerun`, changes, files, sending);
  }

  /** Return the source of the cell that runs a run again. */
  async runCell(number: number): Promise<string> {
    const cell: { source: string } = await this._get(`runs/${number}/cell`);
    return cell.source;
  }

  /** Return the source of a cell that runs a tool. */
  async cell(request: CellRequest): Promise<string> {
    const cell: { source: string } = await this._send('POST', 'cells', request);
    return cell.source;
  }

  cancelRun(number: number): Promise<Run> {
    return this._send('POST', `runs/${number}/cancel`);
  }

  updateRun(number: number, changes: RunChanges): Promise<Run> {
    return this._send('PATCH', `runs/${number}`, changes);
  }

  async deleteRun(number: number): Promise<void> {
    await this._request('DELETE', `runs/${number}`);
  }

  /** Yield what a run writes, from its places (bytes) on, and its states, until it is final. */
  async *followRun(
    number: number,
    from: Record<StreamName, number>,
    following: Following
  ): AsyncGenerator<Run | Output> {
    const query = { stdout_offset: from.stdout, stderr_offset: from.stderr };
    const url = this.url(`runs/${number}/events`, query);
    for await (const { event, data } of follow(url, this.settings, following)) {
      if (event === 'run') {
        const run = JSON.parse(data) as Run;
        yield run;
        if (isFinal(run)) {
          return;
        }
      } else if (event === 'output') {
        const told = JSON.parse(data) as {
          stream: StreamName;
          offset: number;
          data: string;
        };
        yield { ...told, data: bytesOf(told.data) };
      }
    }
  }

  /** Return a run or a tool as a document, under the name that the server gives it. */
  async exported(
    subject: { number: number } | { tool: string },
    format: string
  ): Promise<File> {
    const path =
      'number' in subject ? `runs/${subject.number}` : toolPath(subject.tool);
    const response = await this._request(
      'GET',
      `${path}/export`,
      undefined,
      {},
      { format }
    );
    const disposition = response.headers.get('Content-Disposition') ?? '';
    const [, name = 'export'] = /filename="([^"]+)"/.exec(disposition) ?? [];
    return new File([await response.blob()], name);
  }

  links(number: number): Promise<Link[]> {
    return this._get<{ items: Link[] }>(`runs/${number}/links`).then(
      ({ items }) => items
    );
  }

  createLink(number: number, expiresInS?: number): Promise<NewLink> {
    return this._send('POST', `runs/${number}/links`, {
      expires_in_s: expiresInS ?? null
    });
  }

  async revokeLink(id: string): Promise<void> {
    await this._request('DELETE', `links/${id}`);
  }

  /** Yield what changes, of that which may be seen; `reset` when all should be asked for anew. */
  async *changes(following: Following): AsyncGenerator<Change | 'reset'> {
    const url = this.url('changes');
    for await (const { event, data } of follow(url, this.settings, following)) {
      if (event === 'change') {
        yield JSON.parse(data) as Change;
      } else if (event === 'reset') {
        yield 'reset';
      }
    }
  }

  /** Return (a part of) what a path holds, such as a run's stdout or one of its files. */
  async content(
    path: string,
    range?: { from: number; size: number }
  ): Promise<Response> {
    const headers: Record<string, string> = range
      ? { Range: `bytes=${range.from}-${range.from + range.size - 1}` }
      : {};
    return this._request('GET', path, undefined, headers);
  }

  /** Return some bytes of what a path holds, and how many there are in all. */
  async part(
    path: string,
    from: number,
    size: number
  ): Promise<{ bytes: Uint8Array; total: number }> {
    const response = await this.content(path, { from, size });
    const all = new Uint8Array(await response.arrayBuffer());
    if (response.status !== 206) {
      // who stands between need not know of parts
      return { bytes: all.subarray(from, from + size), total: all.length };
    }
    const total = /\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '');
    return { bytes: all, total: total ? Number(total[1]) : from + all.length };
  }

  url(path: string, query: Query = {}): string {
    const given = Object.entries(query).filter(
      ([, value]) => value !== undefined && value !== ''
    );
    const text = new URLSearchParams(
      given.map(([name, value]) => [name, String(value)])
    ).toString();
    return (
      URLExt.join(this.settings.baseUrl, 'tooinstance/api', path) +
      (text ? `?${text}` : '')
    );
  }

  private async _start(
    path: string,
    request: RunRequest,
    files: readonly File[],
    { stdin, onSent = () => undefined }: Sending
  ): Promise<Run> {
    if (files.length === 0 && stdin === undefined) {
      return this._send('POST', path, request);
    }
    const form = new FormData();
    form.append(
      'run',
      new Blob([JSON.stringify(request)], { type: 'application/json' })
    );
    for (const file of files) {
      form.append('input', file, file.name);
    }
    if (stdin) {
      form.append('stdin', stdin, 'stdin');
    }
    const response = await ServerConnection.makeRequest(
      this.url(path),
      { method: 'POST', cache: 'no-cache', body: form },
      // the type of a `fetch` allows more than it is called with
      {
        ...this.settings,
        fetch: fetchTelling(form, onSent) as typeof fetch
      }
    );
    return (await (await answerOrError(response)).json()) as Run;
  }

  private async _get<T>(path: string, query: Query = {}): Promise<T> {
    const response = await this._request('GET', path, undefined, {}, query);
    return (await response.json()) as T;
  }

  private async _send<T>(
    method: string,
    path: string,
    body?: object
  ): Promise<T> {
    const response = await this._request(method, path, body);
    return (await response.json()) as T;
  }

  private async _request(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
    query: Query = {}
  ): Promise<Response> {
    const init: RequestInit = {
      method,
      // with `no-store`, which is the default, JupyterLab adds a parameter that the API refuses;
      // parts of what still grows must not be asked for under the condition that it is as it was
      cache: 'Range' in headers ? 'reload' : 'no-cache',
      headers: body
        ? { 'Content-Type': 'application/json', ...headers }
        : headers,
      body: body && JSON.stringify(body)
    };
    const response = await ServerConnection.makeRequest(
      this.url(path, query),
      init,
      this.settings
    );
    return answerOrError(response);
  }
}

/** Return what a text in base64 holds; a stream may send a lot of it. */
function bytesOf(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    bytes[at] = text.charCodeAt(at);
  }
  return bytes;
}

function toolPath(name: string): string {
  return `tools/${encoded(name)}`;
}

/** The path of an output file of a run. */
export function filePath(number: number, path: string): string {
  return `runs/${number}/files/${encoded(path)}`;
}

/** Return a path for an address, which nothing in it can lead elsewhere: a notebook may name it. */
function encoded(path: string): string {
  return path
    .split('/')
    .map(step => (/^\.{0,2}$/.test(step) ? '%252E' : encodeURIComponent(step)))
    .join('/');
}
