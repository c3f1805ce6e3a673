/**
 * Writes a streamed request body: pulls a piece, frames it, waits while the socket is full.
 *
 *   pumping ──▶ done                    the source has ended and every byte was handed to the socket
 *          ├──▶ stopped                 nobody wants the rest: early response, abort, dead connection
 *          └──▶ failed                  the source threw, or gave more or fewer bytes than announced
 */
import { Readable } from 'node:stream';
import { invalidRequest } from '../../errors.js';
import { abandonSource, iterateSource, toPiece } from '../../message/request-body.js';

export interface UploadTarget {
  /** False when the socket is full; `resume()` follows. */
  write(bytes: Uint8Array | string, encoding: BufferEncoding): boolean;
  cork(): void;
  uncork(): void;
}

export interface UploadEvents {
  uploadDone(): void;
  uploadFailed(error: Error): void;
  /** The socket is full, or takes bytes again: for the clock that watches a stalled peer. */
  uploadBlocked(isBlocked: boolean): void;
}

export class Upload {
  readonly #target: UploadTarget;
  readonly #events: UploadEvents;
  readonly #source: AsyncIterable<unknown>;
  #iterator: AsyncIterator<unknown> | undefined = undefined;
  /** Announced length; −1 for chunked. */
  readonly #length: number;
  #sent = 0;
  #isOver = false;
  #isDone = false;
  #wake: (() => void) | undefined = undefined;

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

  /** Has every byte been handed to the socket? */
  get isDone(): boolean {
    return this.#isDone;
  }

  start(): void {
    this.#pump().catch((error: unknown) => {
      if (this.#isOver) return;
      this.stop();
      this.#events.uploadFailed(error as Error);
    });
  }

  /** The socket takes bytes again. */
  resume(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Reads no more of the source and tells it so. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.resume();
    // A source may be stuck in its own next(): never wait for it, and its error is nobody's any more.
    try {
      this.#iterator?.return?.().catch(() => undefined);
    } catch {
      // a hand-written iterator whose return() throws
    }
    if (this.#iterator === undefined || this.#source instanceof Readable)
      abandonSource(this.#source);
  }

  async #pump(): Promise<void> {
    const iterator = (this.#iterator = iterateSource(this.#source));
    for (;;) {
      const result = await iterator.next();
      if (this.#isOver) return;
      if (result.done === true) break;
      const piece = toPiece(result.value);
      const length = typeof piece === 'string' ? Buffer.byteLength(piece) : piece.byteLength;
      if (length === 0) continue; // an empty chunk would end a chunked body
      this.#sent += length;
      if (this.#length !== -1 && this.#sent > this.#length)
        throw invalidRequest(`the body is longer than its content-length of ${this.#length} bytes`);
      if (!this.#write(piece, length)) {
        this.#events.uploadBlocked(true);
        await new Promise<void>((resolve) => (this.#wake = resolve));
        if (this.#mustStop()) return;
        this.#events.uploadBlocked(false);
      }
    }
    if (this.#length !== -1 && this.#sent < this.#length)
      throw invalidRequest(
        `the body ended after ${this.#sent} bytes, but its content-length is ${this.#length}`,
      );
    if (this.#length === -1) this.#target.write('0\r\n\r\n', 'latin1');
    this.#isOver = true;
    this.#isDone = true;
    this.#events.uploadDone();
  }

  /** A method, because the compiler can't see that `stop()` ran while we waited. */
  #mustStop(): boolean {
    return this.#isOver;
  }

  #write(piece: Uint8Array | string, length: number): boolean {
    if (this.#length !== -1) return this.#target.write(piece, 'utf8');
    this.#target.cork();
    this.#target.write(`${length.toString(16)}\r\n`, 'latin1');
    this.#target.write(piece, 'utf8');
    const hasRoom = this.#target.write('\r\n', 'latin1');
    this.#target.uncork();
    return hasRoom;
  }
}
