/** Errors, sizes, times and states as people read them. */
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { ApiError } from './api/errors';
import type { Run, Version } from './api/types';

/** Return what went wrong and what to do next. */
export function inWords(error: unknown, trans: TranslationBundle): string {
  if (error instanceof ApiError) {
    return error.hint ? `${error.message} ${error.hint}` : error.message;
  }
  if (error instanceof ServerConnection.NetworkError) {
    return trans.__('The server cannot be reached. Is it running?');
  }
  return error instanceof Error ? error.message : String(error);
}

/** Return a size as `1.5 MB`. */
export function sizeInWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Return a duration as `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationInWords(seconds: number): string {
  if (seconds < 10) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Return how long ago a moment is, in the user's language. */
export function ago(
  moment: string,
  locale: string | undefined,
  now = Date.now()
): string {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, {
    numeric: 'auto',
    style: 'short'
  });
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ['year', 31_557_600],
    ['month', 2_629_800],
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60]
  ];
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) {
      return format.format(Math.round(seconds / size), unit);
    }
  }
  return format.format(Math.round(Math.min(seconds, 0)), 'second');
}

/** Return how long a run has taken (seconds), up to now if it goes on. */
export function secondsOf(run: Run, now = Date.now()): number | undefined {
  if (run.started_at === null) {
    return undefined;
  }
  const end =
    run.finished_at === null ? now : new Date(run.finished_at).getTime();
  return Math.max(0, (end - new Date(run.started_at).getTime()) / 1000);
}

/** Return how far a build is: `3 of 7: Installing…`. */
export function stepInWords(
  { message, steps_done, steps_total }: Version,
  trans: TranslationBundle
): string {
  return steps_total > 0
    ? trans.__('%1 of %2: %3', steps_done, steps_total, message)
    : message;
}

/** Return enough of a commit or a content's digest to tell it from others. */
export function commitInShort(commit: string): string {
  return commit.replace(/^sha256:/, '').slice(0, 10);
}
