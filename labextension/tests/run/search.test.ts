/** What a search finds in lines as they are shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findIn } from '../../src/run/search';

const bytes = new TextEncoder().encode(
  'One\n\x1b[31mo\x1b[0mne a.b\n\nlast one'
);
const find = (
  text: string,
  more: Partial<{
    isCaseSensitive: boolean;
    isRegex: boolean;
    limit: number;
  }> = {}
) =>
  findIn({
    bytes,
    firstLine: 10,
    limit: more.limit ?? 100,
    query: { text, isCaseSensitive: false, isRegex: false, ...more }
  }).map(({ line, from, to }) => [line, from, to]);

test('matches are told by line and by the characters that are shown', () => {
  assert.deepEqual(find('one'), [
    [10, 0, 3],
    [11, 0, 3],
    [13, 5, 8]
  ]);
  assert.deepEqual(find('one', { isCaseSensitive: true }), [
    [11, 0, 3],
    [13, 5, 8]
  ]);
});

test('what is special in expressions is so only in expressions', () => {
  assert.deepEqual(find('a.b'), [[11, 4, 7]]);
  assert.deepEqual(find('a..', { isRegex: true }), [
    [11, 4, 7],
    [13, 1, 4]
  ]);
  assert.throws(() => find('(', { isRegex: true }), SyntaxError);
});

test('nothing endless is found', () => {
  assert.deepEqual(find('x*', { isRegex: true }), []);
  assert.equal(find('e', { limit: 2 }).length, 2);
});
