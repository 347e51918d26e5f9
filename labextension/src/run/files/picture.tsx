/** An image, which is drawn and never run: also SVG comes as an image only. */
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import type { OutputFile } from '../../api/types';
import { useGiven } from '../../context';
import { Problem } from '../../parts/problem';
import { sizeInWords } from '../../words';

const MOST_BYTES = 50_000_000;
const SVG = 'image/svg+xml';

export function Picture({
  path,
  file
}: {
  path: string;
  file: OutputFile;
}): ReactElement {
  const { model, trans } = useGiven();
  const [source, setSource] = useState<string>();
  const [error, setError] = useState<unknown>();
  const isTooLarge = file.size_bytes > MOST_BYTES;
  useEffect(() => {
    if (isTooLarge) {
      return;
    }
    let made: string | undefined;
    let isCurrent = true;
    const read = async () => {
      const response = await model.api.content(path);
      const image = new Blob([await response.arrayBuffer()], {
        type: file.media_type ?? ''
      });
      const address = image.type === SVG ? await dataUrl(image) : undefined;
      if (isCurrent) {
        made = address === undefined ? URL.createObjectURL(image) : undefined;
        setSource(address ?? made);
      }
    };
    read().catch(setError);
    return () => {
      isCurrent = false;
      if (made !== undefined) {
        URL.revokeObjectURL(made);
      }
    };
  }, [model, path, file.media_type, isTooLarge]);
  if (isTooLarge) {
    return (
      <div className="jp-TooInstance-empty">
        {trans.__(
          'It is too large to be shown (%1). Download it to see it.',
          sizeInWords(file.size_bytes)
        )}
      </div>
    );
  }
  if (error !== undefined) {
    return <Problem error={error} />;
  }
  return (
    <div className="jp-TooInstance-preview-picture">
      {source !== undefined && (
        <img
          src={source}
          alt={file.path}
          data-testid="tooi-file-image"
          onError={() => {
            setError(
              new Error(
                trans.__(
                  'The browser cannot show this image. Download it to see it.'
                )
              )
            );
          }}
        />
      )}
    </div>
  );
}

/** Return an image as a `data:` address: opened in a tab of its own, it could run no script here. */
function dataUrl(image: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      resolve(reader.result as string);
    };
    reader.onerror = () => {
      reject(reader.error ?? new Error(image.type));
    };
    reader.readAsDataURL(image);
  });
}
