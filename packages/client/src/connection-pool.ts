/**
 * `ConnectionPool`: one `HostPool` for each connection key, and what they share: permits, timer, TLS
 * sessions, configuration. The only part of the package that knows both the pool and the sockets.
 */
import { CONSTANTS } from './config/constants.js';
import type { Duration } from './config/duration.js';
import { PoolConfig, type PoolConfigInput } from './config/pool-config.js';
import { CheckedOutConnection, type EndCheckOut } from './checked-out.js';
import { ConnectionKey, type ConnectionKeyParts } from './connection-key.js';
import { dial } from './connection/dial.js';
import { DnsCache, type Resolve } from './connection/dns-cache.js';
import { PooledConnection } from './connection/pooled-connection.js';
import { overlayTls, type TlsOptions } from './connection/tls-identity.js';
import { TlsSessions } from './connection/tls-sessions.js';
import { nameOrigin, nameUncheckedCall, nameUncheckedOrigin } from './call-name.js';
import { callSiteOf } from './call-site.js';
import { withCaller } from './call-stack.js';
import { invalidRequest, PoolError } from './errors.js';
import { INSPECT, shown, type InspectOptions } from './inspect.js';
import { Lease } from './lease.js';
import type { RequestInit } from './message/request.js';
import { abandonInput } from './message/request-body.js';
import type { ClientResponse } from './message/response.js';
import { checkNames, ownOptions, show } from './own-options.js';
import { systemClock, timerDelay, type Clock } from './pool/clock.js';
import { Counters } from './pool/counters.js';
import { Deadlines } from './pool/deadlines.js';
import { HostPool } from './pool/host-pool.js';
import { Permits } from './pool/permits.js';
import { statsOf, sumStats, type HostStats, type PoolStats } from './pool/stats.js';
import { Sweeper } from './pool/sweeper.js';
import { LeaseRequest, type AcquireOptions } from './send/acquire.js';
import { Call, type CallEnvironment } from './send/call.js';
import { CallContext } from './send/call-context.js';
import { checkOptions, durationOf, type SendOptions } from './send/options.js';
import { prepare } from './send/prepare.js';
import { followRedirects, type Hop } from './send/redirect.js';
import { RequestScope, sheltered } from './send/request-scope.js';
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
  /** Protocols offered (ALPN). Default none: the protocol is yours to choose. `['http/1.1']` shares connections with calls. */
  alpn?: string[] | undefined;
}

