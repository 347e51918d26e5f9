/** A button with a menu of the forms in which a run or a tool can leave. */
import { Button, downloadIcon } from '@jupyterlab/ui-components';
import { Menu } from '@lumino/widgets';
import { useEffect, useRef } from 'react';
import type { ReactElement } from 'react';

import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';

/** The forms of export, and the output of a run by itself. */
const FORMATS = ['ipynb', 'html', 'zip', 'crate'] as const;

export function ExportButton({
  subject,
  name,
  isDisabled = false
}: {
  /** The tool, or the run. */
  subject: { tool: string } | { number: number };
  /** The `data-testid`. */
  name: string;
  isDisabled?: boolean;
}): ReactElement {
  const { commands, trans } = useGiven();
  const place = useRef<HTMLSpanElement>(null);
  const menu = useRef<Menu>(undefined);
  useEffect(
    () => () => {
      menu.current?.dispose();
    },
    []
  );
  const open = () => {
    menu.current?.dispose();
    menu.current = new Menu({ commands });
    for (const format of FORMATS) {
      menu.current.addItem({
        command: CommandIDs.export,
        args: { ...subject, format }
      });
    }
    if ('number' in subject) {
      menu.current.addItem({ type: 'separator' });
      menu.current.addItem({ command: CommandIDs.download, args: subject });
    }
    const { left, bottom } =
      place.current?.getBoundingClientRect() ?? new DOMRect();
    menu.current.open(left, bottom);
  };
  return (
    <span ref={place}>
      <Button
        type="button"
        minimal
        small
        className="jp-TooInstance-bar-button"
        aria-haspopup="menu"
        title={
          isDisabled
            ? trans.__('It can be exported once it has ended')
            : trans.__('Save as a notebook, a page, an archive or a crate')
        }
        disabled={isDisabled}
        data-testid={name}
        onClick={open}
      >
        <downloadIcon.react tag="span" width="16px" height="16px" />
        {trans.__('Export')}
      </Button>
    </span>
  );
}
