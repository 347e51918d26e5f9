/** Who sees a tool: set by its owner. */
import { Button } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { ReactElement } from 'react';

import { fullName } from '../api/types';
import type { Tool } from '../api/types';
import { useGiven } from '../context';
import { AccessEditor } from '../parts/access';
import { Field } from '../parts/field';
import { VisibilityChoice } from '../parts/tool-inputs';

type Access = Pick<Tool, 'visibility' | 'access'>;

export function AccessSection({ tool }: { tool: Tool }): ReactElement {
  const { model, trans } = useGiven();
  // what is set by somebody else meanwhile shows until one begins to change it
  const [changed, setChanged] = useState<Partial<Access>>({});
  const [error, setError] = useState<unknown>();
  const [isSaved, setIsSaved] = useState(false);
  const { visibility, access } = { ...tool, ...changed };
  const isChanged = Object.keys(changed).length > 0;
  const change = (changes: Partial<Access>) => {
    setChanged({ ...changed, ...changes });
    setError(undefined);
    setIsSaved(false);
  };
  const save = async () => {
    try {
      await model.api.updateTool(fullName(tool), changed);
      setError(undefined);
      setIsSaved(true);
      setChanged({});
    } catch (failure) {
      setError(failure);
    }
  };
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
                : trans.__('They see it and run it once it is ready.')
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
              onClick={() => {
                setChanged({});
                setError(undefined);
              }}
            >
              {trans.__('Cancel')}
            </Button>
          )}
          <span role="status">{isSaved ? trans.__('Saved.') : ''}</span>
        </div>
      </form>
    </section>
  );
}
