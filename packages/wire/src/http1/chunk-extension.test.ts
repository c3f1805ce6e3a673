import fc from 'fast-check';
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

/** The grammar as one pattern: RFC 9112 §7.1.1 without its bad blanks, RFC 9110 §5.6.4. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = String.raw`"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"`;
const ONE = `${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?`;
const EXTENSIONS = new RegExp(`^${ONE}(?:;${ONE})*$`);

it('requests have exactly what the grammar has: for every byte in every state, and for any text', () => {
  const check = (text: string): void => {
    const isDone = decode(`0;${text}`, true) === 'done';
    expect(isDone, JSON.stringify(text)).toBe(EXTENSIONS.test(text));
  };
  const leads = ['', 'a', 'a=', 'a=b', 'a="', 'a="\\', 'a="b"', 'a;', 'a="b";c'];
  for (const lead of leads)
    for (let byte = 0; byte < 256; byte += 1)
      for (const rest of ['', '"', 'a', '="b"']) check(lead + String.fromCharCode(byte) + rest);
  const shards = ['a', ';', '=', '"', '\\', ' ', '\t', '\xe9', '\x7f', '\0', 'bc', '="x"'];
  const text = fc.array(fc.constantFrom(...shards), { maxLength: 12 }).map((all) => all.join(''));
  fc.assert(fc.property(text, check), { numRuns: 2_000 });
});
