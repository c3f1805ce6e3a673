/**
 * `ctx.stream`: the body of a request as it comes, for one reader. It is its own iterator: what was read of it is
 * gone, and to read it a second time is an error, never an empty body. Limits, clocks and backpressure are those
 * of the stream below it (request-body.ts).
 */
import { Readable } from 'node:stream';
import { HotaruError } from '../../errors.js';

/**
 * Iterates as pieces of bytes; a slow reader slows the client down. It is what the body of a call takes
 * (`ctx.sendRequest(target, { method: 'PUT', body: ctx.stream })`), what a handler may return, and what
 * `pipeline()` and `Readable.from()` of `node:stream` take. Leaving a loop early gives the rest up.
 *
 * @example
 * for await (const piece of ctx.stream) hash.update(piece);
 * await pipeline(ctx.stream, createWriteStream('upload.bin'));
 * ctx.stream.toReadable().pipe(parser); // as a stream of Node, for what takes nothing else
 */
export class RequestStream implements AsyncIterableIterator<Uint8Array> {
  readonly #readable: Readable;
  #pieces: AsyncIterator<Uint8Array> | undefined = undefined;

  /** @internal Made by the framework. */
  constructor(readable: Readable) {
    this.#readable = readable;
  }

  /** @throws HotaruError `HOTARU_REQUEST_BODY_USED` when it has ended or was given up; what it failed with. */
  [Symbol.asyncIterator](): this {
    const { errored, destroyed, readableEnded } = this.#readable;
    if (errored !== null) throw errored;
    if (destroyed || readableEnded)
      throw new HotaruError(
        'HOTARU_REQUEST_BODY_USED',
        'the request body was read to its end, or given up, before',
      );
    return this;
  }

  /** @throws HttpError 413, 408, and what else the body can fail with. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#pieces ??= this.#readable.iterator({ destroyOnReturn: false });
    return this.#pieces.next();
  }

  /** Gives up what is left; also while `next()` waits, which fails then. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#readable.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Was anything read of it, or was it given up? `Readable.isDisturbed()` asks so, and with it a call that is to send it. */
  get readableDidRead(): boolean {
    return Readable.isDisturbed(this.#readable);
  }

  /** The same body as a stream of Node: to pipe it, to pause it, or to throw it away with `resume()`. */
  toReadable(): Readable {
    return this.#readable;
  }
}
