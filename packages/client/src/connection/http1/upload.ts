/**
 * Writes a streamed request body: pulls a piece, frames it, waits while the socket is full.
 *
 *   pumping ⇄ blocked                   the socket is full; `resume()` when it takes bytes again
 *      │  ╲      │
 *      │   ╲─────┴──▶ stopped           the rest is not wanted: early response, abort, dead connection
 *      ├──▶ done                        the source has ended and every byte was handed to the socket
 *      └──▶ failed                      the source threw, or gave more or fewer bytes than announced
 */
import { Readable } from 'node:stream';
import { CHUNK_END, chunkHead, LAST_CHUNK } from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';
import { invalidRequest, RequestError } from '../../errors.js';
import { abandonSource, iterateSource, refuseUsed, toPiece } from '../../message/request-body.js';

export interface UploadTarget {
  /** False when the socket is full; `resume()` follows. */
  write(bytes: Uint8Array | string, encoding: BufferEncoding): boolean;
  cork(): void;
  uncork(): void;
}

export interface UploadEvents {
  /** Every byte was handed to the socket; `hasRoom` as the last write said it. */
  uploadDone(hasRoom: boolean): void;
  uploadFailed(error: Error): void;
  /** The socket is full: call `resume()` when it takes bytes again. */
  uploadBlocked(): void;
}

export class Upload {
  readonly #target: UploadTarget;
  readonly #events: UploadEvents;
  readonly #source: AsyncIterable<unknown>;
  #iterator: AsyncIterator<unknown> | undefined = undefined;
  /** Announced length; −1 for chunked. */
  readonly #length: number;
  #sent = 0;
  #state: 'pumping' | 'blocked' | 'done' | 'stopped' | 'failed' = 'pumping';
  /** Ends the wait while it is blocked. */
  #wake: () => void = noop;

  constructor(
    source: AsyncIterable<unknown>,
    length: number,
    target: UploadTarget,
    events: UploadEvents,
  ) {
    this.#source = source;
    this.#length = length;
    this.#target = target;
    this.#events = events;
  }

  start(): void {
    if (!this.#isPumping()) return;
    this.#pump().catch((error: unknown) => {
      if (!this.#isPumping()) return;
      this.#giveUp('failed');
      this.#events.uploadFailed(error as Error);
    });
  }

  /** The socket takes bytes again. */
  resume(): void {
    if (this.#state !== 'blocked') return;
    this.#state = 'pumping';
    this.#wake();
  }

  /** Reads no more of the source and tells it so. */
  stop(): void {
    if (this.#state === 'pumping' || this.#state === 'blocked') this.#giveUp('stopped');
  }

  #giveUp(state: 'stopped' | 'failed'): void {
    this.#state = state;
    this.#wake();
    // A source may be stuck in its own next(): it is not waited for, and its errors mean nothing any more.
    try {
      this.#iterator?.return?.().catch(() => undefined);
    } catch {
      // a hand-written iterator whose return() throws
    }
    if (this.#iterator === undefined || this.#source instanceof Readable)
      abandonSource(this.#source, this.#iterator !== undefined);
  }

  async #pump(): Promise<void> {
    const iterator = this.#open();
    for (;;) {
      let isDone: boolean;
      let value: unknown;
      try {
        const result = await iterator.next();
        isDone = result.done === true;
        value = isDone ? undefined : result.value;
      } catch (error) {
        throw bodyFailed(error);
      }
      if (!this.#isPumping()) return;
      if (isDone) break;
      const piece = toPiece(value);
      const length = typeof piece === 'string' ? Buffer.byteLength(piece) : piece.byteLength;
      if (length === 0) continue; // an empty chunk would end a chunked body
      this.#sent += length;
      if (this.#length !== -1 && this.#sent > this.#length)
        throw invalidRequest(`the body is longer than its content-length of ${this.#length} bytes`);
      if (length <= CONSTANTS.uploadSliceBytes) {
        if (!this.#write(piece, length)) await this.#room();
      } else await this.#writeSlices(typeof piece === 'string' ? Buffer.from(piece) : piece);
      if (!this.#isPumping()) return;
    }
    if (this.#length !== -1 && this.#sent < this.#length)
      throw invalidRequest(
        `the body ended after ${this.#sent} bytes, but its content-length is ${this.#length}`,
      );
    const hasRoom = this.#length !== -1 || this.#target.write(LAST_CHUNK, 'latin1');
    this.#state = 'done';
    this.#events.uploadDone(hasRoom);
  }

  #open(): AsyncIterator<unknown> {
    refuseUsed(this.#source);
    try {
      return (this.#iterator = iterateSource(this.#source));
    } catch (error) {
      throw bodyFailed(error);
    }
  }

  /** A method, because the compiler can't see that `stop()` ran while we waited. */
  #isPumping(): boolean {
    return this.#state === 'pumping';
  }

  /** Resolves when the socket takes bytes again, or when the upload was stopped. */
  #room(): Promise<void> {
    this.#state = 'blocked';
    const room = new Promise<void>((resolve) => (this.#wake = resolve));
    this.#events.uploadBlocked();
    return room;
  }

  #write(piece: Uint8Array | string, length: number): boolean {
    if (this.#length !== -1) return this.#target.write(piece, 'utf8');
    this.#target.cork();
    this.#target.write(chunkHead(length), 'latin1');
    this.#target.write(piece, 'utf8');
    const hasRoom = this.#target.write(CHUNK_END, 'latin1');
    this.#target.uncork();
    return hasRoom;
  }

  /** A large piece, one chunk in several writes: each that the peer takes is progress to be seen. */
  async #writeSlices(piece: Uint8Array): Promise<void> {
    const isChunked = this.#length === -1;
    const length = piece.byteLength;
    if (isChunked) this.#target.write(chunkHead(length), 'latin1');
    for (let at = 0; at < length; at += CONSTANTS.uploadSliceBytes) {
      const slice = piece.subarray(at, at + CONSTANTS.uploadSliceBytes);
      if (!this.#target.write(slice, 'utf8')) await this.#room();
      if (!this.#isPumping()) return;
      if (piece.byteLength !== length)
        throw invalidRequest('a piece of the body was transferred or resized while it was sent');
    }
    if (isChunked && !this.#target.write(CHUNK_END, 'latin1')) await this.#room();
  }
}

function bodyFailed(cause: unknown): RequestError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new RequestError('HOTARU_REQUEST_BODY_FAILED', `the request body failed: ${what}`, {
    cause,
  });
}

function noop(): void {
  // replaced when it is blocked
}
