/**
 * One `pool.acquire()`: the wait for a connection for raw use, with its timeout and its signal.
 *
 *   waiting ─▶ polling ─▶ served         │ failed (timeout, abort, refused)
 *
 * As a call does, it polls a connection before handing it out, so that bytes nobody asked for are not
 * the first thing its user reads.
 */
import type { Duration } from '../config/duration.js';
import type { PooledConnection } from '../connection/pooled-connection.js';
import { afterPoll, type PolledTask } from '../connection/turn.js';
import { HotaruClientError, invalidRequest, TransportError } from '../errors.js';
import type { Clock } from '../pool/clock.js';
import type { Deadlines } from '../pool/deadlines.js';
import type { HostPool } from '../pool/host-pool.js';
import { Link } from '../pool/linked-list.js';
import type { Dial, Waiter, WaiterEvents } from '../pool/waiter.js';
import { offAbort, onAbort, type Abortable } from './abort-hub.js';
import { CallClock, type ClockOwner } from './call-clock.js';
import { durationOf } from './options.js';

export interface AcquireOptions {
  signal?: AbortSignal | undefined;
  /** The longest wait. Default: the pool's `acquireTimeout` (10 s). */
  timeout?: Duration | undefined;
}

export class LeaseRequest implements WaiterEvents<PooledConnection>, PolledTask, ClockOwner {
  readonly #host: HostPool<PooledConnection>;
  readonly #clock: CallClock;
  readonly #signal: AbortSignal | undefined;
  readonly #signalLink = new Link<Abortable>(this);
  readonly #timeoutMs: number;
  #waiter: Waiter<PooledConnection> | undefined = undefined;
  #dial: Dial | undefined = undefined;
  #connection: PooledConnection | undefined = undefined;
  #isReused = false;
  #isOver = false;
  #resolve: (connection: PooledConnection) => void = noop;
  #reject: (error: unknown) => void = noop;

  /** @throws RequestError `HOTARU_INVALID_REQUEST` */
  constructor(
    deadlines: Deadlines,
    clock: Clock,
    host: HostPool<PooledConnection>,
    options: AcquireOptions = {},
  ) {
    for (const name in options)
      if (name !== 'signal' && name !== 'timeout')
        throw invalidRequest(`the option ${name} is not known; allowed: signal, timeout`);
    if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
      throw invalidRequest('the option signal must be an AbortSignal');
    this.#host = host;
    this.#signal = options.signal;
    this.#timeoutMs = durationOf('timeout', options.timeout) ?? host.settings.acquireTimeout;
    this.#clock = new CallClock(clock, deadlines, clock.now() + this.#timeoutMs, this);
  }

  run(needsFresh: boolean): Promise<PooledConnection> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      if (this.#signal?.aborted === true) {
        this.abort(this.#signal.reason);
        return;
      }
      if (this.#signal !== undefined) onAbort(this.#signal, this.#signalLink);
      this.#acquire(needsFresh);
    });
  }

  #acquire(needsFresh: boolean): void {
    const connection = needsFresh ? undefined : this.#host.take();
    if (connection !== undefined) {
      this.connected(connection, true);
      return;
    }
    this.#clock.stopStage();
    const waiter = this.#host.wait(this, needsFresh);
    if (waiter.state === 'waiting') this.#waiter = waiter;
  }

  dialling(dial: Dial): void {
    this.#dial = dial;
  }

  refused(error: Error): void {
    this.#waiter = undefined;
    this.#fail(error instanceof HotaruClientError ? error.copy() : error);
  }

  connected(connection: PooledConnection, isReused: boolean): void {
    this.#waiter = undefined;
    this.#connection = connection;
    this.#isReused = isReused;
    // Straight from its dial, a peer may speak first, as SMTP does: its words are the user's to read.
    if (!isReused) this.#serve(connection);
    else afterPoll(this);
  }

  onPolled(): void {
    const connection = this.#connection;
    if (this.#isOver || connection === undefined) return;
    if (connection.isOpen) {
      this.#serve(connection);
      return;
    }
    this.#connection = undefined;
    this.#host.release(connection, false);
    if (this.#isReused) this.#acquire(false);
    else this.#fail(new TransportError('HOTARU_CONNECTION_CLOSED', 'the connection was closed'));
  }

  abort(reason: unknown): void {
    this.#fail(reason);
  }

  timeRanOut(): void {
    this.#host.counters.timeouts += 1;
    const error = this.#host.error(
      'HOTARU_ACQUIRE_TIMEOUT',
      `no connection within ${this.#timeoutMs} ms`,
    );
    error.phase = this.#dial?.phase ?? 'queue';
    this.#fail(error);
  }

  #serve(connection: PooledConnection): void {
    this.#settle();
    connection.openChannel();
    this.#resolve(connection);
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#settle();
    if (this.#waiter !== undefined) this.#host.cancel(this.#waiter);
    if (this.#connection !== undefined) this.#host.release(this.#connection, true);
    this.#reject(error);
  }

  #settle(): void {
    this.#isOver = true;
    this.#clock.stop();
    if (this.#signal !== undefined) offAbort(this.#signal, this.#signalLink);
  }
}

function noop(): void {
  // replaced when it runs
}
