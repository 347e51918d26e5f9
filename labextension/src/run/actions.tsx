/** What can be done with a run, as buttons. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import {
  deleteIcon,
  editIcon,
  addBelowIcon,
  refreshIcon,
  shareIcon,
  stopIcon
} from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { ReactElement } from 'react';

import { isFinal } from '../api/types';
import type { Run } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';
import { joined } from '../form/quoting';
import { pinIcon } from '../icons';
import { ExportButton } from '../parts/export-button';
import { Problem } from '../parts/problem';
import { BarButton } from './button';
import type { RunModel } from './model';

export function Actions({
  model,
  run,
  isSharing,
  onShare
}: {
  model: RunModel;
  run: Run;
  isSharing: boolean;
  onShare: () => void;
}): ReactElement {
  const { commands, trans } = useGiven();
  const [busy, setBusy] = useState<string>();
  const [error, setError] = useState<unknown>();
  const isLive = !isFinal(run);
  const act = (name: string, doing: () => Promise<unknown>) => () => {
    setBusy(name);
    setError(undefined);
    doing()
      .catch(setError)
      .finally(() => {
        setBusy(undefined);
      });
  };
  const line = joined(run.arguments);
  const insertion = { tool: run.tool_name, number: run.number };
  return (
    <>
      <div
        className="jp-TooInstance-run-actions"
        role="toolbar"
        aria-label={trans.__('Actions on the run')}
      >
        {isLive && model.isOwn && (
          <BarButton
            name="tooi-run-cancel"
            icon={stopIcon}
            label={trans.__('Cancel')}
            title={trans.__('Stop the run')}
            isBusy={busy === 'cancel'}
            onClick={act('cancel', () => model.cancel())}
          />
        )}
        <BarButton
          name="tooi-run-rerun"
          icon={refreshIcon}
          label={trans.__('Rerun')}
          title={trans.__('Run the same again')}
          isBusy={busy === 'rerun'}
          onClick={act('rerun', async () => {
            const { number } = await model.api.rerun(run.number);
            await commands.execute(CommandIDs.openRun, { number });
          })}
        />
        <BarButton
          name="tooi-run-edit"
          icon={editIcon}
          label={trans.__('Edit and run')}
          title={trans.__('Change the arguments, and run that')}
          onClick={() => {
            void commands.execute(CommandIDs.run, {
              tool: run.tool_name,
              draft: { line, of: run.number }
            });
          }}
        />
        <BarButton
          name="tooi-run-insert"
          icon={addBelowIcon}
          title={trans.__('Put a cell that runs this into the open notebook')}
          isDisabled={!commands.isEnabled(CommandIDs.insert, insertion)}
          onClick={() => {
            void commands.execute(CommandIDs.insert, insertion);
          }}
        />
        <ExportButton
          name="tooi-run-export"
          subject={{ number: run.number }}
          isDisabled={isLive}
        />
        {model.isOwn && (
          <>
            <BarButton
              name="tooi-run-share"
              icon={shareIcon}
              title={trans.__('Share')}
              isPressed={isSharing}
              onClick={onShare}
            />
            <BarButton
              name="tooi-run-pin"
              icon={pinIcon}
              title={
                run.pinned
                  ? trans.__('Kept for good; click to let it be cleaned up')
                  : trans.__('Keep for good, whatever is cleaned up')
              }
              isPressed={run.pinned}
              isBusy={busy === 'pin'}
              onClick={act('pin', () => model.update({ pinned: !run.pinned }))}
            />
            <BarButton
              name="tooi-run-delete"
              icon={deleteIcon}
              title={
                isLive
                  ? trans.__('Cancel the run before you delete it')
                  : trans.__('Delete the run')
              }
              isDisabled={isLive}
              isBusy={busy === 'delete'}
              onClick={act('delete', async () => {
                const { button } = await showDialog({
                  title: trans.__('Delete run #%1?', run.number),
                  body: trans.__(
                    'Its output, its files and all links to it go with it. This cannot be undone.'
                  ),
                  buttons: [
                    Dialog.cancelButton(),
                    Dialog.warnButton({ label: trans.__('Delete') })
                  ]
                });
                if (button.accept) {
                  await model.delete();
                }
              })}
            />
          </>
        )}
      </div>
      {error !== undefined && <Problem error={error} />}
    </>
  );
}
