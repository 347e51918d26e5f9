/** A section of the side panel with the tools of one scope. */
import { Button } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { ReactElement } from 'react';

import { CommandIDs } from '../command-ids';
import { useGiven, useSignal } from '../context';
import { List } from '../parts/list';
import type { ToolListing } from './listings';
import { ToolRow } from './tool-row';

export function ToolsSection({
  listing
}: {
  listing: ToolListing;
}): ReactElement {
  const { trans } = useGiven();
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  useSignal(listing.list.changed);
  const labels = {
    all: trans.__('Tools'),
    mine: trans.__('My tools'),
    shared: trans.__('Tools shared with me'),
    public: trans.__('Public tools')
  };
  return (
    <List
      list={listing.list}
      label={labels[listing.scope]}
      keyOf={({ tool }) => tool.id}
      rowHeight={40}
      empty={<Empty listing={listing} />}
    >
      {(detail, tabIndex) => {
        const { id } = detail.tool;
        return (
          <ToolRow
            detail={detail}
            tabIndex={tabIndex}
            isExpanded={expanded.has(id)}
            onExpand={isExpanded => {
              const others = [...expanded].filter(one => one !== id);
              setExpanded(new Set(isExpanded ? [...others, id] : others));
            }}
          />
        );
      }}
    </List>
  );
}

/** What to do where there is nothing. */
function Empty({ listing }: { listing: ToolListing }): ReactElement {
  const { commands, trans } = useGiven();
  if (listing.text) {
    return <p>{trans.__('No tool is found by “%1”.', listing.text)}</p>;
  }
  switch (listing.scope) {
    case 'shared':
      return (
        <p>
          {trans.__(
            'Nothing yet. Tools of others appear here once they share them with you.'
          )}
        </p>
      );
    case 'public':
      return (
        <p>
          {trans.__(
            'Nothing yet. Make a tool of yours public, and everybody here sees it.'
          )}
        </p>
      );
    default:
      return (
        <>
          <p>{trans.__('You have no tools yet.')}</p>
          <Button
            type="button"
            className="jp-mod-styled jp-mod-accept"
            data-testid="tooi-first-tool"
            onClick={() => {
              void commands.execute(CommandIDs.create);
            }}
          >
            {trans.__('New tool')}
          </Button>
        </>
      );
  }
}
