/**
 * What an HTTP/2 connection (codec.ts) and its user say to each other, for both roles. The user is a socket's
 * owner: it feeds what came in, and writes what `takeOutput()` gives. Left to it: sockets, clocks, and whose request
 * is sent on which connection.
 */
import type { FieldSection } from '../head.js';
import type { BodyTaker } from '../http1/message-reader.js';

/** The parts of a request, in the client's role to be sent, and in the server's as they came. */
export interface Http2Request {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  /** `:path`: path and query, or `*`. Empty for a CONNECT. */
  readonly target: string;
}

export interface Http2RequestToSend extends Http2Request {
  /** Name, value, name, value …, names in any case, checked before: tokens, and Latin-1 without control characters. */
  readonly fields: readonly string[];
  /** −1 to announce none. */
  readonly contentLength: number;
}

export interface Http2RequestHead extends Http2Request, FieldSection {
  /** −1 when there is none. */
  readonly contentLength: number;
  readonly expectContinue: boolean;
}

/** `text` and `offsets` are of the fields alone, without `:status`. There is no reason phrase. */
export interface Http2ResponseHead extends FieldSection {
  readonly status: number;
  readonly reasonStart: 0;
  readonly reasonEnd: 0;
  /** Is there a `Content-Encoding` field? */
  readonly isEncoded: boolean;
  /** How long the body is by what the head says of it; −1 if its end alone tells. */
  readonly bodyLength: number;
}

/** The user of one stream. Each of these may call any verb of its stream, of other streams and of the connection. */
export interface Http2StreamEvents<Head> {
  /** A head of 1xx; in the client's role only. */
  onInformational(head: Http2ResponseHead): void;
  /**
   * The head. Returns what takes the body; without it the body is dropped, and its credit given back. `hasBody` is
   * false when the message ends with its head. An error that `take()` returns resets the stream with CANCEL and comes
   * back by `onFailed`.
   */
  onHead(head: Head, hasBody: boolean): BodyTaker | undefined;
  /** The peer's message is whole. Our side may still be open. */
  onEnd(trailers: FieldSection | undefined): void;
  /** `room` was read as 0, and is more now. Once for each time it was. */
  onRoom(): void;
  /**
   * The stream is closed after `onEnd` and before the end of our message: nothing more of it can be sent. A server that
   * wants no more of a request does so (RST_STREAM with NO_ERROR, RFC 9113 §8.1), a client that has gone, a connection
   * that is lost. Nothing follows.
   */
  onStopSending(reason: Error): void;
  /**
   * The stream is over and its message is not whole; once, and nothing follows. `isUnprocessed`: the peer has not
   * acted on it and says so (REFUSED_STREAM, a GOAWAY below it), or no byte of it was taken for writing: it may be
   * sent again whatever its method.
   */
  onFailed(error: Error, isUnprocessed: boolean): void;
}

/** One stream, as its user sees it. Its verbs do nothing once it is closed. */
export interface Http2Stream {
  readonly id: number;
  /**
   * Bytes of a body that may be sent now: by both windows, and by what waits to be written; 0 while the socket is full,
   * and before the head. To read 0 is to ask for `onRoom()`.
   */
  readonly room: number;
  /** Has any frame of the peer come for it, other than WINDOW_UPDATE? */
  readonly hasStarted: boolean;
  /** Is it closed in both directions, or reset? */
  readonly isClosed: boolean;
  /** Bytes of a body, `end − start ≤ room`: copied. `isLast` ends our side. @throws Error for more than that */
  send(bytes: Uint8Array, start: number, end: number, isLast: boolean): void;
  /** Ends our side, with trailers or without. */
  end(trailers?: readonly string[]): void;
  /** The server's role: an informational head, or the final one. @throws WireError `unsafe-head` */
  inform(status: number, fields: readonly string[]): void;
  respond(status: number, fields: readonly string[], isLast: boolean): void;
  /** Ends it at once, without an event but `onStreamClosed`. `code` is one of `Http2ErrorCode`. */
  reset(code: number): void;
  /** Gives no more credit: the peer can send what is left of the stream's window and no more. */
  pause(): void;
  resume(): void;
}

/** What the peer allows now. */
export interface PeerSettings {
  readonly maxConcurrentStreams: number;
  readonly initialWindowBytes: number;
  readonly maxFrameBytes: number;
  /** Infinity until the peer sets one; advisory (RFC 9113 §6.5.2). */
  readonly maxHeaderListBytes: number;
  readonly headerTableBytes: number;
  /** RFC 8441. */
  readonly enableConnectProtocol: boolean;
}

/** The user of a connection. */
export interface Http2ConnectionEvents {
  /** Something waits to be written. Once, until `takeOutput()` was called. */
  onOutput(): void;
  /** The peer's SETTINGS: the first ones, and each change. */
  onSettings(settings: PeerSettings): void;
  /**
   * GOAWAY: no new streams may be opened. Streams above `lastStreamId` have failed before this is called. It may come
   * again, with a lower one.
   */
  onGoaway(lastStreamId: number, code: number, debugText: string): void;
  onPong(): void;
  /** The server's role: a request begins on `stream`; its events are called behind this. */
  onStream(stream: Http2Stream): Http2StreamEvents<Http2RequestHead>;
  /** A stream has left the count of active ones: after its last event. */
  onStreamClosed(stream: Http2Stream): void;
}

/** What a peer may send, and what is offered to it. Each user gives its own; there are no defaults here. */
export interface Http2Limits {
  /** Offered: SETTINGS_INITIAL_WINDOW_SIZE. Grows up to `maxStreamWindowBytes` while the stream is read without a pause. */
  readonly streamWindowBytes: number;
  readonly maxStreamWindowBytes: number;
  /** Offered to all streams together, 65 535 at least. Credit of it is given back as data comes in. */
  readonly connectionWindowBytes: number;
  /** Offered: SETTINGS_HEADER_TABLE_SIZE. What the peer offers us is used up to the same size. */
  readonly headerTableBytes: number;
  /** Decoded, as RFC 9113 §6.5.2 counts: 32 more for each field. Offered: SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxHeaderListBytes: number;
  readonly maxHeaderCount: number;
  /** Streams that the peer may open: the server's role. */
  readonly maxConcurrentStreams: number;
  readonly maxInformational: number;
  /** CONTINUATION frames of one header block. */
  readonly maxContinuations: number;
  /** Frames without effect (empty DATA, PING, SETTINGS, PRIORITY, unknown types …) that may come beyond one for each useful one. */
  readonly idleFrameAllowance: number;
  /** What `timePassed()` pays back of those, each second. */
  readonly idleFramesPerSecond: number;
  /** Streams that the peer may reset, or make us reset (rapid reset, MadeYouReset), beyond those it lets end. */
  readonly resetAllowance: number;
  /** What `timePassed()` pays back of those, each second. */
  readonly resetsPerSecond: number;
  /** Answers to PING and SETTINGS that may wait because the peer does not read. */
  readonly maxQueuedAnswers: number;
}
