/** The question before what somebody filled in is lost. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Ask whether what was filled in may be lost. */
export async function isDiscarded(trans: TranslationBundle): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('Discard what you filled in?'),
    body: trans.__('It was not sent, and cannot be brought back.'),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep') }),
      Dialog.warnButton({ label: trans.__('Discard') })
    ],
    // Enter, typed on, must not lose it
    defaultButton: 0
  });
  return button.accept;
}
