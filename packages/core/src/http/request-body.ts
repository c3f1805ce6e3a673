/**
 * `RequestBody`: the bytes of one inbound request, under its limits. node:http has none: a body may be
 * endless, stall for ever, or drip.
 *
 *     unread ──bytes()──▶ collecting ──▶ collected | failed
 *        └────stream()──▶ streaming
 *
 * Too many bytes are a 413 as soon as there is one too many; a pause longer than `bodyTimeout`, while
 * somebody waits for the body, is a 408; so is a collected body that drips (`MIN_BODY_RATE`). A stream that
 * its reader pauses is not stalled. What stays unread is write-response.ts's business.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { HotaruError } from '../errors.js';
import type { Exchange } from './exchange.js';
import { wireError, type HttpError } from './http-error.js';
import { MIN_BODY_RATE, type HttpSafety } from './safety.js';

const EMPTY = Buffer.alloc(0);

export class RequestBody {
  readonly #exchange: Exchange;
  readonly #safety: HttpSafety;
  #collected: Promise<Buffer> | undefined = undefined;
  #stream: Readable | undefined = undefined;

  constructor(exchange: Exchange, safety: HttpSafety) {
    this.#exchange = exchange;
    this.#safety = safety;
  }

  /**
   * The whole body; the same promise however often it is asked for.
   *
   * @throws HttpError 413, 408; HotaruError `HOTARU_REQUEST_BODY_USED` when it was taken as a stream.
   */
  bytes(): Promise<Buffer> {
    if (this.#stream !== undefined)
      return Promise.reject(
        new HotaruError('HOTARU_REQUEST_BODY_USED', 'the request body was taken as a stream'),
      );
    return (this.#collected ??= this.#collect());
  }

  /** @throws HotaruError `HOTARU_REQUEST_BODY_USED` when it was read before. */
  stream(): Readable {
    if (this.#collected !== undefined)
      throw new HotaruError('HOTARU_REQUEST_BODY_USED', 'the request body was read already');
    return (this.#stream ??= this.#open());
  }

  #collect(): Promise<Buffer> {
    const { request } = this.#exchange;
    if (!this.#exchange.hasBody) return Promise.resolve(EMPTY);
    const chunks: Buffer[] = [];
    const started = performance.now();
    let size = 0;
    return new Promise((resolve, reject) => {
      const source = this.#listen({
        data: (chunk) => {
          chunks.push(chunk);
          size += chunk.length;
          const elapsedMs = performance.now() - started;
          if (elapsedMs > MIN_BODY_RATE.graceMs && isDripping(size, elapsedMs))
            source.fail(wireError('HOTARU_REQUEST_BODY_TIMEOUT', 'the request body drips'));
        },
        end: () =>
          resolve(chunks.length === 1 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks, size)),
        fail: (error) => {
          request.pause();
          reject(error);
        },
      });
      source.wait();
    });
  }

  #open(): Readable {
    const { request } = this.#exchange;
    if (!this.#exchange.hasBody) return Readable.from([], { objectMode: false });
    let source: BodySource | undefined;
    const stream = new Readable({
      read: () => {
        source ??= this.#listen({
          data: (chunk) => {
            if (stream.push(chunk)) return;
            request.pause();
            source?.rest();
          },
          end: () => stream.push(null),
          fail: (error) => stream.destroy(error),
        });
        source.wait();
      },
      destroy: (error, done) => {
        source?.leave();
        request.pause();
        done(error);
      },
    });
    return stream;
  }

  #listen(sink: BodySink): BodySource {
    return new BodySource(this.#exchange, this.#safety, sink);
  }
}

interface BodySink {
  data(chunk: Buffer): void;
  end(): void;
  fail(error: HttpError): void;
}

/** The listeners on a request, its size so far and its stall timer; all gone when it has ended. */
class BodySource {
  readonly #exchange: Exchange;
  readonly #request: IncomingMessage;
  readonly #safety: HttpSafety;
  readonly #sink: BodySink;
  #size = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(exchange: Exchange, safety: HttpSafety, sink: BodySink) {
    this.#exchange = exchange;
    this.#request = exchange.request;
    this.#safety = safety;
    this.#sink = sink;
    if (exchange.awaitsContinue) {
      exchange.awaitsContinue = false;
      exchange.response.writeContinue();
    }
    this.#request.on('data', this.#onData);
    this.#request.on('end', this.#onEnd);
    this.#request.on('error', this.#onLost);
    this.#request.on('close', this.#onLost);
  }

  /** Somebody waits for bytes: the clock runs. */
  wait(): void {
    if (this.#request.isPaused()) this.#request.resume();
    if (this.#timer !== undefined) this.#timer.refresh();
    else if (this.#safety.bodyTimeout !== Infinity)
      this.#timer = setTimeout(this.#onStall, this.#safety.bodyTimeout);
  }

  /** Nobody waits: the clock stops. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  leave(): void {
    this.rest();
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('error', this.#onLost);
    this.#request.off('close', this.#onLost);
  }

  fail(error: HttpError): void {
    this.leave();
    this.#exchange.isBodyBroken = true;
    this.#sink.fail(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#size += chunk.length;
    if (this.#size > this.#safety.maxBodySize) {
      this.fail(bodyTooLarge(this.#safety.maxBodySize));
      return;
    }
    this.#timer?.refresh();
    this.#sink.data(chunk);
  };

  readonly #onEnd = (): void => {
    this.leave();
    this.#sink.end();
  };

  readonly #onStall = (): void => {
    this.fail(
      wireError(
        'HOTARU_REQUEST_BODY_TIMEOUT',
        `no byte of the body for ${this.#safety.bodyTimeout} ms`,
      ),
    );
  };

  readonly #onLost = (): void => {
    this.fail(wireError('HOTARU_CLIENT_GONE', 'the client left before its body was here'));
  };
}

export function bodyTooLarge(maxBodySize: number): HttpError {
  return wireError('HOTARU_BODY_TOO_LARGE', `the request body is larger than ${maxBodySize} bytes`);
}

/** @param elapsedMs since the first byte was waited for. */
export function isDripping(bytes: number, elapsedMs: number): boolean {
  return bytes < (MIN_BODY_RATE.bytesPerSecond * elapsedMs) / 1_000;
}
