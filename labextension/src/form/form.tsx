/** The form that runs a tool: its parts in their order, and what is dropped onto it. */
import { Button, addBelowIcon, runIcon } from '@jupyterlab/ui-components';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { FormEvent, ReactElement } from 'react';

import { CommandIDs } from '../command-ids';
import { useGiven, useSignal } from '../context';
import { Problem } from '../parts/problem';
import type { Place } from '../places';
import { CommandLine } from './command-line';
import { chooseLocal } from './file-choice';
import type { FileChoice } from './file-choice';
import { Heading } from './heading';
import { InputFiles } from './input-files';
import type { Input } from './inputs';
import { cellOf } from './insertion';
import { FormModel } from './model';
import { More } from './more';
import { OptionFields } from './option-fields';
import { useDrops } from './drops';

export function RunForm({
  place
}: {
  place: Place & { kind: 'form' };
}): ReactElement {
  const given = useGiven();
  const { model, commands, notebooks, serverFiles, trans, unsent } = given;
  const [form] = useState(
    () => new FormModel(model.api, trans, place.tool, place.draft, unsent)
  );
  useEffect(
    () => () => {
      form.dispose();
    },
    [form]
  );
  useSignal(form.changed);
  useEffect(() => {
    const slot = (
      _: unknown,
      change: { tool_id?: string | null } | 'reset'
    ) => {
      if (change === 'reset' || form.isAbout(change.tool_id)) {
        void form.refresh();
      }
    };
    model.changed.connect(slot);
    return () => {
      model.changed.disconnect(slot);
    };
  }, [model, form]);

  const [fileError, setFileError] = useState<unknown>();
  const add = useMemo(
    () => async (chosen: Promise<Input[]>) => {
      setFileError(undefined);
      try {
        const inputs = await chosen;
        form.inputs.add(inputs);
        return inputs[0]?.file.name;
      } catch (error) {
        setFileError(error);
        return undefined;
      }
    },
    [form]
  );
  const { items } = form.inputs;
  const { earlier } = form;
  const files = useMemo<FileChoice>(
    () => ({
      hasServer: serverFiles !== null,
      names: [
        ...items.map(({ file }) => file.name),
        ...(earlier?.inputs.map(({ path }) => path) ?? [])
      ],
      choose: from =>
        add(
          from === 'computer' || serverFiles === null
            ? chooseLocal()
            : serverFiles.choose(trans.__('Choose input files'))
        )
    }),
    [add, serverFiles, trans, items, earlier]
  );
  const root = useRef<HTMLFormElement>(null);
  const isDropping = useDrops(root, serverFiles, add);

  useEffect(() => {
    const { current } = root;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        current?.requestSubmit();
      }
    };
    current?.addEventListener('keydown', onKeyDown);
    return () => {
      current?.removeEventListener('keydown', onKeyDown);
    };
  }, []);

  const run = async () => {
    const started = await form.start();
    if (started) {
      await commands.execute(CommandIDs.openRun, { number: started.number });
    }
  };
  const { refusals } = form;
  useEffect(() => {
    if (refusals > 0) {
      showProblem(root.current);
    }
  }, [refusals]);
  const offers = form.version?.interface;
  return (
    <form
      ref={root}
      className="jp-TooInstance-form"
      data-dropping={isDropping || undefined}
      data-testid="tooi-form"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        void run();
      }}
    >
      <div className="jp-TooInstance-form-parts">
        <Heading form={form} />
        <CommandLine form={form} />
        {offers ? (
          <OptionFields form={form} offers={offers} files={files} />
        ) : (
          form.version && (
            <p
              className="jp-TooInstance-hint"
              data-testid="tooi-form-no-options"
            >
              {trans.__(
                'What options this tool has is not known: its help could not be read.'
              )}
            </p>
          )
        )}
        <InputFiles
          form={form}
          hasServer={files.hasServer}
          onChoose={from => {
            void files.choose(from);
          }}
        />
        {fileError !== undefined && <Problem error={fileError} />}
        <More form={form} />
      </div>
      <Footer
        form={form}
        onInsert={
          notebooks &&
          (() => {
            // what was typed last may not have been read yet
            void form.withArguments(argv =>
              notebooks.insert(path => cellOf(form, argv, path, given))
            );
          })
        }
      />
    </form>
  );
}

function Footer({
  form,
  onInsert
}: {
  form: FormModel;
  /** `null` where there are no notebooks. */
  onInsert: (() => void) | null;
}): ReactElement {
  const { trans } = useGiven();
  const { isStarting, sent, inputs, stdinFile } = form;
  const hasFiles = inputs.items.length > 0 || stdinFile !== undefined;
  const problem = form.problem('whole');
  return (
    <div className="jp-TooInstance-form-footer">
      {problem !== undefined && <Problem error={problem} />}
      <div>
        <Button
          type="submit"
          className="jp-mod-accept jp-mod-styled"
          disabled={isStarting || form.version === undefined}
          title={trans.__('Run (Ctrl or Cmd + Enter)')}
          data-testid="tooi-form-run"
        >
          <runIcon.react tag="span" width="16px" height="16px" />
          {isStarting ? trans.__('Starting…') : trans.__('Run')}
        </Button>
        <Button
          type="button"
          minimal
          title={trans.__('Put a cell that runs this into the notebook')}
          data-testid="tooi-form-insert"
          disabled={onInsert === null}
          onClick={onInsert ?? undefined}
        >
          <addBelowIcon.react tag="span" width="16px" height="16px" />
          {trans.__('Insert into Notebook')}
        </Button>
        {isStarting && hasFiles && (
          <progress
            value={sent}
            aria-label={trans.__('Files sent')}
            data-testid="tooi-form-sent"
          />
        )}
      </div>
    </div>
  );
}

/** Bring what is wrong into sight, and its control under the cursor. */
function showProblem(root: HTMLElement | null): void {
  root
    ?.querySelector('.jp-TooInstance-problem')
    ?.scrollIntoView({ block: 'center' });
  root
    ?.querySelector<HTMLElement>('[aria-invalid="true"]')
    ?.focus({ preventScroll: true });
}
