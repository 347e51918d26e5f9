/** Which options of a tool are shown, in which groups, and what is wrong with what they hold. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Option } from '../api/types';

export interface Group {
  readonly title: string;
  readonly options: readonly Option[];
}

/** What an option is known by among the others. */
export function keyOf({ names, metavar }: Option): string {
  return names.length > 0
    ? names.reduce((longest, name) =>
        name.length > longest.length ? name : longest
      )
    : metavar;
}

/** Whether it holds a list of values. */
export function holdsSeveral(option: Option): boolean {
  return (
    option.kind !== 'flag' &&
    (option.is_repeated || option.metavar.endsWith('...') || arity(option) > 1)
  );
}

/** Whether its file is one that the tool writes, as far as its name tells. */
export function isWritten(option: Option): boolean {
  const words = `${keyOf(option)} ${option.metavar}`.toLowerCase();
  return /\bout(put|file|-file)?\b|output|outfile/.test(words);
}

/** Whether a file is named that is none of the run's, as far as its name tells. */
export function mayBeForgotten(
  option: Option,
  value: string,
  names: readonly string[]
): boolean {
  const isName = /^[^-/\\][^/\\:]*$/.test(value);
  return (
    option.kind === 'file' &&
    isName &&
    !isWritten(option) &&
    !names.includes(value)
  );
}

/** How many values follow each time: two for `MIN MAX`. */
export function arity({ names, metavar, choices }: Option): number {
  const isOne =
    names.length === 0 || choices.length > 0 || metavar.endsWith('...');
  return isOne ? 1 : Math.max(metavar.split(' ').filter(Boolean).length, 1);
}

/**
 * Put options under their headings: what is needed first, then as the tool's help has them.
 *
 * @param command - the command that they are of, where there are several.
 */
export function groupsOf(
  positional: readonly Option[],
  options: readonly Option[],
  trans: TranslationBundle,
  command?: string
): Group[] {
  const groups = new Map<string, Option[]>();
  const put = (title: string, option: Option) => {
    groups.set(title, [...(groups.get(title) ?? []), option]);
  };
  for (const option of positional) {
    put(trans.__('Arguments'), option);
  }
  for (const option of options.filter(one => one.is_required)) {
    put(trans.__('Required'), option);
  }
  for (const option of options.filter(one => !one.is_required)) {
    put(option.group || trans.__('Options'), option);
  }
  return [...groups].map(([title, members]) => ({
    title: command === undefined ? title : trans.__('%1 of %2', title, command),
    options: members
  }));
}

/** Return what of the groups has a text in its names or its help. */
export function filtered(groups: readonly Group[], text: string): Group[] {
  const wanted = text.trim().toLowerCase();
  return groups
    .map(({ title, options }) => ({
      title,
      options: options.filter(({ names, metavar, help }) =>
        [...names, metavar, help].join('\n').toLowerCase().includes(wanted)
      )
    }))
    .filter(({ options }) => options.length > 0);
}

/** Return what is wrong with a value; the tool has the last word, so nothing is refused. */
export function doubt(
  option: Option,
  value: string,
  trans: TranslationBundle
): string | undefined {
  if (value === '') {
    return undefined;
  }
  if (option.kind === 'integer' && !/^[-+]?[\d_]+$/.test(value)) {
    return trans.__('A whole number is expected.');
  }
  if (option.kind === 'number' && Number.isNaN(Number(value))) {
    return trans.__('A number is expected.');
  }
  return undefined;
}
