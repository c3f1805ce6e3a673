import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODE_LENGTHS, CODES, EOS } from './huffman-code.js';
import { decodeHuffman, encodeHuffman, huffmanLength, maxDecodedLength } from './huffman.js';

const LATIN1 = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')); // prettier-ignore

function encoded(text: string): Buffer {
  const coded = Buffer.alloc(huffmanLength(text) + 1, 0xaa);
  expect(encodeHuffman(text, coded, 0)).toBe(coded.length - 1);
  expect(coded.at(-1)).toBe(0xaa);
  return coded.subarray(0, -1);
}

function decoded(coded: Uint8Array): string {
  const into = Buffer.alloc(maxDecodedLength(coded.length) + 8, 0xaa);
  const end = decodeHuffman(Buffer.from(coded), 0, coded.length, into, 4);
  return into.toString('latin1', 4, end);
}

/** Bit by bit, by the list of codes. */
function decodedSlowly(coded: Uint8Array): string | undefined {
  let bits = [...coded].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  let text = '';
  for (;;) {
    const symbol = SYMBOLS.get(SYMBOL_LENGTHS.map((n) => bits.slice(0, n)).find((b) => SYMBOLS.has(b)) ?? ''); // prettier-ignore
    if (symbol === undefined) return /^1{0,7}$/.test(bits) ? text : undefined;
    if (symbol === EOS) return undefined;
    text += String.fromCharCode(symbol);
    bits = bits.slice(CODE_LENGTHS[symbol]);
  }
}
const SYMBOLS = new Map(CODES.map((code, symbol) => [code.toString(2).padStart(CODE_LENGTHS[symbol] ?? 0, '0'), symbol])); // prettier-ignore
const SYMBOL_LENGTHS = [...new Set(CODE_LENGTHS)].sort((a, b) => a - b);

it('the code is complete and free of prefixes: 256 octets and EOS, all ones', () => {
  expect(CODE_LENGTHS).toHaveLength(257);
  expect(CODE_LENGTHS.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
  expect(CODES[EOS]).toBe(0x3fffffff);
  expect(SYMBOLS.size).toBe(257);
});

it('every octet, alone and between others, comes out as it went in', () => {
  for (let octet = 0; octet < 256; octet += 1)
    for (const text of [String.fromCharCode(octet), `a${String.fromCharCode(octet)}z`])
      expect(decoded(encoded(text))).toBe(text);
});

it('any text comes out as it went in', () => {
  fc.assert(fc.property(LATIN1, (text) => decoded(encoded(text)) === text));
});

it('any octets are decoded, or refused, as by the list of codes bit by bit', () => {
  const near = LATIN1.map(encoded).chain((coded) =>
    fc.tuple(fc.nat(coded.length), fc.nat(255)).map(([at, octet]) => {
      const damaged = Buffer.concat([coded, Buffer.from([0xff])]);
      damaged[at] = octet;
      return damaged.subarray(0, octet % 2 === 0 ? coded.length : coded.length + 1);
    }),
  );
  const outcome = (coded: Uint8Array) => {
    try {
      return decoded(coded);
    } catch {
      return undefined;
    }
  };
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 12 }), near), (coded) => {
      expect(outcome(coded)).toBe(decodedSlowly(coded));
    }),
    { numRuns: 2_000 },
  );
});

describe('refused (RFC 7541 §5.2)', () => {
  it.each([
    ['the end symbol alone', 'ffffffff', 'end symbol'],
    ['the end symbol behind text', '1fffffffff', 'end symbol'],
    ['the end symbol, and text behind it', 'fffffffc1f', 'end symbol'],
    ['padding of 8 bits', 'f8ff', 'padding'],
    ['padding of 11 bits', '1fff', 'padding'],
    ['padding of 28 bits', '1fffffff', 'padding'],
    ['padding of zeros', '18', 'padding'],
    ['padding with a zero at its end', '1e', 'padding'],
    ['nothing but padding, a whole octet', 'ff', 'padding'],
    ['the middle of a long code', 'fffffe', 'padding'],
  ])('%s', (_what, hex, message) => {
    expect(() => decoded(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ reason: 'hpack-string', what: expect.stringContaining(message) }),
    );
  });

  it('and padding of 1 to 7 ones, and none, is right', () => {
    // Codes of 5 and 8 bits: every length of padding occurs.
    const lengths = Array.from({ length: 8 }, (_, i) => '0'.repeat(i));
    expect(new Set(lengths.map((text) => (huffmanLength(text) * 8 - text.length * 5) % 8)).size).toBe(8); // prettier-ignore
    for (const text of lengths) expect(decoded(encoded(text))).toBe(text);
    expect(decoded(Buffer.alloc(0))).toBe('');
  });
});

it('expansion: the shortest codes give 8/5 of the coded length, and no text gives more', () => {
  const text = '0'.repeat(8_000);
  const coded = encoded(text);
  expect(coded).toHaveLength(5_000);
  expect(maxDecodedLength(coded.length)).toBe(text.length);
  expect(decoded(coded)).toBe(text);
  expect(Math.min(...CODE_LENGTHS)).toBe(5);
});
