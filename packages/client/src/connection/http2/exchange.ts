/**
 * One request and its response over HTTP/2: one stream. Two sides that know little of each other, and the whole:
 *
 *   sending     head ─▶ … ─▶ written | stopped              SendState (../request-writer.ts); `broken` is HTTP/1.1's
 *   receiving   none ─▶ (informed ─▶) head | bodiless ─▶ (pending ─▶) whole
 *   exchange    new ─▶ queued ─▶ open ─▶ done | cut
 *
 *   queued   started; its HEADERS are made when its connection writes: at the end of the turn, once the socket has room,
 *            and once a peer that was silent for long has been heard. What ends before that has sent nothing
 *   open     it has a stream
 *   done     the response is whole          cut    failed or aborted
 *   head     came in the read under way     pending    the rest is to come
 *   bodiless the same, and no body may follow: the response is whole, though its END_STREAM may be another frame
 *
 * The sides overlap: a response may come before the request is out. Whatever becomes of the stream, the connection
 * goes on: each end here leaves the stream closed, by its own end or by RST_STREAM.
 *
 *   an error status while the body is still going out: stop reading the caller's body
 *   a final status while the body waits for 100: the body is not wanted at all
 *   the response ends first: RST_STREAM(NO_ERROR), the rest of the body is not wanted (RFC 9113 §8.1)
 */
import {
  Http2ErrorCode,
  WireError,
  type FieldSection,
  type Http2Codec,
  type Http2ResponseHead,
  type Http2Stream,
  type Http2StreamEvents,
} from '@hotaru/wire';
import { invalidRequest } from '../../errors.js';
import type { PieceSink } from '../../message/body-flow.js';
import type { Exchange, ExchangeEvents, ExchangeRequest, SendState } from '../exchange.js';
import { readingError } from '../protocol-error.js';
import type { WriterEvents } from '../request-writer.js';
import { fieldListBytes } from './field-list.js';
import type { Http2Connection } from './http2-connection.js';
import { LostConnection } from './lost-connection.js';
import { forbidsReplays } from './no-replays.js';
import { Http2RequestWriter } from './request-writer.js';

type ExchangeState = 'new' | 'queued' | 'open' | 'done' | 'cut';
type Receiving = 'none' | 'informed' | 'head' | 'bodiless' | 'pending' | 'whole';

export class Http2Exchange implements Exchange, Http2StreamEvents<Http2ResponseHead>, WriterEvents {
  readonly #connection: Http2Connection;
  /** Until it is sent: a response may be kept, and holds what led to it. */
  #request: ExchangeRequest | undefined;
  /** The connection takes no more callers after it. */
  readonly #isLastUse: boolean;
  readonly #events: ExchangeEvents;
  readonly #writer: Http2RequestWriter;
  #stream: Http2Stream | undefined = undefined;
  #state: ExchangeState = 'new';
  #receiving: Receiving = 'none';
  #begunAtMs = 0;
  mayBeSentAgain = false;
  isStale = false;
  heardAtMs = 0;

  constructor(
    connection: Http2Connection,
    request: ExchangeRequest,
    events: ExchangeEvents,
    isLastUse: boolean,
  ) {
    this.#connection = connection;
    this.#request = request;
    this.#isLastUse = isLastUse || request.wantsClose;
    this.#events = events;
    this.#writer = new Http2RequestWriter(connection, request.body, this);
  }

  get responseStarted(): boolean {
    return this.#receiving !== 'none';
  }

  /** 0 until its HEADERS were taken for writing. */
  get bytesSent(): number {
    return this.#writer.bytesSent;
  }

