/**
 * The body of a response between the connection that delivers it and the caller who reads it.
 *
 * Producer:  take | push … ─▶ end | fail
 *
 * Consumer:  unread ──▶ collecting                       the whole body is asked for
 *               │  ╲
 *               │   ▶ claimed ──▶ reading                a stream or an iterator has it; then has asked for bytes
 *               ▼        ▼           ▼
 *               └──── discarded ◀────┘                   given up: by `discard()`, by its reader, or unread
 *
 * What arrives before it is read is kept; above the high-water mark the producer is asked to pause, and
 * resumed once the consumer has caught up. While a whole body is being collected nothing pauses, and a
 * limit on its size applies instead; where its length was announced, it is gathered in one place.
 */
import { latin1 } from '@hotaru/wire';
import { CONSTANTS } from '../config/constants.js';
import { withCaller } from '../diagnostics/call-stack.js';
import { RequestError, type HotaruClientError, type TransportError } from '../errors.js';
import { tooLarge, type BodyProducer, type BodyReader, type BodySink } from './body-flow.js';
import { BodyIterator } from './body-iterator.js';
import { textOf, textOfLatin1 } from './buffer-text.js';
import { copyOf, PieceQueue } from './piece-queue.js';

export type BodyUse = 'unread' | 'claimed' | 'reading' | 'collecting' | 'discarded';

/** Puts the name of its call on an error (call-name.ts). */
export interface ErrorNamer {
  /** The line of its call, where it was recorded. */
  readonly callSite: string | undefined;
  name(error: HotaruClientError): void;
}

export class ResponseBody implements BodySink {
  #use: BodyUse = 'unread';
  /** Told once, when it is no longer untouched: its reading begins, or it is given up. */
  onTouched: (() => void) | undefined = undefined;
  /** What has come and was not read. */
  #queue: PieceQueue | undefined = undefined;
  /**
   * A small body that came at once, as Latin-1: a string costs a third of a Buffer, loses nothing, and
   * most bodies are asked for as text. Turned into a piece when bytes are wanted.
   */
  #small: string | undefined = undefined;
  /** Where a body of announced length is collected; its first `#wholeBytes` are filled. */
  #whole: Buffer | undefined = undefined;
  #wholeBytes = 0;
  #totalBytes = 0;
  #isEnded = false;
  #error: unknown = undefined;
  #hasFailed = false;
  #isPaused = false;
  #producer: BodyProducer | undefined;
  /** Waits for the next piece. What waits for bytes is held, and so never looks dropped (leaks.ts). */
  #waiting: BodyReader | undefined = undefined;
  #onSettled: (() => void) | undefined = undefined;
  readonly #maxBytes: number;
  readonly #maxBufferedBytes: number;
  readonly #announcedBytes: number;
  /** Whose body it is. */
  namer: ErrorNamer | undefined = undefined;

  /** `announcedBytes`: its Content-Length; −1 when it is not known. */
  constructor(
    producer: BodyProducer | undefined,
    announcedBytes: number,
    maxBytes: number,
    maxBufferedBytes: number,
  ) {
    this.#producer = producer;
    this.#announcedBytes = announcedBytes;
    this.#maxBytes = maxBytes;
    this.#maxBufferedBytes = maxBufferedBytes;
  }

  get use(): BodyUse {
    return this.#use;
  }
  /** Has no byte of it been asked for? */
  get isUntouched(): boolean {
    return this.#use === 'unread' || this.#use === 'claimed';
  }
  get isSettled(): boolean {
    return this.#isEnded || this.#hasFailed;
  }
  /** Has it come whole, and is some of it here still? */
  get isWholeAndHere(): boolean {
    return this.#isEnded && (this.#small !== undefined || this.#bufferedBytes() > 0);
  }
  /** Has it come whole, and was all of it read? */
  get isAtEnd(): boolean {
    return this.#isEnded && !this.isWholeAndHere;
  }
  /** Are bytes waited for right now? */
  get isAwaited(): boolean {
    return this.#use === 'collecting' || this.#waiting !== undefined;
  }

