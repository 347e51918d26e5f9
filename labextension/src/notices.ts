/** A word when a run or a build has ended whose document is open and cannot be seen. */
import { Notification } from '@jupyterlab/apputils';

import type { Change } from './api/types';
import { CommandIDs } from './command-ids';
import type { Context } from './context';
import type { Documents } from './documents';
import type { Place } from './places';

const ENDS = ['succeeded', 'ready', 'failed', 'timed_out', 'lost'];

/** Say so from now on, unless the user has set otherwise. */
export function announceEnds(given: Context, documents: Documents): void {
  given.model.changed.connect((_, change) => {
    if (
      change !== 'reset' &&
      ENDS.includes(change.action) &&
      given.settings.notifies
    ) {
      for (const place of documents.unseen) {
        // what cannot be read any more is nothing to speak of
        announce(given, place, change).catch(() => undefined);
      }
    }
  });
}

async function announce(
  given: Context,
  place: Place,
  change: Change
): Promise<void> {
  const { api } = given.model;
  if (place.kind === 'run' && change.kind === 'run') {
    if (String(place.number) === change.subject) {
      const run = await api.run(place.number);
      say(given, place, change, `${run.tool_name} #${run.number}`, run.message);
    }
  } else if (place.kind === 'tool' && change.kind === 'version') {
    const { tool } = await api.tool(place.tool);
    if (tool.id === change.tool_id) {
      const { message } = await api.version(change.subject);
      say(given, place, change, tool.name, message);
    }
  }
}

function say(
  { commands, trans }: Context,
  place: Place,
  { action }: Change,
  subject: string,
  message: string
): void {
  const isGood = action === 'succeeded' || action === 'ready';
  Notification.emit(`${subject}: ${message}`, isGood ? 'success' : 'error', {
    autoClose: 8000,
    actions: [
      {
        label: trans.__('Open'),
        callback: () => {
          void commands.execute(CommandIDs.open, { ...place });
        }
      }
    ]
  });
}
