/** A body as a stream, of the web and of Node. Both are filled on demand only, and hold their response. */
import { Readable } from 'node:stream';
import type { BodyReader } from './body-flow.js';
import type { ResponseBody } from './response-body.js';

/** A real `ReadableStream`; iterating it from the start bypasses the stream machinery. */
export class BodyStream extends ReadableStream<Uint8Array> {
  readonly #body: ResponseBody;
  readonly #source: StreamSource;
  /** While the stream is held, its response does not look dropped (leaks.ts). */
  readonly owner: object;

  constructor(body: ResponseBody, owner: object) {
    const source = new StreamSource(body);
    super(source, { highWaterMark: 0 });
    this.#body = body;
    this.#source = source;
    this.owner = owner;
  }

  override [Symbol.asyncIterator](): ReturnType<ReadableStream<Uint8Array>['values']> {
    if (this.locked) throw this.#body.usedError('the body stream is locked');
    // A reader was here before: what it left is in the stream's hands.
    if (this.#source.hasBegun) return super[Symbol.asyncIterator]();
    return this.#body.iterate(this.owner) as unknown as ReturnType<
      ReadableStream<Uint8Array>['values']
    >;
  }
}

class StreamSource implements BodyReader {
  readonly #body: ResponseBody;
  hasBegun = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined = undefined;
  #pulled: (() => void) | undefined = undefined;

  constructor(body: ResponseBody) {
    this.#body = body;
  }

  pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> | undefined {
    if (!this.hasBegun) {
      this.#body.claim(); // what it throws is the stream's error
      this.hasBegun = true;
    }
    const piece = this.#body.next();
    if (piece !== undefined) {
      controller.enqueue(piece);
      return undefined;
    }
    this.#controller = controller;
    return new Promise((resolve) => {
      this.#pulled = resolve;
      this.#body.wait(this);
    });
  }

  cancel(): void {
    this.#controller = undefined;
    if (this.hasBegun) this.#body.leave();
    else this.#body.discard();
  }

  gotPiece(piece: Buffer): void {
    this.#controller?.enqueue(piece);
    this.#pulled?.();
  }

  gotEnd(): void {
    this.#controller?.close();
    this.#pulled?.();
  }

  gotError(error: unknown): void {
    this.#controller?.error(error);
    this.#pulled?.();
  }
}

export class BodyReadable extends Readable implements BodyReader {
  readonly #body: ResponseBody;
  /** While the stream is held, its response does not look dropped (leaks.ts). */
  readonly owner: object;

  /** @throws RequestError `HOTARU_BODY_USED` */
  constructor(body: ResponseBody, owner: object) {
    super();
    body.claim();
    this.#body = body;
    this.owner = owner;
  }

  override _read(): void {
    const piece = this.#body.next();
    if (piece === undefined) this.#body.wait(this);
    else {
      this.push(piece);
      if (this.#body.isAtEnd) this.push(null); // saves the small body another turn
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#body.leave();
    done(error);
  }

  gotPiece(piece: Buffer): void {
    try {
      this.push(piece);
    } catch (error) {
      // A listener threw while the connection was being read: it is the listener's, not a failure of the connection.
      process.nextTick(() => {
        throw error;
      });
    }
  }

  gotEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  gotError(error: unknown): void {
    this.destroy(error as Error);
  }
}
