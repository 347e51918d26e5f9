/** The document of a tool: what it is, how its build goes, who sees it, its versions and its last runs. */
import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import { readyVersion } from '../api/types';
import type { ToolDetail } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven, useGo, useShown, useSignal } from '../context';
import { Problem } from '../parts/problem';
import type { ToolSection } from '../places';
import { RunRow } from '../parts/run-row';
import { AccessSection } from './access';
import { Newest } from './newest';
import { SettingsSection } from './settings';
import { ToolState } from './state';
import { Summary } from './summary';
import { Versions } from './versions';

export function ToolView({
  place
}: {
  place: { tool: string; section?: ToolSection };
}): ReactElement {
  const { commands, model, trans } = useGiven();
  const go = useGo();
  const isShown = useShown();
  const page = useRef<HTMLElement>(null);
  // one state for the document: a new name is told to it
  const [state] = useState(() => new ToolState(model, place.tool));
  useSignal(state.changed);
  useSignal(model.reachChanged);
  useEffect(() => {
    state.name = place.tool;
  }, [state, place.tool]);
  useEffect(() => {
    if (isShown) {
      state.start();
      return () => {
        state.stop();
      };
    }
    return undefined;
  }, [state, isShown]);
  const { detail, error, newName } = state;
  useEffect(() => {
    if (newName !== undefined) {
      go({ kind: 'tool', tool: newName });
    }
  }, [newName, go]);
  const isThere = detail !== undefined;
  useEffect(() => {
    if (place.section && isThere) {
      goTo(page.current, place.section);
    }
  }, [place, isThere]);

  if (state.isGone) {
    return (
      <section
        className="jp-TooInstance-page"
        aria-label={trans.__('Tool %1', place.tool)}
        data-testid="tooi-tool-gone"
      >
        <h2>{trans.__('%1 is not there', place.tool)}</h2>
        <p>
          {trans.__(
            'It has been deleted or renamed, or it is no longer shared with you. Runs of it are kept.'
          )}
        </p>
        <button
          type="button"
          className="jp-TooInstance-link"
          data-testid="tooi-tool-gone-show"
          onClick={() => {
            void commands.execute(CommandIDs.show);
          }}
        >
          {trans.__('Show the tools that are there')}
        </button>
      </section>
    );
  }
  return (
    <section
      ref={page}
      className="jp-TooInstance-page jp-TooInstance-tool-page"
      aria-label={trans.__('Tool %1', place.tool)}
      aria-busy={!isThere}
      data-testid="tooi-tool"
    >
      {error !== undefined && (
        <Problem error={error}>
          <button
            type="button"
            className="jp-TooInstance-link"
            data-testid="tooi-tool-retry"
            onClick={() => {
              void state.read();
            }}
          >
            {trans.__('Try again')}
          </button>
        </Problem>
      )}
      {detail ? (
        <Shown
          detail={detail}
          state={state}
          onSettings={() => {
            goTo(page.current, 'settings');
          }}
        />
      ) : (
        error === undefined && <p>{trans.__('Loading…')}</p>
      )}
    </section>
  );
}

function Shown({
  detail,
  state,
  onSettings
}: {
  detail: ToolDetail;
  state: ToolState;
  onSettings: () => void;
}): ReactElement {
  const { model, trans } = useGiven();
  const newest = detail.versions.at(0);
  const mayChange = model.mayChange(detail.tool);
  const { runs } = state;
  return (
    <>
      <Summary detail={detail} />
      {newest && newest.status !== 'ready' && (
        <Newest
          key={newest.id}
          detail={detail}
          listed={newest}
          onSettings={onSettings}
        />
      )}
      <section
        aria-label={trans.__('Recent runs')}
        data-testid="tooi-tool-runs"
      >
        <h3>{trans.__('Recent runs')}</h3>
        {runs.map(run => (
          <RunRow key={run.id} run={run} tabIndex={0} />
        ))}
        {runs.length === 0 && (
          <p className="jp-TooInstance-help">
            {readyVersion(detail)
              ? trans.__('None yet. Run it: what it writes is kept here.')
              : trans.__('None yet. It can be run once a version is ready.')}
          </p>
        )}
      </section>
      <Versions detail={detail} />
      {mayChange && (
        <>
          <AccessSection key={`access ${detail.tool.id}`} tool={detail.tool} />
          <SettingsSection key={`settings ${detail.tool.id}`} detail={detail} />
        </>
      )}
    </>
  );
}

/** Show a section, with the focus in its first control. */
function goTo(page: HTMLElement | null, section: ToolSection): void {
  const element = page?.querySelector(`[data-section="${section}"]`);
  element?.scrollIntoView({ block: 'start' });
  element
    ?.querySelector<HTMLElement>(
      section === 'access' ? 'input[role="combobox"]' : 'input'
    )
    ?.focus({ preventScroll: true });
}
