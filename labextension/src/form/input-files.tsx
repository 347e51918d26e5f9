/** The input files of a run: those that are chosen or dropped, and those of an earlier run. */
import {
  Button,
  fileIcon,
  fileUploadIcon,
  folderIcon
} from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { useGiven, useSignal } from '../context';
import { Problem } from '../parts/problem';
import { RemoveButton } from '../parts/remove-button';
import { sizeInWords } from '../words';
import type { FormModel } from './model';

export function InputFiles({
  form,
  hasServer,
  onChoose
}: {
  form: FormModel;
  hasServer: boolean;
  onChoose: (from: 'computer' | 'server') => void;
}): ReactElement {
  const { trans } = useGiven();
  const { inputs, earlier } = form;
  useSignal(inputs.changed);
  const problem = form.problem('inputs');
  return (
    <section className="jp-TooInstance-form-files">
      <div className="jp-TooInstance-form-labels">
        <h3>{trans.__('Input files')}</h3>
        <Button
          type="button"
          minimal
          small
          title={trans.__('Choose files of this computer')}
          data-testid="tooi-form-upload"
          onClick={() => {
            onChoose('computer');
          }}
        >
          <fileUploadIcon.react tag="span" />
          {trans.__('Choose…')}
        </Button>
        {hasServer && (
          <Button
            type="button"
            minimal
            small
            title={trans.__('Choose files of the server')}
            data-testid="tooi-form-browse"
            onClick={() => {
              onChoose('server');
            }}
          >
            <folderIcon.react tag="span" />
            {trans.__('Browse…')}
          </Button>
        )}
      </div>
      <ul data-testid="tooi-form-files">
        {inputs.items.map(({ file, path }) => (
          <li key={file.name} title={path ?? file.name}>
            <fileIcon.react tag="span" />
            <span className="jp-TooInstance-form-file">{file.name}</span>
            <span className="jp-TooInstance-hint">
              {sizeInWords(file.size)}
            </span>
            <RemoveButton
              label={trans.__('Remove %1', file.name)}
              testId="tooi-form-file-remove"
              onClick={() => {
                inputs.remove(file.name);
              }}
            />
          </li>
        ))}
      </ul>
      {earlier && <Earlier form={form} />}
      {inputs.missing.length > 0 && (
        <p className="jp-TooInstance-hint" data-testid="tooi-form-missing">
          {trans.__(
            'Choose again after the reload: %1',
            inputs.missing.join(', ')
          )}
          <RemoveButton
            label={trans.__('Leave out what is to be chosen again')}
            testId="tooi-form-missing-remove"
            onClick={() => {
              inputs.miss([]);
            }}
          />
        </p>
      )}
      {inputs.items.length + inputs.missing.length === 0 && !earlier && (
        <p className="jp-TooInstance-hint">
          {trans.__(
            'Drop files anywhere here. The tool finds them in the folder that it starts in.'
          )}
        </p>
      )}
      {problem !== undefined && <Problem error={problem} />}
    </section>
  );
}

/** What an earlier run was given, which is used again. */
function Earlier({ form }: { form: FormModel }): ReactElement | null {
  const { trans } = useGiven();
  const { earlier, inputs } = form;
  if (!earlier) {
    return null;
  }
  const names = earlier.inputs.map(({ path }) => path);
  if (earlier.stdin !== null) {
    names.push(trans.__('its standard input'));
  }
  const isReplaced = inputs.items.length > 0 && earlier.inputs.length > 0;
  return (
    <div
      className="jp-TooInstance-form-earlier"
      data-testid="tooi-form-earlier"
    >
      <span>
        {isReplaced
          ? trans.__(
              'The files of run %1 are replaced by these.',
              `#${earlier.number}`
            )
          : trans.__('From run %1: %2', `#${earlier.number}`, names.join(', '))}
      </span>
      <RemoveButton
        title={trans.__('Leave them out')}
        label={trans.__('Leave out what run %1 was given', earlier.number)}
        testId="tooi-form-earlier-remove"
        onClick={() => {
          form.dropEarlier();
        }}
      />
    </div>
  );
}
