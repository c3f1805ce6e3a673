/** Attacks by compression: a few bytes that cost much time or memory. Time is counted in octets looked at, not by a clock. */
import { describe, expect, it } from 'vitest';
import {
  codedText, indexed, integer, sizeUpdate, text, withIndexing, withoutIndexing,
} from '../../../test/support/hpack-blocks.js'; // prettier-ignore
import { WorkMeter } from '../../../test/support/work-meter.js';
import { HpackDecoder } from './decoder.js';
import { encodeHuffman, huffmanLength } from './huffman.js';

const TABLE = 4_096;
const LIST = 65_536;

/** What a block costs: octets looked at, the largest buffer that was made, and what the taker was given, in all. */
function costOf(decoder: HpackDecoder, octets: readonly number[], limit = LIST) {
  const meter = new WorkMeter();
  const given = { fields: 0, bytes: 0 };
  const field = (name: string, value: string): void => {
    given.fields += 1;
    given.bytes += name.length + value.length + 32;
  };
  let error: unknown;
  const block = meter.watch(Buffer.from(octets));
  meter.during(() => {
    try {
      decoder.decode(block, 0, octets.length, { field }, limit);
    } catch (thrown) {
      error = thrown;
    }
  });
  return { looked: meter.bytes, allocated: meter.largestAllocation, ...given, error };
}

const heapBytes = () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** Each octet is looked at no more often than this: as the beginning of a representation, of a length, as text. */
const LOOKS = 3;

describe('a list from little: one entry, named again and again', () => {
  // An entry that fills the table, and 64 K of references: 256 MiB of fields in 68 KiB.
  const entry = withIndexing('n', 'v'.repeat(TABLE - 33));
  const references = new Array<number>(65_536).fill(0xbe);

  it('is given up to the limit of the list and no further, at one look for each reference', () => {
    const octets = [...entry, ...references];
    const { looked, allocated, fields, bytes, error } = costOf(new HpackDecoder(TABLE), octets);
    expect(error).toBeUndefined();
    expect(looked).toBeLessThanOrEqual(octets.length * LOOKS);
    expect(allocated).toBe(0);
    expect(fields).toBe(LIST / TABLE);
    expect(bytes).toBeLessThanOrEqual(LIST);
  });

  it('is one text, however often it is given', () => {
    const decoder = new HpackDecoder(TABLE);
    const seen = new Set<string>();
    const kept: string[] = [];
    const before = heapBytes();
    const block = Buffer.from([...entry, ...references]);
    const field = (_name: string, value: string): void => {
      seen.add(value);
      kept.push(value);
    };
    expect(decoder.decode(block, 0, block.length, { field }, Infinity)).toBe(true);
    expect(heapBytes() - before).toBeLessThan(4_000_000); // 65 537 references, no copies
    expect([seen.size, kept.length]).toEqual([1, 65_537]);
  });
});

describe('the dynamic table', () => {
  it('a flood of entries holds no more than its size', () => {
    const decoder = new HpackDecoder(TABLE);
    const taker = { field: () => {} };
    const before = heapBytes();
    for (let i = 0; i < 500; i += 1) {
      const block = Buffer.from([0, 1, 2].flatMap((n) => withIndexing(`${i}-${n}`, 'v'.repeat(1_000)))); // prettier-ignore
      decoder.decode(block, 0, block.length, taker, LIST);
    }
    expect(heapBytes() - before).toBeLessThan(500_000); // 1.5 MB came
  });

  it('a flood of the smallest entries has as many as 32 bytes each allow', () => {
    const decoder = new HpackDecoder(TABLE);
    const empty = [0x40, ...text(''), ...text('')];
    expect(costOf(decoder, new Array<number[]>(5_000).fill(empty).flat()).error).toBeUndefined();
    expect(costOf(decoder, indexed(62 + TABLE / 32 - 1)).error).toBeUndefined();
    expect(costOf(decoder, indexed(62 + TABLE / 32)).error).toMatchObject({ reason: 'hpack-index' }); // prettier-ignore
  });

  it('entries that are larger than the table are not kept', () => {
    const decoder = new HpackDecoder(TABLE);
    const block = withIndexing('large', 'v'.repeat(TABLE));
    const before = heapBytes();
    const { error, fields } = costOf(decoder, new Array<number[]>(50).fill(block).flat());
    expect([error, fields]).toEqual([undefined, Math.floor(LIST / (TABLE + 37))]);
    expect(heapBytes() - before).toBeLessThan(1_000_000);
    expect(costOf(decoder, indexed(62)).error).toMatchObject({ reason: 'hpack-index' });
  });

  it('an offer of a large one costs nothing before it is used', () => {
    const before = heapBytes();
    const decoders = Array.from({ length: 100 }, () => {
      const decoder = new HpackDecoder(TABLE);
      decoder.setMaxTableBytes(0xfffffff);
      costOf(decoder, sizeUpdate(0xfffffff));
      return decoder;
    });
    expect(heapBytes() - before).toBeLessThan(1_000_000);
    expect(decoders).toHaveLength(100);
  });
});

describe('Huffman expansion', () => {
  const value = '0'.repeat(80_000);
  const coded = Buffer.alloc(huffmanLength(value));
  encodeHuffman(value, coded, 0);

  it('makes no more than 8/5 of what came, in one buffer of that size', () => {
    const octets = [0x00, ...text('n'), ...codedText(coded)];
    const { looked, allocated, bytes, fields } = costOf(new HpackDecoder(TABLE), octets, Infinity);
    expect([fields, bytes]).toEqual([1, value.length + 33]);
    expect(allocated).toBe(value.length);
    // Once as it came, once more as it is made text.
    expect(looked).toBeLessThanOrEqual(octets.length * LOOKS + value.length);
  });

  it('beyond the limit of the list gives nothing', () => {
    const octets = [0x00, ...text('n'), ...codedText(coded)];
    expect(costOf(new HpackDecoder(TABLE), octets)).toMatchObject({ fields: 0, error: undefined });
  });
});

describe('integers and sizes', () => {
  it.each([
    ['an endless integer as index', [0xff, ...new Array<number>(65_536).fill(0x80)], 'hpack-integer', 8], // prettier-ignore
    ['an endless integer as length', [0x00, 0x7f, ...new Array<number>(65_536).fill(0xff)], 'hpack-integer', 10], // prettier-ignore
    ['an endless integer as table size', [0x3f, ...new Array<number>(65_536).fill(0x80)], 'hpack-integer', 8], // prettier-ignore
    ['a length of 2^28 and one octet behind it', [0x00, ...integer(0, 7, 0xfffffff), 0x61], 'hpack-string', 10], // prettier-ignore
    ['endless size updates', new Array<number>(65_536).fill(0x20), 'hpack-table-size', 8],
  ])('%s ends at once', (_what, octets, reason, looks) => {
    const { error, looked, allocated } = costOf(new HpackDecoder(TABLE), octets);
    expect(error).toMatchObject({ reason });
    expect(looked).toBeLessThanOrEqual(looks);
    expect(allocated).toBe(0);
  });
});

it('a flood of fields without a name and a value costs a look at each, and ends at the limit of the list', () => {
  const octets = new Array<number[]>(30_000).fill(withoutIndexing('', '')).flat();
  const { looked, fields, error } = costOf(new HpackDecoder(TABLE), octets);
  expect([fields, error]).toEqual([LIST / 32, undefined]);
  expect(looked).toBeLessThanOrEqual(octets.length * LOOKS);
});
