/** What a terminal's control characters make of a line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  BOLD,
  PLAIN,
  UNDERLINE,
  parseLine,
  plainText,
  styleAfter
} from '../../src/run/ansi';

test('text without control characters is one span', () => {
  assert.deepEqual(parseLine('a\tb').spans, [{ text: 'a\tb', style: PLAIN }]);
});

test('colours of 16, of 256 and of all are read', () => {
  const foreground = (line: string) => parseLine(line).end.foreground;
  assert.equal(foreground('\x1b[31mx'), 1);
  assert.equal(foreground('\x1b[97mx'), 15);
  assert.equal(foreground('\x1b[38;5;208mx'), 208);
  assert.equal(foreground('\x1b[38;2;1;2;3mx'), 0x1010203);
  assert.equal(foreground('\x1b[38:2::1:2:3mx'), 0x1010203);
  assert.equal(foreground('\x1b[38;5;300mx'), -1);
  assert.equal(parseLine('\x1b[1;38;5;1;4mx').end.flags, BOLD | UNDERLINE);
});

test('a style goes on until it is reset, over lines', () => {
  const first = parseLine('\x1b[1;31mred');
  assert.deepEqual(parseLine('still', first.end).spans, [
    { text: 'still', style: first.end }
  ]);
  assert.equal(parseLine('\x1b[mplain', first.end).end, PLAIN);
  assert.deepEqual(styleAfter('\x1b[1;31mred', PLAIN), first.end);
});

test('a carriage return and a backspace write over what is there', () => {
  assert.equal(plainText('100%\r 50%'), ' 50%');
  assert.equal(plainText('long line\rshort\x1b[K'), 'short');
  assert.equal(plainText('\r\x1b[2K50%'), '50%');
  assert.equal(plainText('abc\b\bXY'), 'aXY');
  assert.equal(plainText('windows\r'), 'windows');
});

test('every other escape is gone without a trace', () => {
  for (const escape of [
    '\x1b]0;title\x07',
    '\x1b]8;;http://evil/\x1b\\',
    '\x1b]52;c;aGk=\x07',
    '\x1bPq#0\x1b\\',
    '\x1b_G…\x1b\\',
    '\x1b[2J',
    '\x1b[?25l',
    '\x1b[1;1H',
    '\x1b(B',
    '\x1b7',
    '\x9b31m',
    '\x07',
    '\0'
  ]) {
    assert.equal(plainText(`a${escape}b`), 'ab', JSON.stringify(escape));
  }
});

test('what is cut off within an escape is not shown', () => {
  for (const line of ['a\x1b', 'a\x1b[', 'a\x1b[31', 'a\x1b]0;title']) {
    assert.equal(plainText(line), 'a', JSON.stringify(line));
  }
});

test('no line of any characters throws or leaves control characters', () => {
  const signs = [
    '\x1b',
    '[',
    ']',
    ';',
    '3',
    '8',
    'm',
    'K',
    '\r',
    '\b',
    '\x9b',
    '\x07',
    'é',
    '👩',
    ':'
  ];
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 5000; round += 1) {
    const line = Array.from(
      { length: 12 },
      () => signs[Math.floor(random() * signs.length)]
    ).join('');
    assert.doesNotMatch(
      plainText(line),
      // eslint-disable-next-line no-control-regex -- that is the question
      /[\x00-\x08\x0a-\x1f\x7f-\x9f]/,
      JSON.stringify(line)
    );
  }
});
