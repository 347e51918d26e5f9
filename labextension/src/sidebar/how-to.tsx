/** How to use the product, in three steps that can be tried at once. */
import type { ReactElement } from 'react';

import { CommandIDs } from '../command-ids';
import { useGiven } from '../context';

const EXAMPLES = [
  'pypi:cowsay',
  'https://github.com/sherlock-project/sherlock'
] as const;

export function HowTo(): ReactElement {
  const { commands, trans } = useGiven();
  return (
    <div className="jp-TooInstance-how-to" data-testid="tooi-how-to">
      <ol>
        <li>
          {trans.__('Make a tool from a git link or a package, for instance:')}
          {EXAMPLES.map(source => (
            <button
              key={source}
              type="button"
              className="jp-TooInstance-link"
              data-testid="tooi-example"
              data-source={source}
              onClick={() => {
                void commands.execute(CommandIDs.create, { source });
              }}
            >
              {source.replace('https://', '')}
            </button>
          ))}
        </li>
        <li>
          {trans.__(
            'Run it: its options are a form, or type a command line as in a terminal. Output comes as it is written; its files are kept.'
          )}
        </li>
        <li>
          {trans.__('Share the tool or a run, or use it in a notebook:')}
          <code>%tooi run cowsay -t Hi</code>
        </li>
      </ol>
    </div>
  );
}
