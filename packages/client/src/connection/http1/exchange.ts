/**
 * One request and its response on one connection.
 *
 *   start ─▶ writing ─▶ written          and, independently,   no answer ─▶ head ─▶ body ─▶ done
 *
 * The two sides overlap: an answer may come before the request is out. The exchange ends once, by
 * `exchangeDone` (with the proof, or not, that the connection may be used again) or `exchangeFailed`;
 * after `abort()` it says nothing more. It never closes or releases the connection: its owner does.
 *
 *   an error status while the body is still going out: stop reading the caller's body
 *   the response ends first: stop too; the connection is not reusable, the peer waits for the rest
 *   a write fails: an answer may lie in the receive buffer, so keep reading for a short grace
 */
import { CONSTANTS } from '../../config/defaults.js';
import { TransportError } from '../../errors.js';
import type { RequestBody } from '../../message/request-body.js';
import type { ByteSink, PooledConnection } from '../pooled-connection.js';
import { afterPoll, type PolledTask } from '../turn.js';
import type { ParsedHead } from './head-parser.js';
import { ResponseReader, type ReaderEvents } from './response-reader.js';
import { Upload, type UploadEvents, type UploadTarget } from './upload.js';

/** A request ready to be written. */
export interface WireRequest {
  readonly method: string;
  /** Request line and fields, with the empty line at the end. Latin-1. */
  readonly head: string;
  readonly body: RequestBody;
  /** Of a streamed body; −1 for chunked. */
  readonly contentLength: number;
  /** The head asks the peer to say 100 before the body is sent. */
  readonly expectsContinue: boolean;
  /** The request said `connection: close`. */
  readonly wantsClose: boolean;
}

export interface ExchangeEvents {
  onInformational(head: ParsedHead): void;
  onHead(head: ParsedHead, hasBody: boolean): void;
  /** A range of the socket's buffer: copy what outlives the call. */
  onBody(bytes: Buffer, start: number, end: number): void;
  /** The head is there and the rest of the body is not: from now on somebody has to read it. */
  bodyPending(): void;
  /** The request is out: every byte was handed to the kernel. */
  requestWritten(): void;
  /** The peer takes no more bytes for now (true), or takes them again. */
  requestBlocked(isBlocked: boolean): void;
  /** The body waits for `100 Continue`; call `continueUpload()` when the wait is over. */
  awaitingContinue(): void;
  /** A write failed; unless an answer comes within the grace, call `giveUp()`. */
  awaitingAnswer(): void;
  exchangeDone(trailers: ParsedHead | undefined, isReusable: boolean): void;
  exchangeFailed(error: Error): void;
}

/** Below this, head and body go out in one write. */
const ONE_WRITE_BYTES = 16_384;

export class Exchange implements ByteSink, ReaderEvents, UploadEvents, UploadTarget, PolledTask {
  readonly connection: PooledConnection;
  readonly #request: WireRequest;
  readonly #events: ExchangeEvents;
  readonly #reader: ResponseReader;
  #upload: Upload | undefined = undefined;
  #isWritten = false;
  #isAwaitingContinue = false;
  #isOver = false;
  #hasHead = false;
  #isPendingSaid = false;
  #hasEndedReading = false;
  #isFlushing = false;
  #mayReuse = false;
  #trailers: ParsedHead | undefined = undefined;
  #writeError: Error | undefined = undefined;
  /** Bytes handed to the socket. */
  bytesSent = 0;

  constructor(connection: PooledConnection, request: WireRequest, events: ExchangeEvents) {
    this.connection = connection;
    this.#request = request;
    this.#events = events;
    this.#reader = connection.reader ??= new ResponseReader();
  }

  get responseStarted(): boolean {
    return this.#reader.hasStarted;
  }

