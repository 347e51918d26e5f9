/** What a run may be given beside arguments and files, folded away until it is wanted. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { useGiven } from '../context';
import { Field } from '../parts/field';
import { Pairs } from '../parts/pairs';
import { RemoveButton } from '../parts/remove-button';
import { sizeInWords } from '../words';
import { NO_EXTRAS } from './draft';
import { chooseLocal } from './file-choice';
import { Fold } from './fold';
import { typedBytes, typedSeconds } from './limits';
import type { FormModel } from './model';
import type { Part } from './problems';

const PARTS: readonly Part[] = ['variables', 'secrets', 'timeout', 'memory'];

export function More({ form }: { form: FormModel }): ReactElement {
  const { trans } = useGiven();
  const { extras, variables, secrets, stdinFile } = form;
  const isUsed =
    JSON.stringify(extras) !== JSON.stringify(NO_EXTRAS) ||
    variables.length + secrets.length > 0 ||
    stdinFile !== undefined ||
    PARTS.some(part => form.problem(part) !== undefined);
  return (
    <Fold title={trans.__('More')} isWanted={isUsed} testId="tooi-form-more">
      <div className="jp-TooInstance-form-more">
        <StandardInput form={form} />
        <Pairs
          title={trans.__('Environment variables')}
          help={trans.__('Stored with the run.')}
          add={trans.__('Add a variable')}
          pairs={variables}
          isSecret={false}
          problem={form.problem('variables')}
          testId="tooi-form-variable"
          onChange={pairs => {
            form.setVariables(pairs);
          }}
        />
        <Pairs
          title={trans.__('Secrets')}
          help={trans.__(
            'Environment variables that are not stored, and masked in the output.'
          )}
          add={trans.__('Add a secret')}
          pairs={secrets}
          isSecret
          problem={form.problem('secrets')}
          testId="tooi-form-secret"
          onChange={pairs => {
            form.setSecrets(pairs);
          }}
        />
        <Limits form={form} />
      </div>
    </Fold>
  );
}

function StandardInput({ form }: { form: FormModel }): ReactElement {
  const { trans } = useGiven();
  const { extras, stdinFile } = form;
  return (
    <Field label={trans.__('Standard input')}>
      {control =>
        stdinFile ? (
          <div className="jp-TooInstance-form-stdin">
            <span id={control.id}>
              {stdinFile.name} ({sizeInWords(stdinFile.size)})
            </span>
            <RemoveButton
              label={trans.__('Remove %1', stdinFile.name)}
              testId="tooi-form-stdin-remove"
              onClick={() => {
                form.setStdinFile(undefined);
              }}
            />
          </div>
        ) : (
          <>
            <textarea
              {...control}
              className="jp-mod-styled"
              rows={2}
              spellCheck={false}
              placeholder={trans.__('text that the tool reads')}
              data-testid="tooi-form-stdin"
              value={extras.stdin}
              onChange={event => {
                form.set({ stdin: event.currentTarget.value });
              }}
            />
            <button
              type="button"
              className="jp-TooInstance-link"
              data-testid="tooi-form-stdin-upload"
              onClick={() => {
                void chooseLocal(true).then(chosen => {
                  form.setStdinFile(chosen.at(0)?.file);
                });
              }}
            >
              {trans.__('Take it from a file…')}
            </button>
          </>
        )
      }
    </Field>
  );
}

function Limits({ form }: { form: FormModel }): ReactElement {
  const { trans } = useGiven();
  const { extras, usage, detail } = form;
  const limits = usage?.limits;
  const built = detail?.versions.filter(({ status }) => status === 'ready');
  const engines = [...new Set(built?.map(({ engine }) => engine))];
  const longest = limits ? typedSeconds(limits.timeout_s) : '';
  const largest = limits ? typedBytes(limits.memory_bytes) : '';
  return (
    <div className="jp-TooInstance-options-grid">
      <Field
        label={trans.__('Time')}
        help={limits && trans.__('At most %1', longest)}
        error={form.problem('timeout')}
      >
        {control => (
          <input
            {...control}
            className="jp-mod-styled"
            placeholder={longest}
            data-testid="tooi-form-timeout"
            value={extras.timeout}
            onChange={event => {
              form.set({ timeout: event.currentTarget.value });
            }}
          />
        )}
      </Field>
      <Field
        label={trans.__('Memory')}
        help={limits && trans.__('At most %1', largest)}
        error={form.problem('memory')}
      >
        {control => (
          <input
            {...control}
            className="jp-mod-styled"
            placeholder={largest}
            data-testid="tooi-form-memory"
            value={extras.memory}
            onChange={event => {
              form.set({ memory: event.currentTarget.value });
            }}
          />
        )}
      </Field>
      <Field label={trans.__('Network')}>
        {control => (
          <HTMLSelect
            {...control}
            data-testid="tooi-form-network"
            disabled={limits?.network === false}
            value={extras.isOffline || limits?.network === false ? 'no' : 'yes'}
            onChange={({ currentTarget }) => {
              form.set({ isOffline: currentTarget.value === 'no' });
            }}
          >
            <option value="yes">{trans.__('with the network')}</option>
            <option value="no">{trans.__('without')}</option>
          </HTMLSelect>
        )}
      </Field>
      <Field label={trans.__('Engine')}>
        {control => (
          <HTMLSelect
            {...control}
            data-testid="tooi-form-engine"
            value={extras.engine}
            onChange={({ currentTarget }) => {
              form.set({ engine: currentTarget.value });
            }}
          >
            <option value="">{trans.__('of the newest version')}</option>
            {engines.map(engine => (
              <option key={engine} value={engine}>
                {engine}
              </option>
            ))}
          </HTMLSelect>
        )}
      </Field>
      <Field label={trans.__('Label')} help={trans.__('To find the run by')}>
        {control => (
          <input
            {...control}
            className="jp-mod-styled"
            data-testid="tooi-form-label"
            value={extras.label}
            onChange={event => {
              form.set({ label: event.currentTarget.value });
            }}
          />
        )}
      </Field>
    </div>
  );
}
