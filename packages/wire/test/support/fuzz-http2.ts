/**
 * The fuzz run of the HTTP/2 codec, in both roles: sessions made by its other role, damaged, and damaged again. Each input is read
 * twice, cut differently: events, errors and what is written must be the same. Users check the order of events; when all is over,
 * no stream may be left unsettled. An input whose outcome was never seen before is kept and mutated further.
 */
import { readSession, type HttpReading } from './http2-reading.js';
import { damagedSession, validSession, type Session } from './http2-sessions.js';
import { BufferWatch } from './buffer-watch.js';
import { LIMITS } from './http2-user.js';
import { Random, seedOf, showSeed } from './random.js';
import { must } from './reading.js';

export interface Http2FuzzFigures {
  inputs: number;
  bytes: number;
  readings: number;
  streams: number;
  /** Of streams. */
  ended: number;
  failed: number;
  /** Readings that ended in an error of the connection. */
  refused: number;
  /** Its reasons, and those of failed streams. */
  reasons: number;
  thrown: number;
  signatures: number;
  largestBufferBytes: number;
  mostOutputBytes: number;
}

const MAX_CORPUS = 1_024;
const MAX_FRAME_BYTES = 0x4000;
/** A header block is gathered in a buffer that doubles. */
const MAX_BUFFER_BYTES = 2 * (LIMITS.maxContinuations + 1) * MAX_FRAME_BYTES;

export class Http2Fuzzer {
  readonly figures: Http2FuzzFigures = {
    inputs: 0, bytes: 0, readings: 0, streams: 0, ended: 0, failed: 0, refused: 0, reasons: 0, thrown: 0, signatures: 0,
    largestBufferBytes: 0, mostOutputBytes: 0,
  }; // prettier-ignore
  readonly #run: number;
  readonly #corpus: Session[] = [];
  readonly #signatures = new Set<string>();
  readonly #reasons = new Set<string>();
  #valid: Session;

  constructor(run: number) {
    this.#run = run;
    this.#valid = validSession(run);
  }

  get reasons(): ReadonlySet<string> {
    return this.#reasons;
  }

  /** @throws with the seed when a property is broken. */
  runMany(count: number): void {
    using watch = new BufferWatch();
    for (let left = count; left > 0; left -= 1) this.#runOne();
    const { figures } = this;
    figures.largestBufferBytes = Math.max(figures.largestBufferBytes, watch.largestBytes);
  }

  #runOne(): void {
    const seed = seedOf(this.#run, this.figures.inputs);
    const random = new Random(seed);
    this.figures.inputs += 1;
    let session: Session | undefined;
    try {
      session = this.#choose(random, seed);
      this.#check(session, random);
    } catch (error) {
      const what = `run ${showSeed(this.#run)}, input ${this.figures.inputs - 1}, seed ${showSeed(seed)}`;
      throw new Error(`${(error as Error).message}\n${what}\n${shown(session)}`, { cause: error });
    }
  }

  #choose(random: Random, seed: number): Session {
    const kind = random.below(8);
    // Another seed: what is chosen here would be chosen there again, and one role only.
    if (kind === 0) this.#valid = validSession(seedOf(seed, 0));
    if (kind === 0 && random.oneIn(2)) return this.#valid;
    if (kind < 5 || this.#corpus.length === 0) return damagedSession(this.#valid, random);
    return damagedSession(random.pick(this.#corpus), random);
  }

  #check(session: Session, random: Random): void {
    const whole = readSession(session, undefined, false);
    this.#note(whole, session);
    if (random.oneIn(4)) {
      // Written as it comes, through a socket that is full now and then: other events, the same promises.
      this.#count(readSession(session, random, true));
      return;
    }
    const cut = readSession(session, random, false);
    this.#count(cut);
    for (const key of ['error', 'output', 'log'] as const)
      must(JSON.stringify(whole[key]) === JSON.stringify(cut[key]), `the same for any cuts (${key}): ${difference(whole[key], cut[key])}`); // prettier-ignore
  }

  #note(reading: HttpReading, session: Session): void {
    this.#count(reading);
    const kinds = new Set(reading.log.map((entry) => entry.replace(/".*"|\d+/g, 'N')));
    const signature = `${session.role}|${reading.error}|${[...kinds].sort().join('|')}`;
    if (this.#signatures.has(signature)) return;
    this.#signatures.add(signature);
    this.figures.signatures += 1;
    const frames = session.steps.reduce((sum, step) => sum + step.frames.length, 0);
    if (frames > 150) return;
    if (this.#corpus.length < MAX_CORPUS) this.#corpus.push(session);
    else this.#corpus[this.figures.signatures % MAX_CORPUS] = session;
  }

  #count(reading: HttpReading): void {
    const { figures } = this;
    figures.readings += 1;
    figures.bytes += reading.bytes;
    figures.streams += reading.streams;
    figures.mostOutputBytes = Math.max(figures.mostOutputBytes, reading.mostOutputBytes);
    if (reading.error === 'thrown by a user') figures.thrown += 1;
    else if (reading.error !== '') {
      figures.refused += 1;
      this.#reasons.add(reading.error);
    }
    for (const entry of reading.log) {
      if (/^\d+ end /.test(entry)) figures.ended += 1;
      const failed = /^\d+ (?:failed|stop) (\S+)/.exec(entry)?.[1];
      if (failed === undefined) continue;
      figures.failed += 1;
      this.#reasons.add(failed);
    }
    figures.reasons = this.#reasons.size;
    must(figures.largestBufferBytes <= MAX_BUFFER_BYTES, 'no buffer above its bound');
  }
}

function difference(a: unknown, b: unknown): string {
  if (!Array.isArray(a) || !Array.isArray(b)) return `${String(a).slice(0, 300)} … ${String(b).slice(0, 300)}`; // prettier-ignore
  const at = a.findIndex((entry, i) => entry !== b[i]);
  return `${at}: ${a[at]} … ${b[at]}`;
}

function shown(session: Session | undefined): string {
  if (session === undefined) return '';
  const { role, seed, mood, steps } = session;
  const lines = steps.flatMap(({ opens, frames }) => [opens ? 'open' : 'step', ...frames.map((bytes) => `  ${bytes.toString('hex', 0, 9)} ${bytes.toString('hex', 9, 60)}`)]); // prettier-ignore
  return [`${role} ${showSeed(seed)} ${mood}`, ...lines].join('\n').slice(0, 6_000);
}
