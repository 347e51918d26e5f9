/** What is in a file, read in parts, as its kind is best shown. */
import { downloadIcon } from '@jupyterlab/ui-components';
import { useEffect, useMemo, useState } from 'react';
import type { ReactElement } from 'react';

import { filePath } from '../../api/client';
import type { OutputFile } from '../../api/types';
import { useGiven } from '../../context';
import { Problem } from '../../parts/problem';
import { sizeInWords } from '../../words';
import { BarButton, BarDownload } from '../button';
import { delimiterOf, parseTable } from './csv';
import { hexDump, isText, kindOf } from './kinds';
import { Picture } from './picture';
import { Table } from './table';

const PART_BYTES = 256_000;
const HEX_BYTES = 4_096;
/** Beyond this nobody reads on in a preview, and the page would suffer. */
const MOST_BYTES = 8_000_000;
/** Scripts are off by the sandbox; this keeps what is left from asking anything of the network. */
const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:">`;

export function Preview({
  number,
  file
}: {
  number: number;
  file: OutputFile;
}): ReactElement {
  const { model, trans } = useGiven();
  const path = filePath(number, file.path);
  const kind = kindOf(file);
  return (
    <section
      className="jp-TooInstance-preview"
      aria-label={trans.__('Preview of %1', file.path)}
    >
      <div className="jp-TooInstance-log-bar">
        <span className="jp-TooInstance-preview-name">
          <bdi>{file.path}</bdi>
        </span>
        <span className="jp-TooInstance-log-size">
          {[sizeInWords(file.size_bytes), file.media_type]
            .filter(Boolean)
            .join(' · ')}
        </span>
        {file.skipped === null && (
          <BarDownload
            name="tooi-file-download"
            icon={downloadIcon}
            title={trans.__('Download %1', file.path)}
            href={model.api.url(path)}
          />
        )}
      </div>
      {file.skipped !== null ? (
        <div className="jp-TooInstance-empty" data-testid="tooi-file-skipped">
          {trans.__('It was not kept: %1.', file.skipped)}
        </div>
      ) : kind === 'image' ? (
        <Picture path={path} file={file} />
      ) : (
        <Content path={path} file={file} kind={kind} />
      )}
    </section>
  );
}

function Content({
  path,
  file,
  kind
}: {
  path: string;
  file: OutputFile;
  kind: Exclude<ReturnType<typeof kindOf>, 'image'>;
}): ReactElement {
  const { model, trans } = useGiven();
  const [wanted, setWanted] = useState(PART_BYTES);
  const [bytes, setBytes] = useState<Uint8Array>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    let isCurrent = true;
    const read = async () => {
      if (file.size_bytes === 0) {
        return new Uint8Array();
      }
      return (await model.api.part(path, 0, wanted)).bytes;
    };
    read().then(
      found => {
        if (isCurrent) {
          setBytes(found);
        }
      },
      (reason: unknown) => {
        if (isCurrent) {
          setError(reason);
        }
      }
    );
    return () => {
      isCurrent = false;
    };
  }, [model, path, file.size_bytes, wanted]);

  if (error !== undefined) {
    return <Problem error={error} />;
  }
  if (bytes === undefined) {
    return (
      <div className="jp-TooInstance-empty" role="status">
        {trans.__('Loading…')}
      </div>
    );
  }
  const isWhole = bytes.length >= file.size_bytes;
  return (
    <>
      <Shown bytes={bytes} file={file} kind={kind} isWhole={isWhole} />
      {!isWhole && bytes.length < MOST_BYTES && (
        <div className="jp-TooInstance-preview-more">
          <BarButton
            name="tooi-file-more"
            label={trans.__('Show more')}
            title={trans.__('Read more of the file')}
            isBusy={bytes.length < wanted}
            onClick={() => {
              setWanted(Math.min(MOST_BYTES, 4 * wanted));
            }}
          />
        </div>
      )}
    </>
  );
}

function Shown({
  bytes,
  file,
  kind,
  isWhole
}: {
  bytes: Uint8Array;
  file: OutputFile;
  kind: ReturnType<typeof kindOf>;
  isWhole: boolean;
}): ReactElement {
  const { trans } = useGiven();
  const text = useMemo(
    () =>
      isText(bytes)
        ? new TextDecoder().decode(bytes, { stream: !isWhole })
        : undefined,
    [bytes, isWhole]
  );
  const rows = useMemo(
    () =>
      kind === 'table' && text !== undefined
        ? parseTable(text, delimiterOf(text, file.path), isWhole)
        : [],
    [kind, text, file.path, isWhole]
  );
  if (text === undefined || (kind === 'bytes' && !text.trim())) {
    const dumped = bytes.subarray(0, HEX_BYTES);
    return (
      <>
        <Part bytes={dumped} file={file} />
        <Text
          text={hexDump(dumped)}
          label={trans.__('Bytes of %1', file.path)}
        />
      </>
    );
  }
  return (
    <>
      <Part bytes={bytes} file={file} />
      {kind === 'table' && rows.length > 0 ? (
        <Table rows={rows} label={file.path} />
      ) : kind === 'html' ? (
        <iframe
          className="jp-TooInstance-preview-page"
          sandbox=""
          srcDoc={POLICY + text}
          title={trans.__('%1, without scripts and network', file.path)}
          data-testid="tooi-file-page"
        />
      ) : (
        <Text
          text={kind === 'json' && isWhole ? indented(text) : text}
          label={file.path}
        />
      )}
    </>
  );
}

/** Says how much of a file is shown beneath, unless it is all. */
function Part({
  bytes,
  file
}: {
  bytes: Uint8Array;
  file: OutputFile;
}): ReactElement | null {
  const { trans } = useGiven();
  if (bytes.length >= file.size_bytes) {
    return null;
  }
  return (
    <div className="jp-TooInstance-preview-more" data-testid="tooi-file-part">
      {trans.__(
        'The first %1 of %2',
        sizeInWords(bytes.length),
        sizeInWords(file.size_bytes)
      )}
    </div>
  );
}

function Text({ text, label }: { text: string; label: string }): ReactElement {
  return (
    <pre
      className="jp-TooInstance-preview-text"
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
      tabIndex={0}
      aria-label={label}
      role="document"
      data-testid="tooi-file-text"
    >
      {text}
    </pre>
  );
}

/** Return JSON as people read it; what is none stays as it is. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
