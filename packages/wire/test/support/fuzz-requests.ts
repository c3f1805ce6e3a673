/**
 * The fuzz run of the server's role: generated, damaged and again-mutated bytes of one connection into `RequestReader`,
 * each input read twice, cut differently. An input whose outcome was never seen before is kept and mutated further, so
 * the run finds its way behind rare errors; now and then a good request is put before it.
 */
import { RequestReader } from '../../src/index.js';
import { BufferWatch } from './buffer-watch.js';
import { LIMITS } from './limits.js';
import { Random, seedOf, showSeed } from './random.js';
import { must, piecesOf, randomCuts, type Ending } from './reading.js';
import { damagedRequest, mutateRequest } from './request-damage.js';
import { validRequest } from './request-generator.js';
import type { ExpectedRequest } from './request-plan.js';
import { readRequests, type RequestsRead } from './request-reading.js';

export interface RequestFuzzFigures {
  inputs: number;
  bytes: number;
  readings: number;
  /** Whole requests. */
  requests: number;
  /** How readings ended. */
  ended: number;
  over: number;
  refused: number;
  waiting: number;
  /** Reasons of refusals. */
  reasons: number;
  /** Outcomes that differ in more than numbers. */
  signatures: number;
  /** The largest buffer the reader asked for. */
  largestBufferBytes: number;
}

interface Input {
  readonly bytes: Buffer;
  readonly expected?: ExpectedRequest;
}

const MAX_CORPUS = 512;
/** Doubling may overshoot what a head may have, once. */
const MAX_BUFFER_BYTES = 2 * (LIMITS.maxHeadBytes + 1);

export class RequestFuzzer {
  readonly figures: RequestFuzzFigures = {
    inputs: 0, bytes: 0, readings: 0, requests: 0, ended: 0, over: 0, refused: 0, waiting: 0, reasons: 0,
    signatures: 0, largestBufferBytes: 0,
  }; // prettier-ignore
  readonly #run: number;
  readonly #corpus: Input[] = [];
  readonly #signatures = new Set<string>();
  readonly #reasons = new Set<string>();
  /** Lives as long as a good connection: what one request leaves behind, the next would meet. */
  readonly #reader = new RequestReader(LIMITS);

  constructor(run: number) {
    this.#run = run;
  }

  /** @throws with the seed when a property is broken. */
  runMany(count: number): void {
    using watch = new BufferWatch();
    for (let left = count; left > 0; left -= 1) this.#runOne();
    const { figures } = this;
    figures.largestBufferBytes = Math.max(figures.largestBufferBytes, watch.largestBytes);
    must(watch.largestBytes <= MAX_BUFFER_BYTES, 'no buffer above the bound of a head');
  }

  #runOne(): void {
    const seed = seedOf(this.#run, this.figures.inputs);
    const random = new Random(seed);
    const input = this.#choose(random, seed);
    this.figures.inputs += 1;
    this.figures.bytes += input.bytes.length;
    try {
      this.#check(input, random);
    } catch (error) {
      const what = `run ${showSeed(this.#run)}, input ${this.figures.inputs - 1}, seed ${showSeed(seed)}`;
      const shown = JSON.stringify(input.bytes.toString('latin1', 0, 2_000));
      throw new Error(`${(error as Error).message}\n${what}\n${shown}`, { cause: error });
    }
  }

  #choose(random: Random, seed: number): Input {
    const kind = random.below(8);
    if (kind === 0) return validRequest(seed);
    if (kind < 4 || this.#corpus.length === 0) return damagedRequest(seed, true);
    const { bytes } = random.pick(this.#corpus);
    const mutated = mutateRequest(bytes, random);
    if (kind < 7) return { bytes: mutated };
    return { bytes: Buffer.concat([validRequest(seed).bytes, mutated]) };
  }

  #check({ bytes, expected }: Input, random: Random): void {
    const ending: Ending = random.pick(['clean', 'clean', 'torn', 'open']);
    const whole = readRequests(new RequestReader(LIMITS), [bytes], ending);
    this.#note(whole, bytes);
    if (expected !== undefined) checkExpected(whole, expected, bytes);
    const cut = readRequests(
      this.#reader,
      piecesOf(bytes, randomCuts(random, bytes.length)),
      ending,
    );
    this.#count(cut);
    // Where nothing ends, a line that is wrong may still wait for its end.
    const isDelayed = ending === 'open' && cut.outcome === 'waiting';
    if (!isDelayed) checkSame(whole, cut);
  }

  #note(read: RequestsRead, bytes: Buffer): void {
    this.#count(read);
    const last = read.requests.at(-1);
    const signature = [
      read.outcome,
      read.message.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\d+/g, 'N'),
      Math.min(read.requests.length, 3),
      last?.form,
      last?.hasBody,
      last?.expectContinue,
      last?.upgrade === '',
      Math.min(last?.trailers.length ?? 0, 2),
      Math.sign(read.open?.body.length ?? -1),
    ].join('|');
    if (this.#signatures.has(signature)) return;
    this.#signatures.add(signature);
    this.figures.signatures += 1;
    if (bytes.length < 4_096 && this.#corpus.length < MAX_CORPUS) this.#corpus.push({ bytes });
  }

  #count(read: RequestsRead): void {
    const { figures } = this;
    figures.readings += 1;
    figures.requests += read.requests.length;
    if (read.outcome === 'ended') figures.ended += 1;
    else if (read.outcome === 'over') figures.over += 1;
    else if (read.outcome === 'waiting') figures.waiting += 1;
    else {
      figures.refused += 1;
      this.#reasons.add(read.outcome);
      figures.reasons = this.#reasons.size;
    }
  }
}

/** The same bytes are the same requests, wherever they were cut. */
function checkSame(whole: RequestsRead, cut: RequestsRead): void {
  for (const key of ['requests', 'open', 'outcome', 'status'] as const)
    must(
      JSON.stringify(whole[key]) === JSON.stringify(cut[key]),
      `the same for any cuts (${key}): ${whole.outcome} ${whole.message} / ${cut.outcome} ${cut.message}`,
    );
}

function checkExpected(read: RequestsRead, expected: ExpectedRequest, bytes: Buffer): void {
  must(read.message === '', `a valid request is read, not: ${read.message}`);
  const wanted = JSON.stringify([{ ...expected, end: bytes.length }]);
  must(JSON.stringify(read.requests) === wanted, 'a valid request is read as it is meant');
}
