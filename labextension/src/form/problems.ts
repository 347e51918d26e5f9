/** At which part of the form an answer that says no is shown. */
import { ApiError } from '../api/errors';

export type Part =
  | 'arguments'
  | 'inputs'
  | 'variables'
  | 'secrets'
  | 'timeout'
  | 'memory'
  | 'whole';

/** An entry that cannot be sent as it is. */
export class EntryError extends Error {
  constructor(
    readonly part: Part,
    message: string
  ) {
    super(message);
  }
}

export function partOf(error: unknown): Part {
  if (error instanceof EntryError) {
    return error.part;
  }
  if (!(error instanceof ApiError)) {
    return 'whole';
  }
  const { code, message } = error;
  if (/^(arguments?_|json_depth)/.test(code)) {
    return 'arguments';
  }
  if (/^(input_|too_large|cell_stdin)/.test(code)) {
    return 'inputs';
  }
  if (code.startsWith('variable_')) {
    return 'variables';
  }
  if (code.startsWith('secret_')) {
    return 'secrets';
  }
  if (code === 'limit_out_of_range') {
    return message.includes('memory') ? 'memory' : 'timeout';
  }
  return 'whole';
}