type KeyInput = ConnectionKey | ConnectionKeyParts | string | URL;

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
  readonly #random: () => number;
  readonly #hosts = new Map<string, HostPool<PooledConnection>>();
  readonly #keys = new Map<string, ConnectionKey>();
  readonly #deadlines: Deadlines;
  readonly #permits: Permits;
  readonly #sweeper: Sweeper<HostPool<PooledConnection>>;
  /** Owners of the cleanup task. */
  readonly #cleanupOwners = new Set<symbol>();
  readonly #callEnvironment: CallEnvironment;
  readonly #sessions = new TlsSessions();
  readonly #dns: DnsCache;
  readonly #origins = new Origins((url, tls, publicOnly) => this.#keyOf(url, tls, publicOnly));
  /** What hosts counted that are no longer in the map. */
  readonly #retired = new Counters();
  #nextId = 0;
  #state: 'open' | 'draining' | 'closed' = 'open';
  /** Calls that follow redirects: between two hops they hold no connection, and a drain waits for them. */
  #followingCount = 0;
  /** Hosts with waiters in their queue. */
  #waitingHosts = 0;
  /** Drains that wait for the end of the last call. */
  readonly #onQuiet = new Set<() => void>();

  /** @throws ConfigError `HOTARU_INVALID_CONFIG` naming key, value and what is allowed. */
  constructor(config: PoolConfigInput = {}, environment: PoolEnvironment = {}) {
    this.#config = PoolConfig.from(config);
    this.#clock = environment.clock ?? systemClock;
    this.#random = environment.random ?? Math.random;
    this.#deadlines = new Deadlines(this.#clock);
    this.#dns = new DnsCache(this.#clock, environment.resolve);
    this.#permits = new Permits(this.#config.settings.maxTotal, (connection) => {
      if (connection instanceof PooledConnection) this.#hostOf(connection.key)?.evict(connection);
    });
    this.#callEnvironment = { clock: this.#clock, deadlines: this.#deadlines };
    this.#sweeper = new Sweeper(this.#clock, (host) => this.#sweep(host));
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
    const init = ownOptions(request);
    const settings = options === undefined ? undefined : ownOptions(options);
    if (settings?.redirect !== 'follow') return this.#send(target, init, settings, scope);
    const answer = this.#follow({ target, request: init, options: settings }, scope);
    return scope === undefined ? answer : sheltered(answer, scope);
  }

  #send(
    target: string | URL,
    request: RequestInit,
    options: SendOptions | undefined,
    scope: RequestScope | undefined,
    context?: CallContext,
  ): Promise<ClientResponse> {
    try {
      // What is wrong with the request rejects, before anything is written.
      if (scope !== undefined && !(scope instanceof RequestScope))
        throw invalidRequest(`the scope of a call must be a RequestScope, not ${show(scope)}`);
      const checked = checkOptions(options);
      const resolved = this.#origins.resolve(target, checked.tls, checked.publicOnly);
      const prepared = prepare(resolved, request, checked, scope);
      this.#admit(context);
      const host = this.#hostFor(prepared.origin.key);
      const env = this.#callEnvironment;
      return new Call(env, host, prepared, checked, scope, context).start();
    } catch (error) {
      abandonInput((request as RequestInit | null)?.body);
      return Promise.reject(nameUncheckedCall(error, target, request));
    }
  }

  /** A call is let in once: a drain that begins between two of its hops does not refuse the second. */
  #admit(context: CallContext | undefined): void {
    if (this.#state === 'open') context?.admit();
    else if (this.#state === 'closed' || context?.isAdmitted !== true) throw poolClosed();
  }

  async #follow(first: Hop, scope: RequestScope | undefined): Promise<ClientResponse> {
    const context = new CallContext(this.#clock.now());
    this.#followingCount += 1;
    try {
      return await followRedirects(first, ({ target, request, options }) =>
        this.#send(target, request, options, scope, context),
      );
    } catch (error) {
      // What a hop failed with has its own name.
      throw nameUncheckedCall(error, first.target, first.request);
    } finally {
      this.#followingCount -= 1;
      this.#checkQuiet();
    }
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
    const host = this.#hostOf(this.#keyOf(key));
    const connection = host?.take();
    if (host === undefined || connection === undefined) return undefined;
    connection.openChannel();
    return new CheckedOutConnection(connection, endCheckOut(host), this, false);
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
   * Dials until `count` connections are idle, as far as the limits allow; resolves with how many are. It takes as
   * long as its dials do: with a peer that does not answer, `connectTimeout` and more.
   */
  async warm(key: KeyInput, count: number, options: WarmOptions = {}): Promise<number> {
    const canonical = this.#keyFor('warm', key);
    if (!Number.isInteger(count) || count < 0) {
      const error = invalidRequest(
        `warm() takes a whole number of connections, not ${String(count)}`,
      );
      throw nameOrigin(error, 'warm', canonical);
    }
    if (this.#state !== 'open') throw nameOrigin(poolClosed(), 'warm', canonical);
    const host = this.#hostFor(canonical);
    const opened = await host.warm(count);
    const { lastDialError } = host;
    if (opened < count && lastDialError !== undefined) options.onDialFailed?.(lastDialError);
    return opened;
  }

  async #lease(
    target: KeyInput,
    options: AcquireOptions | undefined,
    needsFresh: boolean,
  ): Promise<Lease> {
    const key = this.#keyFor('acquire', target);
    if (this.#state !== 'open') throw nameOrigin(poolClosed(), 'acquire', key);
    const host = this.#hostFor(key);
    const { reportLeaks } = host.settings;
    const callSite = reportLeaks ? callSiteOf(new Error()) : undefined;
    let connection: PooledConnection;
    try {
      connection = await new LeaseRequest(this.#deadlines, this.#clock, host, options).run(
        needsFresh,
      );
    } catch (error) {
      throw withCaller(nameOrigin(error, 'acquire', key), callSite);
    }
    const checkedOut = new CheckedOutConnection(connection, endCheckOut(host), this, true);
    const lease = new Lease(checkedOut, reportLeaks, callSite);
    // An abort may have come between the hand-over and this continuation: nothing may be lost.
    if (options?.signal?.aborted === true) {
      lease.release();
      throw options.signal.reason;
    }
    return lease;
  }

  // ── upkeep ─────────────────────────────────────────────────────────────────────────────────────

  /** Evicts what has expired, refills up to `minIdle`, forgets empty hosts. Returns how many it evicted. */
  cleanup(): number {
    const before = this.#evictions();
    this.#sweepAll();
    this.#forgetEmptyHosts();
    return this.#evictions() - before;
  }

  /**
   * Runs `cleanup()` when something that is idle now expires, and at least every `cleanupInterval`, on one
   * timer that keeps nothing alive. (What expires in between is not handed out either: check-out looks.)
   * Several may start it; it ends with the last `stop()`. Without it, what is idle ends by itself no later than
   * `cleanupInterval` after its time, and hosts with nothing left are forgotten.
   */
  startCleanupTask(): () => void {
    const owner = Symbol('cleanup task');
    this.#cleanupOwners.add(owner);
    this.#sweepAll();
    return () => {
      this.#cleanupOwners.delete(owner);
    };
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
      for (const host of this.#hosts.values()) host.drain();
    }
    await this.#quiet(timeoutMs);
    this.close();
  }

  /** Ends everything now: calls in flight reject. */
  close(): void {
    this.#state = 'closed';
    this.#cleanupOwners.clear();
    for (const host of [...this.#hosts.values()]) host.close();
    this.#sweeper.stop();
    this.#forgetEmptyHosts();
    this.#deadlines.stop();
    this.#checkQuiet();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }

  /** Lays settings over the present ones, live: what exists shrinks or grows. Returns the new, frozen config. */
  reconfigure(config: PoolConfigInput): PoolConfig {
    this.#config = PoolConfig.from(config, this.#config);
    this.#permits.setMax(this.#config.settings.maxTotal);
    this.#origins.clear();
    for (const [id, host] of this.#hosts) {
      const key = this.#keys.get(id);
      if (key !== undefined) host.reconfigure(this.#config.forHost(key.host, key.port));
    }
    // The old wake-ups may be far off.
    for (const host of [...this.#hosts.values()])
      if (host.heapIndex !== -1) this.#sweeper.sweepNow(host);
    return this.#config;
  }

  // ── statistics ─────────────────────────────────────────────────────────────────────────────────

  /** Counters and gauges of the pool and of each host it knows; plain and JSON-safe. */
  stats(): PoolStats {
    const hosts: Record<string, HostStats> = {};
    for (const [id, host] of this.#hosts) hosts[id] = statsOf(host);
    return { ...sumStats(this.#hosts.values(), this.#retired), hosts };
  }

  /** The gauges of the pool, and the hosts it knows. `stats()` has the rest. */
  [INSPECT](depth: number, options: InspectOptions): string {
    const { idle, active, connecting, waiting, hosts } = this.stats();
    const fields = { idle, active, connecting, waiting, hosts: Object.keys(hosts) };
    return shown('ConnectionPool', fields, depth, options);
  }

  // ── inside ─────────────────────────────────────────────────────────────────────────────────────

  /**
   * With the TLS settings its host has in the configuration, and `own` laid over them; a finished key is
   * taken as it is.
   */
  #keyOf(input: KeyInput, own?: TlsOptions, publicOnly = false): ConnectionKey {
    if (input instanceof ConnectionKey) return input;
    const plain = ConnectionKey.from(input, undefined, publicOnly);
    if (plain.tls === false) return plain;
    const configured = this.#config.tlsFor(plain.host, plain.port);
    if (configured === undefined && own === undefined) return plain;
    if (typeof input === 'string' || input instanceof URL)
      return ConnectionKey.from(input, overlayTls(configured, own), publicOnly);
    const given = typeof input.tls === 'object' ? input.tls : undefined;
    const tls = overlayTls(configured, given);
    return ConnectionKey.from({ host: plain.host, port: plain.port, tls }, undefined, publicOnly);
  }

  /** As `#keyOf`, for one thing asked of a host: what is refused names it. */
  #keyFor(verb: string, input: KeyInput): ConnectionKey {
    try {
      return this.#keyOf(input);
    } catch (error) {
      throw nameUncheckedOrigin(error, verb, input);
    }
  }

  #hostOf(key: ConnectionKey): HostPool<PooledConnection> | undefined {
    return this.#hosts.get(key.id);
  }

  #hostFor(key: ConnectionKey): HostPool<PooledConnection> {
    const known = this.#hosts.get(key.id);
    if (known !== undefined) return known;
    const host: HostPool<PooledConnection> = new HostPool<PooledConnection>(
      key.id,
      this.#config.forHost(key.host, key.port),
      {
        clock: this.#clock,
        permits: this.#permits,
        random: this.#random,
        onQuiet: () => this.#checkQuiet(),
        onSweepable: (atMs) => this.#scheduleSweep(host, atMs),
        onWaiting: (isWaiting) => this.#countWaiting(isWaiting ? 1 : -1),
        dial: (events) =>
          dial(key, events, {
            clock: this.#clock,
            counters: host.counters,
            sessions: this.#sessions,
            dns: this.#dns,
            nextId: () => this.#nextId++,
            random: this.#random,
            timeoutMs: host.settings.connectTimeout,
          }),
      },
    );
    this.#hosts.set(key.id, host);
    this.#keys.set(key.id, key);
    if (this.#cleanupOwners.size > 0) this.#scheduleSweep(host, Infinity);
    // Only a call that was admitted before gets here: the host serves it, and keeps nothing.
    if (this.#state === 'draining') host.drain();
    return host;
  }

  /** Returns when the host wants to be swept again; undefined once it is forgotten. */
  /**
   * A host in use may have no connection for a moment, where its peer keeps none open for long: its counters
   * and what is known of its dials stay until it was not used for a `cleanupInterval`.
   */
  #sweep(host: HostPool<PooledConnection>): number | undefined {
    const now = this.#clock.now();
    const nextAtMs = host.sweep(now, this.#clock.wallNow());
    if (!host.isForgettable) return this.#sweepAtMs(nextAtMs);
    const forgetAtMs = host.lastUsedAtMs + this.#config.settings.cleanupInterval;
    if (now < forgetAtMs) return forgetAtMs;
    this.#forgetIfEmpty(host);
    return undefined;
  }

  #sweepAll(): void {
    for (const host of [...this.#hosts.values()]) this.#sweeper.sweepNow(host);
  }

  #forgetEmptyHosts(): void {
    for (const host of [...this.#hosts.values()]) this.#forgetIfEmpty(host);
  }

  #forgetIfEmpty(host: HostPool<PooledConnection>): boolean {
    if (!host.isForgettable) return false;
    host.forgotten();
    this.#sweeper.remove(host);
    this.#hosts.delete(host.key);
    this.#keys.delete(host.key);
    this.#origins.forget(host.key);
    this.#retired.add(host.counters);
    return true;
  }

  #evictions(): number {
    let evictions = this.#retired.evictions;
    for (const host of this.#hosts.values()) evictions += host.counters.evictions;
    return evictions;
  }

  #scheduleSweep(host: HostPool<PooledConnection>, atMs: number): void {
    if (this.#state === 'open') this.#sweeper.schedule(host, this.#sweepAtMs(atMs));
  }

  /**
   * With a cleanup task when something expires, and at least every `cleanupInterval`. Without one it is only
   * seen to that nothing stays for ever: in its own time, and that interval more.
   */
  #sweepAtMs(expiresAtMs: number): number {
    const { cleanupInterval } = this.#config.settings;
    const hasTask = this.#cleanupOwners.size > 0;
    // Every connection that becomes idle comes here: the usual one must not read the clock for it.
    if (!hasTask && expiresAtMs !== Infinity) return expiresAtMs + cleanupInterval;
    const latestAtMs = this.#clock.now() + cleanupInterval;
    return hasTask ? Math.min(expiresAtMs, latestAtMs) : latestAtMs;
  }

  /** While a call waits in a queue the deadlines keep the process alive: perhaps nothing else does. */
  #countWaiting(change: 1 | -1): void {
    this.#waitingHosts += change;
    this.#deadlines.setAwaited(this.#waitingHosts > 0);
  }

  #checkQuiet(): void {
    if (this.#state === 'closed') this.#forgetEmptyHosts();
    // Every host reports its end: without a drain to tell, a scan for each would be quadratic.
    if (this.#onQuiet.size > 0 && this.#isQuiet) for (const resolve of this.#onQuiet) resolve();
  }

  get #isQuiet(): boolean {
    if (this.#state === 'closed') return true;
    if (this.#followingCount > 0) return false;
    for (const host of this.#hosts.values()) if (!host.isForgettable) return false;
    return true;
  }

  async #quiet(timeoutMs: number): Promise<void> {
    const untilMs = this.#clock.now() + timeoutMs;
    // Again and again: a call that is sent a second time leaves its host empty for a moment.
    while (!this.#isQuiet && this.#clock.now() < untilMs) {
      let timer: unknown;
      let wake: () => void = () => undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        this.#onQuiet.add(resolve);
        if (timeoutMs === Infinity) return;
        timer = this.#clock.setTimer(resolve, timerDelay(untilMs, this.#clock.now()));
        this.#clock.setAwaited?.(timer, true);
      });
      this.#onQuiet.delete(wake);
      this.#clock.clearTimer(timer);
    }
  }
}

function endCheckOut(host: HostPool<PooledConnection>): EndCheckOut {
  return (connection, isReusable) => {
    const isClean = connection.closeChannel();
    return host.release(connection, isReusable && isClean);
  };
}

function checkDrainOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw invalidRequest("the options of drain() must be an object, such as { timeout: '10s' }");
  for (const name of Object.keys(options))
    if (name !== 'timeout')
      throw invalidRequest(`the option ${name} of drain() is not known; allowed: timeout`);
}

function poolClosed(): PoolError {
  return new PoolError('HOTARU_POOL_CLOSED', 'the pool is closed and admits no more work');
}
