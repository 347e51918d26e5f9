/** What loads the views when one of them is wanted, so that JupyterLab starts without them. */
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import { useGiven } from './context';
import { Problem } from './parts/problem';

export type Views = typeof import('./views');

let loaded: Views | undefined;

/** Load the views, unless they are loaded; where that fails it can be tried again. */
export async function loadViews(): Promise<Views> {
  loaded ??= await import(/* webpackChunkName: "views" */ './views');
  return loaded;
}

/** Draws a view once the views are loaded; until then it says that they are not. */
export function Later({
  draw,
  onLoaded,
  isQuiet = false
}: {
  draw: (views: Views) => ReactElement;
  /** Called when they are loaded. */
  onLoaded?: (views: Views) => void;
  /** Whether nothing is said until then. */
  isQuiet?: boolean;
}): ReactElement {
  const { trans } = useGiven();
  const [views, setViews] = useState(loaded);
  const [error, setError] = useState<unknown>();
  const load = () => {
    setError(undefined);
    loadViews().then(setViews, setError);
  };
  useEffect(load, []);
  useEffect(() => {
    if (views) {
      onLoaded?.(views);
    }
  }, [views, onLoaded]);

  if (views) {
    return draw(views);
  }
  if (isQuiet) {
    return <></>;
  }
  return (
    <div className="jp-TooInstance-gone">
      {error === undefined ? (
        <p role="status">{trans.__('Loading…')}</p>
      ) : (
        <Problem error={error}>
          <button
            type="button"
            className="jp-TooInstance-link"
            data-testid="tooi-load-again"
            onClick={load}
          >
            {trans.__('Try again')}
          </button>
        </Problem>
      )}
    </div>
  );
}
