/**
 * From a stream or async iterable to a response, as fast as the client reads: at most one piece is held
 * beyond what the socket buffers.
 *
 * The head is written with the first piece, or at the end of this turn of the event loop, whichever comes
 * first: a source that fails at once can still become an error response, and a slow one (server-sent events,
 * a model's tokens) does not keep the client waiting for the head.
 */
import { Readable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import { HotaruError } from '../../errors.js';
import { InboundConnection } from '../../inbound/node-http/connection.js';
import type { StreamSource } from './response.js';

/** Where the body goes. */
export interface Outlet {
  readonly response: ServerResponse;
  /** Called when the client leaves. */
  onLeave: (() => void) | undefined;
  /** What was written is added to it. */
  bodyBytes: number;
  /** To be called when something was written that the client has not taken. */
  watchOutput(): void;
}

/** How the body went: all of it, the client left, or it broke after the head was sent. */
export type PumpResult = { outcome: 'sent' | 'gone' } | { outcome: 'cut'; error: unknown };

/**
 * @param length what `content-length` promises; -1 when nothing does.
 * @param writeHead called once, before the first byte.
 * @throws what the source failed with, if nothing was sent yet.
 */
export function pump(
  source: StreamSource,
  outlet: Outlet,
  length: number,
  writeHead: () => void,
): Promise<PumpResult> {
  return new Pump(source, outlet, length, writeHead).run();
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

class Pump {
  readonly #source: StreamSource;
  readonly #outlet: Outlet;
  readonly #response: ServerResponse;
  readonly #writeHead: () => void;
  #missing: number;
  readonly #isCounted: boolean;
  #isHeadWritten = false;
  #isStopped = false;
  #isGone = false;
  #wake: (() => void) | undefined = undefined;

  constructor(source: StreamSource, outlet: Outlet, length: number, writeHead: () => void) {
    this.#source = source;
    this.#outlet = outlet;
    this.#response = outlet.response;
    this.#missing = length;
    this.#isCounted = length >= 0;
    this.#writeHead = writeHead;
  }

  async run(): Promise<PumpResult> {
    const response = this.#response;
    const chunks = iteratorOf(this.#source);
    // The source may never yield again: the client's leaving must not wait for it.
    const gone = new Promise<PumpResult>((resolve) => {
      this.#outlet.onLeave = () => {
        this.#isGone = true;
        this.#wake?.();
        this.#stop(chunks);
        resolve({ outcome: 'gone' });
      };
    });
    const onDrain = (): void => this.#wake?.();
    response.on('drain', onDrain);
    const flush = setImmediate(() => this.#flushHead());
    try {
      return await Promise.race([gone, this.#copy(chunks)]);
    } catch (error) {
      this.#stop(chunks);
      if (!this.#isHeadWritten) throw error;
      if (this.#isGone || response.destroyed) return { outcome: 'gone' };
      cut(response);
      return { outcome: 'cut', error };
    } finally {
      clearImmediate(flush);
      this.#outlet.onLeave = undefined;
      response.off('drain', onDrain);
    }
  }

  async #copy(chunks: Chunks): Promise<PumpResult> {
    const response = this.#response;
    for (;;) {
      const step = await chunks.next();
      if (this.#isGone || response.destroyed) {
        this.#stop(chunks); // the connection's end may be heard of too late
        return { outcome: 'gone' };
      }
      if (step.done === true) break;
      const chunk = checkChunk(step.value);
      this.#count(chunk);
      this.#head();
      if (chunk.length === 0 || response.write(chunk)) continue;
      this.#outlet.watchOutput();
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    if (this.#isCounted && this.#missing !== 0)
      throw new HotaruError('HOTARU_INVALID_OUTCOME', `the body is ${this.#missing} bytes short`);
    this.#head();
    response.end();
    if (response.writableLength > 0) this.#outlet.watchOutput();
    return { outcome: 'sent' };
  }

  #count(chunk: Uint8Array | string): void {
    const length = typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
    this.#outlet.bodyBytes += length;
    if (!this.#isCounted) return;
    this.#missing -= length;
    if (this.#missing < 0)
      throw new HotaruError('HOTARU_INVALID_OUTCOME', 'the body is longer than its content-length');
  }

  #head(): void {
    if (this.#isHeadWritten) return;
    this.#writeHead();
    this.#isHeadWritten = true;
  }

  #flushHead(): void {
    if (this.#isHeadWritten || this.#isGone || this.#response.destroyed) return;
    try {
      this.#head();
      this.#response.flushHeaders();
    } catch {
      this.#response.destroy(); // a head that cannot be written; nothing can be said any more
    }
  }

  #stop(chunks: Chunks): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#source instanceof Readable) this.#source.destroy();
    else endOf(chunks);
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

/** The client must see a cut, not an end; and before it, what was written. */
function cut(response: ServerResponse): void {
  const { req, socket } = response;
  // To HTTP/1.0 a closed connection is the end of the body: only a reset says otherwise.
  if (req.httpVersionMinor === 0 && socket !== null) InboundConnection.of(socket).reset();
  else setImmediate(() => response.destroy());
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
