/** The commands of the palette, the menus and the launcher; what they show is left to the views. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import {
  addIcon,
  deleteIcon,
  refreshIcon,
  runIcon,
  shareIcon
} from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { CommandIDs } from './command-ids';
import type { Context } from './context';
import type { Documents } from './documents';
import { toolIcon } from './icons';
import { placeOf, placeToCreate } from './places';
import type { Draft } from './places';
import { saveFile, saveFrom } from './saving';
import { inWords } from './words';

/** Add all commands. */
export function addCommands(
  app: JupyterFrontEnd,
  given: Context,
  documents: Documents,
  panelId: string
): void {
  const { commands } = app;
  const { model, notebooks, trans } = given;

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
      args: {
        type: 'object',
        properties: { source: { type: 'string' }, command: { type: 'string' } }
      }
    },
    execute: args => documents.open(placeToCreate(args))
  });

  /** Add a command that is about the tool which its arguments name. */
  const addToolCommand = (
    id: string,
    label: string,
    icon: LabIcon | undefined,
    execute: (tool: string, args: ReadonlyPartialJSONObject) => unknown,
    more: Partial<CommandRegistry.ICommandOptions> = {}
  ) => {
    commands.addCommand(id, {
      label,
      icon,
      isVisible: args => typeof args.tool === 'string',
      describedBy: {
        args: { type: 'object', properties: { tool: { type: 'string' } } }
      },
      execute: args => execute(nameOf(args), args),
      ...more
    });
  };

  addToolCommand(
    CommandIDs.run,
    trans.__('Run Tool'),
    runIcon,
    (tool, { draft }) =>
      documents.open({ kind: 'form', tool, draft: draft as Draft })
  );
  addToolCommand(CommandIDs.openTool, trans.__('Open Tool'), toolIcon, tool =>
    documents.open({ kind: 'tool', tool })
  );
  addToolCommand(
    CommandIDs.shareTool,
    trans.__('Share Tool…'),
    shareIcon,
    tool => documents.open({ kind: 'tool', tool, section: 'access' })
  );
  addToolCommand(
    CommandIDs.rebuild,
    trans.__('Rebuild Tool'),
    refreshIcon,
    (tool, { force }) =>
      said(given, async () => {
        await model.api.build(tool, { force: force === true });
        documents.open({ kind: 'tool', tool });
      })
  );
  addToolCommand(
    CommandIDs.deleteTool,
    trans.__('Delete Tool'),
    deleteIcon,
    async tool => {
      const { button } = await showDialog({
        title: trans.__('Delete %1?', shortName(tool, given)),
        body:
          trans.__(
            'Nobody can run it any more, also not those it is shared with. Its runs stay, with their output.'
          ) +
          (documents.isFilledIn(tool)
            ? ` ${trans.__('What you filled in to run it is lost.')}`
            : ''),
        buttons: [
          Dialog.cancelButton(),
          Dialog.warnButton({ label: trans.__('Delete') })
        ]
      });
      if (button.accept) {
        await said(given, async () => {
          await model.api.deleteTool(tool);
          documents.closeTool(tool);
        });
      }
    }
  );
  addToolCommand(
    CommandIDs.insert,
    trans.__('Insert into Notebook'),
    undefined,
    (tool, { number }) =>
      said(given, async () => {
        await notebooks?.insert(path =>
          typeof number === 'number'
            ? model.api.runCell(number)
            : model.api.cell({ tool, notebook: path })
        );
      }),
    {
      caption: trans.__('Put a cell that runs this into the current notebook'),
      isEnabled: () => notebooks !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: { tool: { type: 'string' }, number: { type: 'number' } }
        }
      }
    }
  );

  const formats: Partial<Record<string, string>> = {
    ipynb: trans.__('Notebook (.ipynb)'),
    html: trans.__('Web Page (.html)'),
    zip: trans.__('Archive with All Files (.zip)'),
    crate: trans.__('Research Object (RO-Crate)')
  };
  commands.addCommand(CommandIDs.export, {
    label: args => formats[textOf(args.format) ?? ''] ?? trans.__('Export'),
    caption: trans.__('What was run, what it gave, and how to do it again'),
    isVisible: args =>
      typeof args.tool === 'string' || typeof args.number === 'number',
    describedBy: {
      args: {
        type: 'object',
        properties: {
          tool: { type: 'string' },
          number: { type: 'number' },
          format: { type: 'string', enum: Object.keys(formats) }
        }
      }
    },
    execute: args =>
      said(given, async () => {
        const { number } = args;
        const subject =
          typeof number === 'number' ? { number } : { tool: nameOf(args) };
        const format = textOf(args.format) ?? 'ipynb';
        saveFile(await model.api.exported(subject, format));
      })
  });

  commands.addCommand(CommandIDs.download, {
    label: trans.__('Output and Files Only (.zip)'),
    isVisible: args => typeof args.number === 'number',
    describedBy: {
      args: { type: 'object', properties: { number: { type: 'number' } } }
    },
    execute: args => {
      const path = `runs/${Number(args.number)}/archive`;
      saveFrom(model.api.url(path, { format: 'zip' }));
    }
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
}

/** Return what its own owner calls a tool. */
function shortName(tool: string, { model }: Context): string {
  const [owner, name = tool] = tool.split('/');
  return owner === model.me?.name ? name : tool;
}

// a link in anybody's notebook may give a command any arguments

function nameOf({ tool }: ReadonlyPartialJSONObject): string {
  return textOf(tool) ?? '';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
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
