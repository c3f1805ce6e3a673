import { describe, expect, it } from 'vitest';
import { decode, encode, representations, type Pair } from '../../../test/support/hpack-blocks.js';
import { Output } from '../output.js';
import { HPACK } from './constants.js';
import { HpackDecoder } from './decoder.js';
import { HpackEncoder } from './encoder.js';

const FULL = 4_096;
const REQUEST: readonly Pair[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'api.example.com'],
  [':path', '/'],
  ['accept', 'application/json'],
  ['user-agent', 'test'],
];

/** How one field is represented, block after block. */
function kindsOf(encoder: HpackEncoder, name: string, values: readonly string[]): string[] {
  return values.map((value) => representations(encode(encoder, [[name, value]]))[0] ?? '');
}

describe('what repeats', () => {
  it('is an octet for each field from the second block on', () => {
    const encoder = new HpackEncoder(FULL);
    encode(encoder, REQUEST);
    expect(encode(encoder, REQUEST)).toHaveLength(REQUEST.length);
  });

  it('of a name that is not known goes into the table when it comes for the second time', () => {
    const encoder = new HpackEncoder(FULL);
    expect(kindsOf(encoder, 'x-tenant', ['a', 'a', 'a'])).toEqual(['without indexing', 'with indexing', 'indexed 62']); // prettier-ignore
    expect(kindsOf(encoder, ':path', ['/a', '/a', '/a'])).toEqual(['without indexing', 'with indexing', 'indexed 62']); // prettier-ignore
  });

  it('of several values of a name is known all the same', () => {
    const encoder = new HpackEncoder(FULL);
    const values = ['a/1', 'b/2', 'c/3', 'd/4'];
    kindsOf(encoder, 'content-type', values);
    expect(kindsOf(encoder, 'content-type', values)).toEqual(['indexed 65', 'indexed 64', 'indexed 63', 'indexed 62']); // prettier-ignore
  });

  it('under a name in another case is the same field, in lower case', () => {
    const encoder = new HpackEncoder(FULL);
    const decoder = new HpackDecoder(FULL);
    for (const name of ['X-Tenant', 'X-Tenant', 'x-tenant', 'X-TENANT'])
      expect(decode(decoder, encode(encoder, [[name, 'A']])).fields).toEqual([['x-tenant', 'A']]);
  });
});

describe('what does not repeat', () => {
  it.each([
    [':path', '/users/'],
    ['content-length', ''],
    ['x-made-up', 'id-'],
    ['traceparent', '00-'],
  ])('does not churn the table: %s', (name, prefix) => {
    const encoder = new HpackEncoder(FULL);
    encode(encoder, REQUEST);
    for (let i = 10; i < 1_000; i += 1)
      expect(representations(encode(encoder, [[name, `${prefix}${i}`]]))).toEqual(['without indexing']); // prettier-ignore
    expect(encode(encoder, REQUEST)).toHaveLength(REQUEST.length);
  });

  it('and is larger than a part of the table stays out of it, however often it comes', () => {
    const encoder = new HpackEncoder(FULL);
    const large = 'x'.repeat(FULL / 4);
    expect(new Set(kindsOf(encoder, 'user-agent', [large, large, large]))).toEqual(new Set(['without indexing'])); // prettier-ignore
  });
});

describe('names and values that were cut out of large texts', () => {
  const CONNECTIONS = 4;
  const NAMES = 256;
  const TEXT_BYTES = 60_000;

  /** Slices of a text hold all of it: `take` says how much of a text is the name. */
  function retainedBytesOf(
    take: (text: string, mark: string) => [name: string, value: string],
  ): number {
    const encoders = Array.from({ length: CONNECTIONS }, () => new HpackEncoder(FULL));
    const before = heapBytes();
    for (const [c, encoder] of encoders.entries())
      for (let i = 0; i < NAMES; i += 1) {
        const mark = `-of-${c}-${i}-`;
        const text = Buffer.from(`${'x'.repeat(TEXT_BYTES)}${mark}`).toString('latin1');
        encode(encoder, [take(text, mark)]);
      }
    const retained = heapBytes() - before;
    expect(encoders).toHaveLength(CONNECTIONS);
    return retained / CONNECTIONS;
  }

  function heapBytes(): number {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  }

  it.each<[string, (text: string, mark: string) => [string, string]]>([
    ['names', (text) => [text.slice(TEXT_BYTES - 20), '1']],
    ['large names', (text) => [text.slice(0, -1), '1']],
    ['values that may repeat', (text, mark) => [`x${mark}`, text.slice(TEXT_BYTES - 20)]],
    ['values that are put into the table', (text) => ['user-agent', text.slice(TEXT_BYTES - 20)]],
  ])('hold no more than themselves: %s', (_, take) => {
    expect(globalThis.gc).toBeDefined();
    expect(retainedBytesOf(take)).toBeLessThan(NAMES * 1_024);
  });
});

