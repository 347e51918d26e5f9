/** The versions of a tool, newest first, each with its log. */
import { useState } from 'react';
import type { ReactElement } from 'react';

import { readyVersion } from '../api/types';
import type { ToolDetail, Version } from '../api/types';
import { useGiven } from '../context';
import { useNow } from '../parts/now';
import { Status } from '../parts/status';
import { ago, commitInShort } from '../words';
import { BuildLog, useBuild } from './log';

const MINUTE_MS = 60_000;
/** How many are shown before one asks for all. */
const FIRST = 10;

export function Versions({ detail }: { detail: ToolDetail }): ReactElement {
  const { trans } = useGiven();
  const [isAll, setIsAll] = useState(false);
  const [open, setOpen] = useState<string>();
  const now = useNow(MINUTE_MS);
  const { versions } = detail;
  const used = readyVersion(detail);
  const shown = isAll ? versions : versions.slice(0, FIRST);
  return (
    <section aria-label={trans.__('Versions')} data-testid="tooi-tool-versions">
      <h3>{trans.__('Versions')}</h3>
      {versions.length === 0 && (
        <p className="jp-TooInstance-help">
          {trans.__('It has never been built. Rebuild it to begin.')}
        </p>
      )}
      <ul className="jp-TooInstance-rows">
        {shown.map(version => (
          <li key={version.id} data-testid="tooi-version">
            <span>{trans.__('Version %1', version.number)}</span>
            <Status status={version.status} />
            {version === used && (
              <span className="jp-TooInstance-used">{trans.__('in use')}</span>
            )}
            <span className="jp-TooInstance-help">
              {[
                version.commit && commitInShort(version.commit),
                version.engine,
                ago(version.created_at, undefined, now)
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
            <button
              type="button"
              className="jp-TooInstance-link"
              aria-expanded={open === version.id}
              aria-label={trans.__('Log of version %1', version.number)}
              data-testid="tooi-version-log"
              onClick={() => {
                setOpen(open === version.id ? undefined : version.id);
              }}
            >
              {trans.__('Log')}
            </button>
            {open === version.id && <LogOf version={version} />}
          </li>
        ))}
      </ul>
      {shown.length < versions.length && (
        <button
          type="button"
          className="jp-TooInstance-link"
          data-testid="tooi-versions-all"
          onClick={() => {
            setIsAll(true);
          }}
        >
          {trans.__('Show all %1', versions.length)}
        </button>
      )}
    </section>
  );
}

function LogOf({ version }: { version: Version }): ReactElement {
  const build = useBuild(version.id);
  return <BuildLog build={build} />;
}