  #bufferedBytes(): number {
    return this.#queue?.bytes ?? 0;
  }

  // ── producer ───────────────────────────────────────────────────────────────────────────────────

  take(bytes: Buffer, start: number, end: number): TransportError | undefined {
    const length = end - start;
    const whole = this.#whole;
    if (whole !== undefined) {
      // Never more than was announced: the reader saw to it.
      bytes.copy(whole, this.#wholeBytes, start, end);
      this.#wholeBytes += length;
      return undefined;
    }
    this.#totalBytes += length;
    if (this.#totalBytes > this.#maxBytes) return tooLarge('maxResponseSize', this.#maxBytes);
    if (this.#use === 'discarded') return undefined;
    if (this.#waiting !== undefined) this.#serve(copyOf(bytes, start, end));
    else if (
      length === this.#announcedBytes &&
      length <= CONSTANTS.smallBodyBytes &&
      this.#use === 'unread'
    )
      this.#small = latin1(bytes, start, end);
    else {
      (this.#queue ??= new PieceQueue()).add(bytes, start, end);
      return this.#queued();
    }
    return undefined;
  }

  /** As `take`, for a piece that belongs to this body from now on. */
  push(piece: Buffer): TransportError | undefined {
    this.#totalBytes += piece.length;
    if (this.#totalBytes > this.#maxBytes) return tooLarge('maxResponseSize', this.#maxBytes);
    if (this.#use === 'discarded') return undefined;
    if (this.#waiting !== undefined) this.#serve(piece);
    else {
      (this.#queue ??= new PieceQueue()).adopt(piece);
      return this.#queued();
    }
    return undefined;
  }

  #serve(piece: Buffer): void {
    const reader = this.#waiting;
    this.#waiting = undefined;
    reader?.gotPiece(piece);
  }

  #queued(): TransportError | undefined {
    const bytes = this.#bufferedBytes();
    if (this.#use === 'collecting') {
      if (bytes > this.#maxBufferedBytes)
        return tooLarge('maxBufferedSize', this.#maxBufferedBytes);
    } else if (!this.#isPaused && bytes >= CONSTANTS.bodyHighWaterBytes) {
      this.#isPaused = true;
      this.#producer?.pauseBody();
    }
    return undefined;
  }

  end(): void {
    this.#isEnded = true;
    this.#producer = undefined;
    const reader = this.#waiting;
    this.#waiting = undefined;
    reader?.gotEnd();
    this.#onSettled?.();
  }

  /**
   * The body was cut. A reader gets what had arrived and then the error, so it never passes for a whole
   * one; `dropRest` skips the first part, for a caller that has left.
   */
  fail(error: unknown, dropRest = false): void {
    if (this.isSettled) return;
    if (dropRest) this.#drop();
    this.#hasFailed = true;
    this.#error = error;
    this.#producer = undefined;
    const reader = this.#waiting;
    this.#waiting = undefined;
    reader?.gotError(error);
    this.#onSettled?.();
  }

  // ── the whole body ─────────────────────────────────────────────────────────────────────────────

  /** The whole body as text if it has come already, in one piece: the usual small answer. Claims it. */
  takeText(): string | undefined {
    if (!this.#isEnded || this.#use !== 'unread') return undefined;
    const small = this.#small;
    if (small === undefined && this.#queue?.isOnePiece !== true) return undefined;
    if ((small?.length ?? this.#bufferedBytes()) > this.#maxBufferedBytes) return undefined;
    this.#small = undefined;
    this.#claim('collecting');
    this.onTouched?.();
    return small === undefined ? textOf(this.#takeAll()) : textOfLatin1(small);
  }

  /** The whole body. @throws RequestError `HOTARU_BODY_USED` when it was read, or is being read */
  async collect(): Promise<Buffer> {
    this.#claim('collecting');
    this.onTouched?.();
    if (this.#bufferedBytes() > this.#maxBufferedBytes) {
      this.#drop();
      const error = this.#named(tooLarge('maxBufferedSize', this.#maxBufferedBytes));
      if (this.#isEnded) throw error;
      this.#refuse(error);
    } else if (!this.isSettled) {
      this.#gather();
      this.#resume();
      await this.settled();
    }
    if (this.#hasFailed) {
      this.#drop(); // a response that is kept keeps no half of a body
      throw withCaller(this.#error, this.namer?.callSite);
    }
    return this.#takeAll();
  }

  /** Makes room for all of it at once, within reason: a peer may announce what never comes. */
  #gather(): void {
    const length = this.#announcedBytes;
    if (length === -1 || length > Math.min(CONSTANTS.gatherMaxBytes, this.#maxBytes)) return;
    if (length > this.#maxBufferedBytes) return;
    const whole = Buffer.allocUnsafeSlow(length);
    const queue = this.#queue;
    for (let piece = queue?.shift(); piece !== undefined; piece = queue?.shift())
      this.#wholeBytes += piece.copy(whole, this.#wholeBytes);
    this.#whole = whole;
  }

  #takeAll(): Buffer {
    const whole = this.#whole ?? this.#queue?.takeAll() ?? EMPTY;
    this.#drop();
    return whole;
  }

  #refuse(error: TransportError): void {
    const producer = this.#producer;
    this.fail(error, true);
    producer?.abandonBody();
  }

  // ── piece by piece ─────────────────────────────────────────────────────────────────────────────

  /** Piece by piece, with backpressure. `owner` is held as long as the iterator is. */
  iterate(owner?: object): AsyncIterableIterator<Uint8Array> {
    this.claim();
    return new BodyIterator(this, owner);
  }

  /** Takes the body for one reader, which may ask for bytes later, or never. */
  claim(): void {
    this.#claim('claimed');
  }

  /** The next piece if there is one; else `wait` tells what comes. */
  next(): Buffer | undefined {
    if (this.#use === 'claimed') this.#begin();
    const queue = this.#queue;
    const piece = queue?.shift();
    if (piece === undefined) return undefined;
    if (this.#isPaused && this.#bufferedBytes() < CONSTANTS.bodyHighWaterBytes / 2) this.#resume();
    return piece;
  }

  /** After `next()` had nothing: the reader is told once, perhaps at once. */
  wait(reader: BodyReader): void {
    if (this.#hasFailed) reader.gotError(this.#error);
    else if (this.#use === 'discarded') reader.gotError(this.usedError());
    else if (this.#isEnded) reader.gotEnd();
    else {
      this.#waiting = reader;
      this.#resume();
    }
  }

  #begin(): void {
    this.#use = 'reading';
    this.onTouched?.();
  }

  // ── giving up ──────────────────────────────────────────────────────────────────────────────────

  /**
   * Gives up what was not read yet: a reader that waits, or comes later, gets an error. Does nothing when
   * the whole body was asked for, or read to its end.
   */
  discard(): void {
    const reader = this.#waiting;
    if (this.#abandon()) reader?.gotError(this.usedError());
  }

  /** The reader itself wants no more. */
  leave(): void {
    const reader = this.#waiting;
    if (this.#abandon()) reader?.gotEnd();
  }

  #abandon(): boolean {
    if (this.#use === 'collecting' || this.#use === 'discarded') return false;
    if (this.isSettled && this.#use === 'reading' && this.#bufferedBytes() === 0) return false;
    const wasUntouched = this.isUntouched;
    this.#use = 'discarded';
    this.#drop();
    this.#waiting = undefined;
    if (!this.isSettled) this.#producer?.abandonBody();
    if (wasUntouched) this.onTouched?.();
    return true;
  }

  /** `HOTARU_BODY_USED`, for an attempt to read it in spite of that. */
  usedError(
    what = this.#use === 'discarded' ? 'the body was given up' : 'the body was read already',
  ): RequestError {
    return this.#named(new RequestError('HOTARU_BODY_USED', what));
  }

  /** For a second `read()` before the first was answered. */
  busyError(): RequestError {
    return this.#named(new RequestError('HOTARU_INVALID_STATE', 'a read is already under way'));
  }

  #named<Failure extends HotaruClientError>(error: Failure): Failure {
    this.namer?.name(error);
    return error;
  }

  /** Resolves when the last byte has come or the body has failed. */
  settled(): Promise<void> {
    if (this.isSettled) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#onSettled;
      this.#onSettled = () => {
        before?.();
        resolve();
      };
    });
  }

  #drop(): void {
    this.#queue = undefined;
    this.#small = undefined;
    this.#whole = undefined;
  }

  #claim(use: BodyUse): void {
    if (this.#use !== 'unread') throw this.usedError();
    this.#use = use;
    if (this.#small === undefined) return;
    (this.#queue ??= new PieceQueue()).adopt(Buffer.from(this.#small, 'latin1'));
    this.#small = undefined;
  }

  #resume(): void {
    this.#producer?.resumeBody();
    this.#isPaused = false;
  }
}

const EMPTY = Buffer.alloc(0);
