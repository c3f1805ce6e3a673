/**
 * The inbound seam: what a transport hands in, and what it takes back. A transport is a server for one way to
 * speak HTTP: today `node-http/`, later HTTP/1.1 and HTTP/2 of our own. Above it there are requests and answers, and
 * no socket, parser, frame or class of `node:http`.
 *
 * One request is an `Inbound`. Its two sides are independent, and each is a union:
 *
 *   body     none                                                        the head announces no body
 *            unread ──readBody()──▶ reading ◀──pauseBody()/resumeBody()──▶ paused
 *              └────────┬───────────────┴──────────────────────────────────┘
 *                       ├── the last byte is delivered ──▶ whole
 *                       ├── the answer is out ───────────▶ dropped ──▶ whole    a small rest is read anyway
 *                       └── broken, or the client gone ──▶ cut
 *
 *   answer   due ──respond()──────────────────┬──▶ sent                 the system has taken all of it
 *             ├────begin()──▶ begun ──end()───┴──▶ ended ──drained──▶ sent
 *             ├────takeOver()──▶ taken                                  the socket belongs to the caller
 *             └─ due, begun, ended ──cut()──▶ cut      ──gone──▶ gone
 *
 * Invariants, for every transport (test/inbound/contract.ts checks them):
 * - each request that was accepted has one end: `respond()` or `end()` returns true, `drained` comes after they
 *   returned false, `cut()` or `takeOver()` was called, or `gone` is told. After its end no event comes;
 * - `gone` is told to every request under way on a connection that ends, also to one whose answer waits for the
 *   answers of earlier requests (pipelining), and never twice;
 * - answers leave in the order of their requests, in whatever order they are given;
 * - no event comes from inside a call of a verb, with one exception: `readBody()` and `resumeBody()` may deliver bytes.
 *
 * A verb called in a state that does not allow it throws: it is a mistake of the framework. When the client is gone,
 * or the answer was cut, a verb does nothing instead, because that can cross any call on its way.
 */
import type { Duplex } from 'node:stream';
import type { Binding } from '../binding.js';
import type { HttpError } from '../http/response/http-error.js';

export type BodyState = 'none' | 'unread' | 'reading' | 'paused' | 'dropped' | 'whole' | 'cut';

export type AnswerState = 'due' | 'begun' | 'ended' | 'sent' | 'taken' | 'cut' | 'gone';

/** Header fields in one flat list: name, value, name, value. A repeated name is a line of its own. */
export type FieldLines = readonly string[];

/** What a request says before its body. It never changes. */
export interface InboundHead {
  /** As it came; methods are case-sensitive (RFC 9110 §9.1). */
  readonly method: string;
  /** The request target as it came (RFC 9112 §3.2): a path, an absolute URL or `*`. */
  readonly target: string;
  /** Every field line in the order received, names as the client wrote them. */
  readonly fields: FieldLines;
  /** The size of request line and fields in bytes. */
  readonly headBytes: number;
  /** Is there a field `x-request-id`? Found in the same pass as the framing, so that most requests need no search. */
  readonly hasRequestId: boolean;
  /**
   * What is wrong with the head, if the transport leaves it to the framework to answer that: then it leaves open
   * where the message ends or which server is meant, so the answer has to be the last one (`closeAfter()`).
   */
  readonly flaw: HttpError | undefined;
}

/** Where the bytes of a body go: any number of `data`, then exactly one of `end` and `fail`. */
export interface BodySink {
  /** @param chunk belongs to the sink. */
  data(chunk: Buffer): void;
  end(): void;
  /** The rest cannot come. */
  fail(error: HttpError): void;
}

/** Why a request is gone: its client has closed the connection, or takes nothing of the answer. */
export type Gone = 'left' | Stalled;

/** The client has taken nothing for `writeTimeoutMs`: the connection is reset. */
export interface Stalled {
  /** The request whose answer is not taken; others on the connection are gone with it. */
  readonly late: Inbound;
  readonly timeoutMs: number;
  readonly unsentBytes: number;
}

/** The framework's side of one request: what the transport asks and tells. */
export interface InboundEvents {
  /** ms that the client may take nothing of what was written; `Infinity` is no limit. Asked when something waits. */
  readonly writeTimeoutMs: number;
  /** After `begin()` or `write()` has returned false: more may be written. After `end()`: the answer is sent. */
  drained(): void;
  /** The client cannot be reached any more. The body, if it is not whole, is cut; its sink hears that after this. */
  gone(why: Gone): void;
}

/** One request, from the transport's side. */
export interface Inbound extends InboundHead {
  /** Set by the host in `accept()`, before it calls a verb. */
  events: InboundEvents;

  /** The address at the other end of the connection; '' when it is not known. */
  readonly remoteAddress: string;
  /** Did the request come over TLS? */
  readonly isSecure: boolean;

  readonly body: BodyState;
  /** Bytes of the body as announced: 0 when there is none, -1 when only its end will tell. */
  readonly bodyLength: number;
  /** Why the body is cut, if it is not that the client has left. */
  readonly bodyError: HttpError | undefined;
  /** Does the client wait for `100 Continue` before it sends its body? */
  readonly awaitsContinue: boolean;

