/** What is filled in beside the arguments, as the request for a run. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { RunRequest } from '../api/types';
import type { Pair } from '../parts/pairs';
import type { Extras } from './draft';
import { bytes, seconds } from './limits';
import { EntryError } from './problems';
import type { Part } from './problems';

/**
 * Return the request; standard input of a file is left to who sends it.
 *
 * @throws EntryError if something cannot be read.
 */
export function requestOf(
  extras: Extras,
  variables: readonly Pair[],
  secrets: readonly Pair[],
  trans: TranslationBundle
): RunRequest {
  const { timeout, memory, isOffline, engine, label } = extras;
  const timeoutS = timeout.trim() ? seconds(timeout) : null;
  if (timeoutS === undefined) {
    throw new EntryError('timeout', trans.__('Write seconds, or 2m, 1h.'));
  }
  const memoryBytes = memory.trim() ? bytes(memory) : null;
  if (memoryBytes === undefined) {
    throw new EntryError('memory', trans.__('Write bytes, or 512M, 2G.'));
  }
  return {
    stdin: extras.stdin || null,
    variables: byName('variables', variables, trans),
    secrets: byName('secrets', secrets, trans),
    timeout_s: timeoutS,
    memory_bytes: memoryBytes,
    network: isOffline ? false : null,
    engine: engine || null,
    label
  };
}

/**
 * Return the names of variables whose values are not needed.
 *
 * @throws EntryError if one cannot be a name.
 */
export function namesOf(
  pairs: readonly Pair[],
  trans: TranslationBundle
): string[] {
  const named = pairs.map(({ name, value }) => ({
    name,
    value: value || name
  }));
  return Object.keys(byName('secrets', named, trans));
}

function byName(
  part: Part,
  pairs: readonly Pair[],
  trans: TranslationBundle
): Record<string, string> {
  const given = pairs.filter(({ name, value }) => name || value);
  const wrong = given.find(({ name }) => !/^[A-Za-z_]\w*$/.test(name));
  if (wrong?.name === '') {
    throw new EntryError(part, trans.__('A value has no name.'));
  }
  if (wrong) {
    throw new EntryError(
      part,
      trans.__(
        '%1 cannot be the name of a variable: letters, digits and _ can.',
        JSON.stringify(wrong.name)
      )
    );
  }
  const empty = given.find(({ value }) => part === 'secrets' && !value);
  if (empty) {
    throw new EntryError(
      part,
      trans.__('Fill in %1: secrets are not kept.', empty.name)
    );
  }
  return Object.fromEntries(given.map(({ name, value }) => [name, value]));
}