  start(): void {
    const { connection } = this;
    connection.setSink(this);
    connection.record.requestCount += 1;
    connection.record.requestsLeft -= 1;
    connection.counters.requests += 1;
    this.#reader.expect(this.#request.method, this);
    if (this.#request.expectsContinue) {
      this.write(this.#request.head, 'latin1');
      this.#isAwaitingContinue = true;
      this.#events.awaitingContinue();
    } else this.#writeRequest();
  }

  /** 100 came, or nobody waits for it any longer. */
  continueUpload(): void {
    if (!this.#isAwaitingContinue || this.#isOver) return;
    this.#isAwaitingContinue = false;
    this.#writeBody();
  }

  /** The grace after a failed write is over. */
  giveUp(): void {
    this.#fail(
      new TransportError('HOTARU_CONNECTION_CLOSED', 'the request could not be written', {
        cause: this.#writeError,
      }),
    );
  }

  /** Ends it without a word. */
  abort(): void {
    this.#isOver = true;
    this.connection.setSink(undefined);
    this.#reader.forget();
    this.#upload?.stop();
  }

  // ── request ────────────────────────────────────────────────────────────────────────────────────

  #writeRequest(): void {
    const { head, body } = this.#request;
    if (body.kind === 'bytes' && body.length <= ONE_WRITE_BYTES) {
      const { bytes } = body;
      // ASCII text is the same in Latin-1: head and body become one string and one system call.
      if (typeof bytes === 'string' && body.length === bytes.length) {
        this.#wrote(this.write(head + bytes, 'latin1'));
        return;
      }
    }
    if (body.kind === 'none') this.#wrote(this.write(head, 'latin1'));
    else {
      this.connection.socket.cork();
      this.write(head, 'latin1');
      this.#writeBody();
      this.connection.socket.uncork();
    }
  }