  readonly answer: AnswerState;
  /** Is it of no use to answer? True as soon as the connection has ended, which is before `gone` is told. */
  readonly isGone: boolean;

  // ── the body ─────────────────────────────────────────────────────────────────────────────────────

  /** In `unread`. Bytes go to the sink from now on, at the earliest during this call. Once for each request. */
  readBody(sink: BodySink): void;
  /** In `reading`; otherwise nothing happens. No byte is delivered until `resumeBody()`; the client is slowed down. */
  pauseBody(): void;
  /** In `paused`; otherwise nothing happens. */
  resumeBody(): void;
  /** Sends `100 Continue` if the client waits for it and the answer is due; otherwise nothing happens. */
  sayContinue(): void;

  // ── the answer ───────────────────────────────────────────────────────────────────────────────────

  /**
   * In `due`, any number of times: an informational response, 102 or 103 (early hints, RFC 8297: a `link` is
   * among the fields). It is left out for a client that may not know it (HTTP/1.0).
   */
  inform(status: 102 | 103, fields: FieldLines): void;

  /**
   * In `due`: the whole answer, in one write. `date` and what is about the connection is added by the transport.
   * The framing is a `content-length` among the fields; without one the transport has its own. Where HTTP allows no
   * body (HEAD, 204, 304) the head alone is sent.
   *
   * @returns true when the system has all of it: the request is over. False: `drained` or `gone` will come.
   */
  respond(status: number, fields: FieldLines, body: string | Uint8Array | null): boolean;

  /**
   * In `due`: the head of an answer whose body comes in pieces, and the first one if it is there; in one write.
   *
   * @returns as `write()`.
   */
  begin(status: number, fields: FieldLines, first: string | Uint8Array | undefined): boolean;

  /**
   * In `begun`.
   *
   * @param chunk not empty. Bytes must not be changed afterwards.
   * @returns false when the client has to take some of it first: wait for `drained`. More is kept, but unbounded.
   */
  write(chunk: string | Uint8Array): boolean;

  /** In `begun`: the body is complete. @returns as `respond()`. */
  end(): boolean;

  /**
   * Before `respond()` or `begin()`: the answer says that the connection closes, and what comes behind the request is
   * not run. A rest of the request body is not waited for. Nothing happens if a request behind it was accepted
   * already: that one's answer may still say so. A connection of HTTP/2 ends by the drain: there it does nothing.
   */
  closeAfter(): void;

  /**
   * In `due`, `begun` and `ended`: the answer will not be completed. What was written before it goes out, then the
   * connection ends in a way that no client takes for the end of a body. The request is over.
   */
  cut(): void;

  /** May `takeOver()` be called? Only for a request that asks for another protocol, where the host takes those. */
  readonly canTakeOver: boolean;
  /**
   * In `due`, instead of an answer: the connection belongs to the caller, who writes the 101 (or the 200 of a
   * CONNECT) and listens for `error`. The drain leaves the connection alone until its time is up.
   *
   * @throws if `canTakeOver` is false.
   */
  takeOver(): TakenOver;
}

export interface TakenOver {
  readonly socket: Duplex;
  /** What had arrived behind the head. */
  readonly head: Buffer;
}

/** An answer in one piece. */
export interface Answer {
  readonly status: number;
  readonly fields: FieldLines;
  readonly body: string;
}

/** What the framework hands to a transport. */
export interface InboundHost {
  /** Is there anything that would call `takeOver()`? If not, `Upgrade` is ignored and CONNECT is refused. */
  readonly takesOver: boolean;
  /** A request has arrived, as far as its head. Its body is not read before `readBody()`. */
  accept(inbound: Inbound): void;
  /**
   * Something that never becomes a request: bytes that are no HTTP, a head too large or too slow.
   *
   * @param reason the parser's own word for it, for the log.
   * @returns what the transport answers before it closes the connection.
   */
  refuse(problem: HttpError, reason?: string): Answer;
  /** The listener reports an error (no more descriptors, say) and goes on. */
  failed(error: Error): void;
}

/** Where a server listens, as the system says it: `::` is every interface. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What a drain has to cut because its time is up. */
export interface Cut {
  readonly responses: number;
  readonly upgraded: number;
}

/** A listener and its connections. */
export interface InboundServer {
  /** Open connections. */
  readonly size: number;
  /** @throws the system's error, with its `code`; it may be tried again. */
  listen(binding: Binding): Promise<ListenAddress>;
  /** Accepts the clients that wait in the backlog, and closes the listener. Connections are left as they are. */
  stopAccepting(): Promise<void>;
  /**
   * Ends the connections without losing a request; see `node-http/connections.ts` for how long each may stay.
   * Resolves when the last one is closed; after `timeoutMs` what is left is cut.
   *
   * @param onTimeUp told what is about to be cut. The host answers requests without a response; these answers
   * have a moment to be read.
   */
  drain(timeoutMs: number, onTimeUp: (cut: Cut) => void): Promise<void>;
  /** Ends what is left at once: listener, connections, timers. */
  destroy(): void;
}
