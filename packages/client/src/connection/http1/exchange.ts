/**
 * One request and its response on one connection. Two sides that know little of each other:
 *
 *   sending     head ─▶ … ─▶ written | broken | stopped          (request-writer.ts)
 *   answer      none ─▶ head ─▶ pending ─▶ whole                 (ResponseReader of @hotaru/wire reads it)
 *
 * They overlap: an answer may come before the request is out. The exchange itself is
 *
 *   open ─▶ flushing ─▶ over         flushing: the answer is whole, the last write not yet reported
 *
 * and ends once, by `exchangeDone` (with the proof, or not, that the connection may be used again) or
 * `exchangeFailed`; after `abort()` it says nothing more. It never closes or releases the connection: its
 * owner does.
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
import type { ByteSink, Transport } from '../transport.js';
import { afterPoll, type PolledTask } from '../turn.js';
import type { PieceSink } from '../../message/body-flow.js';
import type { Exchange, ExchangeEvents, ExchangeRequest, SendState } from '../exchange.js';
import type { Http1Connection } from './http1-connection.js';
import { keepAliveOf } from './keep-alive.js';
import { readingError } from './protocol-error.js';
import { RequestWriter, type WriterEvents } from './request-writer.js';

export class Http1Exchange implements Exchange, ByteSink, ResponseEvents, WriterEvents, PolledTask {
  readonly #connection: Http1Connection;
  readonly #transport: Transport;
  /** Until it is sent: a response may be kept, and holds what led to it. */
  #request: ExchangeRequest | undefined;
  readonly #isLastUse: boolean;
  readonly #events: ExchangeEvents;
  readonly #reader: ResponseReader;
  readonly #writer: RequestWriter;
  #state: 'open' | 'flushing' | 'over' = 'open';
  #answer: 'none' | 'head' | 'pending' | 'whole' = 'none';
  #saidClose = false;
  /** By the framing of the response alone. */
  #mayReuse = false;
  /** By everything: the one proof, collected when it is done. */
  #isReusable = false;
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
    this.#isLastUse = isLastUse;
    this.#events = events;
    this.#reader = connection.reader ??= new ResponseReader(CONSTANTS);
    this.#writer = new RequestWriter(connection.transport, this);
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
    if (request === undefined) throw new Error('an exchange is started twice');
    this.#request = undefined;
    transport.useBy(this);
    record.requestCount += 1;
    record.requestsLeft -= 1;
    transport.counters.requests += 1;
    this.#saidClose = request.wantsClose || this.#isLastUse;
    this.#reader.expect(request.method, this);
    this.#writer.start(request, this.#isLastUse);
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  continueUpload(): void {
    if (this.#state !== 'over') this.#writer.continue();
  }

  giveUp(): void {
    this.#fail(
      new TransportError('HOTARU_CONNECTION_CLOSED', 'the request could not be written', {
        cause: this.#writeError,
      }),
    );
  }

  release(): boolean {
    if (!this.#isOver) this.abort();
    return this.#isReusable;
  }

  abort(): void {
    this.#state = 'over';
    this.#transport.endUse();
    this.#reader.forget();
    this.#writer.stop();
  }

  // ── request ────────────────────────────────────────────────────────────────────────────────────

  sending(state: SendState): void {
    if (this.#state !== 'over') this.#events.sending(state);
  }

  bodyFailed(error: Error): void {
    this.#fail(error);
  }

  // ── socket ─────────────────────────────────────────────────────────────────────────────────────

  onBytes(bytes: Buffer): void {
    if (this.#answer === 'whole') {
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
    if (this.#isOver) return;
    if (this.#answer === 'whole') this.#finish(hasLeftover);
    else if (this.#answer === 'head') {
      this.#answer = 'pending';
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
    if (this.#answer === 'whole' && !this.#isOver) this.#finish(false);
  }

  onClose(error: Error | undefined): void {
    if (this.#isOver) return;
    if (this.#answer === 'whole') {
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
    this.#writer.onDrain();
  }

  onWriteError(error: Error): boolean {
    if (this.#isOver || this.#answer === 'whole') return false;
    this.#writeError = error;
    this.#writer.break();
    return true;
  }

  // ── response ───────────────────────────────────────────────────────────────────────────────────

  onInformational(head: ResponseHead): void {
    if (this.#isOver) return;
    this.#events.onInformational(head);
    if (head.status === 100) this.continueUpload();
  }

  onHead(head: ResponseHead, hasBody: boolean): PieceSink | undefined {
    if (this.#isOver) return undefined;
    const { state } = this.#writer;
    if (state !== 'written' && (head.status >= 400 || state === 'continue')) this.#writer.stop();
    this.#answer = 'head';
    this.#noteKeepAlive(head);
    return this.#events.onHead(head, hasBody);
  }

  onDone(trailers: FieldSection | undefined, mayReuse: boolean): void {
    this.#answer = 'whole';
    this.#trailers = trailers;
    this.#mayReuse = mayReuse;
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
    this.#isReusable =
      this.#mayReuse &&
      !hasLeftover &&
      isOut &&
      transport.socket.writableLength === 0 &&
      transport.isOpen &&
      !this.#saidClose;
    this.#state = 'over';
    transport.endUse();
    this.#writer.stop();
    if (hasLeftover) transport.poison();
    this.#events.exchangeDone(this.#trailers);
  }

  onPolled(): void {
    if (!this.#isOver) this.#finish(false);
  }

  get #isOver(): boolean {
    return this.#state === 'over';
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
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
