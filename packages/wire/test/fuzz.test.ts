/**
 * Whatever bytes a peer sends, the reader of either role ends in a message or in an error, soon, and in little memory; and the
 * HTTP/2 codec of either role leaves no stream unsettled.
 *
 * CI takes a short run of a fixed seed; `npm run fuzz` a long one. `FUZZ_SEED` repeats or varies a run.
 */
import { expect, it } from 'vitest';
import { setImmediate as turn } from 'node:timers/promises';
import { Fuzzer } from './support/fuzz.js';
import { Http2Fuzzer } from './support/fuzz-http2.js';
import { RequestFuzzer } from './support/fuzz-requests.js';
import { showSeed } from './support/random.js';

const INPUTS = Number(process.env.FUZZ_INPUTS ?? 30_000);
/** A whole session each, which takes as long as some ten responses: `npm run fuzz` reads as many as of the others. */
const SESSIONS = process.env.FUZZ_INPUTS === undefined ? 2_000 : INPUTS;
const SEED = Number(process.env.FUZZ_SEED ?? 0x5eed);
const BATCH = 10_000;
/** No promise about time: a loop that hangs must not look like a long run. */
const HANG_GUARD_MS = 60_000 + INPUTS;
/** What a run may leave behind; one leaked buffer in a hundred inputs would be more. */
const RETAINED_BYTES = 32 * 1_048_576;

it(
  `reads ${INPUTS} generated and mutated responses without a crash, a hang or unbounded memory`,
  async () => {
    const fuzzer = new Fuzzer(SEED);
    await fuzz('responses', fuzzer);
    expect(fuzzer.figures.done).toBeGreaterThan(0);
    expect(fuzzer.figures.protocolErrors).toBeGreaterThan(0);
  },
  HANG_GUARD_MS,
);

it(
  `reads ${INPUTS} connections of generated and mutated requests without a crash, a hang or unbounded memory`,
  async () => {
    const fuzzer = new RequestFuzzer(SEED);
    await fuzz('requests', fuzzer);
    expect(fuzzer.figures.requests).toBeGreaterThan(0);
    expect(fuzzer.figures.reasons).toBeGreaterThan(15);
  },
  HANG_GUARD_MS,
);

it(
  `reads ${SESSIONS} generated and mutated HTTP/2 sessions in both roles without a crash, a hang, an unsettled stream or unbounded memory`,
  async () => {
    const fuzzer = new Http2Fuzzer(SEED);
    await fuzz('HTTP/2 sessions', fuzzer, SESSIONS);
    expect(fuzzer.figures.ended).toBeGreaterThan(SESSIONS);
    expect(fuzzer.figures.reasons).toBeGreaterThan(25);
  },
  HANG_GUARD_MS + 4 * SESSIONS,
);

async function fuzz(
  what: string,
  fuzzer: Fuzzer | RequestFuzzer | Http2Fuzzer,
  inputs = INPUTS,
): Promise<void> {
  fuzzer.runMany(1_000); // warm: what is made once is made now
  const before = retainedBytes();
  while (fuzzer.figures.inputs < inputs) {
    fuzzer.runMany(Math.min(BATCH, inputs - fuzzer.figures.inputs));
    await turn(); // the test runner wants to be heard of
  }
  const grown = retainedBytes() - before;
  const figures = Object.entries({ ...fuzzer.figures, retainedGrowthBytes: grown });
  console.log(
    `fuzz run of ${what} ${showSeed(SEED)}: ${figures.map(([name, value]) => `${name} ${value}`).join(', ')}`,
  );
  expect(fuzzer.figures.inputs).toBe(inputs);
  expect(grown).toBeLessThan(RETAINED_BYTES);
}

function retainedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
