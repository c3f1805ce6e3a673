/**
 * The response side of a call, from the head on: makes the response, passes its body from the
 * connection to the reader, and gives up what is not read.
 *
 *   flowing ⇄ paused            the reader has enough for now; the body clock runs in neither but when
 *      │        │              a reader waits and the connection is the one to bring something
 *      ├────────┴─abandonBody─▶ draining    up to 64 KiB and 50 ms, so that the connection can be kept
 *      └───────┬─────────────────┘
 *              ▼
 *            over            the exchange is done or has failed; a decoder may still have bytes to give
 */
import { CONSTANTS } from '../config/constants.js';
import type { Exchange, ResponseHead } from '../connection/exchange.js';
import { AbortedError, type HotaruClientError, type TransportError } from '../errors.js';
import { shownUrl } from '../diagnostics/inspect.js';
import { stopWatching, watchForLeak, type Leakable } from '../diagnostics/leaks.js';
import { tooLarge, type BodySink, type PieceSink } from '../message/body-flow.js';
import { BodyDecoder, type DecoderOwner } from '../message/body-decoder.js';
import { ClientResponse } from '../message/response.js';
import { ResponseBody } from '../message/response-body.js';
import { ResponseHeaders } from '../message/response-headers.js';
import type { AttemptClock } from './attempt-clock.js';
import type { Call } from './call.js';
import type { CallRecord } from './call-record.js';

/** The call, as its delivery sees it. */
export interface DeliveryOwner {
  readonly reportsLeaks: boolean;
  readonly callSite: string | undefined;
  /** The body can't go on; ends the call, and with it this delivery. */
  deliveryFailed(error: HotaruClientError): void;
}

export class Delivery implements PieceSink, DecoderOwner, Leakable {
  readonly hasBody: boolean;
  /** Set when the head announces more than the caller takes: the call ends with it, and without a response. */
  readonly refusal: TransportError | undefined;
  readonly #body: ResponseBody;
  /** What takes the bytes that come: the body, or a decoder before it. */
  readonly #sink: BodySink;
  readonly #exchange: Exchange;
  readonly #clock: AttemptClock;
  readonly #record: CallRecord;
  readonly #owner: DeliveryOwner;
  #state: 'flowing' | 'paused' | 'draining' | 'over' = 'flowing';
  #drainedBytes = 0;
  /** Held only until it is known whether its body has come whole. */
  #response: ClientResponse | undefined;
  #isWatched = false;

