/** What is selected of an output, into the clipboard. */
import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { inWords } from '../words';
import type { LogSelection } from './selection';

export async function copy(
  selection: LogSelection,
  trans: TranslationBundle
): Promise<void> {
  if (selection.isTooLarge) {
    Notification.warning(
      trans.__('That is too much to copy. Download the output instead.')
    );
    return;
  }
  try {
    // not the browser's clipboard, which is not there where the page comes by plain HTTP
    Clipboard.copyToSystem(await selection.text());
  } catch (error) {
    Notification.error(inWords(error, trans));
  }
}
