/**
 * The receiving side of a connection: which frame may come when, of what length, on which stream (`FRAME_RULES`), and
 * what it does. Messages, and with them HEADERS, are for messages.ts.
 *
 *   preface ─SETTINGS─▶ open ⇄ in a block (HEADERS without END_HEADERS: only CONTINUATION of the same stream follows)
 */
import { CONSTANTS } from '../constants.js';
import { WireError } from '../wire-error.js';
import { ClosedBy } from './closed-streams.js';
import { Http2ErrorCode, http2ErrorName } from './error-codes.js';
import type { Faults } from './faults.js';
import type { FloodGuard } from './flood-guard.js';
import { ReceiveWindow } from './flow-window.js';
import type { FrameSink } from './frame-reader.js';
import { Flag, FrameBytes, FrameType, MAX_STREAM_ID } from './frame-types.js';
import type { Messages } from './messages.js';
import type { Outbound } from './outbound.js';
import { debugText, type Role } from './settings.js';
import { DefaultSetting } from './setting-ids.js';
import type { Http2ConnectionEvents, Http2Limits } from './stream-api.js';
import type { StreamSender } from './stream-sender.js';
import { StreamEvent } from './stream-state.js';
import type { Streams } from './streams.js';

/** Where a frame may stand, and its length where that is fixed (RFC 9113 §6); the index is the type. */
const FRAME_RULES = Object.freeze([
  { name: 'DATA', on: 'stream', bytes: -1 },
  { name: 'HEADERS', on: 'stream', bytes: -1 },
  { name: 'PRIORITY', on: 'stream', bytes: -1 },
  { name: 'RST_STREAM', on: 'stream', bytes: FrameBytes.rstStream },
  { name: 'SETTINGS', on: 'connection', bytes: -1 },
  { name: 'PUSH_PROMISE', on: 'stream', bytes: -1 },
  { name: 'PING', on: 'connection', bytes: FrameBytes.ping },
  { name: 'GOAWAY', on: 'connection', bytes: -1 },
  { name: 'WINDOW_UPDATE', on: 'either', bytes: FrameBytes.windowUpdate },
  { name: 'CONTINUATION', on: 'stream', bytes: -1 },
] as const);

export class Inbound implements FrameSink {
  /** The peer's first SETTINGS have come. */
  hasSettings = false;
  /** The lowest that a GOAWAY of the peer named; `undefined` before one. */
  goneAbove: number | undefined = undefined;
  readonly #role: Role;
  readonly #events: Http2ConnectionEvents;
  readonly #streams: Streams;
  readonly #outbound: Outbound;
  readonly #sender: StreamSender;
  readonly #faults: Faults;
  readonly #messages: Messages;
  readonly #guard: FloodGuard;
  readonly #window: ReceiveWindow;
  /** Our SETTINGS that the peer has not acknowledged. */
  #unacknowledged = 0;
  /** The payload of the PING that waits for its answer. */
  #ping: Buffer | undefined = undefined;

