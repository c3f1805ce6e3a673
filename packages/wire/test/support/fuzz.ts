/**
 * The fuzz run: generated, damaged and again-mutated bytes straight into the reader and its two parts,
 * each input read several times, cut differently each time. An input whose outcome was never seen
 * before is kept and mutated further, so the run finds its way behind rare errors.
 */
import { ChunkedDecoder } from '../../src/http1/chunked.js';
import { HeadReader } from '../../src/http1/head-reader.js';
import { ResponseHeadHandler } from '../../src/http1/response-head.js';
import { ResponseReader, WireError } from '../../src/index.js';
import { BufferWatch } from './buffer-watch.js';
import { LIMITS } from './limits.js';
import { Random, seedOf, showSeed } from './random.js';
import { must, piecesOf, randomCuts, read, type Ending, type Reading } from './reading.js';
import { damagedResponse, mutate } from './response-damage.js';
import { validResponse } from './response-generator.js';
import type { ExpectedParse } from './response-plan.js';

export interface FuzzFigures {
  inputs: number;
  bytes: number;
  readings: number;
  /** How readings ended. */
  done: number;
  protocolErrors: number;
  cutOff: number;
  waiting: number;
  /** Outcomes that differ in more than numbers. */
  signatures: number;
  /** The largest buffer the reader asked for. */
  largestBufferBytes: number;
}

interface Input {
  readonly method: string;
  readonly bytes: Buffer;
  readonly expected?: ExpectedParse;
}

const MAX_CORPUS = 512;
/** Doubling may overshoot what a head may have, once. */
const MAX_BUFFER_BYTES = 2 * (LIMITS.maxHeadBytes + 1);

export class Fuzzer {
  readonly figures: FuzzFigures = {
    inputs: 0, bytes: 0, readings: 0, done: 0, protocolErrors: 0, cutOff: 0, waiting: 0, signatures: 0,
    largestBufferBytes: 0,
  }; // prettier-ignore
  readonly #run: number;
  readonly #corpus: Input[] = [];
  readonly #signatures = new Set<string>();
  /** Lives as long as a good connection: what one response leaves behind, the next would meet. */
  readonly #reader = new ResponseReader(LIMITS);

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
      const kind = random.below(20);
      if (kind === 0) checkHeadReader(input.bytes, random);
      else if (kind === 1) checkChunkedDecoder(input.bytes, random);
      else this.#checkReader(input, random);
    } catch (error) {
      const what = `run ${showSeed(this.#run)}, input ${this.figures.inputs - 1}, seed ${showSeed(seed)}`;
      const shown = JSON.stringify(input.bytes.toString('latin1', 0, 2_000));
      throw new Error(`${(error as Error).message}\n${what}\n${input.method} ${shown}`, {
        cause: error,
      });
    }
  }

  #choose(random: Random, seed: number): Input {
    const kind = random.below(8);
    if (kind === 0) return validResponse(seed);
    if (kind < 5 || this.#corpus.length === 0) return damagedResponse(seed, true);
    const { method, bytes } = random.pick(this.#corpus);
    return { method, bytes: Buffer.from(mutate(bytes.toString('latin1'), random), 'latin1') };
  }

  #checkReader(input: Input, random: Random): void {
    const { method, bytes, expected } = input;
    const ending: Ending = random.pick(['clean', 'clean', 'torn', 'open']);
    const whole = read(new ResponseReader(LIMITS), method, [bytes], ending);
    this.#note(whole, input);
    if (expected !== undefined) checkExpected(whole, expected, ending);
    const cut = read(
      this.#reader,
      method,
      piecesOf(bytes, randomCuts(random, bytes.length)),
      ending,
    );
    this.#count(cut);
    // Where nothing ends, a line that is wrong may still wait for its end.
    const isDelayed = ending === 'open' && cut.outcome === 'waiting';
    if (!isDelayed) checkSame(whole, cut);
  }

  #note(reading: Reading, input: Input): void {
    this.#count(reading);
    const signature = [
      reading.outcome,
      reading.message.replace(/"(?:[^"\\]|\\.)*"/, '""').replace(/\d+/g, 'N'),
      reading.hasBody,
      reading.mayReuse,
      Math.min(reading.informational.length, 2),
      Math.min(reading.trailers.length, 2),
      Math.sign(reading.body.length),
      Math.sign(input.bytes.length - reading.consumed),
    ].join('|');
    if (this.#signatures.has(signature)) return;
    this.#signatures.add(signature);
    this.figures.signatures += 1;
    if (input.bytes.length < 4_096 && this.#corpus.length < MAX_CORPUS) this.#corpus.push(input);
  }

  #count(reading: Reading): void {
    const { figures } = this;
    figures.readings += 1;
    if (reading.outcome === 'done') figures.done += 1;
    else if (reading.outcome === 'waiting') figures.waiting += 1;
    else if (reading.outcome === 'closed') figures.cutOff += 1;
    else figures.protocolErrors += 1;
  }
}

