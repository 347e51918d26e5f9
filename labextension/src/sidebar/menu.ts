/** The menu of a tool: what who asks may do with it. */
import { MenuSvg } from '@jupyterlab/ui-components';

import { fullName, readyVersion } from '../api/types';
import type { ToolDetail } from '../api/types';
import { CommandIDs } from '../command-ids';
import type { Context } from '../context';

/** Open the menu of a tool at a place of the window (pixels). */
export function openToolMenu(
  { commands, model }: Context,
  detail: ToolDetail,
  x: number,
  y: number
): void {
  const { tool } = detail;
  const isReady = readyVersion(detail) !== undefined;
  const mayChange = model.mayChange(tool);
  const menu = new MenuSvg({ commands });
  const add = (command: string, isThere = true) => {
    if (isThere) {
      menu.addItem({ command, args: { tool: fullName(tool) } });
    }
  };
  add(CommandIDs.run, isReady);
  add(CommandIDs.openTool);
  add(CommandIDs.insert, isReady);
  if (mayChange) {
    menu.addItem({ type: 'separator' });
  }
  add(CommandIDs.rebuild, mayChange);
  add(CommandIDs.shareTool, mayChange);
  add(CommandIDs.deleteTool, mayChange);
  menu.aboutToClose.connect(() => {
    // the command that was chosen is executed after the menu has closed
    setTimeout(() => {
      menu.dispose();
    });
  });
  menu.open(x, y);
}
