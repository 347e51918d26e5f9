/** Where a tool comes from, with a link to it where there is a page. */
import type { ReactElement } from 'react';

import type { Tool } from '../api/types';

type Source = Tool['source'];

/** Return the page of a source; text of users becomes a link only if it is one of the web's. */
export function pageOf({ location }: Source): string | undefined {
  return /^https?:\/\//i.test(location) ? location : undefined;
}

/** Return a source as its user could type it, with ref and folder. */
export function sourceInWords(source: Source): string {
  const { kind, location, ref, subdirectory } = source;
  const prefix = kind === 'pypi' || kind === 'npm' ? `${kind}:` : '';
  const at = ref ? `${kind === 'pypi' ? '==' : '@'}${ref}` : '';
  const folder = subdirectory ? `#subdirectory=${subdirectory}` : '';
  return `${prefix}${location}${at}${folder}`;
}

export function SourceLink({
  source,
  tabIndex = 0
}: {
  source: Source;
  tabIndex?: 0 | -1;
}): ReactElement {
  const page = pageOf(source);
  const words = sourceInWords(source);
  return page === undefined ? (
    <span className="jp-TooInstance-source">{words}</span>
  ) : (
    <a
      className="jp-TooInstance-source"
      href={page}
      target="_blank"
      rel="noopener noreferrer"
      tabIndex={tabIndex}
      data-testid="tooi-source-link"
    >
      {words.replace(/^https?:\/\//, '')}
    </a>
  );
}
