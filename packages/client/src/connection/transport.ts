/**
 * One TCP or TLS socket, under whatever protocol: it is read at all times, so that a FIN, a reset or bytes that
 * no request had asked for are noticed while the connection is idle.
 *
 *   open ──FIN──▶ ended ──▶ closed        an error, `close()` or the socket's own end close it from both
 *
 * What arrives goes to one sink: the user of the connection, an exchange or a raw channel, and between two users
 * the connection itself (its `home`), which knows what bytes mean there. An end may be the end of a body: the sink
 * decides. A close is told to the home first, and so to the pool, and then to the user, once.
 *
 * All sockets read into one shared buffer (`onread`): a sink must copy what it keeps. Left to others: the dial
 * (dial.ts), which wires the socket's events to it; what is sent and read (http1/, raw/).
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionKey } from '../key/connection-key.js';
import type { Clock } from '../pool/clock.js';
import type { Counters } from '../pool/counters.js';
import { reasonOf } from './dial/dial-reason.js';
import { saidCloseNotify } from './close-notify.js';
import { afterPoll, type PolledTask } from './turn.js';

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

export class Transport implements PolledTask {
  readonly remoteAddress: string | undefined;
  /** When something last came in. */
  heardAtMs = 0;
  /** Did the peer end on purpose? Plain TCP can't tell; TLS says close_notify. */
  endedCleanly = false;
  #state: 'open' | 'ended' | 'closed' = 'open';
  #home: ByteSink | undefined = undefined;
  #sink: ByteSink | undefined = undefined;
  #isRefd = true;
  #isIdle = false;
  #isPaused = false;
  #error: Error | undefined = undefined;

  constructor(
    readonly key: ConnectionKey,
    readonly socket: Socket | TLSSocket,
    readonly clock: Clock,
    readonly counters: Counters,
  ) {
    this.remoteAddress = socket.remoteAddress; // a destroyed socket no longer knows
  }

  /** Open both ways. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** What ended it, if it failed. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** An error of its socket in words. */
  reasonOf(error: Error): string {
    const { tls, host } = this.key;
    return reasonOf(error, tls === false ? host : tls.servername);
  }

  // ── its connection, and the users of that ──────────────────────────────────────────────────────

  /** Once: the connection that stands on it. */
  belongsTo(home: ByteSink): void {
    this.#home = home;
    this.#sink = home;
  }

  /** The bytes are this user's from now on. */
  useBy(sink: ByteSink): void {
    this.#handTo(sink);
  }

  /** The user has finished: what arrives now is the connection's own to judge. */
  endUse(): void {
    this.#handTo(this.#home);
  }

  #handTo(sink: ByteSink | undefined): void {
    this.#sink = this.#state === 'closed' ? undefined : sink;
    // The last user may have paused it; one that is not in use is always read.
    if (this.#isPaused) this.resume();
  }

  /** Idle sockets don't keep the process alive. */
  setIdle(isIdle: boolean): void {
    this.#isIdle = isIdle;
    // That waits a turn, because most connections are taken again before it.
    if (isIdle) afterPoll(this);
    else this.#ref();
  }

  onPolled(): void {
    if (this.#state === 'closed') {
      this.socket.destroy();
      return;
    }
    if (!this.#isIdle || !this.#isRefd) return;
    this.#isRefd = false;
    this.socket.unref();
  }

  #ref(): void {
    if (this.#isRefd) return;
    this.#isRefd = true;
    this.socket.ref();
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
    if (this.#state !== 'closed') this.#closed(undefined);
    this.socket.destroy();
  }

  /** As `close`, but the socket is left for a turn: the last that was written has to leave it, and TLS takes a while. */
  closeBehindWrites(): void {
    if (this.#state !== 'closed') this.#closed(undefined);
    afterPoll(this);
  }

  /**
   * Bytes came that no request had asked for: whatever they are, they must not answer the next request. `why`: what
   * they look like.
   */
  poison(why?: Error): void {
    if (this.#state === 'closed') return;
    this.#error ??= why;
    this.counters.poisoned += 1;
    this.close();
  }

  // ── what the socket says (wired by dial.ts) ────────────────────────────────────────────────────

  received(bytes: Buffer): void {
    this.counters.bytesReceived += bytes.length;
    this.heardAtMs = this.clock.now();
    if (this.#state !== 'closed') this.#sink?.onBytes(bytes);
  }

  ended(): void {
    if (this.#state === 'closed') return;
    this.heardAtMs = this.clock.now();
    this.#state = 'ended';
    // The end that follows an alert of TLS is no end in peace: its reason would be lost.
    if (this.#error !== undefined) {
      this.#closed(this.#error);
      this.socket.destroy();
      return;
    }
    this.endedCleanly = this.key.tls === false || saidCloseNotify(this.socket);
    this.#sink?.onEnd();
  }

  errored(error: Error): void {
    this.#error ??= error;
  }

  /** Should the socket, which is about to be destroyed for a failed write, be kept for a moment? */
  keepsReading(error: Error): boolean {
    return this.#state !== 'closed' && this.#sink?.onWriteError(error) === true;
  }

  drained(): void {
    this.#sink?.onDrain();
  }

  socketClosed(): void {
    if (this.#state !== 'closed') this.#closed(this.#error);
  }

  #closed(error: Error | undefined): void {
    this.#state = 'closed';
    const home = this.#home;
    const sink = this.#sink;
    this.#sink = undefined;
    home?.onClose(error);
    if (sink !== home) sink?.onClose(error);
  }
}
