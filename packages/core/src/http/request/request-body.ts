/**
 * `RequestBody`: the bytes of one inbound request, under its limits: without them it may be endless,
 * stall for ever, or drip.
 *
 *     unread ──bytes()──▶ collecting ──▶ collected | failed
 *        └────stream()──▶ streaming
 *
 * Too many bytes are a 413 as soon as there is one too many; a pause longer than `bodyTimeout`, while the
 * body is waited for, is a 408; so is a collected body that drips (`minBodyBytesPerSecond`). A stream that its reader
 * pauses is not stalled. A body that cannot come any more, because the client has left or the response is out,
 * is an error at once. What stays unread is its transport's business.
 */
import { Readable } from 'node:stream';
import { CONSTANTS } from '../../constants.js';
import { HotaruError } from '../../errors.js';
import type { BodySink, Inbound } from '../../inbound/inbound.js';
import type { Exchange } from '../exchange.js';
import { wireError, type HttpError } from '../response/http-error.js';
import { ByteCollector } from './byte-collector.js';
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
    const { inbound } = this.#exchange;
    if (inbound.bodyLength === 0) return Promise.resolve(EMPTY);
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
          inbound.pauseBody();
          reject(error);
        },
      });
      source.wait();
    });
  }

  #open(): Readable {
    if (this.#exchange.inbound.bodyLength === 0) return Readable.from([], { objectMode: false });
    return new BodyStream(this.#exchange, (reader) => this.#listen(reader));
  }

  #listen(reader: Reader): BodySource {
    return (this.#source = new BodySource(this.#exchange, this.#safety, reader));
  }
}

/** The body as its reader takes it. */
class BodyStream extends Readable implements Reader {
  readonly #exchange: Exchange;
  readonly #listen: (reader: Reader) => BodySource;
  #source: BodySource | undefined = undefined;
  /** Small pieces of this turn of the event loop. */
  readonly #pending = new ByteCollector();
  #flush: NodeJS.Immediate | undefined = undefined;
  /** The reader has enough: nothing more is taken from the socket after this turn. */
  #isFull = false;

  constructor(exchange: Exchange, listen: (reader: Reader) => BodySource) {
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
    this.#exchange.inbound.pauseBody();
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
    this.#exchange.inbound.pauseBody();
    this.#source?.rest();
  }

  #pushPending(): void {
    if (this.#pending.size > 0) this.#isFull = !this.push(this.#pending.take());
  }
}

/** Why nothing can come of a body that was not read yet; undefined when it can. */
function whyUnreadable(exchange: Exchange): Error | undefined {
  const { inbound } = exchange;
  const failure = exchange.bodyFailure ?? inbound.bodyError;
  if (failure !== undefined) return failure;
  if (inbound.answer === 'ended' || inbound.answer === 'sent')
    return new HotaruError(
      'HOTARU_REQUEST_BODY_USED',
      'the response was sent already, and the unread request body was dropped with it',
    );
  if (exchange.isGone || inbound.body === 'cut')
    return wireError('HOTARU_CLIENT_GONE', 'the client left before its body was read');
  if (inbound.body !== 'unread')
    return new HotaruError(
      'HOTARU_REQUEST_BODY_USED',
      'the request body was read before the request came to the app',
    );
  return undefined;
}

/** The reader of a body: a sink that is told of every failure, ours too. */
interface Reader {
  data(chunk: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

/** What comes of a body: its size so far and its stall timer, which is gone when it has ended. */
class BodySource implements BodySink {
  /** Undefined at the end, as the reader is: an idle connection must hold no body. */
  #exchange: Exchange | undefined;
  readonly #inbound: Inbound;
  readonly #safety: HttpSafety;
  #reader: Reader | undefined;
  #size = 0;
  #isOver = false;
  /** For bytes, without a timer yet. */
  #isWaiting = false;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(exchange: Exchange, safety: HttpSafety, reader: Reader) {
    this.#exchange = exchange;
    this.#inbound = exchange.inbound;
    this.#safety = safety;
    this.#reader = reader;
    this.#inbound.sayContinue();
    this.#inbound.readBody(this);
  }

  /** The reader waits for bytes: the clock runs. */
  wait(): void {
    if (this.#isOver) return; // its bytes may have come at once, one too many: then it stays paused
    this.#inbound.resumeBody();
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
    this.#timer = setTimeout(() => this.#stalled(), this.#safety.bodyTimeout);
  }

  /** The reader has enough: the clock stops. */
  rest(): void {
    this.#isWaiting = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Its reader wants no more. */
  leave(): void {
    this.#isOver = true;
    this.rest();
    this.#exchange = undefined;
    this.#reader = undefined;
  }

  data(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#size += chunk.length;
    if (this.#size > this.#safety.maxBodySize) {
      this.fail(bodyTooLarge(this.#safety.maxBodySize));
      return;
    }
    this.#timer?.refresh();
    this.#reader?.data(chunk);
  }

  end(): void {
    const reader = this.#reader;
    this.leave();
    reader?.end();
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    const reader = this.#reader;
    if (this.#exchange !== undefined) this.#exchange.bodyFailure = error;
    this.leave();
    reader?.fail(error);
  }

  #stalled(): void {
    this.fail(
      wireError(
        'HOTARU_REQUEST_BODY_TIMEOUT',
        `no byte of the body for ${this.#safety.bodyTimeout} ms`,
      ),
    );
  }
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
