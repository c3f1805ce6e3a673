/**
 * One request and its response over HTTP/1.1. Two sides that know little of each other, and the whole:
 *
 *   sending     head ─▶ … ─▶ written | broken | stopped          SendState (request-writer.ts)
 *   receiving   none ─▶ head ─▶ (pending ─▶) whole | last        (ResponseReader of @hotaru/wire reads it)
 *   exchange    new ─▶ open ─▶ (flushing ─▶) reusable | spent
 *
 *   head       came in the read under way        last      whole, and no response may follow it on this connection
 *   pending    the rest is to come               flushing  the response is whole, the last write is not yet reported
 *   reusable   over, and proven so               spent     over: done without that proof, failed or aborted
 *
 * The sides overlap: a response may come before the request is out. It never closes or releases the connection,
 * other than for bytes that follow the response: its owner does.
 *
 *   an error status while the body is still going out: stop reading the caller's body
 *   a final status while the body waits for 100: the body is not wanted at all
 *   the response ends first: stop too; the connection is not reusable, the peer waits for the rest
 *   a write fails: an answer may lie in the receive buffer, so keep reading for a short grace
 */
import {
  ResponseReader,
  type FieldSection,
  type ResponseEvents,
  type ResponseHead,
} from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';
import { TransportError } from '../../errors.js';
import type { WriterEvents } from '../request-writer.js';
import type { ByteSink, Transport } from '../transport.js';
import { afterPoll, type PolledTask } from '../turn.js';
import type { PieceSink } from '../../message/body-flow.js';
import type { Exchange, ExchangeEvents, ExchangeRequest, SendState } from '../exchange.js';
import type { Http1Connection } from './http1-connection.js';
import { keepAliveOf } from './keep-alive.js';
import { readingError } from '../protocol-error.js';
import { Http1RequestWriter } from './request-writer.js';

type Receiving = 'none' | 'head' | 'pending' | 'whole' | 'last';
type ExchangeState = 'new' | 'open' | 'flushing' | 'reusable' | 'spent';

export class Http1Exchange implements Exchange, ByteSink, ResponseEvents, WriterEvents, PolledTask {
  /** A peer of HTTP/1.1 can't say so. */
  readonly mayBeSentAgain = false;
  readonly #connection: Http1Connection;
  readonly #transport: Transport;
  /** Until it is sent: a response may be kept, and holds what led to it. */
  #request: ExchangeRequest | undefined;
  /** Nothing follows it on this connection, and the peer is told so. */
  readonly #isLastUse: boolean;
  readonly #events: ExchangeEvents;
  readonly #reader: ResponseReader;
  readonly #writer: Http1RequestWriter;
  #state: ExchangeState = 'new';
  #receiving: Receiving = 'none';
  #trailers: FieldSection | undefined = undefined;
  #writeError: Error | undefined = undefined;

  constructor(
    connection: Http1Connection,
    request: ExchangeRequest,
    events: ExchangeEvents,
    isLastUse: boolean,
  ) {
    this.#connection = connection;
    this.#transport = connection.transport;
    this.#request = request;
    this.#isLastUse = isLastUse || request.wantsClose;
    this.#events = events;
    this.#reader = connection.reader ??= new ResponseReader(CONSTANTS);
    this.#writer = new Http1RequestWriter(connection.transport, request.body, this);
  }

  get responseStarted(): boolean {
    return this.#reader.hasStarted;
  }

  /** Bytes of the request handed to the socket. */
  get bytesSent(): number {
    return this.#writer.bytesSent;
  }

  get heardAtMs(): number {
    return this.#transport.heardAtMs;
  }

