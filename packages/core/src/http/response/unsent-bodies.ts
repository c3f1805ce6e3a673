/**
 * The streams that a request's handler and middleware came up with. One of them, at most, is sent; the others
 * are cancelled when the response is out, for a descriptor or a connection may hang on each.
 *
 *     noted ──taken()──▶ sent by pump.ts, which cancels it if it cannot be sent whole
 *       └────close()──▶ cancelled
 *
 * Not before the response is out: a middleware may still read a body that it has replaced, to send what it
 * makes of it.
 */
import { Readable } from 'node:stream';
import { cancelSource } from './pump.js';
import type { StreamSource } from './response.js';

export class UnsentBodies {
  readonly #noted = new Set<StreamSource>();
  #taken: StreamSource | undefined = undefined;
  #isClosed = false;

  note(source: StreamSource): void {
    if (source === this.#taken || this.#noted.has(source)) return;
    this.#noted.add(source);
    // It may fail before it is read: pump.ts hears of it then, and until then it is no uncaught exception.
    if (source instanceof Readable) source.on('error', ignore);
    if (this.#isClosed) cancelSource(source);
  }

  /** It is being sent. */
  taken(source: StreamSource): void {
    this.#noted.delete(source);
    this.#taken = source;
  }

  /** The response is out: what is left, and what is still noted, is cancelled. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const source of this.#noted) cancelSource(source);
  }
}

function ignore(): void {
  // see note()
}
