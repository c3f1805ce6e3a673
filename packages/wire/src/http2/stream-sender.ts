/**
 * What a stream's user may send, and how much. Data goes as far as both windows reach, while the socket takes it and not
 * too much waits to be written. A stream that asks and finds no room is told when there is some: those that wait for the
 * connection in the order they have asked, and each in its turn: of one output a stream gets no more than a part while
 * others wait. Else a hundred uploads would each stand still until ninety-nine whole outputs have left.
 */
import { CONSTANTS } from '../constants.js';
import { isTooWide } from './flow-window.js';
import type { Outbound } from './outbound.js';
import { checkFields, checkStatus, checkTexts } from './sendable.js';
import { DefaultSetting } from './setting-ids.js';
import type { Http2Limits } from './stream-api.js';
import { SILENT, Wait, type Stream, type StreamOwner } from './stream.js';
import { maySend, StreamEvent } from './stream-state.js';
import type { Streams } from './streams.js';

export class StreamSender implements StreamOwner {
  readonly #limits: Http2Limits;
  readonly #streams: Streams;
  readonly #outbound: Outbound;
  /** SETTINGS_INITIAL_WINDOW_SIZE of ours, as it binds the peer now. */
  receiveWindowBytes: number = DefaultSetting.windowBytes;
  #window: number = DefaultSetting.windowBytes;
  #isBlocked = false;

  constructor(limits: Http2Limits, streams: Streams, outbound: Outbound) {
    this.#limits = limits;
    this.#streams = streams;
    this.#outbound = outbound;
  }

  /** What the peer takes of all streams together. */
  get window(): number {
    return this.#window;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  setBlocked(isBlocked: boolean): void {
    this.#isBlocked = isBlocked;
    if (!isBlocked) this.wake();
  }

  // ── what a stream's user calls ──────────────────────────────────────────────────

  roomOf(stream: Stream): number {
    if (!maySend(stream.state) || !stream.hasAnswered) return 0;
    const own = stream.sendWindow;
    const shared = Math.min(this.#sharedRoom(), this.#turnOf(stream));
    if (own > 0 && shared > 0) return Math.min(own, shared);
    // To ask and find nothing is to wait for it.
    if (own <= 0) {
      this.#streams.stopWaiting(stream);
      stream.waitsFor = Wait.OwnWindow;
    } else if (stream.waitsFor !== Wait.Connection) {
      stream.waitsFor = Wait.Connection;
      this.#streams.waiting.add(stream);
    }
    return 0;
  }

  sendData(stream: Stream, bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const length = end - start;
    if (!stream.hasAnswered) throw new Error('a body in front of its head');
    if (length > 0 && length > Math.min(stream.sendWindow, this.#sharedRoom()))
      throw new Error('more data than there is room for');
    this.#streams.advance(stream, StreamEvent.SendData);
    stream.sendWindow -= length;
    this.#window -= length;
    const { takenBytes } = this.#outbound;
    stream.turnBytes = length + (stream.turnAt === takenBytes ? stream.turnBytes : 0);
    stream.turnAt = takenBytes;
    if (isLast) this.#streams.advance(stream, StreamEvent.SendEnd);
    if (length > 0 || isLast) this.#outbound.data(stream.id, bytes, start, end, isLast);
    if (isLast) this.#ended(stream);
  }

  sendTrailers(stream: Stream, fields: readonly string[]): void {
    if (!stream.hasAnswered) throw new Error('trailers in front of their head');
    checkFields(fields);
    checkTexts(fields);
    this.#streams.advance(stream, StreamEvent.SendHead);
    this.#streams.advance(stream, StreamEvent.SendEnd);
    this.#outbound.trailers(stream.id, fields);
    this.#ended(stream);
  }

  sendResponse(
    stream: Stream,
    status: number,
    fields: readonly string[],
    isFinal: boolean,
    isLast: boolean,
  ): void {
    if (stream.hasAnswered) throw new Error('a head behind the final one');
    checkStatus(status, isFinal);
    checkFields(fields);
    checkTexts(fields);
    this.#streams.advance(stream, StreamEvent.SendHead);
    stream.hasAnswered = isFinal;
    if (isLast) this.#streams.advance(stream, StreamEvent.SendEnd);
    this.#outbound.response(stream.id, status, fields, isLast);
    if (isLast) this.#ended(stream);
  }

  reset(stream: Stream, code: number): void {
    stream.events = SILENT;
    stream.taker = undefined;
    // Closed by its end, its last event is under way: the rest follows that.
    if (stream.isClosed) return;
    this.#streams.advance(stream, StreamEvent.SendReset);
    this.#outbound.reset(stream.id, code);
    this.#streams.left(stream);
  }

  giveCredit(stream: Stream): void {
    const window = stream.receiveWindow;
    if (stream.isPaused || !window.isDue || !stream.mayReceive) return;
    if (!stream.hasPaused) window.grow(this.#limits.maxStreamWindowBytes);
    this.#outbound.credit(stream.id, window);
  }

  // ── what the peer allows ────────────────────────────────────────────────────────

  /** A change of INITIAL_WINDOW_SIZE, of all streams (§6.9.2); false if a window would be larger than one can be. */
  widenAll(change: number): boolean {
    for (const stream of this.#streams.all()) {
      if (isTooWide(stream.sendWindow, change)) return false;
      stream.sendWindow += change;
    }
    return true;
  }

  /** WINDOW_UPDATE of the connection. */
  widen(increment: number): boolean {
    if (isTooWide(this.#window, increment)) return false;
    this.#window += increment;
    this.wake();
    return true;
  }

  widenStream(stream: Stream, increment: number): boolean {
    if (isTooWide(stream.sendWindow, increment)) return false;
    stream.sendWindow += increment;
    this.#wakeOne(stream);
    return true;
  }

  /** Those that wait for their own window. */
  wakeAll(): void {
    for (const stream of this.#streams.all()) this.#wakeOne(stream);
  }

  /** Those that wait for the connection, or its socket. */
  wake(): void {
    const { waiting } = this.#streams;
    // A stream that asks again meanwhile waits for the next time.
    for (let due = waiting.size; due > 0 && this.#sharedRoom() > 0; due -= 1) {
      const [stream] = waiting;
      if (stream === undefined) return;
      this.#streams.stopWaiting(stream);
      if (this.roomOf(stream) > 0) stream.events.onRoom();
    }
  }

  #wakeOne(stream: Stream): void {
    if (stream.waitsFor !== Wait.OwnWindow || stream.sendWindow <= 0) return;
    stream.waitsFor = Wait.Nothing;
    if (this.roomOf(stream) > 0) stream.events.onRoom();
  }

  /** What is left of its turn. Once that is over, something of it waits to be taken: so there is a next turn. */
  #turnOf(stream: Stream): number {
    const { size } = this.#streams.waiting;
    const isAlone = size === 0 || (size === 1 && stream.waitsFor === Wait.Connection);
    if (isAlone) return Infinity;
    const usedBytes = stream.turnAt === this.#outbound.takenBytes ? stream.turnBytes : 0;
    return CONSTANTS.streamTurnBytes - usedBytes;
  }

  #sharedRoom(): number {
    if (this.#isBlocked) return 0;
    return Math.min(this.#window, CONSTANTS.outputBodyMaxBytes - this.#outbound.waitingBytes);
  }

  #ended(stream: Stream): void {
    if (!stream.isClosed) this.#streams.stopWaiting(stream);
    // Answered from within `onHead`, of a message that ends with it: its end is to be told yet, and the rest follows that.
    else if (stream.hasEnded) this.#streams.left(stream);
  }
}
