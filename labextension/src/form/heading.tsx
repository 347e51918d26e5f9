/** Which tool a form is for, and what stands in the way of running it. */
import type { ReactElement } from 'react';

import type { Version } from '../api/types';
import { bareName, isFinal } from '../api/types';
import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';
import { Problem } from '../parts/problem';
import { Status } from '../parts/status';
import type { FormModel } from './model';

export function Heading({ form }: { form: FormModel }): ReactElement {
  const { commands, trans } = useGiven();
  const { detail, version } = form;
  return (
    <div className="jp-TooInstance-form-heading">
      <h2>
        <button
          type="button"
          className="jp-TooInstance-link"
          title={trans.__('Open the tool')}
          data-testid="tooi-form-tool"
          onClick={() => {
            void commands.execute(CommandIDs.openTool, { tool: form.tool });
          }}
        >
          {bareName(form.tool)}
        </button>
      </h2>
      {version && (
        <span className="jp-TooInstance-hint">
          {trans.__('version %1, %2', version.number, version.engine)}
        </span>
      )}
      {detail?.tool.description && <p>{detail.tool.description}</p>}
      {form.toolError !== undefined && <Problem error={form.toolError} />}
      {detail && !version && <NotReady newest={detail.versions[0]} />}
    </div>
  );
}

function NotReady({ newest }: { newest: Version | undefined }): ReactElement {
  const { trans } = useGiven();
  const isBuilding = newest !== undefined && !isFinal(newest);
  return (
    <div
      className="jp-TooInstance-form-waiting"
      role="status"
      data-testid="tooi-form-not-ready"
    >
      {newest && <Status status={newest.status} />}
      <span>
        {isBuilding
          ? trans.__('It can be run as soon as it is built. %1', newest.message)
          : newest
            ? trans.__(
                'It cannot be run, as it could not be built: %1. Open the tool to see why and to build it again.',
                newest.message
              )
            : trans.__('It has never been built: open the tool to build it.')}
      </span>
      {isBuilding && (
        <progress
          aria-label={trans.__('Steps of the build')}
          {...(newest.steps_total > 0
            ? { value: newest.steps_done, max: newest.steps_total }
            : {})}
        />
      )}
    </div>
  );
}
