/** Header blocks octet by octet, as no encoder of ours would write them; and what a decoder makes of them. */
import { HpackDecoder } from '../../src/http2/hpack/decoder.js';
import type { HpackEncoder } from '../../src/http2/hpack/encoder.js';
import { Output } from '../../src/http2/output.js';

export type Pair = readonly [name: string, value: string];

/** An integer in hand (RFC 7541 §5.1): `padding` octets more than it needs. */
export function integer(pattern: number, prefixBits: number, value: number, padding = 0): number[] {
  const mask = 2 ** prefixBits - 1;
  if (value < mask) return [pattern | value];
  const octets = [pattern | mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) octets.push((rest % 0x80) | 0x80);
  octets.push(rest);
  for (let i = 0; i < padding; i += 1) {
    octets[octets.length - 1] = (octets.at(-1) ?? 0) | 0x80;
    octets.push(0);
  }
  return octets;
}

export const indexed = (index: number): number[] => integer(0x80, 7, index);
export const sizeUpdate = (bytes: number): number[] => integer(0x20, 5, bytes);
export const text = (value: string): number[] => [
  ...integer(0, 7, value.length),
  ...Buffer.from(value, 'latin1'),
];
/** `coded` is Huffman-coded already. */
export const codedText = (coded: Uint8Array): number[] => [
  ...integer(0x80, 7, coded.length),
  ...coded,
];

/** The name as text, or by its index. */
function literal(
  pattern: number,
  prefixBits: number,
  name: string | number,
  value: string,
): number[] {
  return typeof name === 'number'
    ? [...integer(pattern, prefixBits, name), ...text(value)]
    : [pattern, ...text(name), ...text(value)];
}

export const withIndexing = (name: string | number, value: string): number[] =>
  literal(0x40, 6, name, value);
export const withoutIndexing = (name: string | number, value: string): number[] =>
  literal(0x00, 4, name, value);
export const neverIndexed = (name: string | number, value: string): number[] =>
  literal(0x10, 4, name, value);

export interface Decoded {
  readonly fields: Pair[];
  /** The list was within its limit. */
  readonly isAll: boolean;
}

export function decode(
  decoder: HpackDecoder,
  block: readonly number[] | Buffer,
  maxListBytes = Infinity,
): Decoded {
  const fields: Pair[] = [];
  // Not at the start of its buffer: offsets are offsets.
  const bytes = Buffer.concat([Buffer.from('before'), Buffer.from(block), Buffer.from('behind')]);
  const taker = { field: (name: string, value: string) => void fields.push([name, value]) };
  const isAll = decoder.decode(bytes, 6, bytes.length - 6, taker, maxListBytes);
  return { fields, isAll };
}

/** How each field of a block is represented, in order; sizes as `size 4096`. */
export function representations(block: Uint8Array): string[] {
  const kinds: string[] = [];
  let at = 0;
  const number = (prefixBits: number): number => {
    const mask = 2 ** prefixBits - 1;
    let value = (block[at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let unit = 1, more = true; more; unit *= 0x80) {
      const octet = block[at++] ?? 0;
      value += (octet & 0x7f) * unit;
      more = octet >= 0x80;
    }
    return value;
  };
  const skipText = (): void => {
    const length = number(7);
    at += length;
  };
  while (at < block.length) {
    const first = block[at] ?? 0;
    if (first >= 0x80) kinds.push(`indexed ${number(7)}`);
    else if (first >= 0x20 && first < 0x40) kinds.push(`size ${number(5)}`);
    else {
      kinds.push(first >= 0x40 ? 'with indexing' : first >= 0x10 ? 'never indexed' : 'without indexing'); // prettier-ignore
      if (number(first >= 0x40 ? 6 : 4) === 0) skipText();
      skipText();
    }
  }
  return kinds;
}

/** One block of our encoder. */
export function encode(encoder: HpackEncoder, fields: readonly Pair[]): Buffer {
  const output = new Output();
  encoder.begin(output);
  for (const [name, value] of fields) encoder.field(output, name, value);
  return output.take() ?? Buffer.alloc(0);
}