  constructor(
    head: ResponseHead,
    hasBody: boolean,
    exchange: Exchange,
    call: Call,
    clock: AttemptClock,
    record: CallRecord,
    owner: DeliveryOwner,
  ) {
    this.hasBody = hasBody;
    this.#exchange = exchange;
    this.#clock = clock;
    this.#record = record;
    this.#owner = owner;
    let headers = new ResponseHeaders(head);
    const codings = hasBody && head.isEncoded ? call.codings?.toUndo(headers) : undefined;
    const decoder = codings === undefined ? undefined : new BodyDecoder(this, codings);
    const producer = hasBody ? (decoder ?? this) : undefined;
    // How long the caller's body is: of a packed one, the head says only how long it is packed.
    const announcedBytes = hasBody && decoder === undefined ? head.bodyLength : -1;
    const maxBytes = call.maxResponseBytes;
    this.refusal = announcedBytes > maxBytes ? tooLarge('maxResponseSize', maxBytes) : undefined;
    this.#body = new ResponseBody(producer, announcedBytes, maxBytes, call.maxBufferedBytes);
    this.#body.namer = record;
    this.#sink = this.#body;
    if (decoder !== undefined) {
      decoder.deliverTo(this.#body);
      this.#sink = decoder;
      headers = headers.without('content-encoding', 'content-length');
    }
    this.#response = new ClientResponse({
      statusLine: head,
      headers,
      body: this.#body,
      source: record,
    });
  }

  /** For the call's promise, once. */
  get response(): ClientResponse | undefined {
    return this.#response;
  }

  // ── from the exchange ──────────────────────────────────────────────────────────────────────────

  /** The rest of the body is still to come: from now on it has to be read. */
  pending(): void {
    const response = this.#response;
    // The collector can tell that the caller dropped the response only if we don't hold it.
    this.#response = undefined;
    this.#isWatched = true;
    if (response !== undefined) watchForLeak(response, this);
  }

  take(bytes: Buffer, start: number, end: number): TransportError | undefined {
    if (this.#state === 'draining') {
      this.#drainedBytes += end - start;
      if (this.#drainedBytes > CONSTANTS.drainMaxBytes) this.endDraining();
      return undefined;
    }
    const wasAwaited = this.#body.isAwaited;
    const error = this.#sink.take(bytes, start, end);
    if (error === undefined && wasAwaited) this.#watch();
    return error;
  }

  /** The call no longer holds the connection. */
  close(): void {
    this.#state = 'over';
    const response = this.#response;
    this.#response = undefined;
    // A body that came whole holds nothing; that it was never read is worth a word all the same.
    if (this.#owner.reportsLeaks && this.isUnread) {
      if (response !== undefined) watchForLeak(response, this);
    } else if (this.#isWatched) stopWatching(this);
  }

  /** After `close()`: the body is whole. */
  end(): void {
    this.#sink.end();
  }

  /** After `close()`: it is not. */
  fail(error: unknown, dropRest: boolean): void {
    this.#sink.fail(error, dropRest);
  }

  // ── from the reader ────────────────────────────────────────────────────────────────────────────

  pauseBody(): void {
    if (this.#state !== 'flowing') return;
    this.#state = 'paused';
    this.#exchange.pause();
    this.#clock.stopStage();
  }

  resumeBody(): void {
    if (!this.#isOpen()) return;
    this.#state = 'flowing';
    this.#exchange.resume();
    this.#watch();
  }

  abandonBody(): void {
    if (!this.#isOpen()) return;
    this.#state = 'draining';
    this.#exchange.resume();
    this.#clock.draining();
  }

  /** Too much or too slow: closing the connection is cheaper than reading on. */
  endDraining(): void {
    this.#owner.deliveryFailed(new AbortedError('the rest of the body was given up'));
  }

  decodeFailed(error: TransportError): void {
    this.#record.name(error);
    // The last bytes may be decoded after the connection was given back.
    if (this.#state === 'over') this.#sink.fail(error, false);
    else this.#owner.deliveryFailed(error);
  }

  /** The decoder gives later than it takes: a read may have been served since the last bytes came. */
  decoded(): void {
    if (this.#state === 'flowing' && !this.#body.isAwaited) this.#clock.stopStage();
  }

  /** The clock runs only while a reader waits for bytes, and only for bytes that the connection owes. */
  #watch(): void {
    if (this.#state !== 'flowing') return;
    if (this.#body.isAwaited) this.#clock.reading();
    else this.#clock.stopStage();
  }

  #isOpen(): boolean {
    return this.#state === 'flowing' || this.#state === 'paused';
  }

  // ── unread ─────────────────────────────────────────────────────────────────────────────────────

  /** A body of which no byte was asked for. */
  get isUnread(): boolean {
    return this.hasBody && this.#body.isUntouched;
  }

  /** The caller wants no more of it: what still comes is thrown away. */
  get isDraining(): boolean {
    return this.#state === 'draining';
  }

  onTouched(callback: () => void): void {
    this.#body.onTouched = callback;
  }

  giveUp(): void {
    this.#body.discard();
  }

  /** The response is gone, and with it every stream and iterator of its body (body-stream.ts). */
  reclaim(): string | undefined {
    const what = this.#leftBehind();
    if (what === undefined) return undefined;
    this.#body.discard();
    const { method, url } = this.#record;
    return `the body of ${method} ${shownUrl(url)} was ${what}, or call discard()`;
  }

  #leftBehind(): string | undefined {
    if (this.isUnread)
      return this.#isOpen() || this.#body.isWholeAndHere ? 'never read: read it' : undefined;
    return this.#isOpen() && this.#body.use === 'reading'
      ? 'read in part, and then dropped: read it to its end'
      : undefined;
  }

  get reportsLeaks(): boolean {
    return this.#owner.reportsLeaks;
  }

  get callSite(): string | undefined {
    return this.#owner.callSite;
  }
}