  start(): void {
    if (this.#state !== 'new') throw new Error('an exchange is started twice, or after its end');
    this.#state = 'queued';
    this.#connection.enqueue(this);
  }

  pause(): void {
    if (this.#state === 'open') this.#stream?.pause();
  }

  resume(): void {
    if (this.#state === 'open') this.#stream?.resume();
  }

  continueUpload(): void {
    if (this.#state === 'open') this.#writer.continue();
  }

  /** A write that fails breaks the whole connection, which has a grace of its own. */
  giveUp(): void {
    // it is never told `broken`
  }

  abort(): void {
    if (this.#isOver()) return;
    if (this.#state === 'open') this.#connection.gaveUp(this.#begunAtMs);
    this.#end('cut');
    this.#writer.stop();
    this.#reset(Http2ErrorCode.Cancel);
  }

  /** Whatever became of the stream, the connection may be used again as long as it is open, and its socket is not stuck. */
  release(): boolean {
    this.abort();
    return this.#connection.isReusable && !this.#isLastUse;
  }

  // ── connection ─────────────────────────────────────────────────────────────────────────────────

  get isQueued(): boolean {
    return this.#state === 'queued';
  }

  /** It can't be begun yet. */
  waitForSocket(): void {
    if (this.#state === 'queued') this.#writer.waitForSocket();
  }

  /** Makes its stream. */
  begin(codec: Http2Codec, nowMs: number): void {
    const request = this.#request;
    if (this.#state !== 'queued' || request === undefined) return;
    this.#request = undefined;
    const { maxHeaderListBytes } = codec.peer;
    if (maxHeaderListBytes !== Infinity && fieldListBytes(request) > maxHeaderListBytes) {
      const what = `the fields of the request are larger than the peer takes (${maxHeaderListBytes} bytes, SETTINGS_MAX_HEADER_LIST_SIZE)`;
      this.#fail(invalidRequest(what));
      return;
    }
    const { body } = request;
    const isLast =
      body.kind === 'none' ||
      (body.kind === 'bytes' && body.length === 0 && !request.expectsContinue);
    this.#state = 'open';
    this.#begunAtMs = nowMs;
    const before = codec.outputBytes;
    let stream: Http2Stream;
    try {
      stream = codec.request(request, this, isLast);
    } catch (error) {
      // Nothing of it was sent: a field that HTTP/2 does not have.
      this.#fail(invalidRequest(error instanceof WireError ? error.what : String(error), error));
      return;
    }
    this.#stream = stream;
    this.#writer.begin(stream, request, codec.outputBytes - before, isLast);
  }

  /** The bytes that were read have been handed out. */
  afterFeed(): void {
    if (this.#isOver()) return;
    if (this.#receiving === 'bodiless') this.#finish(undefined);
    else if (this.#receiving === 'head') {
      this.#receiving = 'pending';
      this.#events.bodyPending();
    }
  }

  // ── request ────────────────────────────────────────────────────────────────────────────────────

  sending(state: SendState): void {
    if (!this.#isOver()) this.#events.sending(state);
  }

  bodyFailed(error: Error): void {
    this.#fail(error);
  }

  onRoom(): void {
    if (!this.#isOver()) this.#writer.roomCame();
  }

  onStopSending(): void {
    // its response is whole: it has ended by that
  }

  // ── response ───────────────────────────────────────────────────────────────────────────────────

  onInformational(head: Http2ResponseHead): void {
    if (this.#isOver()) return;
    this.#heard();
    this.#receiving = 'informed';
    this.#events.onInformational(head);
    if (head.status === 100) this.continueUpload();
  }

  onHead(head: Http2ResponseHead, hasBody: boolean): PieceSink | undefined {
    if (this.#isOver()) return undefined;
    this.#heard();
    const { state } = this.#writer;
    if (state !== 'written' && (head.status >= 400 || state === 'continue')) this.#writer.stop();
    this.#receiving = hasBody ? 'head' : 'bodiless';
    this.#connection.headCame(this);
    return this.#events.onHead(head, hasBody);
  }

  onEnd(trailers: FieldSection | undefined): void {
    if (this.#isOver()) return;
    this.#heard();
    this.#finish(trailers);
  }

  #finish(trailers: FieldSection | undefined): void {
    this.#receiving = 'whole';
    this.#end('done');
    this.#writer.stop();
    this.#reset(Http2ErrorCode.NoError);
    this.#events.exchangeDone(trailers);
  }

  onFailed(error: Error, isUnprocessed: boolean): void {
    if (this.#isOver()) return;
    if (isUnprocessed) this.#connection.unprocessed(error);
    this.mayBeSentAgain = isUnprocessed && !this.responseStarted && !this.#writer.isStreamRead;
    const { hasServed, wantsNoReplays } = this.#connection;
    this.isStale = hasServed && !wantsNoReplays && isLoss(error);
    this.#end('cut');
    if (this.mayBeSentAgain) this.#writer.leaveBody();
    else this.#writer.stop();
    this.#events.exchangeFailed(this.#errorOf(error));
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────

  #fail(error: Error): void {
    if (this.#isOver()) return;
    this.abort();
    this.#events.exchangeFailed(error);
  }

  #end(state: 'done' | 'cut'): void {
    const wasStarted = this.#state !== 'new';
    this.#state = state;
    this.#request = undefined;
    if (wasStarted) this.#connection.exchangeEnded();
  }

  #reset(code: number): void {
    if (this.#stream?.isClosed === false) this.#stream.reset(code);
  }

  #heard(): void {
    this.heardAtMs = this.#connection.transport.heardAtMs;
  }

  #isOver(): boolean {
    return this.#state === 'done' || this.#state === 'cut';
  }

  /** What ends a connection ends many: each of them gets an error of its own. */
  #errorOf(error: Error): Error {
    if (!(error instanceof LostConnection)) return readingError(error);
    return error.asError(
      this.responseStarted ? 'in the middle of the response' : 'before it answered',
    );
  }
}

/** Did the connection or the stream die under the request, and could another try help (docs/rules.md, rules 1 and 12)? */
function isLoss(error: Error): boolean {
  if (error instanceof LostConnection) return true;
  const isReset = error instanceof WireError && error.reason === 'stream-reset';
  return isReset && !forbidsReplays(error.http2Code);
}
