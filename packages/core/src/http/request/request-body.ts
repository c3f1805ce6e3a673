/**
 * `RequestBody`: the bytes of one inbound request, under its limits. node:http has none: a body may be
 * endless, stall for ever, or drip.
 *
 *     unread ──bytes()──▶ collecting ──▶ collected | failed
 *        └────stream()──▶ streaming
 *
 * Too many bytes are a 413 as soon as there is one too many; a pause longer than `bodyTimeout`, while the
 * body is waited for, is a 408; so is a collected body that drips (`minBodyBytesPerSecond`). A stream that its reader
 * pauses is not stalled. A body that cannot come any more, because the client has left or the response is out,
 * is an error at once. What stays unread is write-response.ts's business.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { CONSTANTS } from '../../constants.js';
import { HotaruError } from '../../errors.js';
import { ByteCollector } from './byte-collector.js';
import type { Exchange } from '../exchange.js';
import { wireError, type HttpError } from '../response/http-error.js';
import { isReadAnyway } from '../../inbound/node-http/linger.js';
import type { HttpSafety } from './safety.js';

const EMPTY = Buffer.alloc(0);

export class RequestBody {
  readonly #exchange: Exchange;
  readonly #safety: HttpSafety;
  #collected: Promise<Buffer> | undefined = undefined;
  #stream: Readable | undefined = undefined;
  #source: BodySource | undefined = undefined;

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

  /** What is being read fails; what is not read yet fails when it is. */
  fail(error: Error): void {
    this.#source?.fail(error);
  }

  #collect(): Promise<Buffer> {
    const { request } = this.#exchange;
    if (!this.#exchange.hasBody) return Promise.resolve(EMPTY);
    const reason = whyUnreadable(this.#exchange);
    if (reason !== undefined) return Promise.reject(reason);
    const collector = new ByteCollector();
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const source = this.#listen({
        data: (chunk) => {
          collector.add(chunk);
          const elapsedMs = performance.now() - started;
          if (elapsedMs > CONSTANTS.minBodyRateGraceMs && isDripping(collector.size, elapsedMs))
            source.fail(wireError('HOTARU_REQUEST_BODY_TIMEOUT', 'the request body drips'));
        },
        end: () => resolve(collector.take()),
        fail: (error) => {
          request.pause();
          reject(error);
        },
      });
      source.wait();
    });
  }

  #open(): Readable {
    if (!this.#exchange.hasBody) return Readable.from([], { objectMode: false });
    return new BodyStream(this.#exchange, (sink) => this.#listen(sink));
  }

  #listen(sink: BodySink): BodySource {
    return (this.#source = new BodySource(this.#exchange, this.#safety, sink));
  }
}

/** The body as its reader takes it. */
class BodyStream extends Readable implements BodySink {
  readonly #exchange: Exchange;
  readonly #listen: (sink: BodySink) => BodySource;
  #source: BodySource | undefined = undefined;
  /** Small pieces of this turn of the event loop. */
  readonly #pending = new ByteCollector();
  #flush: NodeJS.Immediate | undefined = undefined;
  /** The reader has enough: nothing more is taken from the socket after this turn. */
  #isFull = false;

  constructor(exchange: Exchange, listen: (sink: BodySink) => BodySource) {
    super();
    this.#exchange = exchange;
    this.#listen = listen;
    // A client that leaves must not end the process because a handler has dropped the stream.
    this.on('error', ignore);
  }

