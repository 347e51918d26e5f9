/** The newest version while it is built, and when that has failed: how far, why, and what to do next. */
import { Button } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { ReactElement } from 'react';

import { fullName, isFinal } from '../api/types';
import type { ToolDetail, Version } from '../api/types';
import { useGiven } from '../context';
import { useNow } from '../parts/now';
import { Hint, Problem } from '../parts/problem';
import { Status } from '../parts/status';
import { durationInWords, stepInWords } from '../words';
import { BuildLog, useBuild } from './log';

const SECOND_MS = 1000;

export function Newest({
  detail,
  listed,
  onSettings
}: {
  detail: ToolDetail;
  /** The version as it was listed; the stream of its build knows more. */
  listed: Version;
  /** Goes to the settings. */
  onSettings: () => void;
}): ReactElement {
  const { trans } = useGiven();
  const build = useBuild(listed.id);
  const version = build.version && !isFinal(listed) ? build.version : listed;
  return (
    <section
      className="jp-TooInstance-newest"
      aria-label={trans.__('Build of version %1', version.number)}
      data-testid="tooi-build"
    >
      {version.status === 'failed' || version.status === 'cancelled' ? (
        <Failed detail={detail} version={version} onSettings={onSettings} />
      ) : (
        <Progress version={version} />
      )}
      <BuildLog build={build} />
    </section>
  );
}

function Progress({ version }: { version: Version }): ReactElement {
  const { model, trans } = useGiven();
  const now = useNow(SECOND_MS);
  const [error, setError] = useState<unknown>();
  const [isEnding, setIsEnding] = useState(false);
  const { steps_done: done, steps_total: total } = version;
  const seconds = (now - new Date(version.created_at).getTime()) / 1000;
  return (
    <>
      <div className="jp-TooInstance-controls">
        <Status status={version.status} />
        <span role="status" data-testid="tooi-build-step">
          {stepInWords(version, trans)}
        </span>
        <span className="jp-TooInstance-help">
          {durationInWords(Math.max(0, Math.round(seconds)))}
        </span>
        <Button
          type="button"
          small
          className="jp-mod-styled jp-mod-reject"
          data-testid="tooi-build-cancel"
          disabled={isEnding || isFinal(version)}
          onClick={() => {
            setIsEnding(true);
            model.api.cancelBuild(version.id).catch((failure: unknown) => {
              setError(failure);
              setIsEnding(false);
            });
          }}
        >
          {isEnding ? trans.__('Cancelling…') : trans.__('Cancel')}
        </Button>
      </div>
      <div
        className="jp-TooInstance-progress"
        role="progressbar"
        aria-label={trans.__('Progress of the build')}
        aria-valuemin={0}
        {...(total > 0
          ? { 'aria-valuemax': total, 'aria-valuenow': done }
          : {})}
        data-unknown={total === 0}
      >
        <div style={total > 0 ? { width: `${(100 * done) / total}%` } : {}} />
      </div>
      {error !== undefined && <Problem error={error} />}
    </>
  );
}

function Failed({
  detail,
  version,
  onSettings
}: {
  detail: ToolDetail;
  version: Version;
  onSettings: () => void;
}): ReactElement {
  const { model, trans } = useGiven();
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);
  const name = fullName(detail.tool);
  const again = async (changes?: { runtime: string; entry_point: string }) => {
    setIsBusy(true);
    setError(undefined);
    try {
      if (changes) {
        await model.api.updateTool(name, changes);
      }
      await model.api.build(name, { force: true });
    } catch (failure) {
      setError(failure);
    }
    setIsBusy(false);
  };
  const { failure, candidates, notes } = version;
  const mayChange = model.mayChange(detail.tool);
  return (
    <>
      <div className="jp-TooInstance-problem" data-testid="tooi-build-failure">
        <h3>
          {version.status === 'cancelled'
            ? trans.__('The build of version %1 was cancelled', version.number)
            : trans.__('Version %1 could not be built', version.number)}
        </h3>
        {failure && version.status === 'failed' && (
          <>
            <p>{failure.message}</p>
            <Hint text={failure.hint} />
          </>
        )}
      </div>
      {mayChange && (
        <div className="jp-TooInstance-actions">
          <Button
            type="button"
            className="jp-mod-styled jp-mod-accept"
            data-testid="tooi-build-again"
            disabled={isBusy}
            onClick={() => {
              void again();
            }}
          >
            {trans.__('Try again')}
          </Button>
          <Button
            type="button"
            className="jp-mod-styled"
            data-testid="tooi-build-settings"
            onClick={onSettings}
          >
            {trans.__('Change settings')}
          </Button>
        </div>
      )}
      {error !== undefined && <Problem error={error} />}
      {mayChange && candidates.length > 0 && (
        <>
          <p>{trans.__('It could also be run like this:')}</p>
          <ul className="jp-TooInstance-rows">
            {candidates.map(({ runtime, entry_point, reason }) => (
              <li key={`${runtime} ${entry_point}`}>
                <code>{entry_point}</code>
                <span className="jp-TooInstance-help">
                  {runtime} · {reason}
                </span>
                <Button
                  type="button"
                  small
                  className="jp-mod-styled"
                  aria-label={trans.__('Build with %1', entry_point)}
                  data-testid="tooi-build-candidate"
                  disabled={isBusy}
                  onClick={() => {
                    void again({ runtime, entry_point });
                  }}
                >
                  {trans.__('Build with this')}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
      {notes.length > 0 && (
        <details>
          <summary data-testid="tooi-build-notes">
            {trans.__('What was tried')}
          </summary>
          <ul>
            {notes.map((note, index) => (
              <li key={index}>{note}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
