/** Tables as programs write them, and as they should not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { delimiterOf, parseTable } from '../../../src/run/files/csv';

test('quoted fields hold delimiters, newlines and quotes', () => {
  assert.deepEqual(parseTable('a,"b,c","d ""e"""\r\n"x\ny",,z\n', ','), [
    ['a', 'b,c', 'd "e"'],
    ['x\ny', '', 'z']
  ]);
});

test('rows may be ragged, fields broken, and a file may end anywhere', () => {
  assert.deepEqual(parseTable('a\nb,c\n', ','), [['a'], ['b', 'c']]);
  assert.deepEqual(parseTable('a,', ','), [['a', '']]);
  assert.deepEqual(parseTable('"a"b,c', ','), [['ab', 'c']]);
  assert.deepEqual(parseTable('"open,\n', ','), [['open,\n']]);
  assert.deepEqual(parseTable('', ','), []);
  assert.deepEqual(parseTable('\ufeffa\rb', ','), [['a'], ['b']]);
});

test('the row that a part of a file ends in is left out', () => {
  assert.deepEqual(parseTable('a,b\nc,d', ',', false), [['a', 'b']]);
});

test('what is written can be read again', () => {
  const rows = Array.from({ length: 50 }, (_, row) =>
    Array.from(
      { length: 5 },
      (_, column) => `${'a",\n\r'.slice(row % 6)}${column}`
    )
  );
  const text = rows
    .map(row => row.map(cell => `"${cell.replaceAll('"', '""')}"`).join(','))
    .join('\r\n');
  assert.deepEqual(parseTable(text, ','), rows);
});

test('the delimiter is that of the first line', () => {
  assert.equal(delimiterOf('a;b;c\n1,2;3', 'x.csv'), ';');
  assert.equal(delimiterOf('a,b', 'x.tsv'), '\t');
  assert.equal(delimiterOf('a', 'x.csv'), ',');
});
