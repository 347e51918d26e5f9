/** The document of one run: its header, and its output, errors and files in tabs. */
import { useCallback, useEffect, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';

import { isMissing } from '../api/errors';
import { bareName, isFinal } from '../api/types';
import type { Run, StreamName } from '../api/types';
import { useGiven, useShown, useSignal, useTitle } from '../context';
import { Problem } from '../parts/problem';
import { Files } from './files/view';
import { useFrames } from './frames';
import { Header } from './header';
import { LogView } from './log';
import { RunModel } from './model';
import { Peek } from './peek';
import { Tabs } from './tabs';
import type { TabName } from './tabs';

export function RunView({ number }: { number: number }): ReactElement {
  const { model, trans } = useGiven();
  const [run] = useState(() => new RunModel(model, number));
  const isShown = useShown();
  const isPageShown = usePageShown();
  useFrames([run.changed]);
  useSignal(model.reachChanged);
  useTitle(run.run && `${bareName(run.run.tool_name)} #${run.run.number}`);
  useEffect(
    () => () => {
      run.dispose();
    },
    [run]
  );
  useEffect(() => {
    if (isShown && isPageShown) {
      run.resume();
    } else {
      run.pause();
    }
  }, [run, isShown, isPageShown]);

  const isGone = isMissing(run.error);
  if (isGone) {
    return (
      <div className="jp-TooInstance-gone" data-testid="tooi-run-gone">
        <h2>
          {run.isDeleted
            ? trans.__('Run #%1 is deleted', number)
            : trans.__('There is no run #%1', number)}
        </h2>
        {!run.isDeleted && (
          <p>
            {trans.__(
              'It was deleted, or it is not shared with you. Its owner can share it.'
            )}
          </p>
        )}
      </div>
    );
  }
  if (run.run === undefined) {
    return (
      <div className="jp-TooInstance-gone">
        {run.error ? (
          <Problem error={run.error} />
        ) : (
          <p role="status">{trans.__('Loading…')}</p>
        )}
      </div>
    );
  }
  return <Opened model={run} run={run.run} />;
}

function Opened({ model, run }: { model: RunModel; run: Run }): ReactElement {
  const { trans } = useGiven();
  const { stderr } = model.logs;
  const [chosen, setChosen] = useState<TabName>();
  const isLive = !isFinal(run);
  const tab = chosen ?? firstTab(run);
  const id = `tooi-run-${run.number}`;
  return (
    <div className="jp-TooInstance-run" data-testid="tooi-run">
      <Header model={model} run={run} />
      {!model.isReached && (
        <p
          className="jp-TooInstance-run-banner"
          role="status"
          data-testid="tooi-run-lost"
        >
          {trans.__('Connection lost, trying again…')}
        </p>
      )}
      {model.isReached && model.error !== undefined && (
        <Problem error={model.error} />
      )}
      <Tabs
        id={id}
        run={run}
        logs={model.logs}
        tab={tab}
        onChoose={setChosen}
      />
      <Panel isShown={tab === 'stdout'}>
        <StreamPanel
          model={model}
          run={run}
          name="stdout"
          id={id}
          label={trans.__('Output')}
          empty={
            run.status === 'queued'
              ? trans.__('The run waits for its turn.')
              : isLive
                ? trans.__('No output so far.')
                : trans.__('No output.')
          }
        />
        <Peek
          log={stderr}
          onShow={() => {
            setChosen('stderr');
          }}
        />
      </Panel>
      <Panel isShown={tab === 'stderr'}>
        <StreamPanel
          model={model}
          run={run}
          name="stderr"
          id={id}
          label={trans.__('Errors')}
          empty={
            isLive
              ? trans.__('Nothing on standard error so far.')
              : trans.__(
                  'Nothing on standard error: what the tool said stands under Output.'
                )
          }
        />
      </Panel>
      {tab === 'files' && (
        <Panel isShown>
          <Files
            run={run}
            id={`${id}-panel-files`}
            labelledBy={`${id}-files`}
          />
        </Panel>
      )}
    </div>
  );
}

function StreamPanel({
  model,
  run,
  name,
  id,
  label,
  empty
}: {
  model: RunModel;
  run: Run;
  name: StreamName;
  id: string;
  label: string;
  empty: string;
}): ReactElement {
  const onRead = useCallback(
    (until: number) => {
      model.read(name, until);
    },
    [model, name]
  );
  const { kept_bytes: keptBytes, total_bytes: totalBytes } = run[name];
  return (
    <LogView
      log={model.logs[name]}
      label={label}
      id={`${id}-panel-${name}`}
      labelledBy={`${id}-${name}`}
      isLive={!isFinal(run)}
      keptBytes={keptBytes}
      totalBytes={totalBytes}
      onRead={onRead}
      empty={empty}
    />
  );
}

/** What is hidden keeps its place. */
function Panel({
  isShown,
  children
}: {
  isShown: boolean;
  children: ReactNode;
}): ReactElement {
  return (
    <div className="jp-TooInstance-run-panel" hidden={!isShown}>
      {children}
    </div>
  );
}

/** Return the tab to begin with: the one that says what became of the run. */
function firstTab(run: Run): TabName {
  if (isFinal(run)) {
    if (run.output === 'files' && run.files.length > 0) {
      return 'files';
    }
    if (!run.stdout.total_bytes && run.stderr.total_bytes) {
      return 'stderr';
    }
    if (!run.stdout.total_bytes && run.files.length > 0) {
      return 'files';
    }
  }
  return 'stdout';
}

function usePageShown(): boolean {
  const [isShown, setIsShown] = useState(!document.hidden);
  useEffect(() => {
    const slot = () => {
      setIsShown(!document.hidden);
    };
    document.addEventListener('visibilitychange', slot);
    return () => {
      document.removeEventListener('visibilitychange', slot);
    };
  }, []);
  return isShown;
}
