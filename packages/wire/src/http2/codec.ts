/**
 * One HTTP/2 connection in either role, without its socket: bytes in, events out, and frames into one output.
 *
 *   new ─start─▶ open ─goaway, GOAWAY─▶ leaving ─▶ over      an error of the connection, or `fail`, leads to over from
 *                                                            anywhere: every stream is settled, nothing more is taken
 *
 *   frame-reader ─▶ inbound ─▶ messages ─▶ the stream's user        stream-state   the one table of §5.1
 *                      │          │                                 streams        who is active, how others were closed
 *                      ▼          ▼                                 flood-guard    what has an end
 *                  stream-sender, outbound ─▶ output
 */
import { WireError } from '../wire-error.js';
import { CONSTANTS } from '../constants.js';
import { Http2ErrorCode } from './error-codes.js';
import { Faults } from './faults.js';
import { FloodGuard } from './flood-guard.js';
import { ReceiveWindow } from './flow-window.js';
import { FrameReader } from './frame-reader.js';
import { CLIENT_PREFACE, FrameBytes, MAX_STREAM_ID } from './frame-types.js';
import { Inbound } from './inbound.js';
import { Messages } from './messages.js';
import { Outbound } from './outbound.js';
import { RequestAcceptor } from './request-acceptor.js';
import { checkFields } from './sendable.js';
import { offeredSettings, type Role } from './settings.js';
import { DefaultSetting } from './setting-ids.js';
import type {
  Http2ConnectionEvents,
  Http2Limits,
  Http2RequestToSend,
  Http2ResponseHead,
  Http2Stream,
  Http2StreamEvents,
  PeerSettings,
} from './stream-api.js';
import { StreamSender } from './stream-sender.js';
import { Stream, type Asked } from './stream.js';
import { StreamEvent } from './stream-state.js';
import { Streams } from './streams.js';

type State = 'new' | 'open' | 'leaving' | 'over';

/**
 * @example
 * const codec = new Http2Codec('client', events, limits);
 * codec.start();                                  // the preface, or SETTINGS
 * socket.on('data', (bytes) => codec.feed(bytes));
 * socket.write(codec.takeOutput());               // after onOutput()
 */
export class Http2Codec {
  readonly #role: Role;
  readonly #limits: Http2Limits;
  readonly #guard: FloodGuard;
  readonly #streams: Streams;
  readonly #outbound: Outbound;
  readonly #sender: StreamSender;
  readonly #acceptor: RequestAcceptor;
  readonly #inbound: Inbound;
  readonly #reader: FrameReader;
  #state: State = 'new';
  /** How much of the client's preface has come: the server's role. */
  #prefaceAt = 0;
  #pings = 0;