/** The same bytes are the same response, wherever they were cut. */
export function checkSame(whole: Reading, cut: Reading): void {
  for (const key of Object.keys(whole) as (keyof Reading)[]) {
    // What is shown of the bytes depends on how many came; where an error is noticed is open too.
    const isOpen = key === 'message' || (key === 'consumed' && whole.outcome !== 'done');
    const isSame = JSON.stringify(whole[key]) === JSON.stringify(cut[key]);
    must(isOpen || isSame, `the same result for any cuts (${key})`);
  }
}

export function checkExpected(reading: Reading, expected: ExpectedParse, ending: Ending): void {
  if (reading.outcome === 'waiting') {
    must(ending === 'open' && !expected.mayReuse, 'a framed response ends by itself');
    return;
  }
  if (ending === 'torn' && reading.outcome === 'closed') {
    must(!expected.mayReuse, 'a framed response needs no goodbye');
    return;
  }
  must(reading.outcome === 'done', `a valid response is read, not: ${reading.message}`);
  for (const key of Object.keys(expected) as (keyof ExpectedParse)[])
    must(
      JSON.stringify(reading[key]) === JSON.stringify(expected[key]),
      `a valid response is read as it is meant (${key})`,
    );
}

function checkHeadReader(bytes: Buffer, random: Random): void {
  const hasStatusLine = random.oneIn(2);
  const start = hasStatusLine ? 0 : bytes.indexOf('\r\n') + 2;
  const lines = bytes.subarray(start);
  const parse = (pieces: readonly Buffer[]) =>
    outcomeOf(() => {
      const parser = new HeadReader(new ResponseHeadHandler(), LIMITS);
      parser.reset(hasStatusLine);
      let consumed = 0;
      for (const piece of pieces) {
        const end = parser.feed(piece, 0);
        must(end >= -1 && end <= piece.length, 'it takes no more than it was given');
        const section = hasStatusLine ? parser.head : parser.trailers;
        must((end === -1) === (section === undefined), 'an end comes with a section');
        consumed += end === -1 ? piece.length : end;
        if (end !== -1) return { consumed, section };
      }
      parser.checkOpenLine();
      return { consumed };
    });
  const cut = parse(piecesOf(lines, randomCuts(random, lines.length)));
  must(parse(piecesOf(lines, [])) === cut, 'the same head for any cuts');
}

function checkChunkedDecoder(bytes: Buffer, random: Random): void {
  // Past a head if there is one: what follows is chunks now and then.
  const start = random.oneIn(8) ? 0 : bytes.indexOf('\r\n\r\n') + 4;
  // A copy for each reading: the data is moved together within what is given.
  const coded = () => Buffer.from(bytes.subarray(start));
  const decode = (pieces: readonly Buffer[]) =>
    outcomeOf(() => {
      const decoder = new ChunkedDecoder(LIMITS, false);
      let consumed = 0;
      let body = '';
      for (const piece of pieces) {
        const end = decoder.feed(piece, 0, (given, from, to) => {
          must(given === piece && from < to && to <= piece.length, 'data are given bytes');
          body += given.toString('latin1', from, to);
        });
        must(decoder.isDone ? end <= piece.length : end === piece.length, 'it takes what is its');
        consumed += end;
        if (decoder.isDone) break;
      }
      return { body, consumed, isDone: decoder.isDone };
    });
  const cut = decode(piecesOf(coded(), randomCuts(random, coded().length)));
  must(decode(piecesOf(coded(), [])) === cut, 'the same data for any cuts');
}

function outcomeOf(run: () => unknown): string {
  try {
    return JSON.stringify(run());
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.reason;
  }
}
