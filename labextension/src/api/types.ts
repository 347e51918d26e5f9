/** The words of the API as this extension uses them; they are generated from its OpenAPI document. */
import type { components } from './schema';

type Schemas = components['schemas'];
/** What the server always fills in, though those who write may leave it out. */
type Filled<T> = Required<T>;

export type Tool = Filled<Schemas['Tool']>;
export type Version = Filled<Schemas['Version']>;
export type Run = Filled<Schemas['Run']>;
export type Change = Filled<Schemas['Change']>;
export type User = Filled<Schemas['User']>;
export type Link = Filled<Schemas['Link']>;
export type Usage = Schemas['Usage'];
export type Me = Schemas['Me'];
export type OutputFile = Schemas['OutputFile'];
export type Limits = Schemas['Limits'];
export type RunStatus = Schemas['RunStatus'];
export type VersionStatus = Schemas['VersionStatus'];
export type Visibility = Schemas['Visibility'];
export type Scope = 'all' | 'mine' | 'shared' | 'public';
export type StreamName = 'stdout' | 'stderr';

export type Option = Filled<Schemas['Option']>;
/** A command of a tool that has several; `is_read` tells whether its options are known. */
export type Subcommand = Filled<Schemas['Subcommand']>;
/** What a tool can be given, read from its own help. */
export type Interface = Filled<Schemas['Interface']>;
export type Form = Filled<Schemas['Form']>;
export type ReadArguments = Filled<Schemas['ReadArguments']>;
export type ArgumentsRequest = Partial<Schemas['ArgumentsRequest']>;

export interface ToolDetail {
  tool: Tool;
  versions: Version[];
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface NewLink {
  link: Link;
  token: string;
}

export type NewTool = Partial<Schemas['NewTool']> & { source: string };
export type ToolChanges = Partial<Schemas['ToolChanges']>;
export type CellRequest = Partial<Schemas['CellRequest']> & { tool: string };
export type RunRequest = Partial<Schemas['RunRequest']>;
export type RunChanges = Partial<Schemas['RunChanges']>;

/** A piece of what a run wrote, at its place (bytes) in the stream. */
export interface Output {
  stream: StreamName;
  offset: number;
  data: Uint8Array;
}

/** A piece of a build's log, at its place (bytes) in the log. */
export interface BuildLog {
  offset: number;
  text: string;
}

const FINAL_RUN: readonly string[] = [
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
  'lost'
];
const FINAL_VERSION: readonly string[] = ['ready', 'failed', 'cancelled'];

/** Whether nothing follows the state of a run or a version. */
export function isFinal(subject: Run | Version): boolean {
  const ends = 'tool_name' in subject ? FINAL_RUN : FINAL_VERSION;
  return ends.includes(subject.status);
}

/** The version that a run takes when it names none. */
export function readyVersion(detail: ToolDetail): Version | undefined {
  return detail.versions.find(version => version.status === 'ready');
}

export function fullName(tool: Tool): string {
  return `${tool.owner}/${tool.name}`;
}

/** Return a tool's name without its owner's. */
export function bareName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
