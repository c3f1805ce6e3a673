/**
 * From a stream or async iterable to a response, as fast as the client reads: at most one piece is held
 * beyond what the socket buffers.
 *
 * The head is written with the first piece, or at the end of this turn of the event loop, whichever comes
 * first: a source that fails at once can still become an error response, and a slow one (server-sent events,
 * a model's tokens) does not keep the client waiting for the head.
 */
import { Readable } from 'node:stream';
import { HotaruError } from '../../errors.js';
import type { FieldLines, Inbound } from '../../inbound/inbound.js';
import type { StreamSource } from './response.js';

/** Where the body goes. */
export interface Outlet {
  readonly inbound: Inbound;
  /** What is being sent, while it is. */
  outflow: Outflow | undefined;
  /** Set when the head is out. */
  sentStatus: number;
  /** What was written is added to it. */
  bodyBytes: number;
}

/** A stream that is being sent, as its outlet tells it. */
export interface Outflow {
  /** The client has taken enough: more can be written. */
  drained(): void;
  /** The client has left. */
  left(): void;
}

/**
 * How the body went: all of it (`isAllSent`: the system has all of it), the client left, or it broke after the head
 * was sent.
 */
export type PumpResult =
  | { outcome: 'sent'; isAllSent: boolean }
  | { outcome: 'gone' }
  | { outcome: 'cut'; error: unknown };

/**
 * @param length what `content-length` promises; -1 when nothing does.
 * @throws what the source failed with, if nothing was sent yet.
 */
export function pump(
  source: StreamSource,
  outlet: Outlet,
  length: number,
  status: number,
  fields: FieldLines,
): Promise<PumpResult> {
  return new Pump(source, outlet, length, status, fields).run();
}

/** Gives up a source that will not be read. */
export function cancelSource(source: StreamSource): void {
  try {
    if (source instanceof Readable) source.on('error', ignore).destroy();
    else if (isNativeStream(source)) source.cancel().catch(ignore);
    else endOf(iteratorOf(source));
  } catch {
    // One that is read already: there is nothing to give up.
  }
}

type Chunks = AsyncIterator<Uint8Array | string>;

class Pump implements Outflow {
  readonly #source: StreamSource;
  readonly #chunks: Chunks;
  readonly #outlet: Outlet;
  readonly #inbound: Inbound;
  readonly #status: number;
  readonly #fields: FieldLines;
  #missing: number;
  readonly #isCounted: boolean;
  #hasBegun = false;
  #isStopped = false;
  #isGone = false;
  #wake: (() => void) | undefined = undefined;
  #resolveGone: ((result: PumpResult) => void) | undefined = undefined;

  constructor(
    source: StreamSource,
    outlet: Outlet,
    length: number,
    status: number,
    fields: FieldLines,
  ) {
    this.#source = source;
    this.#chunks = iteratorOf(source);
    this.#outlet = outlet;
    this.#inbound = outlet.inbound;
    this.#status = status;
    this.#fields = fields;
    this.#missing = length;
    this.#isCounted = length >= 0;
  }

  async run(): Promise<PumpResult> {
    const inbound = this.#inbound;
    // The source may never yield again: the client's leaving must not wait for it.
    const gone = new Promise<PumpResult>((resolve) => (this.#resolveGone = resolve));
    this.#outlet.outflow = this;
    const flush = setImmediate(() => this.#flushHead());
    try {
      return await Promise.race([gone, this.#copy()]);
    } catch (error) {
      this.#stop();
      if (!this.#hasBegun) throw error;
      if (this.#isGone || inbound.isGone) return { outcome: 'gone' };
      inbound.cut();
      return { outcome: 'cut', error };
    } finally {
      clearImmediate(flush);
      this.#outlet.outflow = undefined;
    }
  }

  drained(): void {
    this.#wake?.();
  }

  left(): void {
    this.#isGone = true;
    this.#wake?.();
    this.#stop();
    this.#resolveGone?.({ outcome: 'gone' });
  }

  async #copy(): Promise<PumpResult> {
    for (;;) {
      const step = await this.#chunks.next();
      if (this.#isGone || this.#inbound.isGone) {
        this.#stop(); // the connection's end may be heard of too late
        return { outcome: 'gone' };
      }
      if (step.done === true) break;
      const chunk = checkChunk(step.value);
      this.#count(chunk);
      if (chunk.length === 0 || this.#send(chunk)) continue;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    if (this.#isCounted && this.#missing !== 0)
      throw new HotaruError('HOTARU_INVALID_OUTCOME', `the body is ${this.#missing} bytes short`);
    return { outcome: 'sent', isAllSent: this.#end() };
  }

  #count(chunk: Uint8Array | string): void {
    const length = typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
    this.#outlet.bodyBytes += length;
    if (!this.#isCounted) return;
    this.#missing -= length;
    if (this.#missing < 0)
      throw new HotaruError('HOTARU_INVALID_OUTCOME', 'the body is longer than its content-length');
  }

  #send(chunk: Uint8Array | string): boolean {
    return this.#hasBegun ? this.#inbound.write(chunk) : this.#begin(chunk);
  }

  #end(): boolean {
    if (this.#hasBegun) return this.#inbound.end();
    const isAllSent = this.#inbound.respond(this.#status, this.#fields, null);
    this.#outlet.sentStatus = this.#status;
    return isAllSent;
  }

  #begin(first: Uint8Array | string | undefined): boolean {
    const goesOn = this.#inbound.begin(this.#status, this.#fields, first);
    this.#hasBegun = true;
    this.#outlet.sentStatus = this.#status;
    return goesOn;
  }

  #flushHead(): void {
    if (this.#hasBegun || this.#isGone || this.#inbound.isGone) return;
    try {
      this.#begin(undefined);
    } catch {
      this.#inbound.cut(); // a head that cannot be written; nothing can be said any more
    }
  }

  #stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#source instanceof Readable) this.#source.destroy();
    else endOf(this.#chunks);
  }
}

/** Tells the source. One written by hand may throw then, or return no promise: it has ended all the same. */
function endOf(chunks: Chunks): void {
  try {
    Promise.resolve(chunks.return?.()).catch(ignore);
  } catch {
    // given up
  }
}

function iteratorOf(source: StreamSource): Chunks {
  if (isNativeStream(source)) return readerIterator(source);
  return (source as AsyncIterable<Uint8Array | string>)[Symbol.asyncIterator]();
}

/** A plain web stream; one with an iterator of its own (a `ClientResponse` body) is faster through that. */
function isNativeStream(source: StreamSource): source is ReadableStream<Uint8Array | string> {
  return (
    source instanceof ReadableStream &&
    source[Symbol.asyncIterator] === ReadableStream.prototype[Symbol.asyncIterator]
  );
}

/** Through a reader: the stream's own iterator cannot be cancelled while a read is pending. */
function readerIterator(source: ReadableStream<Uint8Array | string>): Chunks {
  const reader = source.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<Uint8Array | string>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

function checkChunk(chunk: unknown): Uint8Array | string {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return chunk;
  throw new HotaruError(
    'HOTARU_INVALID_OUTCOME',
    `a stream yielded ${typeof chunk}; allowed: text and bytes`,
  );
}

function ignore(): void {
  // given up: how it ends does not matter
}
