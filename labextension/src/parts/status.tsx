/** The state of a run or a version: a mark, and the word for it for those who do not see colours. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import type { RunStatus, VersionStatus } from '../api/types';
import { useGiven } from '../context';

type AnyStatus = RunStatus | VersionStatus;

/** Return the word for a state. */
export function statusInWords(
  status: AnyStatus,
  trans: TranslationBundle
): string {
  const words: Record<AnyStatus, string> = {
    pending: trans.__('waiting'),
    fetching: trans.__('fetching'),
    detecting: trans.__('detecting'),
    building: trans.__('building'),
    checking: trans.__('checking'),
    ready: trans.__('ready'),
    queued: trans.__('waiting'),
    starting: trans.__('starting'),
    running: trans.__('running'),
    succeeded: trans.__('succeeded'),
    failed: trans.__('failed'),
    cancelled: trans.__('cancelled'),
    timed_out: trans.__('timed out'),
    lost: trans.__('lost')
  };
  return words[status];
}

function moodOf(
  status: AnyStatus,
  isCut: boolean
): 'good' | 'cut' | 'bad' | 'busy' | 'idle' {
  switch (status) {
    case 'ready':
    case 'succeeded':
      return isCut ? 'cut' : 'good';
    case 'failed':
    case 'timed_out':
    case 'lost':
      return 'bad';
    case 'cancelled':
    case 'pending':
    case 'queued':
      return 'idle';
    default:
      return 'busy';
  }
}

/** A mark, with the word beside it or, where there is no room, as its label. */
export function Status({
  status,
  isCompact = false,
  isCut = false
}: {
  status: AnyStatus;
  isCompact?: boolean;
  /** Whether not all of a run's output is kept: it is not all good then. */
  isCut?: boolean;
}): ReactElement {
  const { trans } = useGiven();
  const word = statusInWords(status, trans);
  return (
    <span
      className="jp-TooInstance-status"
      data-mood={moodOf(status, isCut)}
      data-status={status}
    >
      <span
        className="jp-TooInstance-status-mark"
        {...(isCompact
          ? { role: 'img', 'aria-label': word, title: word }
          : { 'aria-hidden': true })}
      />
      {!isCompact && word}
    </span>
  );
}