  constructor(
    role: Role,
    events: Http2ConnectionEvents,
    limits: Http2Limits,
    streams: Streams,
    outbound: Outbound,
    sender: StreamSender,
    faults: Faults,
    messages: Messages,
    guard: FloodGuard,
  ) {
    this.#role = role;
    this.#events = events;
    this.#streams = streams;
    this.#outbound = outbound;
    this.#sender = sender;
    this.#faults = faults;
    this.#messages = messages;
    this.#guard = guard;
    this.#window = new ReceiveWindow(
      Math.max(DefaultSetting.windowBytes, limits.connectionWindowBytes),
    );
  }

  settingsSent(): void {
    this.#unacknowledged += 1;
  }

  pingSent(data: Buffer): void {
    this.#ping = data;
  }

  onFrameHead(type: number, flags: number, streamId: number, length: number): void {
    if (!this.hasSettings && (type !== FrameType.Settings || streamId !== 0 || flags & Flag.Ack))
      throw new WireError('preface', 'a connection that does not begin with SETTINGS');
    this.#messages.checkOrder(type, streamId);
    const rule = FRAME_RULES[type];
    if (rule === undefined) {
      this.#guard.idleFrame();
      return;
    }
    const { name, on, bytes } = rule;
    if (on !== 'either' && (on === 'connection') !== (streamId === 0))
      throw new WireError('frame-on-stream', `${name} on stream ${streamId}`);
    if (bytes !== -1 && bytes !== length)
      throw new WireError('frame-size', `${name} of ${length} bytes`);
    if (type === FrameType.Data) this.#beginData(flags, streamId, length);
  }

  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    switch (type) {
      case FrameType.Headers:
        this.#messages.headers(flags, streamId, bytes, start, end);
        return;
      case FrameType.Continuation:
        this.#messages.continuation(flags, bytes, start, end);
        return;
      case FrameType.WindowUpdate:
        this.#windowUpdate(streamId, bytes.readUInt32BE(start) & 0x7fffffff);
        return;
      case FrameType.RstStream:
        this.#rstStream(streamId, bytes.readUInt32BE(start));
        return;
      case FrameType.Settings:
        this.#settings(flags, bytes, start, end);
        return;
      case FrameType.Ping:
        this.#pinged(flags, bytes, start);
        return;
      case FrameType.Goaway:
        this.#goaway(bytes, start, end);
        return;
      case FrameType.Priority:
        this.#priority(streamId, end - start);
        return;
      default:
        // We have said ENABLE_PUSH 0, a client before any request, and a client can't push (§8.4).
        throw new WireError('push', 'PUSH_PROMISE, which is not allowed here');
    }
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#messages.data(bytes, start, end);
  }

  onDataEnd(): void {
    this.#messages.dataEnd();
  }

  /** The connection's credit comes back as data comes in, so that a slow reader holds back its own stream alone. */
  #beginData(flags: number, streamId: number, length: number): void {
    if (!this.#window.take(length))
      throw new WireError('window-exceeded', 'more DATA than the connection allows');
    if (this.#window.isDue) this.#outbound.credit(0, this.#window);
    this.#messages.beginData(flags, streamId, length);
  }

  #windowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) {
      if (increment === 0) throw new WireError('window-zero', 'WINDOW_UPDATE of 0');
      this.#noteCredit(this.#sender.window, increment);
      if (!this.#sender.widen(increment))
        throw new WireError('window-overflow', 'WINDOW_UPDATE beyond the largest window');
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#refuseIdle(streamId, 'WINDOW_UPDATE');
      this.#guard.idleFrame();
    } else if (increment === 0)
      this.#faults.reset(stream, new WireError('stream-window-zero', 'WINDOW_UPDATE of 0'));
    else {
      this.#noteCredit(stream.sendWindow, increment);
      if (!this.#sender.widenStream(stream, increment)) {
        const what = 'WINDOW_UPDATE beyond the largest window';
        this.#faults.reset(stream, new WireError('stream-window-overflow', what));
      }
    }
  }

  /** Credit that is dribbled makes us send frames of a few bytes; and little of it pays for nothing. */
  #noteCredit(window: number, increment: number): void {
    if (window <= 0 && increment < CONSTANTS.smallCreditBytes) this.#guard.idleFrame();
    else if (increment >= CONSTANTS.usefulCreditBytes) this.#guard.usefulFrame();
  }

  #rstStream(streamId: number, code: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#refuseIdle(streamId, 'RST_STREAM');
      this.#guard.idleFrame();
      return;
    }
    const isUnprocessed = code === Http2ErrorCode.RefusedStream;
    stream.hasStarted = true;
    const what = `the peer reset the stream with ${http2ErrorName(code)}`;
    const error = new WireError('stream-reset', what, undefined, code);
    this.#streams.fail(stream, StreamEvent.ReceiveReset, error, isUnprocessed);
    // A client opens its streams itself, and as many as it likes.
    if (this.#role === 'server') this.#guard.reset();
  }

  #settings(flags: number, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if ((flags & Flag.Ack) !== 0) {
      if (length !== 0) throw new WireError('frame-size', 'an acknowledgement with settings');
      this.#acknowledged();
      return;
    }
    if (length % FrameBytes.setting !== 0)
      throw new WireError('frame-size', `SETTINGS of ${length} bytes`);
    if (this.hasSettings) this.#guard.idleFrame();
    this.hasSettings = true;
    const { peer } = this.#outbound;
    const windowBefore = peer.initialWindowBytes;
    peer.apply(this.#role, bytes, start, end);
    if (!this.#sender.widenAll(peer.initialWindowBytes - windowBefore))
      throw new WireError('setting-window', 'INITIAL_WINDOW_SIZE beyond the largest window');
    this.#outbound.acknowledgeSettings();
    this.#events.onSettings(peer);
    this.#sender.wakeAll();
  }

  /** What we offered binds the peer from here on. */
  #acknowledged(): void {
    if (this.#unacknowledged === 0)
      throw new WireError('settings-ack', 'an acknowledgement of no settings');
    this.#unacknowledged -= 1;
    this.#messages.settingsAcknowledged();
  }

  #pinged(flags: number, bytes: Buffer, start: number): void {
    if ((flags & Flag.Ack) === 0) {
      this.#guard.idleFrame();
      this.#outbound.answerPing(bytes, start);
      return;
    }
    if (this.#ping?.compare(bytes, start, start + FrameBytes.ping) !== 0) {
      this.#guard.idleFrame();
      return;
    }
    this.#ping = undefined;
    this.#events.onPong();
  }

  #goaway(bytes: Buffer, start: number, end: number): void {
    if (end - start < FrameBytes.goaway)
      throw new WireError('frame-size', `GOAWAY of ${end - start} bytes`);
    const last = bytes.readUInt32BE(start) & MAX_STREAM_ID;
    const code = bytes.readUInt32BE(start + 4);
    if (last > (this.goneAbove ?? MAX_STREAM_ID))
      throw new WireError('goaway-order', 'GOAWAY that takes back what one before it said');
    // Each goes through all streams, and they can come down one by one.
    if (this.goneAbove !== undefined) this.#guard.idleFrame();
    this.goneAbove = last;
    const textStart = start + FrameBytes.goaway;
    const text = debugText(
      bytes,
      textStart,
      Math.min(end, textStart + CONSTANTS.maxDebugTextBytes),
    );
    if (this.#role === 'client') {
      const said = text === '' ? '' : `: ${text}`;
      const what = `the peer takes no more requests (${http2ErrorName(code)}${said})`;
      const error = new WireError('goaway', what, undefined, code);
      for (const stream of this.#streams.all())
        if (stream.id > last) this.#streams.fail(stream, StreamEvent.ReceiveReset, error, true);
    }
    this.#events.onGoaway(last, code, text);
  }

  /** Of no use to us (§5.3.2). */
  #priority(streamId: number, length: number): void {
    this.#guard.idleFrame();
    if (length === FrameBytes.priority) return;
    const stream = this.#streams.get(streamId);
    const error = new WireError('stream-frame-size', `PRIORITY of ${length} bytes`);
    if (stream !== undefined) this.#faults.reset(stream, error);
    else if (!this.#streams.isIdle(streamId)) this.#faults.resetClosed(streamId, error);
    else throw new WireError('frame-size', error.what);
  }

  #refuseIdle(streamId: number, name: string): void {
    if (this.#streams.isIdle(streamId))
      throw new WireError('idle-stream', `${name} on stream ${streamId}, which is idle`);
    if (this.#streams.closedBy(streamId) === ClosedBy.NeverOpened)
      throw new WireError('idle-stream', `${name} on stream ${streamId}, which was never opened`);
  }
}
