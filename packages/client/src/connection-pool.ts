/**
 * `ConnectionPool`: what users call. Which work is admitted, calls and leases, and the end of a pool. Its hosts and
 * what they share are in pool-hosts.ts. In no folder, because it is what holds them together.
 */
import { CONSTANTS } from './config/constants.js';
import type { Duration } from './config/duration.js';
import { PoolConfig, type PoolConfigInput } from './config/pool-config.js';
import { isRaw, RawChannel } from './connection/raw/raw-channel.js';
import { CheckedOutConnection } from './lease/checked-out.js';
import type { Resolve } from './connection/dial/dns-cache.js';
import { nameOrigin, nameUncheckedCall } from './diagnostics/call-name.js';
import { withCaller } from './diagnostics/call-stack.js';
import { invalidRequest, PoolError } from './errors.js';
import { INSPECT, shown, type InspectOptions } from './diagnostics/inspect.js';
import { keyFor, keyOf, keyOfCall, type KeyInput } from './key/key-input.js';
import type { Lease } from './lease/lease.js';
import { endCheckOut, leaseOf } from './lease/leasing.js';
import type { RequestInit } from './message/request.js';
import { abandonBodyOf } from './message/request-body.js';
import type { ClientResponse } from './message/response.js';
import { checkNames, ownOptions, show, unreadable } from './config/own-options.js';
import { systemClock, type Clock } from './pool/clock.js';
import { Deadlines } from './pool/deadlines.js';
import type { PoolStats } from './pool/stats.js';
import { PoolHosts } from './pool-hosts.js';
import { QuietWaits } from './pool/quiet-waits.js';
import { STANDARD_POLICIES } from './policies/standard.js';
import type { AcquireOptions } from './lease/lease-request.js';
import { Attempt, type CallEnvironment } from './send/attempt.js';
import { Call, type PoolOfCalls } from './send/call.js';
import { checkOptions, durationOf, type SendOptions } from './send/options.js';
import { prepare } from './send/prepare.js';
import { compose, enter } from './send/pipeline.js';
import { RequestScope } from './send/request-scope.js';
import type { Send } from './send/send.js';
import { Origins } from './send/target.js';

/** Seams for tests: time and chance. */
export interface PoolEnvironment {
  clock?: Clock;
  /** 0 ≤ x < 1. */
  random?: () => number;
  /** Host name to addresses. Default: the system's resolver. */
  resolve?: Resolve;
}

export interface WarmOptions {
  /** Told once, before `warm()` resolves with fewer than were asked for: why the last dial failed. */
  onDialFailed?: ((error: Error) => void) | undefined;
}

export interface DrainOptions {
  /** How long calls in flight may take before they are cut off. Default 10 s. */
  timeout?: Duration | undefined;
}

export interface AcquireTlsOptions extends AcquireOptions {
  /** Default true. */
  verifyCert?: boolean | undefined;
  /** Name sent as SNI and checked against the certificate. Default: the host. */
  sni?: string | undefined;
  /**
   * Protocols offered (ALPN), the preferred one first. Default none, where `acquire()` of an `https:` URL offers
   * `['http/1.1']`: the protocol is yours to choose. `['http/1.1']` shares connections with
   * calls whose `tls.alpn` says the same.
   */
  alpn?: readonly string[] | undefined;
}

let globalPool: ConnectionPool | undefined;

/**
 * @example
 * const pool = ConnectionPool.global();
 * const res = await pool.sendRequest('https://api.example.com', getRequest('/users/1'));
 * console.log(await res.json(), pool.stats().hitRate);
 */
