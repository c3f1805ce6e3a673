/**
 * Whatever bytes a peer sends, the reader of either role ends in a message or in an error, soon, and in little memory.
 *
 * CI takes a short run of a fixed seed; `npm run fuzz` a long one. `FUZZ_SEED` repeats or varies a run.
 */
import { expect, it } from 'vitest';
import { setImmediate as turn } from 'node:timers/promises';
import { Fuzzer } from './support/fuzz.js';
import { RequestFuzzer } from './support/fuzz-requests.js';
import { showSeed } from './support/random.js';

const INPUTS = Number(process.env.FUZZ_INPUTS ?? 30_000);
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

async function fuzz(what: string, fuzzer: Fuzzer | RequestFuzzer): Promise<void> {
  fuzzer.runMany(1_000); // warm: what is made once is made now
  const before = retainedBytes();
  while (fuzzer.figures.inputs < INPUTS) {
    fuzzer.runMany(Math.min(BATCH, INPUTS - fuzzer.figures.inputs));
    await turn(); // the test runner wants to be heard of
  }
  const grown = retainedBytes() - before;
  const figures = Object.entries({ ...fuzzer.figures, retainedGrowthBytes: grown });
  console.log(
    `fuzz run of ${what} ${showSeed(SEED)}: ${figures.map(([name, value]) => `${name} ${value}`).join(', ')}`,
  );
  expect(fuzzer.figures.inputs).toBe(INPUTS);
  expect(grown).toBeLessThan(RETAINED_BYTES);
}

function retainedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
