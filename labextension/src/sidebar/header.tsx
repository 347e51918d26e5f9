/** The top of the side panel: the field that searches all sections, and whether the server is there. */
import { InputGroup, searchIcon } from '@jupyterlab/ui-components';
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import { useGiven, useSignal } from '../context';
import type { Model } from '../model';

const PAUSE_MS = 150;

export function Header({
  onSearch
}: {
  onSearch: (text: string) => void;
}): ReactElement {
  const { model, trans } = useGiven();
  const [text, setText] = useState('');
  useSignal(model.reachChanged);
  useEffect(() => {
    const timer = setTimeout(
      () => {
        onSearch(text.trim());
      },
      text === '' ? 0 : PAUSE_MS
    );
    return () => {
      clearTimeout(timer);
    };
  }, [text, onSearch]);
  return (
    <>
      <InputGroup
        className="jp-TooInstance-search"
        type="search"
        placeholder={trans.__('Search tools and runs')}
        aria-label={trans.__('Search tools and runs')}
        data-testid="tooi-search"
        rightIcon={searchIcon}
        value={text}
        onChange={event => {
          setText(event.target.value);
        }}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            setText('');
          }
        }}
      />
      <Banner model={model} />
    </>
  );
}

/** Says that the server is not there; what was read of it stays. */
function Banner({ model }: { model: Model }): ReactElement {
  const { trans } = useGiven();
  const words = {
    connecting: '',
    connected: '',
    lost: trans.__(
      'The server is out of reach. What is shown may be old; connecting again…'
    ),
    absent: trans.__(
      'This Jupyter server runs without tooinstance-jupyter. Install it there (pip install tooinstance-jupyter), then start the server again.'
    )
  };
  const word = words[model.reach];
  return (
    <div role="status" data-testid="tooi-reach" data-reach={model.reach}>
      {word && <p className="jp-TooInstance-banner">{word}</p>}
    </div>
  );
}
