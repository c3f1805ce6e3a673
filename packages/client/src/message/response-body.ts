/**
 * The body of a response between the connection that delivers it and the caller who reads it.
 *
 * Producer:  push* ─▶ end | fail          Consumer: one of  collect · iterate · discard
 *
 * What arrives before anybody reads is kept; above the high-water mark the producer is asked to pause,
 * and resumed once the consumer has caught up. While a whole body is being collected nothing pauses,
 * and a limit on its size applies instead; where its length was announced, it is gathered in one place.
 */
import { CONSTANTS } from '../config/defaults.js';
import { rejection, withCaller } from '../call-stack.js';
import { RequestError, TransportError, type HotaruClientError } from '../errors.js';
import { latin1, textOf, textOfLatin1 } from './buffer-text.js';

/** The side that delivers: a call in flight. */
export interface BodyProducer {
  pauseBody(): void;
  resumeBody(): void;
  /** The consumer wants no more: drain what little is left, or close the connection. */
  abandonBody(): void;
}

/** The side that takes what was delivered: a body, or a decoder before it. */
export interface BodySink {
  /** Copies a range of the socket's buffer, which is read into again. Returns an error when it is too much. */
  take(bytes: Buffer, start: number, end: number): TransportError | undefined;
  end(): void;
  fail(error: unknown, dropRest: boolean): void;
}

export type BodyUse = 'unread' | 'collecting' | 'iterating' | 'discarded';

/** Puts the name of its call on an error (call-name.ts). */
export interface ErrorNamer {
  name(error: HotaruClientError): void;
}

interface PendingRead {
  resolve(result: IteratorResult<Uint8Array, undefined> | Promise<never>): void;
  reject(error: unknown): void;
}

export class ResponseBody implements BodySink {
  use: BodyUse = 'unread';
  /** Told once, when somebody begins to read. */
  onClaimed: (() => void) | undefined = undefined;
  /** What has come and was not read. Most bodies are one piece, and need no list. */
  #first: Buffer | undefined = undefined;
  #rest: Buffer[] | undefined = undefined;
  /**
   * A small body that came at once, as Latin-1: a string costs a third of a Buffer, loses nothing, and
   * most bodies are asked for as text. Turned into a piece when somebody wants bytes.
   */
  #small: string | undefined = undefined;
  #bufferedBytes = 0;
  /** Where a body of announced length is collected; its first `#bufferedBytes` are filled. */
  #whole: Buffer | undefined = undefined;
  #totalBytes = 0;
  #isEnded = false;
  #error: unknown = undefined;
  #hasFailed = false;
  #isPaused = false;
  #producer: BodyProducer | undefined;
  #pendingRead: PendingRead | undefined = undefined;
  #onSettled: (() => void) | undefined = undefined;
  readonly #maxBytes: number;
  readonly #maxBufferedBytes: number;
  readonly #announcedBytes: number;
  /** Whose body it is. */
  namer: ErrorNamer | undefined = undefined;

  /** `announcedBytes`: its Content-Length; −1 when nobody knows. */
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

  get isSettled(): boolean {
    return this.#isEnded || this.#hasFailed;
  }
  /** Does somebody wait for bytes right now? */
  get isAwaited(): boolean {
    return this.use === 'collecting' || this.#pendingRead !== undefined;
  }

  // ── producer ───────────────────────────────────────────────────────────────────────────────────

