/**
 * Pumps a streamed request body from its source: asks for a piece, gives it away, waits while there is no room. The one
 * place where a caller's stream is read, and where its length is held to what was announced, whatever protocol frames it.
 *
 *   pumping ⇄ blocked                   there is no room; `resume()` when there is again
 *      │  ╲      │
 *      │   ╲─────┴──▶ stopped           the rest is not wanted: early response, abort, dead connection
 *      ├──▶ done                        the source has ended and every byte was handed over
 *      └──▶ failed                      the source threw, or gave more or fewer bytes than announced
 */
import { Readable } from 'node:stream';
import { invalidRequest, RequestError } from '../errors.js';
import { abandonSource, iterateSource, refuseUsed, toPiece } from '../message/request-body.js';

export interface UploadTarget {
  /** Takes a piece, which is not empty. False: no more until `resume()`, which follows later, or `stop()`. */
  takePiece(piece: Uint8Array | string, length: number): boolean;
  /** The source has ended, with as many bytes as were announced. */
  uploadDone(): void;
  uploadFailed(error: Error): void;
}

export class Upload {
  readonly #target: UploadTarget;
  readonly #source: AsyncIterable<unknown>;
  #iterator: AsyncIterator<unknown> | undefined = undefined;
  /** Announced length; −1 for none. */
  readonly #length: number;
  #sent = 0;
  #state: 'pumping' | 'blocked' | 'done' | 'stopped' | 'failed' = 'pumping';
  /** Ends the wait while it is blocked. */
  #wake: () => void = noop;

  constructor(source: AsyncIterable<unknown>, length: number, target: UploadTarget) {
    this.#source = source;
    this.#length = length;
    this.#target = target;
  }

  start(): void {
    if (!this.#isPumping()) return;
    this.#pump().catch((error: unknown) => {
      if (!this.#isPumping()) return;
      this.#giveUp('failed');
      this.#target.uploadFailed(error as Error);
    });
  }

  /** There is room again. */
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
      if (!this.#target.takePiece(piece, length) && this.#isPumping()) await this.#room();
      if (!this.#isPumping()) return;
    }
    if (this.#length !== -1 && this.#sent < this.#length)
      throw invalidRequest(
        `the body ended after ${this.#sent} bytes, but its content-length is ${this.#length}`,
      );
    this.#state = 'done';
    this.#target.uploadDone();
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

  /** Resolves when there is room again, or when the upload was stopped. */
  #room(): Promise<void> {
    this.#state = 'blocked';
    return new Promise<void>((resolve) => (this.#wake = resolve));
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
