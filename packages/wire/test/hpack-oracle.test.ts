/**
 * HPACK against Debian's python3-hpack, both ways: what each side encodes, the other decodes to the same fields, over many
 * blocks of one connection, with changes of the table's size in between. The vectors are made in the run, by a seed.
 */
import { expect, it } from 'vitest';
import { HpackDecoder } from '../src/http2/hpack/decoder.js';
import { HpackEncoder } from '../src/http2/hpack/encoder.js';
import { decode, encode, type Pair } from './support/hpack-blocks.js';
import { findPythonHpack, runOracle, type OracleField, type OracleStep } from './support/hpack-oracle.js'; // prettier-ignore
import { Random, seedOf, showSeed } from './support/random.js';

const python = findPythonHpack();
const isCI = process.env.CI !== undefined;

if (python === undefined && !isCI)
  console.warn('python3-hpack is not installed: HPACK is not compared (apt-get install python3-hpack)'); // prettier-ignore

it.runIf(python === undefined && isCI)('CI has python3-hpack to compare with', () => {
  throw new Error('python3-hpack is not installed; on CI it must be (apt-get install python3-hpack)'); // prettier-ignore
});

const RUN = Number(process.env.FUZZ_SEED ?? 0x7541);
const CONNECTIONS = 60;
const BLOCKS = 40;

const NAMES = [
  ':method', ':path', ':authority', ':status', 'accept', 'accept-encoding', 'authorization', 'content-length', 'content-type',
  'cookie', 'date', 'etag', 'set-cookie', 'user-agent', 'x-request-id', 'x-tenant',
]; // prettier-ignore
const VALUES = [
  '',
  'GET',
  'POST',
  '/',
  '/index.html',
  '200',
  '404',
  '302',
  'gzip, deflate',
  'application/json',
  'a',
];
const SIZES = [0, 31, 64, 500, 4_096, 16_384];

function anyText(random: Random, maxLength: number): string {
  // Mostly what headers have, with short codes; now and then any octet.
  const isPlain = !random.oneIn(4);
  const octets = random.several(random.below(maxLength), () => isPlain ? 0x20 + random.below(0x5f) : random.below(0x100)); // prettier-ignore
  return String.fromCharCode(...octets);
}

function anyField(random: Random): Pair {
  const name = random.oneIn(8) ? `x-${anyText(random, 30).toLowerCase()}` : random.pick(NAMES);
  const value = random.oneIn(3) ? anyText(random, random.oneIn(10) ? 3_000 : 60) : random.pick(VALUES); // prettier-ignore
  return [name, value];
}

it.runIf(python !== undefined)(
  `what we encode is decoded by python3-hpack: ${CONNECTIONS} connections, ${CONNECTIONS * BLOCKS} blocks`,
  () => {
    const steps: OracleStep[] = [];
    const sent: Pair[][] = [];
    for (let connection = 0; connection < CONNECTIONS; connection += 1) {
      const random = new Random(seedOf(RUN, connection));
      const encoder = new HpackEncoder(random.pick([4_096, 65_536]));
      steps.push({ do: 'start' });
      // A few fields that come again and again: tables are for them.
      const usual = random.several(12, () => anyField(random));
      for (let block = 0; block < BLOCKS; block += 1) {
        const changes = random.oneIn(5) ? 1 + random.below(3) : 0;
        for (let i = 0; i < changes; i += 1) {
          const bytes = random.pick(SIZES);
          encoder.setMaxTableBytes(bytes);
          steps.push({ do: 'offer', bytes });
        }
        const fields = random.several(random.below(15), () => random.oneIn(3) ? anyField(random) : random.pick(usual)); // prettier-ignore
        sent.push(fields);
        steps.push({ do: 'decode', block: encode(encoder, fields).toString('hex') });
      }
    }
    const results = runOracle(python ?? '', steps);
    expect(results).toHaveLength(sent.length);
    for (const [i, fields] of sent.entries()) {
      const got = results[i];
      if (typeof got === 'string') throw new Error(`run ${showSeed(RUN)}, block ${i}: ${got}`);
      expect(got?.map(([name, value]) => [name, value])).toEqual(fields);
      // An empty one is in the static table: it says nothing.
      for (const [name, value, isNever] of got ?? [])
        if (name === 'authorization' && value !== '') expect(isNever).toBe(true);
    }
  },
);

it.runIf(python !== undefined)(
  `what python3-hpack encodes is decoded by us: ${CONNECTIONS} connections, ${CONNECTIONS * BLOCKS} blocks, with Huffman and without`,
  () => {
    const steps: OracleStep[] = [];
    for (let connection = 0; connection < CONNECTIONS; connection += 1) {
      const random = new Random(seedOf(~RUN, connection));
      steps.push({ do: 'start' });
      const usual = random.several(12, () => anyField(random));
      for (let block = 0; block < BLOCKS; block += 1) {
        // Two changes: a smaller one, then the final one. The package says each that there was, in order, and one above the
        // final one is an error (RFC 7541 §4.2, §6.3).
        const changes = random.oneIn(5) ? [random.pick(SIZES), random.pick(SIZES)] : [];
        for (const bytes of new Set(changes.sort((a, b) => a - b)))
          steps.push({ do: 'resize', bytes });
        const fields = random
          .several(random.below(15), () =>
            random.oneIn(3) ? anyField(random) : random.pick(usual),
          ) // prettier-ignore
          .map(([name, value]): OracleField => [name, value, random.oneIn(6)]);
        steps.push({ do: 'encode', fields, huffman: random.oneIn(2) });
      }
    }
    const blocks = runOracle(python ?? '', steps);
    let decoder = new HpackDecoder(4_096);
    let at = 0;
    for (const step of steps) {
      if (step.do === 'start') decoder = new HpackDecoder(4_096);
      else if (step.do === 'resize') decoder.setMaxTableBytes(step.bytes);
      else if (step.do === 'encode') {
        const { fields } = decode(decoder, Buffer.from(String(blocks[at]), 'hex'));
        expect(fields).toEqual(step.fields.map(([name, value]) => [name, value]));
        at += 1;
      }
    }
    expect(at).toBe(CONNECTIONS * BLOCKS);
  },
);
