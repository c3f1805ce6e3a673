/**
 * One `pool.acquire()`: the wait for a connection for raw use, with its timeout and its signal. Settles
 * once, with the connection or with the first of: refused, timed out, aborted. A connection that calls share is no
 * answer: it is given back, and the wait goes on at the host that is for raw bytes alone.
 */
import type { Duration } from '../config/duration.js';
import { isRaw, RawChannel } from '../connection/raw/raw-channel.js';
import type { Connection } from '../connection/connection.js';
import { invalidRequest, type PoolError, type TransportError } from '../errors.js';
import { checkNames } from '../config/own-options.js';
import type { Clock } from '../pool/clock.js';
import type { Deadlines } from '../pool/deadlines.js';
import type { HostPool } from '../pool/host-pool.js';
import { acquireTimeout } from '../pool/host-report.js';
import { Link } from '../pool/linked-list.js';
import { offAbort, onAbort, type Abortable } from '../send/abort-hub.js';
import { Acquisition, type AcquisitionOwner } from '../send/acquisition.js';
import { CallClock } from '../send/call-clock.js';
import { durationOf } from '../send/options.js';

export interface AcquireOptions {
  signal?: AbortSignal | undefined;
  /** The longest wait. Default: the pool's `acquireTimeout` (10 s). */
  timeout?: Duration | undefined;
}

export class LeaseRequest implements AcquisitionOwner<Connection>, Abortable {
  readonly #hostOf: () => HostPool<Connection>;
  #host: HostPool<Connection>;
  readonly #clock: CallClock;
  #acquisition: Acquisition<Connection>;
  readonly #signal: AbortSignal | undefined;
  readonly #signalLink = new Link<Abortable>(this);
  readonly #timeoutMs: number;
  readonly #timeoutName: string;
  #isOver = false;
  #needsFresh = false;
  #resolve: (channel: RawChannel) => void = noop;
  #reject: (error: unknown) => void = noop;

  /** @throws RequestError `HOTARU_INVALID_REQUEST` */
  constructor(
    deadlines: Deadlines,
    clock: Clock,
    hostOf: () => HostPool<Connection>,
    options: AcquireOptions | undefined,
  ) {
    const { signal, timeout } = checkNames(options, 'the options of acquire()', [
      'signal',
      'timeout',
    ]);
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw invalidRequest('the option signal must be an AbortSignal');
    const host = hostOf();
    this.#hostOf = hostOf;
    this.#host = host;
    this.#signal = signal;
    const ownMs = durationOf('timeout', timeout);
    this.#timeoutMs = ownMs ?? host.settings.acquireTimeout;
    this.#timeoutName = ownMs === undefined ? 'acquireTimeout' : 'timeout';
    this.#clock = new LeaseClock(clock, deadlines, clock.now() + this.#timeoutMs, this);
    this.#acquisition = new Acquisition(host, this, true);
  }

  /** Of the caller's own options, never of `Object.prototype`. */
  get signal(): AbortSignal | undefined {
    return this.#signal;
  }

  run(needsFresh: boolean): Promise<RawChannel> {
    this.#needsFresh = needsFresh;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      if (this.#signal?.aborted === true) {
        this.abort(this.#signal.reason);
        return;
      }
      if (this.#signal !== undefined) onAbort(this.#signal, this.#signalLink);
      this.#clock.stopStage(); // the total clock alone
      this.#acquisition.start(needsFresh, false);
    });
  }

  acquired(connection: Connection): void {
    if (isRaw(connection)) {
      this.#settle();
      this.#resolve(new RawChannel(connection));
      return;
    }
    // The origin has begun to speak HTTP/2 while this waited in the queue of its calls.
    this.#host.release(connection, true);
    this.#host = this.#hostOf();
    this.#acquisition = new Acquisition(this.#host, this, true);
    this.#acquisition.start(this.#needsFresh, true);
  }

  /** Where the connection came from, and goes back to. */
  get host(): HostPool<Connection> {
    return this.#host;
  }

  unfit(_connection: Connection, isReused: boolean, error: TransportError): void {
    // It was let in before: a drain that has begun meanwhile lets it finish.
    if (isReused) this.#acquisition.start(false, true);
    else this.#fail(error);
  }

  refused(error: Error): void {
    this.#fail(error);
  }

  served(): void {
    // one clock for all of it
  }

  waiting(): void {
    // the same
  }

  dialling(): void {
    // the same
  }

  abort(reason: unknown): void {
    this.#fail(reason);
  }

  timeRanOut(): void {
    const connectTimeout = this.#acquisition.connectTimeout(this.#timeoutMs, this.#timeoutName);
    this.#host.counters.timedOut(connectTimeout === undefined ? 'acquire' : 'connect');
    this.#fail(connectTimeout ?? this.#acquireTimeout(), true);
  }

  #acquireTimeout(): PoolError {
    const error = acquireTimeout(this.#host, this.#timeoutMs, this.#timeoutName);
    error.phase = this.#acquisition.phase;
    return error;
  }

  #fail(error: unknown, isOutOfTime = false): void {
    if (this.#isOver) return;
    this.#settle();
    this.#acquisition.cancel(isOutOfTime);
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

/** One clock for all of it. */
class LeaseClock extends CallClock {
  readonly #request: LeaseRequest;

  constructor(clock: Clock, deadlines: Deadlines, totalAtMs: number, request: LeaseRequest) {
    super(clock, deadlines, totalAtMs);
    this.#request = request;
  }

  protected timeRanOut(): void {
    this.#request.timeRanOut();
  }
}
