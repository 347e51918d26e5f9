/** Names with values that one adds and removes; values of secrets are not shown. */
import { Button, addIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { useGiven } from '../context';
import { Problem } from './problem';
import { RemoveButton } from './remove-button';

/** A variable that is being typed. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

export function Pairs({
  title,
  help,
  add,
  pairs,
  isSecret,
  problem,
  testId,
  onChange
}: {
  title: string;
  help: string;
  /** The word on the button that adds one. */
  add: string;
  pairs: readonly Pair[];
  isSecret: boolean;
  problem: unknown;
  testId: string;
  onChange: (pairs: readonly Pair[]) => void;
}): ReactElement {
  const { trans } = useGiven();
  const change = (at: number, changed: Partial<Pair>) => {
    onChange(
      pairs.map((pair, index) =>
        index === at ? { ...pair, ...changed } : pair
      )
    );
  };
  return (
    <div role="group" aria-label={title} className="jp-TooInstance-pairs">
      <div className="jp-TooInstance-form-labels">
        <h4>{title}</h4>
        <Button
          type="button"
          minimal
          small
          title={add}
          aria-label={add}
          data-testid={`${testId}-add`}
          onClick={() => {
            onChange([...pairs, { name: '', value: '' }]);
          }}
        >
          <addIcon.react tag="span" />
        </Button>
      </div>
      {pairs.map(({ name, value }, at) => (
        <div className="jp-TooInstance-pair" key={at}>
          <input
            className="jp-mod-styled"
            placeholder={trans.__('NAME')}
            aria-label={trans.__('Name %1', at + 1)}
            spellCheck={false}
            autoComplete="off"
            data-testid={`${testId}-name`}
            value={name}
            onChange={event => {
              change(at, { name: event.currentTarget.value });
            }}
          />
          <input
            className="jp-mod-styled"
            type={isSecret ? 'password' : 'text'}
            placeholder={trans.__('value')}
            aria-label={trans.__('Value of %1', name || at + 1)}
            spellCheck={false}
            autoComplete={isSecret ? 'new-password' : 'off'}
            data-testid={`${testId}-value`}
            value={value}
            onChange={event => {
              change(at, { value: event.currentTarget.value });
            }}
          />
          <RemoveButton
            label={trans.__('Remove %1', name || at + 1)}
            testId={`${testId}-remove`}
            onClick={() => {
              onChange(pairs.filter((_, index) => index !== at));
            }}
          />
        </div>
      ))}
      {pairs.length > 0 && <div className="jp-TooInstance-help">{help}</div>}
      {problem !== undefined && <Problem error={problem} />}
    </div>
  );
}
