/** The plugins that JupyterLab and Notebook 7 load; each only puts parts together. */
import { ILayoutRestorer } from '@jupyterlab/application';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api/client';
import { CommandIDs } from './command-ids';
import { addCommands } from './commands';
import type { Context } from './context';
import { Documents } from './documents';
import { ServerFiles } from './form/file-choice';
import { loadViews } from './later';
import { Model } from './model';
import { Notebooks } from './notebook';
import { addDisplays } from './renderer/display';
import { announceEnds } from './notices';
import { Settings } from './settings';
import { SidePanel } from './sidebar/panel';

const PLUGIN = 'tooinstance-jupyter:plugin';
/** After which the views are loaded, whatever else JupyterLab is doing. */
const LONGEST_WAIT_MS = 3_000;

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description:
    'Makes, runs, inspects and shares command-line tools from git links.',
  autoStart: true,
  optional: [
    ICommandPalette,
    IDocumentManager,
    ILauncher,
    ILayoutRestorer,
    INotebookTracker,
    IRenderMimeRegistry,
    ISettingRegistry,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    manager: IDocumentManager | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null,
    renderers: IRenderMimeRegistry | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('tooinstance_jupyter');
    const settings = new Settings();
    void registry?.load(PLUGIN).then(loaded => {
      settings.load(loaded);
    });
    const model = new Model(new Api(app.serviceManager.serverSettings));
    const given: Context = {
      model,
      commands: app.commands,
      settings,
      serverFiles:
        manager && new ServerFiles(manager, translator ?? nullTranslator),
      unsent: new Set(),
      notebooks: notebooks && new Notebooks(app, notebooks, trans),
      trans
    };
    const documents = new Documents(app, given);
    const panel = new SidePanel(given, translator ?? nullTranslator);

    // all that can wait lets JupyterLab start first
    void app.restored.then(() => {
      void model.connect();
      whenIdle(() => {
        // what fails now is tried again once a view is wanted
        loadViews().catch(() => undefined);
      });
    });
    addCommands(app, given, documents, panel.id);
    announceEnds(given, documents);
    app.shell.add(panel, 'left', { rank: 550, type: 'TooInstance' });
    restorer?.add(panel, panel.id);
    if (restorer) {
      documents.restore(restorer, CommandIDs.open);
    }
    if (renderers) {
      addDisplays(renderers, given);
    }
    const category = trans.__('Tools');
    for (const command of [CommandIDs.create, CommandIDs.show]) {
      palette?.addItem({ command, category, args: { isPalette: true } });
    }
    launcher?.add({
      command: CommandIDs.create,
      args: { isLauncher: true },
      category: trans.__('Other'),
      rank: 10
    });
  }
};

function whenIdle(act: () => void): void {
  // Safari has no such callback
  if ('requestIdleCallback' in window) {
    requestIdleCallback(act, { timeout: LONGEST_WAIT_MS });
  } else {
    setTimeout(act, LONGEST_WAIT_MS);
  }
}

export default plugin;
