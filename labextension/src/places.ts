/** Where one can be in the main area: what is kept of a document to open it again after a reload. */
import type { PartialJSONObject } from '@lumino/coreutils';

/** A command that was shown elsewhere, as the form of a run begins with. */
export interface Draft extends PartialJSONObject {
  /** The command line. */
  line?: string;
  /** The run that it is taken from, with its inputs. */
  of?: number;
}

/** A part of a tool's document that can be gone to. */
export type ToolSection = 'access' | 'settings';

export type Place =
  | { kind: 'create'; source?: string; command?: string }
  | { kind: 'tool'; tool: string; section?: ToolSection }
  | { kind: 'form'; tool: string; draft?: Draft }
  | { kind: 'run'; number: number };

/** Return what tells a place from all others. */
export function keyOf(place: Place): string {
  switch (place.kind) {
    case 'create':
      return 'create';
    case 'tool':
      return `tool:${place.tool}`;
    case 'form': {
      // what is taken from a run is a form of its own: the other one may be half filled in
      const of = place.draft?.of;
      return `form:${place.tool}` + (of === undefined ? '' : `:${of}`);
    }
    case 'run':
      return `run:${place.number}`;
  }
}

/** Return the place where a tool is made, with what the arguments begin it with. */
export function placeToCreate({
  source,
  command
}: Record<string, unknown>): Place {
  return {
    kind: 'create',
    ...(typeof source === 'string' ? { source } : {}),
    ...(typeof command === 'string' ? { command } : {})
  };
}

/** Return the place that a command's arguments name, or nothing if they name none. */
export function placeOf(args: Record<string, unknown>): Place | undefined {
  const { kind, tool, number, draft } = args;
  if (kind === 'create') {
    return placeToCreate(args);
  }
  if ((kind === 'tool' || kind === 'form') && typeof tool === 'string') {
    return kind === 'tool'
      ? { kind, tool }
      : { kind, tool, draft: draft as Draft | undefined };
  }
  if (kind === 'run' && typeof number === 'number') {
    return { kind, number };
  }
  return undefined;
}
