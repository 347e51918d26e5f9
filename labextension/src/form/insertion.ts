/** What is filled in, as a cell of a notebook that gives the run which the form would start. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';

import type { Context } from '../context';
import type { FormModel } from './model';
import { EntryError } from './problems';

/**
 * Return the source of the cell for a notebook; nothing if there is to be none.
 *
 * A kernel cannot read the files of the user's computer: copies of them are put beside the
 * notebook, if that is wanted.
 *
 * @throws EntryError if something of the form cannot be used.
 */
export async function cellOf(
  form: FormModel,
  argv: readonly string[],
  notebook: string,
  { model, serverFiles, trans }: Context
): Promise<string | undefined> {
  const request = form.cellRequest(argv);
  const { inputs, stdinFile } = form;
  if (inputs.missing.length > 0) {
    throw new EntryError(
      'inputs',
      trans.__(
        'These files are not here any more after the reload: %1. Choose them again, or take them out.',
        inputs.missing.join(', ')
      )
    );
  }
  const local = inputs.items.flatMap(({ file, path }) =>
    path === undefined ? file : []
  );
  const copied = [...local, ...(stdinFile ? [stdinFile] : [])];
  if (copied.length > 0 && serverFiles === null) {
    throw new EntryError(
      'inputs',
      trans.__(
        'A notebook cannot read files of your computer, and they cannot be put beside it here.'
      )
    );
  }
  if (copied.length > 0 && !(await areCopiesWanted(copied, trans))) {
    return undefined;
  }
  const folder = PathExt.dirname(notebook);
  const paths: string[] = [];
  for (const { file, path } of inputs.items) {
    const own = path ?? (await serverFiles?.put(file, folder));
    paths.push(...(own === undefined ? [] : [own]));
  }
  return model.api.cell({
    ...request,
    notebook,
    inputs: paths,
    stdin_file:
      (stdinFile && (await serverFiles?.put(stdinFile, folder))) ?? null
  });
}

async function areCopiesWanted(
  files: readonly File[],
  trans: Context['trans']
): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('Put copies beside the notebook?'),
    body: trans.__(
      'The notebook cannot read files of your computer: %1. The cell takes copies of them, in a folder beside the notebook.',
      files.map(({ name }) => name).join(', ')
    ),
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Copy and Insert') })
    ]
  });
  return button.accept;
}
