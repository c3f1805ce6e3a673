/**
 * The same bytes to our request reader and to llhttp, in a real `node:http` server with its defaults (support/llhttp.ts):
 * equal requests and an equal verdict, or a row in the table of known differences. Where they differ in what is a
 * request, we are the stricter. `DIFFERENTIAL_REQUESTS` and `DIFFERENTIAL_SEED` make the run longer, or another one.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RequestReader } from '../src/index.js';
import {
  KNOWN_REQUEST_DIFFERENCES,
  type KnownRequestDifference,
} from './support/known-request-differences.js';
import { LIMITS } from './support/limits.js';
import { LlhttpServer } from './support/llhttp.js';
import { Random, seedOf, showSeed } from './support/random.js';
import { piecesOf, randomCuts } from './support/reading.js';
import { damagedRequest } from './support/request-damage.js';
import { differenceOf, type RequestDifference } from './support/request-differences.js';
import { validRequest } from './support/request-generator.js';
import { readRequests } from './support/request-reading.js';
import { SMUGGLING_CASES } from './support/smuggling-cases.js';

const REQUESTS = Number(process.env.DIFFERENTIAL_REQUESTS ?? 1_000);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 0xd1ff);
const MAX_CUTS = 6;

let server: LlhttpServer;
beforeAll(async () => {
  server = await LlhttpServer.start();
});
afterAll(() => server.close());

/** Both read the pieces; the difference, if there is one, and the row that knows it. */
async function compare(
  bytes: Buffer,
  cuts: readonly number[] = [],
): Promise<
  { difference: RequestDifference; known: KnownRequestDifference | undefined } | undefined
> {
  const pieces = piecesOf(bytes, cuts);
  const reading = readRequests(new RequestReader(LIMITS), pieces, 'clean');
  const difference = differenceOf(reading, await server.observe(pieces));
  if (difference === undefined) return undefined;
  const about = { text: bytes.toString('latin1'), reading };
  const known = KNOWN_REQUEST_DIFFERENCES.find((row) => row.explains(difference, about));
  return { difference, known };
}

it(
  `${REQUESTS} requests are the same to llhttp, or there is a known difference`,
  async () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < REQUESTS; index += 1) {
      const seed = seedOf(SEED, index);
      const { bytes } = index % 3 === 0 ? validRequest(seed) : damagedRequest(seed);
      const random = new Random(seed);
      const cuts = random.oneIn(3) ? randomCuts(random, bytes.length).slice(0, MAX_CUTS) : [];
      const found = await compare(bytes, cuts);
      if (found === undefined) continue;
      if (found.known === undefined)
        throw new Error(
          `an unknown difference: ${JSON.stringify(found.difference)}\n${showSeed(seed)} ${JSON.stringify(bytes.toString('latin1'))}`,
        );
      counts.set(found.known.id, (counts.get(found.known.id) ?? 0) + 1);
    }
    const found = [...counts].sort(([, a], [, b]) => b - a);
    console.log(
      `differential run ${showSeed(SEED)}: ${REQUESTS} requests, known differences: ` +
        found.map(([id, count]) => `${id} ${count}`).join(', '),
    );
  },
  60_000 + 50 * REQUESTS,
);

describe('a known difference shows itself', () => {
  for (const row of KNOWN_REQUEST_DIFFERENCES)
    it(`${row.id} (${row.section})`, async () => {
      const found = await compare(Buffer.from(row.example, 'latin1'));
      expect(found?.known?.id, JSON.stringify(found?.difference)).toBe(row.id);
    });
});

describe('attempts to smuggle a request', () => {
  for (const { name, bytes: text, verdict } of SMUGGLING_CASES)
    it(name, async () => {
      const bytes = Buffer.from(text, 'latin1');
      const { outcome, requests } = readRequests(new RequestReader(LIMITS), [bytes], 'clean');
      if (typeof verdict === 'number') {
        expect(requests).toHaveLength(verdict);
        expect(['ended', 'over']).toContain(outcome);
      } else {
        expect(outcome).toBe(verdict);
        expect(requests).toEqual([]);
      }
      const found = await compare(bytes);
      if (found !== undefined) {
        expect(found.known, JSON.stringify(found.difference)).toBeDefined();
        expect(found.known?.stricter).not.toBe('they');
      }
    });
});

it('the list in docs/http1-conformance.md is the one the test goes by', () => {
  const page = readFileSync(new URL('../../../docs/http1-conformance.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^- `([a-z0-9.-]+)` \(([^;)]+); ([^;)]+)\):/gm)];
  expect(rows.map(([, id, section, stricter]) => ({ id, section, stricter }))).toEqual(
    KNOWN_REQUEST_DIFFERENCES.map(({ id, section, stricter }) => ({ id, section, stricter })),
  );
});
