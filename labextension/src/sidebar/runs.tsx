/** A section of the side panel with the history of runs. */
import type { ReactElement } from 'react';

import { useGiven, useSignal } from '../context';
import { List } from '../parts/list';
import type { RunListing } from './listings';
import { RunRow } from '../parts/run-row';

export function RunsSection({
  listing
}: {
  listing: RunListing;
}): ReactElement {
  const { trans } = useGiven();
  useSignal(listing.list.changed);
  return (
    <List
      list={listing.list}
      label={trans.__('Runs')}
      keyOf={run => String(run.number)}
      rowHeight={40}
      empty={
        listing.text
          ? trans.__(
              'No run has “%1” in its tool, arguments or label.',
              listing.text
            )
          : trans.__('No runs yet. Run a tool: its output stays here.')
      }
    >
      {(run, tabIndex) => <RunRow run={run} tabIndex={tabIndex} />}
    </List>
  );
}