describe('credentials', () => {
  it.each([
    ['authorization', 'Bearer abcdefghijklmnopqrstuvwxyz'],
    ['Authorization', 'Basic abc'],
    ['proxy-authorization', 'Basic abcdefghijklmnopqrstuvwxyz'],
    ['cookie', 'sid=12345678'],
    ['set-cookie', 'sid=12345678'],
  ])('are never indexed: %s', (name, value) => {
    const encoder = new HpackEncoder(FULL);
    expect(new Set(kindsOf(encoder, name, [value, value, value]))).toEqual(new Set(['never indexed'])); // prettier-ignore
  });

  it('a long cookie is indexed when it repeats', () => {
    const cookie = `sid=${'0123456789abcdef'.repeat(4)}`;
    expect(kindsOf(new HpackEncoder(FULL), 'cookie', [cookie, cookie, cookie])).toEqual(['without indexing', 'with indexing', 'indexed 62']); // prettier-ignore
  });
});

describe('the size of the table', () => {
  const sizesOf = (encoder: HpackEncoder) =>
    representations(encode(encoder, REQUEST)).filter((kind) => kind.startsWith('size'));

  it('is 4 096 until the peer says more, and then what is offered up to our own bound', () => {
    const encoder = new HpackEncoder(16_384);
    expect(sizesOf(encoder)).toEqual([]);
    encoder.setMaxTableBytes(8_192);
    expect(sizesOf(encoder)).toEqual(['size 8192']);
    expect(sizesOf(encoder)).toEqual([]);
    encoder.setMaxTableBytes(1_048_576);
    expect(sizesOf(encoder)).toEqual(['size 16384']);
    encoder.setMaxTableBytes(65_536);
    expect(sizesOf(encoder)).toEqual([]);
  });

  it('is said first when our own bound is below 4 096', () => {
    expect(sizesOf(new HpackEncoder(1_000))).toEqual(['size 1000']);
    expect(sizesOf(new HpackEncoder(FULL))).toEqual([]);
  });

  it('is said with the smallest one first when it was smaller in between', () => {
    const encoder = new HpackEncoder(FULL);
    encode(encoder, REQUEST);
    for (const bytes of [2_000, 0, 3_000, 1_000]) encoder.setMaxTableBytes(bytes);
    expect(sizesOf(encoder)).toEqual(['size 0', 'size 1000']);
    for (const bytes of [500, 1_000]) encoder.setMaxTableBytes(bytes);
    expect(sizesOf(encoder)).toEqual(['size 500', 'size 1000']);
    for (const bytes of [800, 600]) encoder.setMaxTableBytes(bytes);
    expect(sizesOf(encoder)).toEqual(['size 600']);
  });

  it('of 0 leaves nothing to index but the static table', () => {
    const encoder = new HpackEncoder(FULL);
    const decoder = new HpackDecoder(FULL);
    encoder.setMaxTableBytes(0);
    decoder.setMaxTableBytes(0);
    for (let i = 0; i < 3; i += 1) {
      const block = encode(encoder, REQUEST);
      expect(representations(block)).not.toContain('with indexing');
      expect(decode(decoder, block).fields).toEqual(REQUEST);
    }
  });
});

it('a block that comes to the end of the output is written whole, wherever that is', () => {
  const encoder = new HpackEncoder(FULL);
  const decoder = new HpackDecoder(FULL);
  const output = new Output();
  // Some slabs, filled by fields of all sizes, indexed and not: each has to make its own room.
  for (let i = 0; i < 3_000; i += 1) {
    const name = `x-${i >> 1}`;
    const fields: Pair[] = [[name, 'value'.repeat(i % 50)], ['x-b', 'b'.repeat(i % 97)], ['accept', `${'a'.repeat(i % 211)}${i}`]]; // prettier-ignore
    encoder.begin(output);
    for (const [given, value] of fields) encoder.field(output, given, value);
    const block = output.take();
    expect(decode(decoder, block ?? []).fields).toEqual(fields);
  }
});

it('lengths do not go into the table, though one may come twice', () => {
  expect(kindsOf(new HpackEncoder(FULL), 'content-length', ['5', '5', '5'])).toEqual(['without indexing', 'without indexing', 'without indexing']); // prettier-ignore
});

it('names without end: what is remembered is bounded, and blocks stay right', () => {
  const encoder = new HpackEncoder(FULL);
  const decoder = new HpackDecoder(FULL);
  kindsOf(encoder, 'x-first', ['value']);
  for (let i = 0; i < HPACK.maxKnownNames; i += 1) {
    const fields: Pair[] = [[`x-${i}`, `${i}`]];
    for (let time = 0; time < 3; time += 1)
      expect(decode(decoder, encode(encoder, fields)).fields).toEqual(fields);
  }
  // It is met as if for the first time.
  expect(kindsOf(encoder, 'x-first', ['value'])).toEqual(['without indexing']);
});
