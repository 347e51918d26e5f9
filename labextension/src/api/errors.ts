/** Why the server did not do what it was asked, for people. */

/** An answer of the API that says no. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Whether it may be answered otherwise soon: a proxy says 424 while the server is stopped. */
  get isPassing(): boolean {
    return this.status >= 500 || [408, 424, 425, 429].includes(this.status);
  }
}

/** Whether it is said that there is no such thing, or none that may be seen. */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

interface Told {
  error?: { code?: string; message?: string; hint?: string };
  message?: string;
}

/** Return a response that says yes. */
export async function answerOrError(response: Response): Promise<Response> {
  if (response.ok) {
    return response;
  }
  let told: Told = {};
  try {
    told = (await response.json()) as Told;
  } catch {
    // a proxy's answer, not the API's: its status is all there is
  }
  const { code = '', message = told.message, hint = '' } = told.error ?? {};
  throw new ApiError(
    response.status,
    code,
    message ?? `The server answered ${response.status} ${response.statusText}.`,
    hint
  );
}
