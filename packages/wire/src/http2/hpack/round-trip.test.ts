/** Any lists of fields, any sizes of the table in between: what one side encodes the other has decoded, block after block. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decode, encode, type Pair } from '../../../test/support/hpack-blocks.js';
import { HpackDecoder } from './decoder.js';
import { HpackEncoder } from './encoder.js';

const NAMES = ['accept', 'user-agent', 'cookie', 'authorization', ':path', ':method', 'x-a', 'x-b', 'etag', 'content-type', 'content-length']; // prettier-ignore
const latin1 = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));
/** Few names and few values, so that they repeat; now and then any. */
const field: fc.Arbitrary<Pair> = fc.tuple(
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...NAMES) },
    { weight: 1, arbitrary: fc.stringMatching(/^[!#-'*+.^_`|~0-9a-z-]{1,40}$/) },
  ),
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('', 'a', '/', 'GET', 'value', 'v'.repeat(30), 'x'.repeat(900)) }, // prettier-ignore
    { weight: 1, arbitrary: latin1(60) },
    { weight: 1, arbitrary: latin1(3_000) },
  ),
);
const size = fc.oneof(fc.constantFrom(0, 31, 32, 100, 1_000, 4_096, 65_536), fc.nat(5_000));
const step = fc.record({
  /** SETTINGS that the decoding side has sent since the last block. */
  sizes: fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(size, { maxLength: 4 }) },
  ),
  fields: fc.array(field, { maxLength: 12 }),
  limit: fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, fc.nat(2_000)),
});

it('what is encoded is decoded, in step whatever was beyond the limit of a list', () => {
  fc.assert(
    fc.property(size, fc.array(step, { minLength: 1, maxLength: 25 }), (own, steps) => {
      const encoder = new HpackEncoder(own);
      const decoder = new HpackDecoder(4_096);
      for (const { sizes, fields, limit } of steps) {
        for (const bytes of sizes) {
          encoder.setMaxTableBytes(bytes);
          decoder.setMaxTableBytes(bytes);
        }
        let left = limit;
        const within = fields.filter(([name, value]) => (left -= name.length + value.length + 32) >= 0 || ((left = -Infinity), false)); // prettier-ignore
        const isAll = within.length === fields.length;
        const block = encode(encoder, fields);
        // A shrink is answered by the next block, and an empty one says nothing of fields.
        expect(decode(decoder, block, limit)).toEqual({ fields: within, isAll });
      }
    }),
    { numRuns: 300 },
  );
});

it('any octets are decoded or refused with a reason of HPACK, and leave the table within its size', () => {
  const reasons = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.array(field, { maxLength: 4 })), { maxLength: 12 }), // prettier-ignore
      fc.nat(0xff),
      fc.nat(60),
      (blocks, octet, at) => {
        const encoder = new HpackEncoder(4_096);
        const decoder = new HpackDecoder(4_096);
        for (const given of blocks) {
          const block = given instanceof Uint8Array ? Buffer.from(given) : encode(encoder, given);
          if (at < block.length) block[at] = octet;
          try {
            decode(decoder, block, 1_000);
          } catch (error) {
            reasons.add((error as { reason: string }).reason);
            return;
          }
        }
      },
    ),
    { numRuns: 1_000 },
  );
  expect([...reasons].sort()).toEqual(['hpack-index', 'hpack-integer', 'hpack-string', 'hpack-table-size']); // prettier-ignore
});
