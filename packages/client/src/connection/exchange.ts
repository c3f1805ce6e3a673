/**
 * One request and its response, as everything above connection/ sees them, whatever protocol carries them.
 *
 *   open ──start()──▶ sending ∥ receiving ──▶ ended ──release()──▶ its place on the connection is given back
 *
 *   sending     SendState: told by `sending()`, each change of it
 *   receiving   (1xx)* ─▶ head ─▶ the pieces of the body, to the sink that `onHead` returned
 *
 * The two sides overlap: a response may come before the request is out. It ends once: by `exchangeDone`, by
 * `exchangeFailed`, or by `abort()` and `release()`, after which it says nothing more.
 *
 * Left to each protocol: how a request is written and framed, and what proves that a connection may be used again.
 * Left to send/: clocks, retries, what the caller gets.
 */
import type { PieceSink } from '../message/body-flow.js';
import type { RequestBody } from '../message/request-body.js';

/** A request, without anything that only one protocol has: no request line, no framing, no connection fields. */
export interface ExchangeRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host, and port if it is not the scheme's own: `host` in HTTP/1.1, `:authority` in HTTP/2. */
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  /**
   * Name, value, name, value …, checked: tokens, and Latin-1 without control characters. Never `host`,
   * `content-length`, `transfer-encoding` or a field of the connection (RFC 9110 §7.6.1): the protocol writes these.
   */
  readonly fields: readonly string[];
  readonly body: RequestBody;
  /** What is announced of the body's length, in bytes; −1 for nothing: there is none, or a stream of any length. */
  readonly contentLength: number;
  /** `fields` ask the peer to say 100 before the body is sent. */
  readonly expectsContinue: boolean;
  /** The connection is not to be kept after it, and the peer is told so where the protocol can. */
  readonly wantsClose: boolean;
}

/** Field lines as they came, or as they would be written: offsets come in fours: name start, name end, value start, value end. */
export interface FieldSection {
  readonly text: string;
  readonly offsets: readonly number[];
}

export interface ResponseHead extends FieldSection {
  readonly status: number;
  /** The reason phrase is in `text` too; empty where the protocol has none. */
  readonly reasonStart: number;
  readonly reasonEnd: number;
  /** Is there a `Content-Encoding` field? */
  readonly isEncoded: boolean;
  /** How long the body is by what the head says of it, in bytes; −1 if its end alone tells. */
  readonly bodyLength: number;
}

/**
 * What the sending side waits for.
 *
 *   head ──▶ continue ──▶ source ⇄ socket ──▶ flush ──▶ written
 *     └──────────┴───────────┴───────┴──────────┴──────────┤
 *                                                          ├──▶ broken ──▶ stopped     a write failed
 *                                                          └──▶ stopped                the rest is not wanted
 *
 *   head       nothing but the head has been written, or not even that
 *   continue   the head is out; the body waits for 100, or for the end of that wait
 *   source     waits for the next piece of the caller's own stream
 *   socket     waits for the peer: there is no room, and more is to be written
 *   flush      every byte was handed over, and there is no room for more
 *   written    every byte was handed over, and there is room for more
 */
export type SendState =
  'head' | 'continue' | 'source' | 'socket' | 'flush' | 'written' | 'broken' | 'stopped';

/** The owner of an exchange. It may call `abort()` in each of these. */
export interface ExchangeEvents {
  /**
   * The sending side has a new state, other than `stopped`. In `continue`, call `continueUpload()` when the wait
   * for 100 is over; in `broken`, `giveUp()` unless an answer comes within the grace.
   */
  sending(state: SendState): void;
  /** A head of 1xx; more than one may come. */
  onInformational(head: ResponseHead): void;
  /**
   * The head of the response. Returns what takes its body: each piece goes there straight from the protocol's
   * reader. An error that `take()` returns ends the exchange by `exchangeFailed`; so the sink is told no end.
   * Without a sink the body is read and dropped. `hasBody` is false when the message ends with its head.
   */
  onHead(head: ResponseHead, hasBody: boolean): PieceSink | undefined;
  /** The head is there and the rest of the body is not: from now on it has to be read. */
  bodyPending(): void;
  /** The response is whole. */
  exchangeDone(trailers: FieldSection | undefined): void;
  exchangeFailed(error: Error): void;
}

export interface Exchange {
  /** Bytes of the request that were handed over for sending. */
  readonly bytesSent: number;
  /** Has any byte of the response, 1xx included, arrived? */
  readonly responseStarted: boolean;
  /**
   * Once it has failed: its peer has not acted on it, for certain, and its body is still there. So it may be sent
   * again whatever its method; a stream that is not sent again has to be given up by its owner.
   */
  readonly mayBeSentAgain: boolean;
  /**
   * Once it has failed: was its connection lost, and in use before, so that its peer may have closed it because it was
   * idle? Undefined where a connection has one caller at a time: then the pool knows.
   */
  readonly isStale?: boolean;
  /** When something last came in for it. */
  readonly heardAtMs: number;
  /** Begins; once. Events may come before it returns, and none come before it is called. */
  start(): void;
  /** Takes no more of the response: backpressure reaches the peer. */
  pause(): void;
  resume(): void;
  /** 100 came, or it is not waited for any longer. */
  continueUpload(): void;
  /** The grace after a failed write is over. */
  giveUp(): void;
  /** Ends it without an event. */
  abort(): void;
  /**
   * Gives its place on the connection back, and aborts it if it has not ended. True with the proof that the
   * connection may be used again. Its owner passes that on to `HostPool.release()`, once.
   */
  release(): boolean;
}
