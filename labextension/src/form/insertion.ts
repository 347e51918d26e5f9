/** What is typed into a form, as the options of a `%tooi run` line. */
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { FormModel } from './model';

/** Return the arguments of the command that puts a cell with an argv into a notebook. */
export function insertion(
  form: FormModel,
  argv: readonly string[]
): ReadonlyPartialJSONObject {
  const { extras, variables, secrets, inputs } = form;
  const { timeout, memory, isOffline, engine, label, stdin } = extras;
  const options = [
    ...valued('--timeout', timeout),
    ...valued('--memory', memory),
    ...(isOffline ? ['--no-network'] : []),
    ...valued('--engine', engine),
    ...valued('--label', label),
    ...variables
      .filter(({ name }) => name)
      .flatMap(({ name, value }) => ['-e', `${name}=${value}`]),
    ...secrets.flatMap(({ name }) => valued('--secret', name))
  ];
  return {
    tool: form.tool,
    argv: [...argv],
    options,
    stdin,
    // where they lie on the server, if they do
    inputs: inputs.items.map(({ file, path }) => path ?? file.name)
  };
}

function valued(option: string, value: string): string[] {
  return value.trim() ? [option, value.trim()] : [];
}