  start(): void {
    const transport = this.#transport;
    const { record } = this.#connection;
    const request = this.#request;
    if (this.#state !== 'new' || request === undefined)
      throw new Error('an exchange is started twice, or after its end');
    this.#state = 'open';
    this.#request = undefined;
    transport.useBy(this);
    record.requestCount += 1;
    record.requestsLeft -= 1;
    transport.counters.requests += 1;
    this.#reader.expect(request.method, this);
    this.#writer.start(request, this.#isLastUse);
  }

  /** Once it is over, the connection may have its next user. */
  pause(): void {
    if (!this.#isOver()) this.#transport.pause();
  }

  resume(): void {
    if (!this.#isOver()) this.#transport.resume();
  }

  continueUpload(): void {
    if (!this.#isOver()) this.#writer.continue();
  }

  giveUp(): void {
    this.#fail(
      new TransportError('HOTARU_CONNECTION_CLOSED', 'the request could not be written', {
        cause: this.#writeError,
      }),
    );
  }

  release(): boolean {
    this.abort();
    return this.#state === 'reusable';
  }

  abort(): void {
    if (this.#isOver()) return;
    this.#state = 'spent';
    this.#request = undefined;
    this.#transport.endUse();
    this.#reader.forget();
    this.#writer.stop();
  }

  // ── request ────────────────────────────────────────────────────────────────────────────────────

  sending(state: SendState): void {
    if (!this.#isOver()) this.#events.sending(state);
  }

  bodyFailed(error: Error): void {
    this.#fail(error);
  }

  // ── socket ─────────────────────────────────────────────────────────────────────────────────────

  onBytes(bytes: Buffer): void {
    if (this.#isWhole()) {
      this.#finish(true);
      return;
    }
    let used: number;
    try {
      used = this.#reader.feed(bytes);
    } catch (error) {
      this.#fail(readingError(error));
      return;
    }
    this.#afterFeed(used < bytes.length);
  }

  #afterFeed(hasLeftover: boolean): void {
    if (this.#isOver()) return;
    if (this.#isWhole()) this.#finish(hasLeftover);
    else if (this.#receiving === 'head') {
      this.#receiving = 'pending';
      this.#events.bodyPending();
    }
  }

  onEnd(): void {
    try {
      this.#reader.end(this.#transport.endedCleanly);
    } catch (error) {
      this.#fail(readingError(error, this.#hint));
      return;
    }
    if (this.#isWhole() && !this.#isOver()) this.#finish(false);
  }

  onClose(error: Error | undefined): void {
    if (this.#isOver()) return;
    if (this.#isWhole()) {
      this.#finish(false);
      return;
    }
    const when = this.responseStarted ? 'in the middle of the response' : 'before it answered';
    const what =
      error === undefined
        ? `the connection was closed ${when}`
        : `the connection broke ${when}: ${this.#transport.reasonOf(error)}`;
    this.#fail(
      new TransportError('HOTARU_CONNECTION_CLOSED', what, { cause: error ?? this.#writeError }),
    );
  }

  /** A TLS server ends a connection that begins with something else, and most say nothing. */
  get #hint(): string {
    const { key, record } = this.#connection;
    const isFirst = key.tls === false && record.requestCount === 1;
    return isFirst ? '; if this port speaks TLS, use https://' : '';
  }

  onDrain(): void {
    this.#writer.roomCame();
  }

  onWriteError(error: Error): boolean {
    if (this.#isOver() || this.#isWhole()) return false;
    this.#writeError = error;
    this.#writer.break();
    return true;
  }

  // ── response ───────────────────────────────────────────────────────────────────────────────────

  onInformational(head: ResponseHead): void {
    if (this.#isOver()) return;
    this.#events.onInformational(head);
    if (head.status === 100) this.continueUpload();
  }

  onHead(head: ResponseHead, hasBody: boolean): PieceSink | undefined {
    if (this.#isOver()) return undefined;
    const { state } = this.#writer;
    if (state !== 'written' && (head.status >= 400 || state === 'continue')) this.#writer.stop();
    this.#receiving = 'head';
    this.#noteKeepAlive(head);
    return this.#events.onHead(head, hasBody);
  }

  onDone(trailers: FieldSection | undefined, mayReuse: boolean): void {
    this.#receiving = mayReuse && !this.#isLastUse ? 'whole' : 'last';
    this.#trailers = trailers;
  }

  /** Reuse needs positive proof of everything (docs/rules.md, rule 8); here is the one place that collects it. */
  #finish(hasLeftover: boolean): void {
    const transport = this.#transport;
    const isOut = this.#writer.isHandedOver;
    // TLS reports a write as done a turn late, perhaps after the answer to it. One turn, no more:
    // what is not out by then is not going out.
    const isFlushing = isOut && transport.socket.writableLength !== 0;
    if (isFlushing && !hasLeftover && transport.isOpen && this.#state === 'open') {
      this.#state = 'flushing';
      afterPoll(this);
      return;
    }
    const isReusable =
      this.#receiving === 'whole' && !hasLeftover && isOut && !isFlushing && transport.isOpen;
    this.#state = isReusable ? 'reusable' : 'spent';
    transport.endUse();
    this.#writer.stop();
    if (hasLeftover) transport.poison();
    this.#events.exchangeDone(this.#trailers);
  }

  onPolled(): void {
    if (!this.#isOver()) this.#finish(false);
  }

  #isWhole(): boolean {
    return this.#receiving === 'whole' || this.#receiving === 'last';
  }

  #isOver(): boolean {
    return this.#state === 'reusable' || this.#state === 'spent';
  }

  #fail(error: Error): void {
    if (this.#isOver()) return;
    this.abort();
    this.#events.exchangeFailed(error);
  }

  /** What the peer says of its own patience; the pool judges by it, the socket is left alone. */
  #noteKeepAlive(head: ResponseHead): void {
    if (head.keepAlive === '') return;
    const { record } = this.#connection;
    const { idleMs, max } = keepAliveOf(head.keepAlive);
    if (idleMs !== undefined) record.idleHintMs = idleMs;
    if (max !== undefined) record.requestsLeft = max;
  }
}
