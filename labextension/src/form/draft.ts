/** What is typed into a form, kept over a reload of the page; secrets are not. */
import type { Draft } from '../places';

/** What a run is given beside its arguments and files. */
export interface Extras {
  readonly stdin: string;
  readonly timeout: string;
  readonly memory: string;
  readonly isOffline: boolean;
  readonly engine: string;
  readonly label: string;
}

export const NO_EXTRAS: Extras = {
  stdin: '',
  timeout: '',
  memory: '',
  isOffline: false,
  engine: '',
  label: ''
};

export interface Kept {
  /** What the form began with; one that is to begin with another line is another form. */
  draft?: Draft;
  line: string;
  extras: Extras;
  variables: [name: string, value: string][];
  secretNames: string[];
  /** Files of the server. */
  paths: string[];
  /** Names of files of the user's machine, which cannot be kept. */
  files: string[];
  keepsInputs: boolean;
  /** Whether it was filled in and not sent. */
  isUnsent?: boolean;
}

export function keep(key: string, kept: Kept): void {
  try {
    sessionStorage.setItem(nameOf(key), JSON.stringify(kept));
  } catch {
    // a full store must not get in the way of typing
  }
}

/** Return what was typed into a form that began so. */
export function kept(key: string, draft: Draft | undefined): Kept | undefined {
  try {
    const found = JSON.parse(
      sessionStorage.getItem(nameOf(key)) ?? 'null'
    ) as Kept | null;
    const isSame =
      draft?.line === undefined || draft.line === found?.draft?.line;
    return found && isSame ? found : undefined;
  } catch {
    return undefined;
  }
}

export function forget(key: string): void {
  sessionStorage.removeItem(nameOf(key));
}

function nameOf(key: string): string {
  return `tooinstance:form:${key}`;
}
