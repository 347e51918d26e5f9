/** Searches blocks beside the page, so that no expression can hold it up. */
import { findIn } from './search';
import type { Asked } from './search';

addEventListener('message', (event: MessageEvent<Asked>) => {
  postMessage(findIn(event.data));
});
