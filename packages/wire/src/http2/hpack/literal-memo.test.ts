import { expect, it, vi } from 'vitest';
import {
  codedText, decode, integer, neverIndexed, text, withIndexing, withoutIndexing,
} from '../../../test/support/hpack-blocks.js'; // prettier-ignore
import { HPACK } from './constants.js';
import { CodedText } from './coded-text.js';
import { HpackDecoder } from './decoder.js';
import { HpackField } from './field.js';
import { Cursor } from './integer.js';
import { LiteralMemo } from './literal-memo.js';

const REPEATS = HPACK.memoAfterLiterals;

/** A decoder that has seen enough literals to remember their values. */
function goingOn(): HpackDecoder {
  const decoder = new HpackDecoder(4_096);
  for (let i = 0; i <= REPEATS; i += 1) decode(decoder, withoutIndexing('x-warm', `${i}`));
  return decoder;
}

it('literals that come again, and that differ in any octet, are what they say', () => {
  const decoder = goingOn();
  const values = ['a', 'b', 'a', 'ab', 'a', '', 'a', 'x'.repeat(39), 'x'.repeat(40), 'x'.repeat(41), `${'x'.repeat(39)}y`, 'x'.repeat(300)]; // prettier-ignore
  for (const value of [...values, ...values.reverse(), ...values])
    for (const literal of [withIndexing, withoutIndexing, neverIndexed])
      for (const [name, plain] of [
        ['etag', 'etag'],
        [34, 'etag'],
        ['x-other', 'x-other'],
      ] as const)
        // prettier-ignore
        expect(decode(decoder, literal(name, value)).fields).toEqual([[plain, value]]);
});

it('the same octets are another text when they are Huffman-coded', () => {
  const coded = Buffer.from('25a849e95ba97d7f', 'hex');
  const decoder = goingOn();
  for (let i = 0; i < 3; i += 1) {
    const plain = [...integer(0, 4, 34), ...text(coded.toString('latin1'))];
    expect(decode(decoder, plain).fields).toEqual([['etag', coded.toString('latin1')]]);
    expect(decode(decoder, [...integer(0, 4, 34), ...codedText(coded)]).fields).toEqual([['etag', 'custom-key']]); // prettier-ignore
    expect(decode(decoder, [0, ...codedText(coded), ...text('v')]).fields).toEqual([['custom-key', 'v']]); // prettier-ignore
    expect(decode(decoder, [0, ...text(coded.toString('latin1')), ...text('v')]).fields).toEqual([[coded.toString('latin1'), 'v']]); // prettier-ignore
  }
});

it('names that share a place do not take each other’s values', () => {
  const decoder = goingOn();
  // More names than places.
  const names = Array.from({ length: HPACK.nameSlots * 2 }, (_, i) => `x-${i}`);
  for (let round = 0; round < 3; round += 1)
    for (const name of names)
      expect(decode(decoder, withoutIndexing(name, 'same')).fields).toEqual([[name, 'same']]);
});

it('what may be kept nowhere is not kept here either (RFC 7541 §6.2.3)', () => {
  const keep = vi.spyOn(LiteralMemo.prototype, 'keep');
  try {
    const decoder = goingOn();
    keep.mockClear();
    for (let i = 0; i < 3; i += 1) decode(decoder, neverIndexed(23, `Bearer ${i}`));
    expect(keep).not.toHaveBeenCalled();
    decode(decoder, withoutIndexing(23, 'Bearer'));
    expect(keep).toHaveBeenCalledOnce();
  } finally {
    keep.mockRestore();
  }
});

it('a connection that has sent little has no memory of it', () => {
  const keep = vi.spyOn(LiteralMemo.prototype, 'keep');
  try {
    const decoder = new HpackDecoder(4_096);
    for (let i = 0; i < REPEATS; i += 1) decode(decoder, withoutIndexing(34, `${i}`));
    expect(keep).not.toHaveBeenCalled();
    decode(decoder, withoutIndexing(34, 'one more'));
    expect(keep).toHaveBeenCalledOnce();
  } finally {
    keep.mockRestore();
  }
});

it('what is too long to keep is not mistaken for what begins as it does', () => {
  // Its length, in an octet, is that of `abc`.
  for (const length of [3 + 128, 3 + 256]) {
    const decoder = goingOn();
    for (const value of ['abc'.padEnd(length, 'x'), 'abc'])
      expect(decode(decoder, withoutIndexing(34, value)).fields).toEqual([['etag', value]]);
  }
});

it('values that do not come again are kept now and then, and one that does is found from then on', () => {
  const memo = new LiteralMemo(HPACK.valueSlots);
  const textOf = (value: string): CodedText => {
    const coded = new CodedText();
    const cursor = new Cursor();
    cursor.bytes = Buffer.from(text(value));
    cursor.end = cursor.bytes.length;
    coded.read(cursor);
    return coded;
  };
  const isKept = (value: string): boolean => {
    memo.keep(7, textOf(value), HpackField.of('etag', value, 7));
    return memo.find(7, textOf(value))?.value === value;
  };
  const values = Array.from({ length: 1_000 }, (_, i) => `${i}`);
  const misses = (value: string): boolean => {
    memo.keep(7, textOf(value), HpackField.of('etag', value, 7));
    return memo.find(7, textOf('never')) === undefined;
  };
  expect(values.every(misses)).toBe(true);
  // Four of 256: the thousandth is not one of them.
  expect(isKept('again')).toBe(false);
  expect(values.slice(0, 256).some(isKept)).toBe(true);
});
