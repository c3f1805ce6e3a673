/** A body as an async iterator: `for await (const piece of res.body)`. Leaving the loop gives the rest up. */
import { rejection } from '../diagnostics/call-stack.js';
import type { BodyReader } from './body-flow.js';
import type { ResponseBody } from './response-body.js';

type Step = IteratorResult<Uint8Array, undefined>;

export class BodyIterator implements AsyncIterableIterator<Uint8Array>, BodyReader {
  readonly #body: ResponseBody;
  /** While the iterator is held, its response does not look dropped (leaks.ts). */
  readonly owner: object | undefined;
  #resolve: ((step: Step | Promise<never>) => void) | undefined = undefined;
  #hasLeft = false;

  /** The body is claimed for it. */
  constructor(body: ResponseBody, owner: object | undefined) {
    this.#body = body;
    this.owner = owner;
  }

  next(): Promise<Step> {
    if (this.#hasLeft) return Promise.resolve({ done: true, value: undefined });
    const piece = this.#body.next();
    if (piece !== undefined) return Promise.resolve({ done: false, value: piece });
    if (this.#resolve !== undefined) return Promise.reject(this.#body.busyError());
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#body.wait(this);
    });
  }

  return(): Promise<Step> {
    this.#hasLeft = true;
    this.#body.leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  gotPiece(piece: Buffer): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.({ done: false, value: piece });
  }

  gotEnd(): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.({ done: true, value: undefined });
  }

  gotError(error: unknown): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.(rejection(error));
  }
}
