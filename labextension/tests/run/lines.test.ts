/** Lines are the same however their bytes come, and whatever was let go of and read again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BLOCK_BYTES, Lines } from '../../src/run/lines';

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined) =>
  new TextDecoder().decode(bytes);

function linesOf(bytes: Uint8Array, sizes: () => number): Lines {
  const lines = new Lines();
  for (let at = 0; at < bytes.length;) {
    const size = sizes();
    lines.append(bytes.subarray(at, at + size));
    at += size;
  }
  return lines;
}

function texts(lines: Lines): string[] {
  return Array.from({ length: lines.count }, (_, line) =>
    decode(lines.line(line))
  );
}

test('what follows the last newline is a line, if there is anything', () => {
  const lines = new Lines();
  assert.equal(lines.count, 0);
  lines.append(encode('a\n\nb'));
  assert.deepEqual(texts(lines), ['a', '', 'b']);
  lines.append(encode('c\n'));
  assert.deepEqual(texts(lines), ['a', '', 'bc']);
});

test('any splits of a stream give the same lines', () => {
  const text = Array.from(
    { length: 60_000 },
    (_, index) => `${'ä€x'.repeat(index % 23)} ${index}`
  ).join('\n');
  const bytes = encode(text);
  assert.ok(bytes.length > 2 * BLOCK_BYTES);
  const whole = text.split('\n');
  let seed = 3;
  for (const longest of [1_000, 70_000, 3_000_000]) {
    const lines = linesOf(bytes, () => {
      seed = (seed * 48271) % 2147483647;
      return 1 + (seed % longest);
    });
    assert.deepEqual(texts(lines), whole);
    assert.equal(lines.size, bytes.length);
  }
});

test('a line longer than a block is cut, and the lines after it are found', () => {
  const bytes = encode(`first\n${'x'.repeat(3 * BLOCK_BYTES)}\nlast\n`);
  const lines = linesOf(bytes, () => 300_000);
  assert.equal(lines.count, 3);
  assert.equal(decode(lines.line(0)), 'first');
  assert.ok(lines.isCut(1));
  assert.equal(decode(lines.line(2)), 'last');
});

test('of a line that is written over without end, the last time is kept', () => {
  const lines = new Lines();
  for (let percent = 0; percent < 300_000; percent += 1) {
    lines.append(encode(`\r${percent} of 300000`));
  }
  assert.equal(lines.count, 1);
  assert.match(decode(lines.line(0)), /\r299999 of 300000$/);
});

test('no more than the budget is held, and what was let go of can be given back', () => {
  const bytes = encode(
    Array.from({ length: 400_000 }, (_, index) => `line ${index}`).join('\n')
  );
  const lines = new Lines(2 * BLOCK_BYTES);
  lines.append(bytes);
  const block = lines.blockAt(0);
  assert.equal(lines.line(0), undefined);
  lines.restore(block, bytes.slice(block.offset, block.offset + block.size));
  assert.equal(decode(lines.line(0)), 'line 0');
  assert.equal(decode(lines.line(100)), 'line 100');
  assert.equal(decode(lines.line(399_999)), 'line 399999');
});

test('the style of a line is that of what was written before it, over blocks', () => {
  const lines = new Lines();
  lines.append(
    encode(`\x1b[32m${'green\n'.repeat(200_000)}\x1b[0mplain\nplain\n`)
  );
  assert.equal(lines.styleAt(0).foreground, -1);
  assert.equal(lines.styleAt(1).foreground, 2);
  assert.equal(lines.styleAt(199_999).foreground, 2);
  assert.equal(lines.styleAt(200_001).foreground, -1);
  assert.equal(lines.styleAt(5).foreground, 2);
});