  constructor(role: Role, events: Http2ConnectionEvents, limits: Http2Limits) {
    this.#role = role;
    this.#limits = limits;
    const guard = new FloodGuard(limits);
    const streams = new Streams(role, events, guard);
    const outbound = new Outbound(events, limits, guard);
    const sender = new StreamSender(limits, streams, outbound);
    const acceptor = new RequestAcceptor(role, events, limits, streams, outbound, sender, guard);
    const faults = new Faults(role, streams, outbound, guard);
    const messages = new Messages(limits, streams, outbound, sender, guard, faults, acceptor);
    this.#inbound = new Inbound(
      role,
      events,
      limits,
      streams,
      outbound,
      sender,
      faults,
      messages,
      guard,
    );
    this.#guard = guard;
    this.#streams = streams;
    this.#outbound = outbound;
    this.#sender = sender;
    this.#acceptor = acceptor;
    this.#reader = new FrameReader(this.#inbound, DefaultSetting.maxFrameBytes);
  }

  /** Streams that count against the limits. */
  get activeCount(): number {
    return this.#streams.count;
  }

  get peer(): PeerSettings {
    return this.#outbound.peer;
  }

  /** No new stream may be opened: GOAWAY came or was sent, the numbers have run out, or the connection is over. */
  get isLeaving(): boolean {
    return (
      this.#state === 'leaving' ||
      this.#state === 'over' ||
      this.#inbound.goneAbove !== undefined ||
      !this.#streams.hasNumbersLeft
    );
  }

  /** What `takeOutput()` would give. */
  get outputBytes(): number {
    return this.#outbound.waitingBytes;
  }

  /** Queues what a connection begins with. */
  start(): void {
    if (this.#state !== 'new') throw new Error('the connection has begun');
    this.#state = 'open';
    this.#inbound.settingsSent();
    const { connectionWindowBytes } = this.#limits;
    this.#outbound.preface(
      this.#role === 'client',
      offeredSettings(this.#role, this.#limits),
      connectionWindowBytes - DefaultSetting.windowBytes,
    );
  }

  /**
   * Takes all of it. After an error, or `fail`, it takes nothing.
   *
   * @throws WireError for an error of the connection: by then every stream has failed and a GOAWAY waits to be written;
   * close the socket behind it. What an event throws ends the connection the same way.
   */
  feed(bytes: Buffer): void {
    if (this.#state === 'over') return;
    try {
      this.#reader.feed(bytes, this.#role === 'server' ? this.#readPreface(bytes) : 0);
    } catch (error) {
      const known = error instanceof WireError ? this.#described(error, bytes) : error;
      if (!this.#isOver) this.#breakOff(known as Error);
      throw known;
    }
  }

  /**
   * So much time has passed since the last call, or since the start: what the peer may send for nothing is paid back by
   * it. Without it a connection that lives for days can be ended by the PINGs of an honest peer.
   */
  timePassed(elapsedMs: number): void {
    this.#guard.timePassed(elapsedMs);
  }

  /** The peer has finished sending, or the connection is lost: every stream that is not whole fails with `error`. */
  fail(error: Error): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#reader.stop();
    this.#streams.failAll(error, this.#outbound.takenBytes);
  }

  /** What waits, once. May call `onRoom()` of streams that waited for it to be taken. */
  takeOutput(): Buffer | undefined {
    const bytes = this.#outbound.take();
    if (!this.#sender.isBlocked) {
      this.#guard.answersTaken();
      this.#sender.wake();
    }
    return bytes;
  }

  /** All that `takeOutput()` gave has been written, and its bytes are not needed any more: they are written over. */
  reuseOutput(): void {
    this.#outbound.reuse();
  }

  /** The socket takes no more for now (`room` of all streams is 0), or it does again. */
  setBlocked(isBlocked: boolean): void {
    if (!isBlocked) this.#guard.answersTaken();
    this.#sender.setBlocked(isBlocked);
  }

  /**
   * The client's role. @throws Error when the peer's limit or GOAWAY forbids it: ask `activeCount`, `peer`, `isLeaving`.
   * WireError `unsafe-head` for fields that HTTP/2 does not have.
   */
  request(
    request: Http2RequestToSend,
    events: Http2StreamEvents<Http2ResponseHead>,
    isLast: boolean,
  ): Http2Stream {
    if (this.#role === 'server' || this.#state === 'new' || this.isLeaving)
      throw new Error('no stream may be opened here');
    const { peer } = this.#outbound;
    if (this.#streams.count >= peer.maxConcurrentStreams)
      throw new Error('the peer allows no more streams');
    checkFields(request.fields);
    const stream = new Stream(
      this.#streams.takeNextId(),
      this.#sender,
      events,
      askedBy(request.method),
      peer.initialWindowBytes,
      new ReceiveWindow(this.#sender.receiveWindowBytes),
      this.#outbound.position,
      true,
    );
    this.#streams.add(stream);
    this.#streams.advance(stream, StreamEvent.SendHead);
    if (isLast) this.#streams.advance(stream, StreamEvent.SendEnd);
    this.#outbound.request(stream.id, request, isLast);
    return stream;
  }

  /** `onPong()` follows. One at a time. */
  ping(): void {
    if (this.#state === 'over') return;
    this.#pings += 1;
    const data = Buffer.alloc(FrameBytes.ping);
    data.writeUInt32BE(this.#pings, 0);
    this.#inbound.pingSent(data);
    this.#outbound.ping(data);
  }

  /**
   * No more streams of the peer. `isGraceful`: first with the highest number, so that those under way come through
   * (RFC 9113 §6.8); call it again without for the real one.
   */
  goaway(code: number, isGraceful: boolean): void {
    if (this.#state === 'over') return;
    this.#state = 'leaving';
    const acceptor = this.#acceptor;
    // It can only come down.
    if (!isGraceful && acceptor.acceptUpTo === MAX_STREAM_ID)
      acceptor.acceptUpTo = this.#streams.highestPeerId;
    this.#outbound.goaway(acceptor.acceptUpTo, code);
  }

  /** An event may have ended it. */
  get #isOver(): boolean {
    return this.#state === 'over';
  }

  /** The rest of the client's first words, which are no frame. Returns where the frames begin. */
  #readPreface(bytes: Buffer): number {
    let i = 0;
    for (; this.#prefaceAt < CLIENT_PREFACE.length && i < bytes.length; i += 1) {
      if (bytes[i] !== CLIENT_PREFACE.charCodeAt(this.#prefaceAt))
        throw new WireError('preface', 'a connection that does not begin with the preface');
      this.#prefaceAt += 1;
    }
    return i;
  }

  /** Of a peer that speaks something else, its first bytes tell what. */
  #described(error: WireError, bytes: Buffer): WireError {
    if (error.reason !== 'preface') return error;
    const end = Math.min(bytes.length, CONSTANTS.maxShownBytes);
    return new WireError('preface', error.what, { bytes, start: 0, end });
  }

  #breakOff(error: Error): void {
    const code = error instanceof WireError ? error.http2Code : Http2ErrorCode.InternalError;
    // Numbers above what an earlier GOAWAY named were used and ignored since (§6.8).
    const last = Math.min(this.#streams.highestPeerId, this.#acceptor.acceptUpTo);
    this.#outbound.goaway(last, code ?? Http2ErrorCode.InternalError);
    this.fail(error);
  }
}

function askedBy(method: string): Asked {
  if (method === 'HEAD') return 'head';
  return method === 'CONNECT' ? 'connect' : 'usual';
}
