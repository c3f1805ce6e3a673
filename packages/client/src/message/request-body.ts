/**
 * The body of a request, whatever it was given as, in one of three shapes: nothing, bytes (known
 * length, can be sent again), or a stream (read once, unless nothing of it was read).
 */
import { Readable } from 'node:stream';
import { invalidRequest } from '../errors.js';
import { show } from '../config/own-options.js';

export type BodyInput =
  | string
  | Uint8Array
  | URLSearchParams
  | FormData
  | Readable
  | ReadableStream
  | AsyncIterable<Uint8Array | string>;

export type RequestBody =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'bytes';
      readonly bytes: string | Uint8Array;
      readonly length: number;
      readonly contentType: string | undefined;
    }
  | {
      readonly kind: 'stream';
      readonly source: AsyncIterable<unknown>;
      readonly contentType: string | undefined;
    };

export const NO_BODY: RequestBody = Object.freeze({ kind: 'none' });

/** @throws RequestError `HOTARU_INVALID_REQUEST` for anything that is not a body. */
export function toRequestBody(input: unknown): RequestBody {
  if (input === undefined || input === null) return NO_BODY;
  if (typeof input === 'string')
    return bytes(input, Buffer.byteLength(input), 'text/plain;charset=UTF-8');
  if (input instanceof Uint8Array) return bytes(input, input.byteLength, undefined);
  if (input instanceof URLSearchParams) {
    const text = input.toString();
    return bytes(text, text.length, 'application/x-www-form-urlencoded;charset=UTF-8');
  }
  if (input instanceof FormData) {
    const encoded = new Response(input);
    const contentType = encoded.headers.get('content-type') ?? undefined;
    if (encoded.body === null) return NO_BODY;
    return {
      kind: 'stream',
      source: encoded.body as unknown as AsyncIterable<unknown>,
      contentType,
    };
  }
  if (input instanceof Readable) {
    const { errored } = input;
    if (errored !== null)
      throw invalidRequest(`the body stream has already failed: ${errored.message}`, errored);
    if (input.destroyed || input.readableEnded)
      throw invalidRequest('the body stream has already ended or was destroyed');
    refuseUsed(input);
    // Its error ends the call, or comes when the call is over: in neither case the process.
    input.on('error', ignore);
    return { kind: 'stream', source: input, contentType: undefined };
  }
  if (input instanceof ReadableStream) {
    if (input.locked) throw invalidRequest('the body stream is locked to another reader');
    refuseUsed(input);
    return {
      kind: 'stream',
      source: input as unknown as AsyncIterable<unknown>,
      contentType: undefined,
    };
  }
  if (typeof input === 'object' && Symbol.asyncIterator in input) {
    refuseUsed(input);
    return { kind: 'stream', source: input as AsyncIterable<unknown>, contentType: undefined };
  }
  throw invalidRequest(
    `${show(input)} is no request body; allowed: string, Uint8Array, URLSearchParams, FormData, ` +
      'Readable, ReadableStream, AsyncIterable (for JSON use jsonRequest)',
  );
}

/**
 * Sources that can be read once and were read here, or given up. A generator can't be asked, and of two
 * calls with the same stream, both still waiting for a connection, only one may send it.
 */
const USED = new WeakSet();

/**
 * What was read before, here or elsewhere, would be sent without what is gone: empty, or cut. Asked when
 * the request is made, and again when the body is sent: another call may have begun to read it meanwhile.
 *
 * @throws RequestError `HOTARU_INVALID_REQUEST`
 */
export function refuseUsed(source: object): void {
  // One that failed meanwhile counts as disturbed, too; it says so itself when it is read.
  if (source instanceof Readable && source.errored !== null) return;
  // The function knows web streams, too; its types don't.
  if (USED.has(source) || Readable.isDisturbed(source as Readable))
    throw invalidRequest('the body stream was already read, or is the body of another call');
}

/** How a stream is read. Leaving a Node stream early must not destroy it: see `abandonSource`. */
export function iterateSource(source: AsyncIterable<unknown>): AsyncIterator<unknown> {
  const iterator = openSource(source);
  noteUse(source, iterator);
  return iterator;
}

function openSource(source: AsyncIterable<unknown>): AsyncIterator<unknown> {
  if (source instanceof Readable) return source.iterator({ destroyOnReturn: false });
  if (source instanceof ReadableStream) return iterateWebStream(source as ReadableStream<unknown>);
  return source[Symbol.asyncIterator]();
}

/** What makes a new iterator each time can be sent again; what is its own iterator, or a stream, can't. */
function noteUse(source: object, iterator: AsyncIterator<unknown>): void {
  if (
    (source as unknown) === iterator ||
    source instanceof Readable ||
    source instanceof ReadableStream
  )
    USED.add(source);
}

/** Its own iterator would hold back `return()` until the read under way is over, which may be never. */
function iterateWebStream(stream: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/**
 * The rest will not be read: lets go of what the stream holds. An inbound request of `node:http` is
 * spared: destroying it would cut the socket on which its own answer still has to go out.
 */
export function abandonSource(source: AsyncIterable<unknown>, isBeingRead = false): void {
  if (!isBeingRead && USED.has(source)) return; // another call is reading it
  try {
    if (source instanceof Readable) {
      if ('complete' in source) return;
      source.on('error', ignore); // a file that could not be opened says so only now
      source.destroy();
    } else if (source instanceof ReadableStream) {
      if (!source.locked) source.cancel().catch(ignore);
    } else {
      const iterator = source[Symbol.asyncIterator]();
      noteUse(source, iterator);
      iterator.return?.().catch(ignore);
    }
  } catch {
    // a hand-written iterable that throws: the call has failed for a better reason already
  }
}

/** The same for a body that was given but never looked at: its request was refused. */
export function abandonInput(input: unknown): void {
  if (typeof input === 'object' && input !== null && Symbol.asyncIterator in input)
    abandonSource(input as AsyncIterable<unknown>);
}

/** The same for the body of a request that may not even be an object. */
export function abandonBodyOf(request: unknown): void {
  try {
    abandonInput((request as { body?: unknown } | null)?.body);
  } catch {
    // a getter that throws: there is nothing to let go of
  }
}

/** One piece of a stream as bytes to write. */
export function toPiece(piece: unknown): string | Uint8Array {
  if (typeof piece === 'string' || piece instanceof Uint8Array) return piece;
  throw invalidRequest(`a body stream gave ${show(piece)}; allowed: string, Uint8Array`);
}

function ignore(): void {
  // said where it is used
}

function bytes(
  value: string | Uint8Array,
  length: number,
  contentType: string | undefined,
): RequestBody {
  return { kind: 'bytes', bytes: value, length, contentType };
}
