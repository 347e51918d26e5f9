/** The bar over a log: follow, wrap, find, copy, save; a search bar takes its place when open. */
import {
  copyIcon,
  downloadIcon,
  searchIcon,
  textEditorIcon
} from '@jupyterlab/ui-components';
import type { ReactElement, ReactNode } from 'react';

import { useGiven } from '../context';
import { sizeInWords } from '../words';
import { BarButton, BarDownload } from './button';
import { copy } from './copy';
import type { Scroll } from './scroll';
import type { LogSelection } from './selection';
import type { StreamLog } from './stream';

export function LogBar({
  log,
  scroll,
  selection,
  isLive,
  onFind,
  children
}: {
  log: StreamLog;
  scroll: Scroll;
  selection: LogSelection;
  isLive: boolean;
  onFind: () => void;
  children: ReactNode;
}): ReactElement {
  const { model, settings, trans } = useGiven();
  const { size } = log.lines;
  return (
    <div className="jp-TooInstance-log-bar">
      {children || (
        <span className="jp-TooInstance-log-size">
          {log.isReading && size < log.total
            ? trans.__(
                '%1 of %2 read',
                sizeInWords(size),
                sizeInWords(log.total)
              )
            : trans._n('%1 line', '%1 lines', log.lines.count)}
        </span>
      )}
      {isLive && (
        <BarButton
          name="tooi-log-follow"
          label={trans.__('Follow')}
          title={trans.__('Scroll to the end as output comes')}
          isPressed={scroll.follows}
          onClick={() => {
            scroll.follows = !scroll.follows;
          }}
        />
      )}
      <BarButton
        icon={copyIcon}
        title={
          selection.isEmpty
            ? trans.__('Copy all')
            : trans.__('Copy what is selected')
        }
        name="tooi-log-copy"
        onClick={() => {
          if (selection.isEmpty) {
            selection.all();
          }
          void copy(selection, trans);
        }}
      />
      <BarButton
        icon={textEditorIcon}
        title={trans.__('Wrap long lines')}
        name="tooi-log-wrap"
        isPressed={scroll.wraps}
        onClick={() => {
          settings.wrapsOutput = !scroll.wraps;
        }}
      />
      <BarButton
        icon={searchIcon}
        title={trans.__('Find in the output')}
        name="tooi-log-find"
        onClick={onFind}
      />
      <BarDownload
        name={`tooi-download-${log.name}`}
        icon={downloadIcon}
        title={trans.__('Download %1', log.name)}
        href={model.api.url(log.path)}
      />
    </div>
  );
}