export class ConnectionPool implements AsyncDisposable {
  #config: PoolConfig;
  readonly #clock: Clock;
  readonly #hosts: PoolHosts;
  readonly #deadlines: Deadlines;
  readonly #callEnvironment: CallEnvironment;
  readonly #origins = new Origins(
    (url, tls, publicOnly) => keyOfCall(this.#config, url, tls, publicOnly),
    (key) => this.#config.forHost(key.host, key.port),
  );
  readonly #poolOfCalls: PoolOfCalls;
  readonly #pipeline: Send = compose(STANDARD_POLICIES, (call) => this.#send(call));
  #state: 'open' | 'draining' | 'closed' = 'open';
  /** Calls of several requests: between two of them they hold no connection, and a drain waits for them. */
  #underWayCount = 0;
  readonly #quietWaits: QuietWaits;

  /** @throws ConfigError `HOTARU_INVALID_CONFIG` naming key, value and what is allowed. */
  constructor(config: PoolConfigInput = {}, environment: PoolEnvironment = {}) {
    this.#config = PoolConfig.from(config);
    this.#clock = environment.clock ?? systemClock;
    this.#deadlines = new Deadlines(this.#clock);
    this.#poolOfCalls = {
      clock: this.#clock,
      resolve: (url, tls, publicOnly) => this.#origins.resolve(url, tls, publicOnly),
      underWay: (change) => this.#countUnderWay(change),
    };
    this.#callEnvironment = { clock: this.#clock, deadlines: this.#deadlines };
    this.#quietWaits = new QuietWaits(this.#clock, () => this.#isQuiet);
    this.#hosts = new PoolHosts(this.#config, this.#callEnvironment, environment, {
      onQuiet: () => this.#checkQuiet(),
      onForgotten: (id) => this.#origins.forget(id),
      onAwaited: (isAwaited) => this.#deadlines.setAwaited(isAwaited),
    });
  }

  /**
   * The pool of the process, shaped by `HOTARU_POOL_*`. Made on first use, and anew after the last one
   * was closed.
   */
  static global(): ConnectionPool {
    if (globalPool === undefined || globalPool.closed)
      globalPool = new ConnectionPool(PoolConfig.fromEnvironment());
    return globalPool;
  }

  /** Shapes the global pool: before its first use or, live, after it. Returns it. */
  static configureGlobal(config: PoolConfigInput): ConnectionPool {
    const pool = ConnectionPool.global();
    pool.reconfigure(config);
    return pool;
  }

  get config(): PoolConfig {
    return this.#config;
  }

  /** Draining counts: nothing new is admitted. */
  get closed(): boolean {
    return this.#state !== 'open';
  }

  // ── HTTP ───────────────────────────────────────────────────────────────────────────────────────

  /**
   * Sends a request on a pooled connection; resolves when the response head is there.
   *
   * @param target Absolute http(s) URL; `request.path` is appended to its path.
   * @param scope The inbound request this call is made for: its deadline and end are the call's too.
   * @throws Every `HotaruClientError` of the table in errors.ts, or the signal's own reason.
   */
  sendRequest(
    target: string | URL,
    request: RequestInit = {},
    options?: SendOptions,
    scope?: RequestScope,
  ): Promise<ClientResponse> {
    try {
      const init = ownOptions(request);
      const settings = options === undefined ? undefined : ownOptions(options);
      if (scope !== undefined && !(scope instanceof RequestScope))
        throw invalidRequest(`the scope of a call must be a RequestScope, not ${show(scope)}`);
      const call = new Call(this.#poolOfCalls, target, init, checkOptions(settings), scope);
      return enter(this.#pipeline, call);
    } catch (error) {
      return refused(error, target, request);
    }
  }

  /** What the policies are around: one attempt. */
  #send(call: Call): Promise<ClientResponse> {
    try {
      // What is wrong with the request rejects, before anything is written.
      const prepared = prepare(call);
      this.#admit(call);
      const host = this.#hosts.getOrMake(prepared.origin.key);
      return new Attempt(this.#callEnvironment, host, prepared, call).start();
    } catch (error) {
      return refused(error, call.url, call.request, call.callSite);
    }
  }

  /** A call is let in once: a drain that begins between two of its requests does not refuse the second. */
  #admit(call: Call): void {
    if (this.#state === 'open') call.isAdmitted = true;
    else if (this.#state === 'closed' || !call.isAdmitted) throw poolClosed();
  }

  #countUnderWay(change: 1 | -1): void {
    this.#underWayCount += change;
    if (change === -1) this.#checkQuiet();
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────────

  /**
   * Checks out a connection for raw use: an idle one, or the first to come free.
   *
   * @throws `HOTARU_POOL_EXHAUSTED`, `HOTARU_ACQUIRE_TIMEOUT`, `HOTARU_CONNECT_*`, `HOTARU_TLS_FAILED`,
   * or the signal's own reason.
   * @example using lease = await pool.acquire('10.0.0.1', 8080);
   */
  acquire(key: KeyInput, options?: AcquireOptions): Promise<Lease>;
  acquire(host: string, port: number, options?: AcquireOptions): Promise<Lease>;
  acquire(
    target: KeyInput,
    second?: number | AcquireOptions,
    third?: AcquireOptions,
  ): Promise<Lease> {
    return typeof second === 'number'
      ? this.#lease({ host: target as string, port: second }, third, false)
      : this.#lease(target, second, false);
  }

  /** As `acquire`, but always a connection straight from its dial: for tunnels. */
  acquireNew(key: KeyInput, options?: AcquireOptions): Promise<Lease> {
    return this.#lease(key, options, true);
  }

  /** As `acquire`, over TLS. */
  async acquireTls(host: string, port = 443, options?: AcquireTlsOptions): Promise<Lease> {
    const names = ['verifyCert', 'sni', 'alpn', 'signal', 'timeout'] as const;
    const {
      verifyCert,
      sni,
      alpn = [],
      ...rest
    } = checkNames(options, 'the options of acquireTls()', names);
    const tls = { rejectUnauthorized: verifyCert, servername: sni, alpn };
    return this.#lease({ host, port, tls }, rest, false);
  }

  /** An idle connection, checked out, if there is one now; never waits, never dials. */
  get(key: KeyInput): CheckedOutConnection | undefined {
    const host = this.#hosts.findForRawBytes(keyOf(this.#config, key));
    const connection = host?.take();
    if (host === undefined || connection === undefined) return undefined;
    if (isRaw(connection))
      return new CheckedOutConnection(new RawChannel(connection), endCheckOut(host), this, false);
    host.release(connection, true); // calls share it
    return undefined;
  }

  /**
   * Gives back what `get` gave, once. True when it was kept: open, clean and under its limits.
   *
   * @throws RequestError `HOTARU_INVALID_STATE` for a connection that was given back already, that a lease
   * holds, or that is of another pool.
   */
  put(connection: CheckedOutConnection): boolean {
    return CheckedOutConnection.end(CheckedOutConnection.checkPut(connection, this), true);
  }

  /**
   * Dials until `count` calls could be served at once, as far as the limits allow; resolves with how many could. Of
   * HTTP/1.1 that is one for each idle connection, of HTTP/2 as many as the streams that the peer allows on those that
   * are open: `warm(key, 200)` opens 200, or two. A peer that takes no calls for now is not warm. It takes as long as
   * its dials do: with a peer that does not answer, `connectTimeout` and more.
   */
  async warm(key: KeyInput, count: number, options: WarmOptions = {}): Promise<number> {
    const canonical = keyFor(this.#config, 'warm', key);
    if (!Number.isInteger(count) || count < 0) {
      const error = invalidRequest(`warm() takes a whole number of calls, not ${String(count)}`);
      throw nameOrigin(error, 'warm', canonical);
    }
    if (this.#state !== 'open') throw nameOrigin(poolClosed(), 'warm', canonical);
    const host = this.#hosts.getOrMake(canonical);
    const ready = await host.warm(count);
    const { lastDialError } = host;
    if (ready < count && lastDialError !== undefined) options.onDialFailed?.(lastDialError);
    return ready;
  }

  async #lease(
    target: KeyInput,
    options: AcquireOptions | undefined,
    needsFresh: boolean,
  ): Promise<Lease> {
    const key = keyFor(this.#config, 'acquire', target);
    if (this.#state !== 'open') throw nameOrigin(poolClosed(), 'acquire', key);
    const hostOf = () => this.#hosts.getForRawBytes(key);
    // Awaited here: the stack of an error has to reach the caller through this function.
    return await leaseOf(this.#callEnvironment, hostOf, key, this, needsFresh, options);
  }

  // ── upkeep ─────────────────────────────────────────────────────────────────────────────────────

  /** Evicts what has expired, refills up to `minIdle`, forgets empty hosts. Returns how many it evicted. */
  cleanup(): number {
    return this.#hosts.cleanup();
  }

  /**
   * Runs `cleanup()` when something that is idle now expires, and at least every `cleanupInterval`, on one
   * timer that keeps nothing alive. (What expires in between is not handed out either: check-out looks.)
   * Several may start it; it ends with the last `stop()`. Without it, what is idle ends by itself no later than
   * `cleanupInterval` after its time, and hosts with nothing left are forgotten.
   */
  startCleanupTask(): () => void {
    return this.#hosts.startCleanupTask();
  }

  /**
   * Stops admitting, closes idle connections, lets calls in flight finish, and closes what is left when
   * the time is up. The pool is closed afterwards.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    checkDrainOptions(options);
    const timeoutMs = durationOf('timeout', options.timeout) ?? CONSTANTS.drainTimeoutMs;
    if (this.#state === 'open') {
      this.#state = 'draining';
      this.#hosts.drain();
    }
    await this.#quietWaits.wait(timeoutMs);
    this.close();
  }

  /** Ends everything now: calls in flight reject. */
  close(): void {
    this.#state = 'closed';
    this.#hosts.close();
    this.#deadlines.stop();
    this.#checkQuiet();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }

  /** Lays settings over the present ones, live: what exists shrinks or grows. Returns the new, frozen config. */
  reconfigure(config: PoolConfigInput): PoolConfig {
    this.#config = PoolConfig.from(config, this.#config);
    this.#origins.clear();
    this.#hosts.reconfigure(this.#config);
    return this.#config;
  }

  // ── statistics ─────────────────────────────────────────────────────────────────────────────────

  /** Counters and gauges of the pool and of each host it knows; plain and JSON-safe. */
  stats(): PoolStats {
    return this.#hosts.stats();
  }

  /** The gauges of the pool, and the hosts it knows. `stats()` has the rest. */
  [INSPECT](depth: number, options: InspectOptions): string {
    const { idle, active, connecting, waiting, hosts } = this.stats();
    const fields = { idle, active, connecting, waiting, hosts: Object.keys(hosts) };
    return shown('ConnectionPool', fields, depth, options);
  }

  // ── inside ─────────────────────────────────────────────────────────────────────────────────────

  #checkQuiet(): void {
    if (this.#state === 'closed') this.#hosts.forgetEmpty();
    this.#quietWaits.check();
  }

  get #isQuiet(): boolean {
    if (this.#state === 'closed') return true;
    if (this.#underWayCount > 0) return false;
    return this.#hosts.areQuiet;
  }
}

function checkDrainOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw invalidRequest("the options of drain() must be an object, such as { timeout: '10s' }");
  for (const name of Object.keys(options))
    if (name !== 'timeout')
      throw invalidRequest(`the option ${name} of drain() is not known; allowed: timeout`);
}

/** A call that was not begun: what it was given is let go of. */
function refused(
  error: unknown,
  url: unknown,
  request: unknown,
  callSite?: string,
): Promise<never> {
  abandonBodyOf(request);
  const named = nameUncheckedCall(unreadable(error), url, request);
  return Promise.reject(withCaller(named, callSite, enter));
}

function poolClosed(): PoolError {
  return new PoolError('HOTARU_POOL_CLOSED', 'the pool is closed and admits no more work');
}
