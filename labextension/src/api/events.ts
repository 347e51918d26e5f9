/** Streams of server-sent events that resume by themselves; what they mean is left to `client`. */
import { ServerConnection } from '@jupyterlab/services';
import { createParser } from 'eventsource-parser';
import type { EventSourceMessage } from 'eventsource-parser';

import { ApiError, answerOrError } from './errors';

const SHORTEST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** How long the page may be busy with events before others have their turn. */
const SLICE_MS = 8;

export interface Following {
  /** Ends it. */
  signal: AbortSignal;
  /** Called with `false` when the server is out of reach, with `true` once it is back. */
  onReach?: (isReached: boolean) => void;
}

/**
 * Yield the events of a stream; it is asked for again from where it was whenever it breaks.
 * It ends with its reader, who knows after which event nothing follows.
 *
 * @throws ApiError if the server refuses; being out of reach is waited out.
 */
export async function* follow(
  url: string,
  settings: ServerConnection.ISettings,
  { signal, onReach }: Following
): AsyncGenerator<EventSourceMessage> {
  let lastId: string | undefined;
  let wait = SHORTEST_WAIT_MS;
  const isOver = () => signal.aborted;
  while (!isOver()) {
    try {
      const response = await ServerConnection.makeRequest(
        url,
        {
          headers: {
            Accept: 'text/event-stream',
            ...(lastId === undefined ? {} : { 'Last-Event-ID': lastId })
          },
          cache: 'no-cache',
          signal
        },
        settings
      );
      await answerOrError(response);
      onReach?.(true);
      for await (const event of eventsOf(response, signal)) {
        wait = SHORTEST_WAIT_MS;
        lastId = event.id ?? lastId;
        yield event;
      }
    } catch (error) {
      if (error instanceof ApiError && !error.isPassing) {
        throw error;
      }
    }
    if (isOver()) {
      return;
    }
    onReach?.(false);
    await pause(wait, signal);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }
}

async function* eventsOf(
  response: Response,
  signal: AbortSignal
): AsyncGenerator<EventSourceMessage> {
  if (response.body === null) {
    return;
  }
  let events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: event => events.push(event) });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let busySince = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      parser.feed(value);
      const found = events;
      events = [];
      for (const event of found) {
        yield event;
        if (performance.now() - busySince > SLICE_MS) {
          await pause(0, signal);
          busySince = performance.now();
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
