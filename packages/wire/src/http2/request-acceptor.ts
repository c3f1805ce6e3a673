/**
 * Which requests become streams: the server's role. The block is decoded by then. One above the limit is refused, so
 * that it can be sent again (RFC 9113 §5.1.2, §8.7); one that is malformed is reset, or answered where a status says
 * more; behind our last GOAWAY nothing is answered (§6.8).
 */
import { statusOf, WireError } from '../wire-error.js';
import { ClosedBy } from './closed-streams.js';
import { Http2ErrorCode } from './error-codes.js';
import type { FloodGuard } from './flood-guard.js';
import { ReceiveWindow } from './flow-window.js';
import { MAX_STREAM_ID } from './frame-types.js';
import type { Outbound } from './outbound.js';
import type { Role } from './settings.js';
import type { Http2ConnectionEvents, Http2Limits } from './stream-api.js';
import type { StreamSender } from './stream-sender.js';
import { SILENT, Stream } from './stream.js';
import { StreamEvent } from './stream-state.js';
import type { Streams } from './streams.js';

export class RequestAcceptor {
  /** The highest number that a GOAWAY of ours has left open. */
  acceptUpTo = MAX_STREAM_ID;
  /** Has the peer acknowledged our limits? Until then it can't know them. */
  isBound = false;
  readonly #role: Role;
  readonly #events: Http2ConnectionEvents;
  readonly #limits: Http2Limits;
  readonly #streams: Streams;
  readonly #outbound: Outbound;
  readonly #sender: StreamSender;
  readonly #guard: FloodGuard;

  constructor(
    role: Role,
    events: Http2ConnectionEvents,
    limits: Http2Limits,
    streams: Streams,
    outbound: Outbound,
    sender: StreamSender,
    guard: FloodGuard,
  ) {
    this.#role = role;
    this.#events = events;
    this.#limits = limits;
    this.#streams = streams;
    this.#outbound = outbound;
    this.#sender = sender;
    this.#guard = guard;
  }

  /** May a peer open a stream by this number? A client's are odd, and only go up (§5.1.1). */
  isNew(id: number): boolean {
    return this.#role === 'server' && (id & 1) === 1 && id > this.#streams.highestPeerId;
  }

  accept(
    id: number,
    problem: WireError | undefined,
    contentLength: number,
    endsStream: boolean,
  ): Stream | undefined {
    this.#streams.notePeerId(id);
    if (id > this.acceptUpTo) {
      this.#streams.noteClosed(id, ClosedBy.OurReset);
      this.#guard.idleFrame();
      return undefined;
    }
    if (this.#streams.count >= this.#limits.maxConcurrentStreams) {
      this.#refuse(id);
      return undefined;
    }
    const error = problem ?? cutShort(contentLength, endsStream);
    if (error !== undefined) {
      this.#reject(id, error, endsStream);
      return undefined;
    }
    this.#guard.usefulFrame();
    return this.#open(id, contentLength, endsStream);
  }

  #open(id: number, contentLength: number, endsStream: boolean): Stream | undefined {
    const stream = new Stream(
      id,
      this.#sender,
      SILENT,
      'usual',
      this.#outbound.peer.initialWindowBytes,
      new ReceiveWindow(this.#sender.receiveWindowBytes),
      this.#outbound.position,
      false,
    );
    stream.hasStarted = true;
    stream.remaining = contentLength;
    this.#streams.add(stream);
    this.#streams.advance(stream, StreamEvent.ReceiveHead);
    if (endsStream) this.#streams.advance(stream, StreamEvent.ReceiveEnd);
    const events = this.#events.onStream(stream);
    if (stream.hasLeft) return undefined;
    stream.events = events;
    return stream;
  }

  /** The next one may find room: nothing of it was done. */
  #refuse(id: number): void {
    this.#reset(id, Http2ErrorCode.RefusedStream);
    if (this.isBound) this.#guard.reset();
    else this.#guard.idleFrame();
  }

  #reject(id: number, error: WireError, endsStream: boolean): void {
    if (error.reason === 'field-list-too-large' || error.reason === 'too-many-fields') {
      this.#guard.answer();
      this.#outbound.response(id, statusOf(error) ?? 431, [], true);
      if (endsStream) this.#streams.noteClosed(id, ClosedBy.End);
      else this.#reset(id, Http2ErrorCode.NoError);
    } else this.#reset(id, error.http2Code ?? Http2ErrorCode.ProtocolError);
    this.#guard.reset();
  }

  #reset(id: number, code: number): void {
    this.#guard.answer();
    this.#streams.noteClosed(id, ClosedBy.OurReset);
    this.#outbound.reset(id, code);
  }
}

function cutShort(contentLength: number, endsStream: boolean): WireError | undefined {
  if (!endsStream || contentLength <= 0) return undefined;
  return new WireError('body-length', 'a request with a content-length and no body');
}
