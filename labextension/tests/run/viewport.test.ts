/** Scrolling through few lines and through many, of equal and of different heights. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  bottomOf,
  heightOf,
  movedBy,
  scrollTopOf,
  topAt,
  topFor
} from '../../src/run/viewport';
import type { Layout } from '../../src/run/viewport';

const layout = (
  count: number,
  tall: (line: number) => number = () => 10
): Layout => ({
  count,
  view: 100,
  row: 10,
  average: 10,
  heightOf: tall
});

test('the scroll bar is exact while the browser can make the element as tall', () => {
  const small = layout(1_000);
  const { line, above } = topAt(1234, small);
  assert.equal(line, 123);
  assert.ok(Math.abs(above - 4) < 0.01);
  assert.ok(
    Math.abs(scrollTopOf({ line: 123, above: 4 }, small) - 1234) < 0.01
  );
});

test('all of many lines can be reached', () => {
  const large = layout(20_000_000);
  const room = heightOf(large) - 100;
  assert.deepEqual(topAt(0, large), { line: 0, above: 0 });
  assert.deepEqual(topAt(room, large), { line: 19_999_990, above: 0 });
  const middle = topAt(room / 2, large);
  assert.ok(Math.abs(middle.line - 9_999_995) < 2);
  assert.ok(Math.abs(scrollTopOf(middle, large) - room / 2) < 1);
});

test('a scroll by pixels moves by as many, up to both ends', () => {
  const wrapped = layout(100, line => (line % 2 ? 30 : 10));
  assert.deepEqual(movedBy({ line: 0, above: 0 }, 45, wrapped), {
    line: 2,
    above: 5
  });
  assert.deepEqual(movedBy({ line: 2, above: 5 }, -45, wrapped), {
    line: 0,
    above: 0
  });
  assert.deepEqual(movedBy({ line: 2, above: 5 }, -1000, wrapped), {
    line: 0,
    above: 0
  });
  assert.deepEqual(
    movedBy({ line: 2, above: 5 }, 100_000, wrapped),
    bottomOf(wrapped)
  );
});

test('a line that is seen is shown where it is, another in the upper part', () => {
  const small = layout(1_000);
  const top = { line: 100, above: 0 };
  assert.equal(topFor(104, top, small), top);
  assert.deepEqual(topFor(500, top, small), { line: 497, above: 0 });
});

test('fewer lines than fit are at the top', () => {
  assert.deepEqual(bottomOf(layout(3)), { line: 0, above: 0 });
  assert.deepEqual(movedBy({ line: 0, above: 0 }, 50, layout(3)), {
    line: 0,
    above: 0
  });
  assert.deepEqual(topAt(0, layout(0)), { line: 0, above: 0 });
});
