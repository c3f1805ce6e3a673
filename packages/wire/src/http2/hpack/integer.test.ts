import { describe, expect, it } from 'vitest';
import { integer } from '../../../test/support/hpack-blocks.js';
import { WireError } from '../../wire-error.js';
import { Output } from '../output.js';
import { Cursor, writeInteger } from './integer.js';

function read(octets: readonly number[], prefixBits: number): { value: number; taken: number } {
  const cursor = new Cursor();
  cursor.bytes = Buffer.from(octets);
  cursor.end = octets.length;
  const value = cursor.integer(2 ** prefixBits - 1);
  return { value, taken: cursor.at };
}

/** Each prefix has its own bounds: just below, at, and above them; and each number of octets. */
const VALUES = [4, 5, 6, 7].flatMap((bits) =>
  [0, 1, 2 ** bits - 2, 2 ** bits - 1, 2 ** bits]
    .concat([0x7f, 0x80, 0x3fff, 0x4000, 0x1fffff, 0x200000, 0xfffffff].map((n) => n + 2 ** bits - 1))
    .map((value) => [bits, value] as const),
); // prettier-ignore

it.each(VALUES)('with a prefix of %i bits, %i is written and read', (bits, value) => {
  const pattern = (0xff << bits) & 0xff;
  const octets = integer(pattern, bits, value);
  const output = new Output();
  output.reserve(8);
  writeInteger(output, pattern, 2 ** bits - 1, value);
  expect([...(output.take() ?? [])]).toEqual(octets);
  expect(read([...octets, 0xff], bits)).toEqual({ value, taken: octets.length });
});

describe('refused', () => {
  it.each([
    ['overflow: an octet more than any size needs', [0x7f, 0xff, 0xff, 0xff, 0xff, 0x00]],
    ['overflow: beyond 2^32', [0x7f, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['overflow: beyond 2^64', [0x7f, ...new Array<number>(9).fill(0xff), 0x01]],
    ['an endless one', [0x7f, ...new Array<number>(100_000).fill(0x80)]],
    ['zeros behind the value, more than any size has', integer(0, 7, 300, 3)],
  ])('%s', (_what, octets) => {
    expect(() => read(octets, 7)).toThrow(
      expect.objectContaining({ reason: 'hpack-integer', section: 'RFC 7541 §5.1' }),
    );
  });

  it('the end of the block in the middle, wherever it is', () => {
    const octets = integer(0, 7, 0xfffffff);
    for (let length = 1; length < octets.length; length += 1)
      expect(() => read(octets.slice(0, length), 7)).toThrow(WireError);
  });
});

it('zeros behind the value are no other value (RFC 7541 §5.1 does not forbid them)', () => {
  expect(read(integer(0, 7, 300, 2), 7)).toEqual({ value: 300, taken: 5 });
});
