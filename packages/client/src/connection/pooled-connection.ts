/**
 * One TCP or TLS connection: the thing that is pooled. It owns its socket and reads it at all times,
 * so that a FIN, a reset or unexpected bytes are noticed while it is idle.
 *
 * State:  idle (no sink) ⇄ in use (a sink gets what arrives) ──▶ closed
 *   idle, bytes arrive     → closed, counted as poisoned; a 408 is the peer's plain goodbye
 *   idle, FIN or error     → closed
 *   in use, FIN            → the sink decides: it may be the end of a body
 *   closed                 → `onClosed` told the pool, once
 *
 * All sockets read into one shared buffer (`onread`): a sink must copy what it keeps.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionKey } from '../key/connection-key.js';
import { nameOrigin } from '../diagnostics/call-name.js';
import { RequestError } from '../errors.js';
import { INSPECT, shown, type InspectOptions } from '../diagnostics/inspect.js';
import { ConnectionRecord } from '../pool/connection-record.js';
import type { Clock } from '../pool/clock.js';
import type { Counters } from '../pool/counters.js';
import { reasonOf } from './dial-reason.js';
import { saidCloseNotify } from './close-notify.js';
import type { Connection, DialTiming } from './connection.js';
import type { ExchangeEvents, ExchangeRequest } from './exchange.js';
import { Http1Exchange } from './http1/exchange.js';
import type { ResponseReader } from './http1/response-reader.js';
import { RawChannel } from './raw-channel.js';
import { afterPoll, type PolledTask } from './turn.js';

/** What uses a connection: an exchange, or a raw channel. */
export interface ByteSink {
  /** `bytes` is a view of the shared buffer, good until this returns. */
  onBytes(bytes: Buffer): void;
  /** The peer has finished sending. */
  onEnd(): void;
  /** The socket is gone; `error` is set if it failed. */
  onClose(error: Error | undefined): void;
  /** The socket takes writes again. */
  onDrain(): void;
  /** A write failed. True: keep the socket for now, an answer may lie in its receive buffer. */
  onWriteError(error: Error): boolean;
}

export interface ConnectionEnvironment {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly id: number;
  readonly random: number;
}

export class PooledConnection implements Connection, PolledTask {
  readonly record: ConnectionRecord;
  readonly canShare = false;
  readonly protocol = 'http/1.1';
  readonly dialTiming: DialTiming;
  readonly remoteAddress: string | undefined;
  readonly counters: Counters;
  readonly clock: Clock;
  /** The HTTP/1.1 reader of this connection, made on first use. */
  reader: ResponseReader | undefined = undefined;
  onClosed: (() => void) | undefined = undefined;
  #sink: ByteSink | undefined = undefined;
  #isOpen = true;
  #hasEnded = false;
  /** Did the peer end on purpose? Plain TCP can't tell; TLS says close_notify. */
  endedCleanly = false;
  #isRefd = true;
  #isIdle = false;
  #isPaused = false;
  /** When something last came in. */
  heardAtMs = 0;
  #channel: RawChannel | undefined = undefined;
  #error: Error | undefined = undefined;

  constructor(
    readonly key: ConnectionKey,
    /** The socket itself, for raw use. Reading goes through `lease.read()`. */
    readonly socket: Socket | TLSSocket,
    env: ConnectionEnvironment,
    dialTiming: DialTiming,
  ) {
    this.record = new ConnectionRecord(this, env.id, env.clock, env.random);
    this.remoteAddress = socket.remoteAddress; // a destroyed socket no longer knows
    this.counters = env.counters;
    this.clock = env.clock;
    this.dialTiming = dialTiming;
  }

  get id(): number {
    return this.record.id;
  }
  /** ms since the epoch. */
  get createdAt(): number {
    return this.record.createdAt;
  }
  /** ms since the epoch. */
  get lastUsedAt(): number {
    return this.record.lastUsedAt;
  }
  get requestCount(): number {
    return this.record.requestCount;
  }
  get isOpen(): boolean {
    return this.#isOpen && !this.#hasEnded;
  }
  /** Has the peer said that it will send no more? */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  [INSPECT](depth: number, options: InspectOptions): string {
    return shown('PooledConnection', this.facts(), depth, options);
  }

  /** What a log may show. The socket is left out: its buffer is shared, and holds bytes of other calls. */
  facts(): object {
    const { id, protocol, remoteAddress, isOpen, requestCount, createdAt, lastUsedAt } = this;
    const times = { createdAt: new Date(createdAt), lastUsedAt: new Date(lastUsedAt) };
    return { id, key: this.key.id, protocol, remoteAddress, isOpen, requestCount, ...times };
  }