  take(bytes: Buffer, start: number, end: number): TransportError | undefined {
    const whole = this.#whole;
    if (whole === undefined) {
      const isSmall = end - start === this.#announcedBytes && end - start <= SMALL_BYTES;
      if (!isSmall || this.use !== 'unread') return this.push(copyOf(bytes, start, end));
      if (this.#announcedBytes > this.#maxBytes) return tooLarge('maxResponseSize', this.#maxBytes);
      this.#small = latin1(bytes, start, end);
      return undefined;
    }
    // Never more than was announced: the reader saw to it.
    bytes.copy(whole, this.#bufferedBytes, start, end);
    this.#bufferedBytes += end - start;
    return undefined;
  }

  /** As `take`, for a piece that is nobody else's. */
  push(piece: Buffer): TransportError | undefined {
    this.#totalBytes += piece.length;
    if (this.#totalBytes > this.#maxBytes) return tooLarge('maxResponseSize', this.#maxBytes);
    if (this.use === 'discarded') return undefined;
    const read = this.#pendingRead;
    if (read !== undefined) {
      this.#pendingRead = undefined;
      read.resolve({ done: false, value: piece });
      return undefined;
    }
    if (this.#first === undefined) this.#first = piece;
    else (this.#rest ??= []).push(piece);
    this.#bufferedBytes += piece.length;
    if (this.use === 'collecting') {
      if (this.#bufferedBytes > this.#maxBufferedBytes)
        return tooLarge('maxBufferedSize', this.#maxBufferedBytes);
    } else if (!this.#isPaused && this.#bufferedBytes >= CONSTANTS.bodyHighWaterBytes) {
      this.#isPaused = true;
      this.#producer?.pauseBody();
    }
    return undefined;
  }

  end(): void {
    this.#isEnded = true;
    this.#producer = undefined;
    const read = this.#pendingRead;
    this.#pendingRead = undefined;
    read?.resolve({ done: true, value: undefined });
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
    const read = this.#pendingRead;
    this.#pendingRead = undefined;
    read?.resolve(rejection(error));
    this.#onSettled?.();
  }

  // ── consumer ───────────────────────────────────────────────────────────────────────────────────

  /** The whole body as text if it has come already, in one piece: the usual small answer. Claims it. */
  takeText(): string | undefined {
    if (!this.#isEnded || this.use !== 'unread' || this.#rest !== undefined) return undefined;
    const small = this.#small;
    const length = small?.length ?? this.#first?.length;
    if (length === undefined || length > this.#maxBufferedBytes) return undefined;
    this.#small = undefined;
    this.#claim('collecting');
    const text = small === undefined ? textOf(this.#first ?? EMPTY) : textOfLatin1(small);
    this.#drop();
    return text;
  }

  /** The whole body. @throws RequestError `HOTARU_BODY_USED` when somebody has it already. */
  async collect(): Promise<Buffer> {
    this.#claim('collecting');
    if (this.#bufferedBytes > this.#maxBufferedBytes) {
      this.#drop();
      const error = this.#named(tooLarge('maxBufferedSize', this.#maxBufferedBytes));
      if (this.#isEnded) throw error;
      this.#giveUp(error);
    } else if (!this.isSettled) {
      this.#gather();
      this.#resume();
      await this.settled();
    }
    if (this.#hasFailed) {
      this.#drop(); // who keeps the response keeps no half of a body
      throw withCaller(this.#error);
    }
    const first = this.#first ?? EMPTY;
    const whole =
      this.#whole ?? (this.#rest === undefined ? first : Buffer.concat([first, ...this.#rest]));
    this.#drop();
    return whole;
  }

  /** Makes room for all of it at once, within reason: a peer may announce what never comes. */
  #gather(): void {
    const length = this.#announcedBytes;
    if (length === -1 || length > Math.min(CONSTANTS.gatherMaxBytes, this.#maxBytes)) return;
    if (length > this.#maxBufferedBytes) return;
    const whole = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    for (let piece = this.#shift(); piece !== undefined; piece = this.#shift())
      filled += piece.copy(whole, filled);
    this.#whole = whole;
  }

  /** Piece by piece, with backpressure. Leaving early gives the rest up. */
  iterate(): AsyncIterableIterator<Uint8Array, undefined> {
    this.#claim('iterating');
    const iterator: AsyncIterableIterator<Uint8Array, undefined> = {
      next: () => this.#read(),
      return: () => {
        this.#abandon();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Gives the body up; what has arrived is dropped. Does nothing once it was claimed by a reader. */
  discard(): void {
    if (this.use !== 'unread') return;
    this.use = 'discarded';
    this.#abandon();
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

  #named<Failure extends HotaruClientError>(error: Failure): Failure {
    this.namer?.name(error);
    return error;
  }

  #shift(): Buffer | undefined {
    const piece = this.#first;
    this.#first = this.#rest?.shift();
    return piece;
  }

  #drop(): void {
    this.#first = undefined;
    this.#rest = undefined;
    this.#small = undefined;
    this.#whole = undefined;
    this.#bufferedBytes = 0;
  }

  #claim(use: BodyUse): void {
    if (this.use !== 'unread')
      throw this.#named(
        new RequestError(
          'HOTARU_BODY_USED',
          this.use === 'discarded' ? 'the body was given up' : 'the body was read already',
        ),
      );
    this.use = use;
    if (this.#small !== undefined) {
      this.#first = Buffer.from(this.#small, 'latin1');
      this.#bufferedBytes = this.#first.length;
      this.#small = undefined;
    }
    this.onClaimed?.();
  }

  #read(): Promise<IteratorResult<Uint8Array, undefined>> {
    const piece = this.#shift();
    if (piece !== undefined) {
      this.#bufferedBytes -= piece.length;
      if (this.#isPaused && this.#bufferedBytes < CONSTANTS.bodyHighWaterBytes / 2) this.#resume();
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#hasFailed) return Promise.reject(withCaller(this.#error));
    if (this.#isEnded || this.use === 'discarded')
      return Promise.resolve({ done: true, value: undefined });
    if (this.#pendingRead !== undefined)
      return Promise.reject(
        this.#named(new RequestError('HOTARU_INVALID_STATE', 'a read is already under way')),
      );
    return new Promise((resolve, reject) => {
      this.#pendingRead = { resolve, reject };
      this.#resume();
    });
  }

  #resume(): void {
    this.#producer?.resumeBody();
    this.#isPaused = false;
  }

  #abandon(): void {
    this.use = 'discarded';
    this.#drop();
    const read = this.#pendingRead;
    this.#pendingRead = undefined;
    read?.resolve({ done: true, value: undefined });
    const producer = this.#producer;
    if (!this.isSettled) producer?.abandonBody();
  }

  #giveUp(error: TransportError): void {
    const producer = this.#producer;
    this.fail(error, true);
    producer?.abandonBody();
  }
}

const EMPTY = Buffer.alloc(0);
const SMALL_BYTES = 8_192;

/** For those who keep what the socket's buffer only lends. */
export function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}

export function tooLarge(limit: string, maxBytes: number): TransportError {
  return new TransportError(
    'HOTARU_RESPONSE_TOO_LARGE',
    `the response body is larger than ${limit} (${maxBytes} bytes)`,
    { phase: 'body', responseStarted: true },
  );
}
