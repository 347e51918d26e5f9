/** Who sees a tool: set by its owner. */
import { Button } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import type { Tool } from '../api/types';
import { useGiven } from '../context';
import { AccessEditor } from '../parts/access';
import { Field } from '../parts/field';
import { VisibilityChoice } from '../parts/tool-inputs';
import { useChanges } from './changes';

export function AccessSection({ tool }: { tool: Tool }): ReactElement {
  const { trans } = useGiven();
  const { changed, error, saved, change, discard, save } = useChanges(tool);
  const visibility = changed.visibility ?? tool.visibility;
  const access = changed.access ?? tool.access;
  const isChanged = Object.keys(changed).length > 0;
  return (
    <section
      aria-label={trans.__('Access')}
      data-section="access"
      data-testid="tooi-tool-access"
    >
      <h3>{trans.__('Access')}</h3>
      <form
        className="jp-TooInstance-fields"
        noValidate
        onSubmit={event => {
          event.preventDefault();
          void save();
        }}
      >
        <div className="jp-mod-wide">
          <VisibilityChoice
            testId="tooi-tool-visibility"
            value={visibility}
            onChange={chosen => {
              change({ visibility: chosen });
            }}
          />
        </div>
        <div className="jp-mod-wide">
          <Field
            label={trans.__('Share with')}
            help={
              visibility === 'public'
                ? trans.__('It is public: everybody here sees it anyway.')
                : trans.__(
                    'They find it under “Shared with me”, and can run it. Your runs stay yours.'
                  )
            }
            error={error}
          >
            {control => (
              <AccessEditor
                control={control}
                value={access}
                onChange={entries => {
                  change({ access: entries });
                }}
              />
            )}
          </Field>
        </div>
        <div className="jp-mod-wide jp-TooInstance-controls">
          <Button
            type="submit"
            className="jp-mod-styled jp-mod-accept"
            data-testid="tooi-tool-access-save"
          >
            {trans.__('Save access')}
          </Button>
          {isChanged && (
            <Button
              type="button"
              className="jp-mod-styled jp-mod-reject"
              data-testid="tooi-tool-access-cancel"
              onClick={discard}
            >
              {trans.__('Cancel')}
            </Button>
          )}
          <span role="status">
            {isChanged
              ? trans.__('Not saved yet.')
              : saved
                ? trans.__('Saved.')
                : ''}
          </span>
        </div>
      </form>
    </section>
  );
}
