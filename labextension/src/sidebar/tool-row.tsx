/** A tool in one row, which opens to a card. */
import { ellipsesIcon, runIcon } from '@jupyterlab/ui-components';
import { useId } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';

import { fullName, isFinal, readyVersion } from '../api/types';
import type { ToolDetail } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';
import { sourceInWords } from '../parts/source';
import { Status } from '../parts/status';
import { stepInWords } from '../words';
import { openToolMenu } from './menu';
import { ToolCard } from './tool-card';

export interface ToolRowProps {
  detail: ToolDetail;
  tabIndex: 0 | -1;
  isExpanded: boolean;
  onExpand: (isExpanded: boolean) => void;
}

export function ToolRow({
  detail,
  tabIndex,
  isExpanded,
  onExpand
}: ToolRowProps): ReactElement {
  const given = useGiven();
  const { commands, model, trans } = given;
  const id = useId();
  const { tool, versions } = detail;
  const newest = versions.at(0);
  const name = fullName(tool);
  const isOthers = model.me !== undefined && model.me.name !== tool.owner;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      onExpand(event.key === 'ArrowRight');
    }
  };
  return (
    <>
      <div
        className="jp-TooInstance-tool"
        data-testid="tooi-tool-row"
        data-tool={name}
        role="presentation"
        onContextMenu={event => {
          event.preventDefault();
          event.stopPropagation();
          openToolMenu(given, detail, event.clientX, event.clientY);
        }}
      >
        <button
          type="button"
          className="jp-TooInstance-entry"
          tabIndex={tabIndex}
          aria-expanded={isExpanded}
          aria-controls={isExpanded ? id : undefined}
          title={name}
          onClick={() => {
            onExpand(!isExpanded);
          }}
          onDoubleClick={() => {
            void commands.execute(CommandIDs.openTool, { tool: name });
          }}
          onKeyDown={onKeyDown}
        >
          <span className="jp-TooInstance-entry-top">
            <Status status={newest?.status ?? 'pending'} isCompact />
            <span className="jp-TooInstance-entry-name">{tool.name}</span>
            {isOthers && (
              <span className="jp-TooInstance-entry-side">{tool.owner}</span>
            )}
          </span>
          <span className="jp-TooInstance-entry-more">
            <About detail={detail} />
          </span>
        </button>
        <span className="jp-TooInstance-tool-actions">
          {readyVersion(detail) && (
            <button
              type="button"
              tabIndex={tabIndex}
              title={trans.__('Run %1', tool.name)}
              aria-label={trans.__('Run %1', tool.name)}
              data-testid="tooi-tool-row-run"
              onClick={() => {
                void commands.execute(CommandIDs.run, { tool: name });
              }}
            >
              <runIcon.react tag="span" elementSize="normal" />
            </button>
          )}
          <button
            type="button"
            tabIndex={tabIndex}
            title={trans.__('More')}
            aria-label={trans.__('More about %1', tool.name)}
            aria-haspopup="menu"
            data-testid="tooi-tool-row-menu"
            onClick={event => {
              const { left, bottom } =
                event.currentTarget.getBoundingClientRect();
              openToolMenu(given, detail, left, bottom);
            }}
          >
            <ellipsesIcon.react tag="span" elementSize="normal" />
          </button>
        </span>
      </div>
      {isExpanded && <ToolCard id={id} detail={detail} tabIndex={tabIndex} />}
    </>
  );
}

/** What there is to say of a tool in a line: how its build goes, or what it does. */
function About({ detail }: { detail: ToolDetail }): ReactElement {
  const { trans } = useGiven();
  const { tool, versions } = detail;
  const newest = versions.at(0);
  if (newest && !isFinal(newest)) {
    return <>{stepInWords(newest, trans)}</>;
  }
  if (newest?.failure && newest.status === 'failed') {
    return <>{newest.failure.message}</>;
  }
  return (
    <>
      {tool.description ||
        sourceInWords(tool.source).replace(/^https?:\/\//, '')}
    </>
  );
}
