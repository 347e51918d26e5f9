/** The files that a run left: a list, and beside it what is in the one that is chosen. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { downloadIcon } from '@jupyterlab/ui-components';
import { useEffect, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';

import type { OutputFile, Run } from '../../api/types';
import { useGiven } from '../../context';
import { sizeInWords } from '../../words';
import { BarDownload } from '../button';
import { Preview } from './preview';

const ROW_PX = 24;
const STEPS: ReadonlyMap<string, number> = new Map([
  ['ArrowDown', 1],
  ['ArrowUp', -1],
  ['PageDown', 20],
  ['PageUp', -20],
  ['Home', -Infinity],
  ['End', Infinity]
]);

export function Files({
  run,
  id,
  labelledBy
}: {
  run: Run;
  id: string;
  labelledBy: string;
}): ReactElement {
  const { model, trans } = useGiven();
  const { files } = run;
  const [index, setIndex] = useState(() =>
    Math.max(
      0,
      files.findIndex(file => file.skipped === null)
    )
  );
  const file = files.at(index);
  const total = files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  return (
    <div
      className="jp-TooInstance-files"
      role="tabpanel"
      id={id}
      aria-labelledby={labelledBy}
      data-testid="tooi-files"
    >
      {file === undefined ? (
        <div className="jp-TooInstance-empty">
          {run.finished_at === null
            ? trans.__('Files are listed when the run has ended.')
            : trans.__('The run left no files in its working directory.')}
        </div>
      ) : (
        <>
          <div className="jp-TooInstance-files-side">
            <div className="jp-TooInstance-log-bar">
              <span className="jp-TooInstance-log-size">
                {trans._n('%1 file', '%1 files', files.length)},{' '}
                {sizeInWords(total)}
              </span>
              {files.length > 1 && (
                <BarDownload
                  name="tooi-files-download"
                  icon={downloadIcon}
                  title={trans.__('Download all files')}
                  href={model.api.url(`runs/${run.number}/archive`, {
                    format: 'zip'
                  })}
                />
              )}
            </div>
            <FileList files={files} chosen={index} onChoose={setIndex} />
          </div>
          <Preview key={file.path} number={run.number} file={file} />
        </>
      )}
    </div>
  );
}

function FileList({
  files,
  chosen,
  onChoose
}: {
  files: readonly OutputFile[];
  chosen: number;
  onChoose: (index: number) => void;
}): ReactElement {
  const { trans } = useGiven();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: files.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10
  });
  const isMoved = useRef(false);
  useEffect(() => {
    if (isMoved.current) {
      rows.scrollToIndex(chosen);
    }
  }, [rows, chosen]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS.get(event.key);
    if (step !== undefined) {
      event.preventDefault();
      isMoved.current = true;
      onChoose(Math.min(Math.max(chosen + step, 0), files.length - 1));
    }
  };
  return (
    <div className="jp-TooInstance-files-scroller" ref={scroller}>
      <div
        role="listbox"
        aria-label={trans.__('Files')}
        aria-activedescendant={`tooi-file-${chosen}`}
        tabIndex={0}
        style={{ height: rows.getTotalSize() }}
        data-testid="tooi-files-list"
        onKeyDown={onKeyDown}
      >
        {rows.getVirtualItems().map(({ index, start }) => {
          const file = files.at(index);
          return (
            file && (
              // the list has the keys
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events
              <div
                key={file.path}
                id={`tooi-file-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === chosen}
                aria-setsize={files.length}
                aria-posinset={index + 1}
                className="jp-TooInstance-file"
                style={{ transform: `translateY(${start}px)` }}
                title={file.path}
                data-testid="tooi-file"
                onClick={() => {
                  onChoose(index);
                }}
              >
                <span>
                  <bdi>{file.path}</bdi>
                </span>
                <small>
                  {file.skipped === null
                    ? sizeInWords(file.size_bytes)
                    : trans.__('not kept')}
                </small>
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}