  override _read(): void {
    this.#isFull = false;
    if (this.#source === undefined) {
      const reason = whyUnreadable(this.#exchange);
      if (reason !== undefined) {
        this.destroy(reason);
        return;
      }
      this.#source = this.#listen(this);
    }
    this.#source.wait();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearImmediate(this.#flush);
    this.#source?.leave();
    this.#exchange.request.pause();
    done(error);
  }

  data(chunk: Buffer): void {
    if (chunk.length >= CONSTANTS.smallPieceBytes && this.#pending.size === 0)
      this.#isFull = !this.push(chunk);
    else this.#pending.add(chunk);
    // Not paused here: what is left of this socket read would be kept piece by piece.
    if (this.#isFull || this.#pending.size > 0)
      this.#flush ??= setImmediate(() => this.#endOfTurn());
  }

  end(): void {
    this.#pushPending();
    this.push(null);
  }

  fail(error: Error): void {
    this.#pushPending();
    this.destroy(error);
  }

  #endOfTurn(): void {
    this.#flush = undefined;
    this.#pushPending();
    if (!this.#isFull) return;
    // After the response, the rest of a small body is read even if its reader is gone: for the next request.
    if (this.#exchange.isWritten && isReadAnyway(this.#exchange.contentLength)) return;
    this.#exchange.request.pause();
    this.#source?.rest();
  }

  #pushPending(): void {
    if (this.#pending.size > 0) this.#isFull = !this.push(this.#pending.take());
  }
}

/** Why nothing can come of a body that was not read yet; undefined when it can. */
function whyUnreadable(exchange: Exchange): Error | undefined {
  const { request, response } = exchange;
  if (exchange.bodyFailure !== undefined) return exchange.bodyFailure;
  if (exchange.isWritten && response.writableEnded)
    return new HotaruError(
      'HOTARU_REQUEST_BODY_USED',
      'the response was sent already, and the unread request body was dropped with it',
    );
  if (exchange.isGone || request.destroyed)
    return wireError('HOTARU_CLIENT_GONE', 'the client left before its body was read');
  if (request.readableEnded)
    return new HotaruError(
      'HOTARU_REQUEST_BODY_USED',
      'the request body was read before the request came to the app',
    );
  return undefined;
}

interface BodySink {
  data(chunk: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

/** The listeners on a request, its size so far and its stall timer; all gone when it has ended. */
class BodySource {
  /** Undefined at the end, as the sink is: the request outlives it on an idle connection, and the body with it. */
  #exchange: Exchange | undefined;
  readonly #request: IncomingMessage;
  readonly #safety: HttpSafety;
  #sink: BodySink | undefined;
  #size = 0;
  #isOver = false;
  /** For bytes, without a timer yet. */
  #isWaiting = false;
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

  /** The reader waits for bytes: the clock runs. */
  wait(): void {
    if (this.#request.isPaused()) this.#request.resume();
    if (this.#timer !== undefined) this.#timer.refresh();
    else if (this.#safety.bodyTimeout !== Infinity && !this.#isWaiting) {
      // Most bodies are here within this turn and need no timer.
      this.#isWaiting = true;
      atEndOfTurn(this);
    }
  }

  /** The body is not whole at the end of the turn: from here on a timer looks after it. */
  startClock(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#timer = setTimeout(this.#onStall, this.#safety.bodyTimeout);
  }

  /** The reader has enough: the clock stops. */
  rest(): void {
    this.#isWaiting = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  leave(): void {
    this.#over();
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('error', this.#onLost);
    this.#request.off('close', this.#onLost);
  }

  #over(): void {
    this.#isOver = true;
    this.rest();
    this.#exchange = undefined;
    this.#sink = undefined;
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    const sink = this.#sink;
    if (this.#exchange !== undefined) this.#exchange.bodyFailure = error;
    this.leave();
    sink?.fail(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#size += chunk.length;
    if (this.#size > this.#safety.maxBodySize) {
      this.fail(bodyTooLarge(this.#safety.maxBodySize));
      return;
    }
    this.#timer?.refresh();
    this.#sink?.data(chunk);
  };

  readonly #onEnd = (): void => {
    // The listeners stay: nothing that they listen for matters any more, and taking them off has its price.
    const sink = this.#sink;
    this.#over();
    sink?.end();
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
    if (!this.#isOver)
      this.fail(wireError('HOTARU_CLIENT_GONE', 'the client left before its body was here'));
  };
}

/** All that began to wait in this turn of the event loop share one callback at its end. */
let beginners: BodySource[] = [];

function atEndOfTurn(source: BodySource): void {
  if (beginners.push(source) === 1) setImmediate(startClocks);
}

function startClocks(): void {
  const sources = beginners;
  beginners = [];
  for (const source of sources) source.startClock();
}

export function bodyTooLarge(maxBodySize: number): HttpError {
  return wireError('HOTARU_BODY_TOO_LARGE', `the request body is larger than ${maxBodySize} bytes`);
}

/** @param elapsedMs since the first byte was waited for. */
export function isDripping(bytes: number, elapsedMs: number): boolean {
  return bytes < (CONSTANTS.minBodyBytesPerSecond * elapsedMs) / 1_000;
}

function ignore(): void {
  // see BodyStream
}
