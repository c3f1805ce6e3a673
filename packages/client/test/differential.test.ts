/**
 * The same bytes to three clients (support/rivals.ts): where our reader and llhttp, as undici and
 * `node:http` use it, come to different ends, the difference is in the table of known ones, or it is a
 * bug. `DIFFERENTIAL_RESPONSES` and `DIFFERENTIAL_SEED` make the run longer, or another one.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResponseReader } from '@hotaru/wire';
import { CONSTANTS } from '../src/config/constants.js';
import { differencesOf, type Difference } from './support/differences.js';
import {
  factsOf,
  KNOWN_DIFFERENCES,
  type KnownDifference,
  type ResponseFacts,
} from './support/known-differences.js';
import { Random, seedOf, showSeed } from '../../wire/test/support/random.js';
import { piecesOf, randomCuts, read } from '../../wire/test/support/reading.js';
import { damagedResponse } from '../../wire/test/support/response-damage.js';
import { validResponse } from '../../wire/test/support/response-generator.js';
import type { ExpectedParse } from '../../wire/test/support/response-plan.js';
import { HANG, RawOrigin, type Observed, type RivalName } from './support/rivals.js';

const RESPONSES = Number(process.env.DIFFERENTIAL_RESPONSES ?? 1_000);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 0xd1ff);
const RIVALS: readonly RivalName[] = ['undici', 'node:http'];
const MAX_CUTS = 6;

let origin: RawOrigin;
beforeAll(async () => {
  origin = await RawOrigin.start();
});
afterAll(() => origin.close());

it(
  `${RESPONSES} responses come to the same end in undici and node:http, or to a known difference`,
  async () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < RESPONSES; index += 1) {
      const seed = seedOf(SEED, index);
      const isValid = index % 3 === 0;
      const { method, bytes, ...rest } = isValid ? validResponse(seed) : damagedResponse(seed);
      const what = `${showSeed(seed)} ${method} ${JSON.stringify(bytes.toString('latin1'))}`;
      const random = new Random(seed);
      const cuts = random.oneIn(3) ? randomCuts(random, bytes.length).slice(0, MAX_CUTS) : [];
      const pieces = piecesOf(bytes, cuts);
      const ours = await origin.observe('hotaru', method, pieces);
      expectSound(ours, what);
      if ('expected' in rest) expectAsMeant(ours, rest.expected, what);
      const facts = factsAbout(method, bytes);
      for (const rival of RIVALS) {
        const theirs = await origin.observe(rival, method, pieces);
        for (const difference of differencesOf(ours, rival, theirs)) {
          const known = explain(difference, facts);
          if (known === undefined)
            throw new Error(`an unknown difference: ${JSON.stringify(difference)}\n${what}`);
          counts.set(known.id, (counts.get(known.id) ?? 0) + 1);
        }
      }
    }
    const found = [...counts].sort(([, a], [, b]) => b - a);
    console.log(
      `differential run ${showSeed(SEED)}: ${RESPONSES} responses, known differences: ` +
        found.map(([id, count]) => `${id} ${count}`).join(', '),
    );
  },
  60_000 + 50 * RESPONSES,
);

describe('a known difference shows itself', () => {
  for (const known of KNOWN_DIFFERENCES)
    it(`${known.id} (${known.section})`, async () => {
      const { method = 'GET', bytes: text } = known.example;
      const bytes = Buffer.from(text, 'latin1');
      const facts = factsAbout(method, bytes);
      const ours = await origin.observe('hotaru', method, [bytes]);
      expectSound(ours, known.id);
      const found: Difference[] = [];
      for (const rival of RIVALS)
        found.push(...differencesOf(ours, rival, await origin.observe(rival, method, [bytes])));
      const ids = found.map((difference) => explain(difference, facts)?.id ?? difference);
      expect(ids).toContain(known.id);
      // Undici keeps the blanks of every field; it may do so here.
      expect(new Set(ids.filter((id) => id !== 'blanks-kept' && id !== known.id))).toEqual(
        new Set(),
      );
    });
});

it('the list in docs/http1-conformance.md is the one the test goes by', () => {
  const page = readFileSync(new URL('../../../docs/http1-conformance.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^- `([a-z0-9.-]+)` \(([^;)]+); ([^;)]+); ([^;)]+)\):/gm)];
  expect(
    rows.map(([, id, section, rivals, stricter]) => ({ id, section, rivals, stricter })),
  ).toEqual(
    KNOWN_DIFFERENCES.map(({ id, section, rivals, stricter }) => ({
      id,
      section,
      rivals,
      stricter,
    })),
  );
});

function factsAbout(method: string, bytes: Buffer): ResponseFacts {
  return factsOf(method, bytes, read(new ResponseReader(CONSTANTS), method, [bytes], 'open'));
}

function explain(difference: Difference, facts: ResponseFacts): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find(
    (known) =>
      (known.rivals === 'both' || known.rivals === difference.rival) &&
      known.explains(difference, facts),
  );
}

/** What must hold for us whatever the bytes were and whatever others make of them. */
function expectSound(ours: Observed, what: string): void {
  expect(ours.next, `the next request gets its own answer: ${what}`).toBe('own');
  if ('error' in ours.told) {
    expect(ours.told.error, what).not.toBe(HANG);
    expect(ours.told.error, what).toMatch(/^HOTARU_(?:PROTOCOL_ERROR|CONNECTION_CLOSED):/);
    expect(ours.reused, `no reuse after an error: ${what}`).toBe(false);
  }
}

function expectAsMeant(ours: Observed, expected: ExpectedParse, what: string): void {
  const lines = (fields: ExpectedParse['fields']) =>
    fields.map(([name, value]) => `${name}: ${value}`).sort();
  const { informational, status, body, fields, trailers, mayReuse } = expected;
  expect(ours.told, what).toEqual({
    informational,
    status,
    body,
    fields: lines(fields),
    trailers: lines(trailers),
  });
  expect(ours.reused, what).toBe(mayReuse);
}
