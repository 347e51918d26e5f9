/** How a file can be shown, judged by its type and name; what is in it is left to the previews. */
import type { OutputFile } from '../../api/types';

export type Kind = 'image' | 'table' | 'json' | 'html' | 'text' | 'bytes';

const IMAGE = /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml|x-icon)$/;
const TEXT =
  /^text\/|^application\/(x-)?(javascript|xml|yaml|toml|sh|sql|x-ndjson|jsonl|x-ipynb\+json)$|\+xml$/;
const TEXT_NAME =
  /(^|\/)[^./]+$|\.(txt|log|md|rst|ya?ml|toml|ini|cfg|conf|py|js|ts|c|h|rs|go|sh|r|jl|sql|xml|jsonl|ndjson|ipynb|tex|bib|fasta|fa|fastq|gff|vcf|bed|sam|dot|geojson|css)$/i;

export function kindOf({ path, media_type: type }: OutputFile): Kind {
  if (type !== null && IMAGE.test(type)) {
    return 'image';
  }
  if (/\.(csv|tsv|tab)$/i.test(path) || type === 'text/csv') {
    return 'table';
  }
  if (/\.json$/i.test(path) || type === 'application/json') {
    return 'json';
  }
  if (type === 'text/html') {
    return 'html';
  }
  if ((type !== null && TEXT.test(type)) || TEXT_NAME.test(path)) {
    return 'text';
  }
  return 'bytes';
}

/** Whether bytes are text after all, whatever a file is called. */
export function isText(bytes: Uint8Array): boolean {
  return !bytes.subarray(0, 8192).includes(0);
}

/** Return bytes as lines of their places, their values and what is readable of them. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16));
    const values = row.map(byte => byte.toString(16).padStart(2, '0'));
    const signs = row.map(byte =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'
    );
    lines.push(
      `${at.toString(16).padStart(8, '0')}  ${values.join(' ').padEnd(48)} ${signs.join('')}`
    );
  }
  return lines.join('\n');
}
