/** What is typed into the form that makes a tool: how it is sent, kept, and found fault with. */
import { ApiError } from '../api/errors';
import type { NewTool, Visibility } from '../api/types';

const KEPT = 'tooinstance:create';
/** A link with a name or password in it, which must not be kept. */
const CREDENTIAL = /\/\/[^/]*@/;

export interface ToolDraft {
  source: string;
  name: string;
  ref: string;
  runtime: string;
  entry_point: string;
  output: 'stdout' | 'files' | 'both';
  visibility: Visibility;
  access: readonly string[];
  description: string;
  build_arguments: readonly { name: string; value: string }[];
  engine: string;
}

export const EMPTY: ToolDraft = {
  source: '',
  name: '',
  ref: '',
  runtime: '',
  entry_point: '',
  output: 'stdout',
  visibility: 'private',
  access: [],
  description: '',
  build_arguments: [],
  engine: ''
};

/** Return what is asked of the server; what is left empty is found by itself. */
export function requestOf(draft: ToolDraft): NewTool {
  const given = (text: string) => text.trim() || null;
  return {
    source: draft.source.trim(),
    name: given(draft.name),
    ref: given(draft.ref),
    runtime: given(draft.runtime),
    entry_point: given(draft.entry_point),
    output: draft.output,
    visibility: draft.visibility,
    access: [...draft.access],
    description: draft.description,
    build_arguments: Object.fromEntries(
      draft.build_arguments
        .filter(({ name, value }) => name || value)
        .map(({ name, value }) => [name.trim(), value])
    ),
    engine: given(draft.engine)
  };
}

/** Which codes of the API are about which field; what ends in `_` is how they begin. */
const CODES: readonly (readonly [string, keyof ToolDraft])[] = [
  ['source_', 'source'],
  ['subdirectory_', 'source'],
  ['name_', 'name'],
  ['ref_', 'ref'],
  ['runtime_', 'runtime'],
  ['entry_point_', 'entry_point'],
  ['access_', 'access'],
  ['build_argument_', 'build_arguments'],
  ['engine_', 'engine']
];

/** Return the field that an error is about, if it is about one. */
export function fieldOf(
  error: unknown,
  draft: ToolDraft
): keyof ToolDraft | undefined {
  if (!(error instanceof ApiError)) {
    return undefined;
  }
  const { code, message } = error;
  const byCode = CODES.find(([start]) => code.startsWith(start))?.[1];
  if (byCode === 'ref' && draft.ref.trim() === '') {
    return 'source';
  }
  if (byCode) {
    return byCode;
  }
  // what cannot be read at all is told with its path: "output: Input should be…"
  const named = /^([a-z_]+)(?:\.[^:]*)?: /.exec(message)?.[1];
  if (named !== undefined && named in EMPTY) {
    return named as keyof ToolDraft;
  }
  if (/access list/.test(message)) {
    return 'access';
  }
  return /^The description/.test(message) ? 'description' : undefined;
}

/** Keep a draft over a reload, but for what may be secret. */
export function keep(draft: ToolDraft): void {
  const kept = {
    ...draft,
    source: CREDENTIAL.test(draft.source) ? '' : draft.source,
    build_arguments: draft.build_arguments.map(({ name }) => ({
      name,
      value: ''
    }))
  };
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
  } catch {
    // a full store must not get in the way of typing
  }
}

/** Return the draft that was kept, or an empty one. */
export function kept(): ToolDraft {
  const text = sessionStorage.getItem(KEPT);
  try {
    return { ...EMPTY, ...(JSON.parse(text ?? '{}') as Partial<ToolDraft>) };
  } catch {
    // another release wrote it
    return EMPTY;
  }
}

export function forget(): void {
  sessionStorage.removeItem(KEPT);
}
