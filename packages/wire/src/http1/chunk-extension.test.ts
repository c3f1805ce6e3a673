import { expect, it } from 'vitest';
import { LIMITS } from '../../test/support/limits.js';
import { ChunkedDecoder } from './chunked.js';
import type { WireError } from '../wire-error.js';

/** `done`, or the reason of the refusal. */
function decode(line: string, isStrict: boolean): string {
  const decoder = new ChunkedDecoder(LIMITS, isStrict);
  try {
    decoder.feed(Buffer.from(`${line}\r\n`, 'latin1'), 0, () => undefined);
  } catch (error) {
    return (error as WireError).reason;
  }
  return decoder.isDone ? 'done' : 'waiting';
}

it.each([
  '0;a', '0;a=b', '0;a="b"', '0;a=""', '0;a;b', '0;a=b;c="d";e', '0;a="\\"\\\\ ;=\xe9\t"', '0;chunk-signature=0f',
])('%j is by the grammar (RFC 9112 §7.1.1)', (line) => {
  expect(decode(line, true)).toBe('done');
  expect(decode(line, false)).toBe('done');
}); // prettier-ignore

it.each([
  '0;', '0;;', '0;a;', '0;=b', '0;a=', '0;a=;b', '0; a', '0;a =b', '0;a= b', '0;a b', '0;a="b"c', '0;a="b" ', '0;"a"',
  '0;a="b', '0;a="b\\', '0;a=b"', '0;a=b=c', '0;\xe9',
])('%j is not: refused in requests, skipped in responses', (line) => {
  expect(decode(line, true)).toBe('chunk-extension');
  expect(decode(line, false)).toBe('done');
}); // prettier-ignore

it.each(['0 ;a', '0\t;a', '0 ', '0 a'])('%j has a blank after its size', (line) => {
  expect(decode(line, true)).toBe('chunk-size');
});

it.each(['0;a\0', '0;a="\0"', '0;a="\\\0"', '0;a\n', '0;a="b\n"'])('%j is in neither', (line) => {
  expect(decode(line, true)).toBe('chunk-extension');
  expect(decode(line, false)).toBe('chunk-extension');
});
