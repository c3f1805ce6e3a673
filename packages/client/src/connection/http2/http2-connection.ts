/**
 * A connection that speaks HTTP/2: many callers at once, each on a stream of its own. It stands between its socket and
 * the codec of @hotaru/wire, which knows what frames mean and neither sockets nor time.
 *
 *   new ──open()──▶ opening ──SETTINGS──▶ open ──▶ leaving ──▶ closed
 *                      └────────────────────┴───────────────────▲
 *
 *   opening   the preface is out; the peer's first SETTINGS say how many streams it takes
 *   leaving   it takes no new callers and serves those it has: GOAWAY came, a stream was refused, a write failed,
 *             or no word comes of a peer that is asked for one
 *   closed    every stream has failed; `onClosed` told the pool, once
 *
 * Writing: what streams ask for in one turn of the event loop goes out at its end, in one write. Requests are begun
 * there, too, and not before: what ends earlier has sent nothing. While the socket is full nothing is begun.
 *
 * Left to others: what a stream's frames mean (the codec), one request (exchange.ts), when a silent peer is dead
 * (connection-clock.ts), how many callers may hold it (pool/).
 */
import {
  Http2Codec,
  Http2ErrorCode,
  http2ErrorName,
  WireError,
  type Http2ConnectionEvents,
} from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';
import type { Settings } from '../../config/pool-config.js';
import { INSPECT, shown, type InspectOptions } from '../../diagnostics/inspect.js';
import { HotaruClientError } from '../../errors.js';
import type { ConnectionKey } from '../../key/connection-key.js';
import { ConnectionRecord } from '../../pool/connection-record.js';
import type { Deadlines } from '../../pool/deadlines.js';
import { factsOf, type Connection, type DialTiming } from '../connection.js';
import type { ExchangeEvents, ExchangeRequest } from '../exchange.js';
import { readingError } from '../protocol-error.js';
import type { ByteSink, Transport } from '../transport.js';
import { afterPoll, atTurnEnd, type PolledTask, type TurnTask } from '../turn.js';
import { ConnectionClock, type ConnectionClockOwner, type LossReason } from './connection-clock.js';
import { Http2Exchange } from './exchange.js';
import { LostConnection } from './lost-connection.js';
import { forbidsReplays } from './no-replays.js';
import type { HandOver, Http2RequestWriter } from './request-writer.js';

const LOSSES: Readonly<Record<LossReason, string>> = {
  silent: `the peer is gone: no answer to a PING within ${CONSTANTS.pongWithinMs} ms,`,
  unwritable: 'the request could not be written, and the connection broke',
  'broken off': `the peer gave the connection up, and nothing more came for ${CONSTANTS.partingMs} ms,`,
};

export interface Http2ConnectionParts {
  readonly id: number;
  /** 0 … 1, for its lifetime. */
  readonly random: number;
  readonly dialTiming: DialTiming;
  /** Of the pool: its one timer. */
  readonly deadlines: Deadlines;
  /** Most streams at once, however many more the peer takes. */
  readonly maxStreams: number;
}

/** What dials it: exactly one of these is called, once. */
export interface Http2Opening {
  /** Its `callerLimit` is known. */
  onReady(): void;
  /** It has closed itself. */
  onFailed(error: Error): void;
}

