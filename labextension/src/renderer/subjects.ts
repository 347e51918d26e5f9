/** What a display in a notebook is about; its JSON may be anybody's, so that nothing of it is sure. */
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';

export type Kind = 'run' | 'tool' | 'version';

/** A run, or a tool, as a display names it. */
export type Subject =
  | {
      kind: 'run';
      id: string;
      number: number;
      status: string;
      /** Whose it is; empty where that is not told. */
      owner: string;
      /** What ran, with which arguments; by id, since others may have a tool of that name. */
      tool?: { id: string; name: string; argv: string[] };
    }
  | { kind: 'tool'; id: string; name: string };

export function mimeTypeOf(kind: Kind): string {
  return `application/vnd.tooinstance.${kind}.v1+json`;
}

/** Return what the JSON of a display is about, or nothing if it is not what it should be. */
export function subjectOf(
  kind: Kind,
  json: ReadonlyPartialJSONValue | undefined
): Subject | undefined {
  if (kind === 'run') {
    const record = objectOf(json);
    const { id, number, status, owner } = record;
    return typeof id === 'string' &&
      typeof number === 'number' &&
      Number.isSafeInteger(number) &&
      number > 0 &&
      typeof status === 'string'
      ? {
          kind,
          id,
          number,
          status,
          owner: typeof owner === 'string' && isName(owner) ? owner : '',
          tool: toolOf(record)
        }
      : undefined;
  }
  const { id, owner, name } = objectOf(objectOf(json).tool);
  return typeof id === 'string' &&
    typeof owner === 'string' &&
    typeof name === 'string' &&
    isName(owner) &&
    isName(name)
    ? { kind: 'tool', id, name: `${owner}/${name}` }
    : undefined;
}

/** Return what a run is said to have run; nothing where its arguments are not all told. */
function toolOf(
  record: Record<string, unknown>
): { id: string; name: string; argv: string[] } | undefined {
  const { tool_id: id, tool_name: name, arguments: argv } = record;
  const isTold =
    typeof id === 'string' &&
    typeof name === 'string' &&
    name.split('/').length === 2 &&
    name.split('/').every(isName) &&
    Array.isArray(argv) &&
    argv.every(word => typeof word === 'string') &&
    !('arguments_total' in record);
  return isTold ? { id, name, argv } : undefined;
}

/** Whether it can be the name of a tool or a user: it becomes a part of an address. */
function isName(text: string): boolean {
  return text !== '' && !/^\.+$|[/\\\p{Cc}]/u.test(text);
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : {};
}
