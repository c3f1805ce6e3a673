/**
 * The streams of a connection: by number while they are active, and how the last ones were closed. Every change of a
 * stream's state is made here, by the table (stream-state.ts); a stream that comes to be closed leaves the map with it.
 */
import { ClosedBy, ClosedStreams } from './closed-streams.js';
import type { FloodGuard } from './flood-guard.js';
import { MAX_STREAM_ID } from './frame-types.js';
import type { Role } from './settings.js';
import type { Http2ConnectionEvents } from './stream-api.js';
import { SILENT, Wait, type Stream } from './stream.js';
import { ILLEGAL, nextState, StreamEvent, StreamState } from './stream-state.js';

export class Streams {
  readonly #role: Role;
  readonly #events: Http2ConnectionEvents;
  readonly #guard: FloodGuard;
  readonly #active = new Map<number, Stream>();
  readonly #closed = new ClosedStreams();
  /** The next one that we open; a client's are odd, and a server opens none. */
  #nextId = 1;
  /** The highest number that the peer has opened. */
  #highestPeerId = 0;
  /** Streams that could send, but for the window of the connection or its socket; the longest waiting first. */
  readonly waiting = new Set<Stream>();

  constructor(role: Role, events: Http2ConnectionEvents, guard: FloodGuard) {
    this.#role = role;
    this.#events = events;
    this.#guard = guard;
  }

  get count(): number {
    return this.#active.size;
  }

  get hasNumbersLeft(): boolean {
    return this.#nextId <= MAX_STREAM_ID;
  }

  get highestPeerId(): number {
    return this.#highestPeerId;
  }

  takeNextId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }

  /** A new number of the peer. Those below it that it has not used can't be used any more (RFC 9113 §5.1.1). */
  notePeerId(id: number): void {
    this.#highestPeerId = id;
  }

  get(id: number): Stream | undefined {
    return this.#active.get(id);
  }

  all(): IterableIterator<Stream> {
    return this.#active.values();
  }

  add(stream: Stream): void {
    this.#active.set(stream.id, stream);
  }

  /** Has this stream never been opened? */
  isIdle(id: number): boolean {
    const isClients = (id & 1) === 1;
    if (!isClients) return true;
    return this.#role === 'client' ? id >= this.#nextId : id > this.#highestPeerId;
  }

  /** How a stream that is neither idle nor active was closed. */
  closedBy(id: number): ClosedBy {
    return this.#closed.find(id);
  }

  /** A stream that was over before it was one: refused, or ignored. */
  noteClosed(id: number, by: ClosedBy): void {
    this.#closed.add(id, by);
  }

  /** @throws Error a verb that its user could not call now; frames are judged before. */
  advance(stream: Stream, event: StreamEvent): void {
    const next = nextState(stream.state, event);
    if (next === ILLEGAL) throw new Error('a message whose end was sent, or has not begun');
    stream.state = next;
    if (next === StreamState.Closed) this.#remove(stream, event);
  }

  /** The stream is closed, and its last event was called: tells the connection's user, once. */
  left(stream: Stream): void {
    if (stream.hasLeft) return;
    stream.hasLeft = true;
    stream.events = SILENT;
    stream.taker = undefined;
    this.#events.onStreamClosed(stream);
  }

  #remove(stream: Stream, event: StreamEvent): void {
    this.#active.delete(stream.id);
    this.stopWaiting(stream);
    if (event === StreamEvent.SendReset) {
      this.#closed.add(stream.id, ClosedBy.OurReset);
      this.#guard.resetSent();
    } else if (event === StreamEvent.ReceiveReset) this.#closed.add(stream.id, ClosedBy.PeerReset);
    else {
      this.#closed.add(stream.id, ClosedBy.End);
      this.#guard.ended();
    }
  }

  stopWaiting(stream: Stream): void {
    if (stream.waitsFor === Wait.Connection) this.waiting.delete(stream);
    stream.waitsFor = Wait.Nothing;
  }

  /** Ends a stream that is not closed: no frame is sent. Its user is told once, in the way that fits what has come of it. */
  fail(stream: Stream, event: StreamEvent, error: Error, isUnprocessed: boolean): void {
    this.advance(stream, event);
    this.#settle(stream, error, isUnprocessed);
  }

  /** The user of a stream has thrown. One that the table has closed meanwhile is in no list, and settled here. */
  abandon(stream: Stream, error: Error): void {
    if (stream.isClosed && !stream.hasLeft) this.#settle(stream, error, false);
  }

  #settle(stream: Stream, error: Error, isUnprocessed: boolean): void {
    const { events } = stream;
    stream.events = SILENT;
    try {
      if (stream.hasEnded) events.onStopSending(error);
      // Whatever the peer says of it later: what it has answered it has acted on.
      else events.onFailed(error, isUnprocessed && !stream.hasHead);
    } finally {
      this.left(stream);
    }
  }

  /**
   * In the order they were opened. None is added meanwhile; events may close others, and one that throws keeps none of the
   * rest from theirs. @throws what the first of them has thrown
   */
  failAll(error: Error, takenBytes: number): void {
    const thrown: unknown[] = [];
    for (const stream of this.#active.values())
      try {
        this.fail(stream, StreamEvent.ReceiveReset, error, stream.startsAt >= takenBytes);
      } catch (one) {
        thrown.push(one);
      }
    if (thrown.length > 0) throw thrown[0];
  }
}
