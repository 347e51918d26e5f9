/** The commands of the palette, the menus and the launcher; what they show is left to the views. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import {
  addIcon,
  deleteIcon,
  refreshIcon,
  runIcon,
  shareIcon
} from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { CommandIDs } from './command-ids';
import type { Context } from './context';
import type { Documents } from './documents';
import { toolIcon } from './icons';
import { insertCell } from './notebook';
import type { Command } from './notebook';
import { placeOf } from './places';
import type { Draft } from './places';
import { inWords } from './words';

/** Add all commands. */
export function addCommands(
  app: JupyterFrontEnd,
  given: Context,
  documents: Documents,
  notebooks: INotebookTracker | null,
  panelId: string
): void {
  const { commands } = app;
  const { model, trans } = given;

  commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Tools'),
    caption: trans.__('Show the side panel of tools and runs'),
    icon: toolIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => {
      app.shell.activateById(panelId);
    }
  });

  commands.addCommand(CommandIDs.create, {
    label: args =>
      args.isPalette
        ? trans.__('New Tool from a Git Link')
        : trans.__('Tool from a Git Link'),
    caption: trans.__('Make a command-line tool from a git link'),
    icon: args =>
      args.isPalette ? undefined : args.isLauncher ? toolIcon : addIcon,
    describedBy: {
      args: { type: 'object', properties: { source: { type: 'string' } } }
    },
    execute: args => documents.open({ kind: 'create', ...text(args, 'source') })
  });

  commands.addCommand(CommandIDs.run, {
    label: trans.__('Run Tool'),
    icon: runIcon,
    isVisible: args => typeof args.tool === 'string',
    describedBy: {
      args: { type: 'object', properties: { tool: { type: 'string' } } }
    },
    execute: args =>
      documents.open({
        kind: 'form',
        tool: nameOf(args),
        draft: args.draft as Draft
      })
  });

  commands.addCommand(CommandIDs.openTool, {
    label: trans.__('Open Tool'),
    icon: toolIcon,
    isVisible: args => typeof args.tool === 'string',
    describedBy: {
      args: { type: 'object', properties: { tool: { type: 'string' } } }
    },
    execute: args => documents.open({ kind: 'tool', tool: nameOf(args) })
  });

  commands.addCommand(CommandIDs.openRun, {
    label: trans.__('Open Run'),
    isVisible: args => typeof args.number === 'number',
    describedBy: {
      args: { type: 'object', properties: { number: { type: 'number' } } }
    },
    execute: args =>
      documents.open({ kind: 'run', number: Number(args.number) })
  });

  commands.addCommand(CommandIDs.open, {
    isVisible: () => false,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: args => {
      const place = placeOf(args);
      return place && documents.open(place);
    }
  });

  commands.addCommand(CommandIDs.rebuild, {
    label: trans.__('Rebuild Tool'),
    icon: refreshIcon,
    isVisible: args => typeof args.tool === 'string',
    describedBy: {
      args: { type: 'object', properties: { tool: { type: 'string' } } }
    },
    execute: async args => {
      const tool = nameOf(args);
      await said(given, async () => {
        await model.api.build(tool, { force: args.force === true });
        documents.open({ kind: 'tool', tool });
      });
    }
  });

  commands.addCommand(CommandIDs.shareTool, {
    label: trans.__('Share Tool…'),
    icon: shareIcon,
    isVisible: args => typeof args.tool === 'string',
    describedBy: {
      args: { type: 'object', properties: { tool: { type: 'string' } } }
    },
    execute: args =>
      documents.open({ kind: 'tool', tool: nameOf(args), section: 'access' })
  });

  commands.addCommand(CommandIDs.deleteTool, {
    label: trans.__('Delete Tool'),
    icon: deleteIcon,
    isVisible: args => typeof args.tool === 'string',
    describedBy: {
      args: { type: 'object', properties: { tool: { type: 'string' } } }
    },
    execute: async args => {
      const tool = nameOf(args);
      const { button } = await showDialog({
        title: trans.__('Delete %1?', tool),
        body: trans.__(
          'It can be run no more. Its runs stay, with their output.'
        ),
        buttons: [
          Dialog.cancelButton(),
          Dialog.warnButton({ label: trans.__('Delete') })
        ]
      });
      if (button.accept) {
        await said(given, async () => {
          await model.api.deleteTool(tool);
          documents.close({ kind: 'tool', tool });
          documents.close({ kind: 'form', tool });
        });
      }
    }
  });

  commands.addCommand(CommandIDs.insert, {
    label: trans.__('Insert into Notebook'),
    caption: trans.__('Put a cell that runs this into the current notebook'),
    isVisible: args => typeof args.tool === 'string',
    isEnabled: () => notebooks !== null,
    describedBy: {
      args: {
        type: 'object',
        properties: { tool: { type: 'string' }, line: { type: 'string' } }
      }
    },
    execute: args =>
      said(given, async () => {
        const notebook =
          notebooks?.currentWidget ?? (await newNotebook(app, given));
        if (notebook) {
          const command = await commandOf(args, given);
          const isInSight = notebook.isVisible;
          insertCell(notebook, command);
          app.shell.activateById(notebook.id);
          // beside the form it would only cover its buttons
          if (!isInSight) {
            Notification.success(
              trans.__('A cell was put into %1.', notebook.title.label),
              { autoClose: 3_000 }
            );
          }
        }
      })
  });
}

/** Return a new notebook, if one is wanted. */
async function newNotebook(
  { commands, serviceManager }: JupyterFrontEnd,
  { trans }: Context
): Promise<NotebookPanel | undefined> {
  const { button } = await showDialog({
    title: trans.__('No notebook is open'),
    body: trans.__('Make a new one for the cell?'),
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('New Notebook') })
    ]
  });
  if (!button.accept) {
    return undefined;
  }
  const panel = (await commands.execute('notebook:create-new', {
    kernelName: serviceManager.kernelspecs.specs?.default,
    activate: true
  })) as NotebookPanel | undefined;
  await panel?.revealed;
  return panel;
}

/** Return the run that a cell is to say: given as its arguments, or as a command line. */
async function commandOf(
  args: ReadonlyPartialJSONObject,
  { model }: Context
): Promise<Command> {
  const tool = nameOf(args);
  const { line } = args;
  const { me } = model;
  const [owner, name = tool] = tool.split('/');
  return {
    ...(args as unknown as Command),
    tool: owner === me?.name ? name : tool,
    argv:
      (args.argv as string[] | undefined) ??
      (
        await model.api.readArguments({
          arguments: typeof line === 'string' ? line : ''
        })
      ).argv
  };
}

/** Do something; what goes wrong is said in a notification. */
async function said(
  { trans }: Context,
  act: () => Promise<void>
): Promise<void> {
  try {
    await act();
  } catch (error) {
    Notification.error(inWords(error, trans), { autoClose: 10_000 });
  }
}

function text(
  args: ReadonlyPartialJSONObject,
  name: 'source'
): { source?: string } {
  const value = args[name];
  return typeof value === 'string' ? { [name]: value } : {};
}

function nameOf({ tool }: ReadonlyPartialJSONObject): string {
  return typeof tool === 'string' ? tool : '';
}
