/** Cells with `%tooi` lines in notebooks; what they run is left to the kernel's magics. */
import { NotebookActions } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { quoted } from './form/quoting';

const LOAD = '%load_ext tooinstance_jupyter';
const LOADED = /^\s*%(re)?load_ext\s+tooinstance_jupyter\b/m;
/** What ends a line for Python, so that no magic line can hold it. */
const LINE_END = /[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/; // eslint-disable-line no-control-regex

/** A run of a tool, as a cell is to say it. */
export interface Command {
  tool: string;
  argv: readonly string[];
  /** Options of `%tooi run`, before the tool's name. */
  options?: readonly string[];
  /** Standard input. */
  stdin?: string;
  /** Input files, by their paths on the server. */
  inputs?: readonly string[];
}

/** Put a cell that runs a tool below the active cell of a notebook, and make it the active one. */
export function insertCell(panel: NotebookPanel, command: Command): void {
  const { content } = panel;
  const isLoaded = content.widgets.some(({ model }) =>
    LOADED.test(model.sharedModel.source)
  );
  const source = sourceOf(command, panel.context.localPath);
  if (isLoaded) {
    put(panel, source);
  } else if (source.startsWith('%%')) {
    // nothing can stand before the magic of a cell
    put(panel, LOAD);
    put(panel, source);
  } else {
    put(panel, `${LOAD}\n${source}`);
  }
}

/** Return the source of a cell; `notebook` is where the notebook lies. */
export function sourceOf(command: Command, notebook: string): string {
  const { tool, argv, options = [], stdin = '', inputs = [] } = command;
  const files = inputs.flatMap(path => ['-i', relative(path, notebook)]);
  const before = [...options, ...files].filter(
    (word, at, all) =>
      !LINE_END.test(word) &&
      // an option without its value would take the next word for it
      !(word.startsWith('-') && LINE_END.test(all[at + 1] ?? ''))
  );
  const words = [...before, tool.split(LINE_END).join(' ')].map(literal);
  const rest = argv.some(word => LINE_END.test(word))
    ? asJson(argv)
    : argv.map(literal).join(' ');
  const line = `%tooi run ${[...words, rest].join(' ')}`.trimEnd();
  return stdin ? `%${line}\n${stdin}` : line;
}

/** Return a word in which the magics put no Python values. */
function literal(word: string): string {
  return quoted(word).replace(/\{(?=[\p{L}_])/gu, "{''");
}

function asJson(argv: readonly string[]): string {
  return JSON.stringify(argv).replace(
    /[${\x7f-\x9f\u2028\u2029]/g,
    one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
  );
}

/** Return a path as it is seen from the folder of a notebook. */
function relative(path: string, notebook: string): string {
  const folder = notebook.split('/').slice(0, -1);
  const steps = path.split('/');
  let same = 0;
  while (same < folder.length && folder[same] === steps[same]) {
    same += 1;
  }
  const found = [...folder.slice(same).map(() => '..'), ...steps.slice(same)];
  return found[0]?.startsWith('-') ? `./${found.join('/')}` : found.join('/');
}

function put({ content }: NotebookPanel, source: string): void {
  const { activeCell } = content;
  const isFree =
    activeCell?.model.type === 'code' &&
    activeCell.model.sharedModel.source.trim() === '';
  if (!isFree) {
    NotebookActions.insertBelow(content);
  }
  content.activeCell?.model.sharedModel.setSource(source);
}
