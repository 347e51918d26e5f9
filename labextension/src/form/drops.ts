/** Files that are dropped onto a form, from the desktop or from JupyterLab's file browser. */
import type { MimeData } from '@lumino/coreutils';
import { useEffect, useState } from 'react';
import type { RefObject } from 'react';

import { DRAGGED } from './file-choice';
import type { ServerFiles } from './file-choice';
import type { Input } from './inputs';

/** An event of Lumino, by which JupyterLab's own widgets drag. */
interface LuminoDrag extends MouseEvent {
  readonly mimeData: MimeData;
  readonly proposedAction: string;
  dropAction: string;
}

const TYPES = [
  ...['dragenter', 'dragover', 'dragleave', 'drop'],
  ...['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop']
];

/** Take what is dropped onto an element; return whether something is held above it. */
export function useDrops(
  target: RefObject<HTMLElement>,
  serverFiles: ServerFiles | null,
  add: (inputs: Promise<Input[]>) => unknown
): boolean {
  const [isAbove, setIsAbove] = useState(false);
  useEffect(() => {
    const { current: node } = target;
    if (!node) {
      return;
    }
    const onDesktop = (event: DragEvent) => {
      if (event.type === 'dragleave') {
        setIsAbove(node.contains(event.relatedTarget as Node | null));
      } else if (event.dataTransfer?.types.includes('Files')) {
        event.preventDefault();
        setIsAbove(event.type !== 'drop');
        if (event.type === 'drop') {
          const files = [...event.dataTransfer.files];
          add(Promise.resolve(files.map(file => ({ file }))));
        }
      }
    };
    const onLumino = (event: LuminoDrag) => {
      if (!serverFiles || !event.mimeData.hasData(DRAGGED)) {
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      event.dropAction = event.proposedAction;
      setIsAbove(event.type === 'lm-dragenter' || event.type === 'lm-dragover');
      if (event.type === 'lm-drop') {
        const paths = event.mimeData.getData(DRAGGED) as string[];
        add(Promise.all(paths.map(path => serverFiles.read(path))));
      }
    };
    const listening = new AbortController();
    for (const type of TYPES) {
      const react = (event: Event) => {
        if (type.startsWith('lm-')) {
          onLumino(event as LuminoDrag);
        } else {
          onDesktop(event as DragEvent);
        }
      };
      node.addEventListener(type, react, { signal: listening.signal });
    }
    return () => {
      listening.abort();
    };
  }, [target, serverFiles, add]);
  return isAbove;
}