  exchange(request: ExchangeRequest, events: ExchangeEvents, isLastUse: boolean): Http1Exchange {
    return new Http1Exchange(this, request, events, isLastUse);
  }

  reserve(): boolean {
    return this.isOpen && this.record.holders === 0;
  }

  /** What gets the bytes from now on; undefined while the connection is idle. */
  setSink(sink: ByteSink | undefined): void {
    this.#sink = sink;
    // The last user may have paused it; an idle connection is always read.
    if (this.#isPaused) this.resume();
  }

  // ── raw use ────────────────────────────────────────────────────────────────────────────────────

  /** Checked out as bytes, without a protocol. */
  openChannel(): void {
    this.record.requestCount += 1;
    this.#channel = new RawChannel(this);
    this.#sink = this.#channel;
  }

  /** Ends raw use; true with the proof that nothing is left over in either direction. */
  closeChannel(): boolean {
    const channel = this.#channel;
    this.#channel = undefined;
    this.setSink(undefined);
    return channel !== undefined && channel.end() && this.socket.writableLength === 0;
  }

  /** The next bytes, or undefined once the peer has finished sending. For raw use only. */
  read(): Promise<Uint8Array | undefined> {
    return this.#channel?.read() ?? Promise.reject(notCheckedOut(this.key));
  }

  /** Resolves when the bytes were handed to the kernel. For raw use only. */
  write(bytes: Uint8Array | string): Promise<void> {
    return this.#channel?.write(bytes) ?? Promise.reject(notCheckedOut(this.key));
  }

  setIdle(isIdle: boolean): void {
    this.#isIdle = isIdle;
    // Idle sockets don't keep the process alive; toggling waits a turn, because most connections are
    // taken again before it.
    if (isIdle) afterPoll(this);
    else this.#ref();
  }

  onPolled(): void {
    if (!this.#isIdle || !this.#isRefd) return;
    this.#isRefd = false;
    this.socket.unref();
  }

  /** Stops reading: backpressure reaches the peer. */
  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }
  resume(): void {
    this.#isPaused = false;
    this.socket.resume();
  }

  close(): void {
    if (this.#isOpen) this.#closed(undefined);
    this.socket.destroy();
  }

  /** Bytes came that no request had asked for: whatever they are, they must not answer the next request. */
  poison(): void {
    if (!this.#isOpen) return;
    this.counters.poisoned += 1;
    this.close();
  }

  // ── what the socket says (wired by dial.ts) ────────────────────────────────────────────────────

  received(bytes: Buffer): void {
    this.counters.bytesReceived += bytes.length;
    this.heardAtMs = this.clock.now();
    if (!this.#isOpen) return;
    if (this.#sink !== undefined) this.#sink.onBytes(bytes);
    else if (isRequestTimeout(bytes)) this.close();
    else this.poison();
  }

  ended(): void {
    if (!this.#isOpen) return;
    this.heardAtMs = this.clock.now();
    this.#hasEnded = true;
    // The end that follows an alert of TLS is no end in peace: its reason would be lost.
    if (this.#error !== undefined) {
      this.#closed(this.#error);
      this.socket.destroy();
      return;
    }
    this.endedCleanly = this.key.tls === false || saidCloseNotify(this.socket);
    if (this.#sink !== undefined) this.#sink.onEnd();
    else this.close();
  }

  errored(error: Error): void {
    this.#error ??= error;
  }

  /** What ended it, if it did not go in peace. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** An error of its socket in words. */
  reasonOf(error: Error): string {
    const { tls, host } = this.key;
    return reasonOf(error, tls === false ? host : tls.servername);
  }

  /** Should the socket, which is about to be destroyed for a failed write, be kept for a moment? */
  keepsReading(error: Error): boolean {
    return this.#isOpen && this.#sink?.onWriteError(error) === true;
  }

  socketClosed(): void {
    if (this.#isOpen) this.#closed(this.#error);
  }

  drained(): void {
    this.#sink?.onDrain();
  }

  #closed(error: Error | undefined): void {
    this.#isOpen = false;
    const sink = this.#sink;
    this.#sink = undefined;
    this.onClosed?.();
    sink?.onClose(error);
  }

  #ref(): void {
    if (this.#isRefd) return;
    this.#isRefd = true;
    this.socket.ref();
  }
}

function notCheckedOut(key: ConnectionKey): unknown {
  const error = new RequestError(
    'HOTARU_INVALID_STATE',
    'the connection is not checked out for raw use',
  );
  return nameOrigin(error, 'connection to', key);
}

/** A server that gives up on an idle connection may say so before it closes it (RFC 9110 §15.5.9). */
function isRequestTimeout(bytes: Buffer): boolean {
  return /^HTTP\/1\.[01] 408[ \r]/.test(bytes.toString('latin1', 0, 13));
}