export class Http2Connection
  implements
    Connection,
    ByteSink,
    Http2ConnectionEvents,
    TurnTask,
    PolledTask,
    HandOver,
    ConnectionClockOwner
{
  readonly record: ConnectionRecord;
  readonly canShare = true;
  readonly protocol = 'h2';
  readonly key: ConnectionKey;
  readonly dialTiming: DialTiming;
  readonly remoteAddress: string | undefined;
  onClosed: (() => void) | undefined = undefined;
  onLimitChanged: (() => void) | undefined = undefined;
  readonly #codec: Http2Codec;
  readonly #clock: ConnectionClock;
  #state: 'new' | 'opening' | 'open' | 'leaving' | 'closed' = 'new';
  #opening: Http2Opening | undefined = undefined;
  #maxStreams: number;
  #callerLimit = 0;
  /** Exchanges that have started and not ended. */
  #underWay = 0;
  /** Started, and not begun: in the order they came. */
  #queue: Http2Exchange[] = [];
  /** They have handed everything over, and it is written next. */
  #handedOver: Http2RequestWriter[] = [];
  /** What they handed over was written, and the socket was full behind it. */
  #flushing: Http2RequestWriter[] = [];
  /** Their heads came in the read under way. */
  #headed: Http2Exchange[] = [];
  /** The socket takes nothing more for now. */
  #isFull = false;
  /** Full for longer than a turn: it is the peer that holds it up, not the way of Node to tell of a write. Since when. */
  #heldUpSinceMs: number | undefined = undefined;
  #isTurnNoted = false;
  #wasHeardInTurn = false;
  /** When the codec was last fed; at first, when the connection was made. */
  #fedAtMs: number;
  /** What the peer said when it left, for errors. */
  goodbye: string | undefined = undefined;
  wantsNoReplays = false;
  /**
   * Has it answered a call, or lain idle? Then all that it loses unanswered may have come too late for a peer that was
   * about to close it (docs/rules.md, rule 1): each of them, whichever was the first. Else none: a peer that ends
   * connections before it has answered anything would end the next one, too.
   */
  hasServed = false;
  #writeError: Error | undefined = undefined;
  #error: Error | undefined = undefined;
  readonly #onWritten = (): void => this.#reuseOutput();

  constructor(
    readonly transport: Transport,
    { id, random, dialTiming, deadlines, maxStreams }: Http2ConnectionParts,
  ) {
    this.record = new ConnectionRecord(this, id, transport.clock, random);
    this.key = transport.key;
    this.dialTiming = dialTiming;
    this.remoteAddress = transport.remoteAddress;
    this.#maxStreams = maxStreams;
    this.#fedAtMs = transport.heardAtMs;
    this.#codec = new Http2Codec('client', this, CONSTANTS);
    this.#clock = new ConnectionClock(this, deadlines, transport);
    transport.belongsTo(this);
  }

  get id(): number {
    return this.record.id;
  }
  /** Does it take new callers? False from GOAWAY on, though it still serves those it has. */
  get isOpen(): boolean {
    return this.#state === 'open' && this.transport.isOpen;
  }
  get callerLimit(): number {
    return this.#callerLimit;
  }
  get underWay(): number {
    return this.#underWay;
  }
  /**
   * May it be kept by one that gives its place back? Not the last one, behind what a peer that says nothing has left in
   * a full socket: another caller would wait there for nothing (docs/rules.md, rule 8).
   */
  get isReusable(): boolean {
    const isStuck = this.transport.heardAtMs < (this.#heldUpSinceMs ?? -Infinity);
    return this.isOpen && !(isStuck && this.#underWay === 0);
  }
  get needsPoll(): boolean {
    return this.#underWay === 0 && !this.#wasHeardInTurn;
  }
  get error(): Error | undefined {
    return this.#error ?? this.transport.error;
  }
  get maxStreams(): number {
    return this.#maxStreams;
  }
  set maxStreams(maxStreams: number) {
    this.#maxStreams = maxStreams;
    this.#limitMayHaveChanged();
  }

  reconfigured({ maxStreams }: Settings): void {
    this.maxStreams = maxStreams;
  }

  reasonOf(error: Error): string {
    return error instanceof LostConnection ? error.message : this.transport.reasonOf(error);
  }

  /** Says the preface and our SETTINGS. Once. */
  open(opening: Http2Opening): void {
    this.#state = 'opening';
    this.#opening = opening;
    this.#codec.start();
    this.#write();
  }

  exchange(request: ExchangeRequest, events: ExchangeEvents, isLastUse: boolean): Http2Exchange {
    return new Http2Exchange(this, request, events, isLastUse);
  }

  setIdle(isIdle: boolean): void {
    this.transport.setIdle(isIdle);
    this.hasServed = true;
    if (isIdle) this.#reuseOutput();
  }

  close(): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'new' && this.transport.isOpen && !this.#isFull)
      this.#codec.goaway(Http2ErrorCode.NoError, false);
    this.#end(new LostConnection('the connection was closed'));
  }

  [INSPECT](depth: number, options: InspectOptions): string {
    return shown('Http2Connection', factsOf(this), depth, options);
  }

  // ── its exchanges ──────────────────────────────────────────────────────────────────────────────

  enqueue(exchange: Http2Exchange): void {
    const { record, transport } = this;
    record.requestCount += 1;
    record.requestsLeft -= 1;
    transport.counters.requests += 1;
    transport.counters.sharedRequests += 1;
    this.#underWay += 1;
    if (this.#underWay === 1) this.#clock.watch(this.#wasHeardInTurn);
    this.#queue.push(exchange);
    this.#noteTurn();
  }

  exchangeEnded(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#clock.rest();
  }

  /** A caller has left without an answer to a request that was written at `writtenAtMs`. */
  gaveUp(writtenAtMs: number): void {
    if (!this.#isFull) this.#clock.gaveUp(writtenAtMs); // else a PING would wait behind the rest
  }

  headCame(exchange: Http2Exchange): void {
    this.#clock.answerCame();
    this.hasServed = true;
    this.#headed.push(exchange);
  }

  /** While the socket is full, it is behind what waits there: its peer is on the clock. */
  handedOver(writer: Http2RequestWriter): void {
    this.#handedOver.push(writer);
    if (this.#isFull) writer.frameWritten(false);
    this.#noteTurn();
  }

  /**
   * The peer did not act on a request. If that is not because there were too many by a limit that has just changed, it
   * takes no more here: the next try is for another connection.
   */
  unprocessed(error: Error): void {
    // Streams fail before the GOAWAY that they fail by is told.
    if (error instanceof WireError && error.reason === 'goaway') this.#noteGoaway(error.http2Code);
    const { activeCount, peer, isLeaving } = this.#codec;
    if (isLeaving || activeCount < peer.maxConcurrentStreams) this.#leave();
  }

  // ── socket ─────────────────────────────────────────────────────────────────────────────────────

  onBytes(bytes: Buffer): void {
    if (this.#state === 'closed') return;
    this.#wasHeardInTurn = true;
    this.#noteTurn();
    this.#clock.heard();
    const { heardAtMs } = this.transport;
    this.#codec.timePassed(heardAtMs - this.#fedAtMs);
    this.#fedAtMs = heardAtMs;
    try {
      this.#codec.feed(bytes);
    } catch (error) {
      // Every stream has failed, and GOAWAY says why: it is written on the way out.
      this.#end(readingError(error));
      return;
    }
    const headed = this.#headed;
    for (const exchange of headed) exchange.afterFeed();
    headed.length = 0;
  }

  onEnd(): void {
    this.#end(new LostConnection('the peer closed the connection', this.#afterGoodbye));
  }

  onClose(error: Error | undefined): void {
    const lost =
      error === undefined
        ? new LostConnection('the connection was closed', this.#afterGoodbye, this.#writeError)
        : new LostConnection('the connection broke', `: ${this.transport.reasonOf(error)}`, error);
    this.#end(lost);
  }

  onDrain(): void {
    if (this.#state === 'closed' || !this.#isFull || this.#writeError !== undefined) return;
    this.#isFull = false;
    if (this.#heldUpSinceMs !== undefined) this.#clock.took();
    this.#heldUpSinceMs = undefined;
    const flushing = this.#flushing;
    this.#flushing = [];
    for (const writer of flushing) writer.roomCame();
    this.#codec.setBlocked(false);
    this.#flush();
  }

  /** Nothing goes out any more, but answers may lie in the receive buffer: of all its streams. */
  onWriteError(error: Error): boolean {
    if (this.#underWay === 0 || this.#state === 'closed') return false;
    if (this.#writeError !== undefined) return true;
    this.#writeError = error;
    this.#isFull = true;
    this.#codec.setBlocked(true);
    this.#clock.writeFailed();
    this.#leave();
    return true;
  }

  // ── writing ────────────────────────────────────────────────────────────────────────────────────

  onOutput(): void {
    this.#noteTurn();
  }

  onTurnEnd(): void {
    this.#isTurnNoted = false;
    this.#wasHeardInTurn = false;
    this.#flush();
  }

  /** A poll after the socket was found full. */
  onPolled(): void {
    if (this.#isFull) this.#heldUpSinceMs ??= this.transport.clock.now();
  }

  #noteTurn(): void {
    if (this.#isTurnNoted) return;
    this.#isTurnNoted = true;
    atTurnEnd(this);
  }

  #flush(): void {
    if (this.#state === 'closed') return;
    if (this.#queue.length > 0) this.#begin();
    if (!this.#isFull) this.#write();
  }

  /** The socket holds none of what it was given, in one buffer: that can be filled again. */
  #reuseOutput(): void {
    if (this.transport.socket.writableLength === 0) this.#codec.reuseOutput();
  }

  /** Makes streams of what was started, as far as that can be written. */
  #begin(): void {
    if (this.#state === 'open' && this.#isFull) {
      this.#queue = this.#queue.filter(({ isQueued }) => isQueued);
      for (const exchange of this.#queue) exchange.waitForSocket();
      return;
    }
    if (this.#state === 'open' && this.#clock.isAsking) return;
    const queue = this.#queue;
    this.#queue = [];
    const nowMs = this.transport.clock.now();
    for (const exchange of queue) {
      if (!exchange.isQueued) continue;
      if (this.#mayBegin()) exchange.begin(this.#codec, nowMs);
      else exchange.onFailed(new LostConnection(this.#whyNotBegun(), this.#afterGoodbye), true);
    }
    if (this.#codec.isLeaving) this.#leave(); // its numbers may have run out
  }

  #whyNotBegun(): string {
    if (this.#clock.isAsking)
      return `the peer is silent: no answer to a PING within ${CONSTANTS.wordWithinMs} ms`;
    return 'the peer takes no more requests on this connection';
  }

  get #afterGoodbye(): string {
    return this.goodbye === undefined ? '' : ` (it had said ${this.goodbye})`;
  }

  #mayBegin(): boolean {
    const { isLeaving, activeCount, peer } = this.#codec;
    return this.#state === 'open' && !isLeaving && activeCount < peer.maxConcurrentStreams;
  }

  /** All frames there are, in one write; what finds room behind that in another, while the socket takes it. */
  #write(): void {
    const { socket, counters } = this.transport;
    for (;;) {
      const bytes = this.#codec.takeOutput();
      if (bytes === undefined) break;
      counters.bytesSent += bytes.length;
      if (!socket.write(bytes, this.#onWritten)) {
        this.#isFull = true;
        this.#codec.setBlocked(true);
        afterPoll(this);
        break;
      }
    }
    const written = this.#handedOver;
    if (written.length === 0) return;
    this.#handedOver = [];
    for (const writer of written) {
      if (this.#isFull) this.#flushing.push(writer);
      writer.frameWritten(!this.#isFull);
    }
  }

  // ── what the peer says ─────────────────────────────────────────────────────────────────────────

  onSettings(): void {
    if (this.#state !== 'opening') {
      this.#limitMayHaveChanged();
      return;
    }
    this.#state = 'open';
    this.#limitMayHaveChanged();
    const opening = this.#opening;
    this.#opening = undefined;
    opening?.onReady();
  }

  onGoaway(_lastStreamId: number, code: number, debugText: string): void {
    const text = debugText === '' ? '' : ` ${JSON.stringify(debugText)}`;
    this.goodbye = `GOAWAY: ${http2ErrorName(code)}${text}`;
    this.#noteGoaway(code);
    this.#leave();
    if (code !== Http2ErrorCode.NoError) this.#clock.brokenOff();
  }

  #noteGoaway(code = 0): void {
    this.wantsNoReplays ||= forbidsReplays(code);
  }

  onPong(): void {
    // any byte is a sign of life
  }

  onStreamClosed(): void {
    // its exchange knows
  }

  onStream(): never {
    throw new Error('a server can open no stream on a connection of a client');
  }

  // ── its clock ──────────────────────────────────────────────────────────────────────────────────

  ask(): void {
    this.#codec.ping();
  }

  answered(): void {
    if (this.#queue.length > 0) this.#noteTurn();
  }

  unheard(): void {
    this.#leave();
  }

  lost(why: LossReason): void {
    this.#end(new LostConnection(LOSSES[why], this.#afterGoodbye, this.#writeError));
  }

  // ── states ─────────────────────────────────────────────────────────────────────────────────────

  #limitMayHaveChanged(): void {
    if (this.#state !== 'open') return;
    const limit = Math.min(this.#maxStreams, this.#codec.peer.maxConcurrentStreams);
    if (limit === this.#callerLimit) return;
    this.#callerLimit = limit;
    this.onLimitChanged?.();
  }

  #leave(): void {
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    this.#callerLimit = 0;
    if (this.#queue.length > 0) this.#noteTurn(); // they are to be sent on another one
    this.onLimitChanged?.();
  }

  #end(error: Error): void {
    if (this.#state === 'closed') return;
    const opening = this.#opening;
    this.#opening = undefined;
    this.#error = error;
    this.#state = 'closed';
    this.#callerLimit = 0;
    this.#clock.stop();
    this.#closeSocket();
    if (opening === undefined) this.onClosed?.();
    this.#codec.fail(error);
    const queue = this.#queue;
    this.#queue = [];
    for (const exchange of queue) exchange.onFailed(ownCopy(error), true);
    this.#handedOver = [];
    this.#flushing = [];
    opening?.onFailed(
      error instanceof LostConnection ? error.asError('before its SETTINGS came') : error,
    );
  }

  /** With a last word, if there is one and it can be written. */
  #closeSocket(): void {
    const { transport } = this;
    const lastWord = this.#isFull || !transport.isOpen ? undefined : this.#codec.takeOutput();
    if (lastWord === undefined) {
      transport.close();
      return;
    }
    transport.counters.bytesSent += lastWord.length;
    transport.socket.write(lastWord);
    transport.closeBehindWrites();
  }
}

/** Each of those that fail together writes its own facts on its error. */
function ownCopy(error: Error): Error {
  return error instanceof HotaruClientError ? error.copy() : error;
}