  #writeBody(): void {
    const { body, contentLength } = this.#request;
    if (body.kind === 'bytes') this.#wrote(this.write(body.bytes, 'utf8'));
    else if (body.kind === 'stream') {
      this.#upload = new Upload(body.source, contentLength, this, this);
      this.#upload.start();
    } else this.#wrote(true);
  }

  #wrote(hasRoom: boolean): void {
    if (hasRoom) this.#written();
    else this.#events.requestBlocked(true);
  }

  #written(): void {
    if (this.#isWritten || this.#isOver) return;
    this.#isWritten = true;
    this.#events.requestWritten();
  }

  write(bytes: Uint8Array | string, encoding: BufferEncoding): boolean {
    const length =
      typeof bytes !== 'string'
        ? bytes.byteLength
        : encoding === 'latin1'
          ? bytes.length
          : Buffer.byteLength(bytes);
    this.bytesSent += length;
    this.connection.counters.bytesSent += length;
    return this.connection.socket.write(bytes, encoding);
  }

  cork(): void {
    this.connection.socket.cork();
  }

  uncork(): void {
    this.connection.socket.uncork();
  }

  uploadDone(): void {
    if (this.connection.socket.writableLength === 0) this.#written();
    else this.#events.requestBlocked(true);
  }

  uploadFailed(error: Error): void {
    this.#fail(error);
  }

  uploadBlocked(isBlocked: boolean): void {
    if (!this.#isOver) this.#events.requestBlocked(isBlocked);
  }

  // ── socket ─────────────────────────────────────────────────────────────────────────────────────

  onBytes(bytes: Buffer): void {
    if (this.#hasEndedReading) {
      this.#finish(true);
      return;
    }
    let used: number;
    try {
      used = this.#reader.feed(bytes);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#afterFeed(used < bytes.length);
  }

  #afterFeed(hasLeftover: boolean): void {
    if (this.#isOver) return;
    if (this.#hasEndedReading) this.#finish(hasLeftover);
    else if (this.#hasHead && !this.#isPendingSaid) {
      this.#isPendingSaid = true;
      this.#events.bodyPending();
    }
  }

  onEnd(): void {
    try {
      this.#reader.end(this.connection.endedCleanly);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    if (this.#hasEndedReading && !this.#isOver) this.#finish(false);
  }

  onClose(error: Error | undefined): void {
    if (this.#isOver) return;
    if (this.#hasEndedReading) {
      this.#finish(false);
      return;
    }
    const what = error === undefined ? 'was closed' : `broke: ${error.message}`;
    const when = this.responseStarted ? 'in the middle of the response' : 'before it answered';
    this.#fail(
      new TransportError('HOTARU_CONNECTION_CLOSED', `the connection ${what} ${when}`, {
        cause: error ?? this.#writeError,
      }),
    );
  }

  onDrain(): void {
    if (this.#upload !== undefined) this.#upload.resume();
    if (this.connection.socket.writableLength !== 0 || this.#isWritten) return;
    if (this.#upload === undefined || this.#upload.isDone) {
      this.#events.requestBlocked(false);
      this.#written();
    }
  }

  onWriteError(error: Error): boolean {
    if (this.#isOver || this.#hasEndedReading) return false;
    this.#writeError = error;
    this.#upload?.stop();
    this.#events.awaitingAnswer();
    return true;
  }

  // ── response ───────────────────────────────────────────────────────────────────────────────────

  onInformational(head: ParsedHead): void {
    if (this.#isOver) return;
    this.#events.onInformational(head);
    if (head.status === 100) this.continueUpload();
  }

  onHead(head: ParsedHead, hasBody: boolean): void {
    if (this.#isOver) return;
    if (!this.#isWritten && head.status >= 400) this.#upload?.stop();
    this.#isAwaitingContinue = false; // a final answer in its place: the body is not wanted
    this.#hasHead = true;
    this.#noteKeepAlive(head);
    this.#events.onHead(head, hasBody);
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    if (!this.#isOver) this.#events.onBody(bytes, start, end);
  }

  onDone(trailers: ParsedHead | undefined, mayReuse: boolean): void {
    this.#hasEndedReading = true;
    this.#trailers = trailers;
    this.#mayReuse = mayReuse;
  }

  /** Reuse needs positive proof of everything (docs/rules.md, rule 8); here is the one place that collects it. */
  #finish(hasLeftover: boolean): void {
    const { connection } = this;
    // TLS reports a write as done a turn late, perhaps after the answer to it. One turn, no more:
    // what is not out by then is not going out.
    const isFlushing = this.#isWritten && connection.socket.writableLength !== 0;
    if (isFlushing && !hasLeftover && connection.isOpen && !this.#isFlushing) {
      this.#isFlushing = true;
      afterPoll(this);
      return;
    }
    const isReusable =
      this.#mayReuse &&
      !hasLeftover &&
      this.#isWritten &&
      this.#writeError === undefined &&
      connection.socket.writableLength === 0 &&
      connection.isOpen &&
      !this.#request.wantsClose;
    this.#isOver = true;
    connection.setSink(undefined);
    this.#upload?.stop();
    if (hasLeftover) connection.poison();
    this.#events.exchangeDone(this.#trailers, isReusable);
  }

  onPolled(): void {
    if (!this.#isOver) this.#finish(false);
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.abort();
    this.#events.exchangeFailed(error);
  }

  /** What the peer says of its own patience; the pool judges by it, the socket is left alone. */
  #noteKeepAlive(head: ParsedHead): void {
    if (head.keepAlive === '') return;
    const { record } = this.connection;
    const timeout = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})/i.exec(head.keepAlive)?.[1];
    if (timeout !== undefined) {
      const ms = Number(timeout) * 1_000;
      const marginMs = Math.max(CONSTANTS.keepAliveMarginMs, ms * CONSTANTS.keepAliveMarginShare);
      record.idleHintMs = Math.max(0, ms - marginMs);
    }
    const max = /(?:^|[\s,;])max\s*=\s*"?(\d{1,9})/i.exec(head.keepAlive)?.[1];
    if (max !== undefined) record.requestsLeft = Number(max);
  }
}
