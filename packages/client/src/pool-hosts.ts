/**
 * The hosts of one pool, and what they share: permits, the timer of the sweeps, TLS sessions, addresses. A host is
 * made on first use, swept when something of it expires, and forgotten when it is empty and was not used for a while.
 * Which work is admitted is left to the `ConnectionPool`.
 *
 * In no folder, because here pool/, which knows no sockets, and connection/, which dials, meet.
 */
import type { PoolConfig, Settings } from './config/pool-config.js';
import type { ConnectionKey } from './key/connection-key.js';
import { expectedOf, rawKeyOf } from './key/offered-protocols.js';
import { dial } from './connection/dial/dial.js';
import { DnsCache, type Resolve } from './connection/dial/dns-cache.js';
import type { Route } from './connection/dial/layer.js';
import { routeTo } from './connection/dial/route.js';
import type { Connection } from './connection/connection.js';
import { Http2Connection } from './connection/http2/http2-connection.js';
import { TlsSessions } from './connection/dial/tls-sessions.js';
import type { Clock } from './pool/clock.js';
import { Counters } from './pool/counters.js';
import type { Deadlines } from './pool/deadlines.js';
import type { DialEvents } from './pool/dialer.js';
import { HostPool } from './pool/host-pool.js';
import { KnownProtocols } from './pool/known-protocols.js';
import { OriginProtocol } from './pool/origin-protocol.js';
import { Permits } from './pool/permits.js';
import { statsOf, sumStats, type OneHostStats, type PoolStats } from './pool/stats.js';
import { Sweeper } from './pool/sweeper.js';
import type { Dial } from './pool/waiter.js';

export interface PoolHostsEvents {
  /** A host has nothing left to wait for. */
  onQuiet(): void;
  /** @param id of its connection key. */
  onForgotten(id: string): void;
  /** Does any caller wait for a connection? */
  onAwaited(isAwaited: boolean): void;
}

interface Environment {
  readonly random?: () => number;
  readonly resolve?: Resolve;
}

export class PoolHosts {
  #config: PoolConfig;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #events: PoolHostsEvents;
  readonly #hosts = new Map<string, HostPool<Connection>>();
  readonly #keys = new Map<string, ConnectionKey>();
  readonly #knownProtocols = new KnownProtocols();
  readonly #permits: Permits;
  readonly #sweeper: Sweeper<HostPool<Connection>>;
  readonly #sessions = new TlsSessions();
  readonly #dns: DnsCache;
  readonly #deadlines: Deadlines;
  /** Owners of the cleanup task. */
  readonly #cleanupOwners = new Set<symbol>();
  /** What hosts counted that are no longer in the map. */
  readonly #retired = new Counters();
  #nextId = 0;
  #state: 'open' | 'draining' | 'closed' = 'open';
  /** Hosts with waiters in their queue. */
  #waitingHosts = 0;

  constructor(
    config: PoolConfig,
    { clock, deadlines }: { readonly clock: Clock; readonly deadlines: Deadlines },
    environment: Environment,
    events: PoolHostsEvents,
  ) {
    this.#config = config;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#random = environment.random ?? Math.random;
    this.#events = events;
    this.#dns = new DnsCache(clock, environment.resolve);
    this.#permits = new Permits(config.settings.maxTotal, (connection) => {
      // The hosts of this pool keep nothing else.
      this.find((connection as Connection).key)?.evict(connection);
    });
    this.#sweeper = new Sweeper(clock, (host) => this.#sweep(host));
  }

  find(key: ConnectionKey): HostPool<Connection> | undefined {
    return this.#hosts.get(key.id);
  }

  /** The host of this key, made on first use. */
  getOrMake(key: ConnectionKey): HostPool<Connection> {
    const known = this.#hosts.get(key.id);
    if (known !== undefined) return known;
    const settings = this.#config.forHost(key.host, key.port);
    const route = routeTo(key, {
      sessions: this.#sessions,
      dns: this.#dns,
      http2: () => host.settings.http2,
    });
    const host: HostPool<Connection> = new HostPool<Connection>(key.id, settings, {
      clock: this.#clock,
      permits: this.#permits,
      random: this.#random,
      protocol: new OriginProtocol(this.#expectedOf(key, settings), settings.maxStreams),
      onQuiet: () => this.#events.onQuiet(),
      onSweepable: (atMs) => this.#scheduleSweep(host, atMs),
      onRenewable: (atMs) => {
        if (this.#state === 'open') this.#sweeper.schedule(host, atMs);
      },
      onWaiting: (isWaiting) => this.#countWaiting(isWaiting ? 1 : -1),
      dial: (events) => this.#dial(key, route, host, events),
    });
    this.#hosts.set(key.id, host);
    this.#keys.set(key.id, key);
    if (this.#cleanupOwners.size > 0) this.#scheduleSweep(host, Infinity);
    // Only a call that was admitted before gets here: the host serves it, and keeps nothing.
    if (this.#state === 'draining') host.drain();
    return host;
  }

  getForRawBytes(key: ConnectionKey): HostPool<Connection> {
    return this.findForRawBytes(key) ?? this.getOrMake(this.#rawKeyOf(key));
  }

  /**
   * The host whose connections raw bytes may have: that of the calls, but not where those share connections, or may
   * come to.
   */
  findForRawBytes(key: ConnectionKey): HostPool<Connection> | undefined {
    const rawKey = this.#rawKeyOf(key);
    const raw = this.find(rawKey);
    if (rawKey === key || (raw !== undefined && raw.idle.size > 0)) return raw;
    // HTTP/2 was offered, and the origin chose HTTP/1.1: its connections are as good for raw bytes.
    const ofCalls = this.find(key);
    return ofCalls?.isExclusive === true ? ofCalls : raw;
  }

  #rawKeyOf(key: ConnectionKey): ConnectionKey {
    return rawKeyOf(key, this.#config.forHost(key.host, key.port).http2);
  }

  #dial(
    key: ConnectionKey,
    route: Route,
    host: HostPool<Connection>,
    events: DialEvents<Connection>,
  ): Dial {
    const { connectTimeout, http2, maxStreams } = host.settings;
    return dial(key, route, events, {
      clock: this.#clock,
      counters: host.counters,
      nextId: () => this.#nextId++,
      random: this.#random,
      timeoutMs: connectTimeout,
      http2,
      http2Connection: (transport, parts) =>
        new Http2Connection(transport, { ...parts, deadlines: this.#deadlines, maxStreams }),
    });
  }

  /** By what is offered, and by what its peer chose before. */
  #expectedOf(key: ConnectionKey, { http2 }: Settings): 'unknown' | 'exclusive' | 'shared' {
    const expected = expectedOf(key, http2);
    return expected === 'unknown' ? (this.#knownProtocols.get(key.id) ?? expected) : expected;
  }

  /** Nothing of any host is in use, or may come back. */
  get areQuiet(): boolean {
    for (const host of this.#hosts.values()) if (!host.isForgettable) return false;
    return true;
  }

  stats(): PoolStats {
    const hosts: Record<string, OneHostStats> = {};
    for (const [id, host] of this.#hosts) hosts[id] = statsOf(host);
    return { ...sumStats(this.#hosts.values(), this.#retired), hosts };
  }

  reconfigure(config: PoolConfig): void {
    this.#config = config;
    this.#permits.setMax(config.settings.maxTotal);
    this.#knownProtocols.clear();
    for (const [id, host] of this.#hosts) {
      const key = this.#keys.get(id);
      if (key !== undefined) this.#reconfigureHost(host, key);
    }
    // The old wake-ups may be far off.
    for (const host of [...this.#hosts.values()])
      if (host.heapIndex !== -1) this.#sweeper.sweepNow(host);
  }

  #reconfigureHost(host: HostPool<Connection>, key: ConnectionKey): void {
    const { http2 } = host.settings;
    const settings = this.#config.forHost(key.host, key.port);
    host.reconfigure(settings);
    const expected = expectedOf(key, settings.http2);
    if (expected !== expectedOf(key, http2)) host.changeProtocol(expected, settings.maxStreams);
  }

  drain(): void {
    this.#state = 'draining';
    for (const host of this.#hosts.values()) host.drain();
  }

  close(): void {
    this.#state = 'closed';
    this.#cleanupOwners.clear();
    for (const host of [...this.#hosts.values()]) host.close();
    this.#sweeper.stop();
    this.forgetEmpty();
  }

  // ── upkeep ─────────────────────────────────────────────────────────────────────────────────────

  /** Returns how many connections it evicted. */
  cleanup(): number {
    const before = this.#evictions();
    this.#sweepAll();
    this.forgetEmpty();
    return this.#evictions() - before;
  }

  startCleanupTask(): () => void {
    const owner = Symbol('cleanup task');
    this.#cleanupOwners.add(owner);
    this.#sweepAll();
    return () => {
      this.#cleanupOwners.delete(owner);
    };
  }

  forgetEmpty(): void {
    for (const host of [...this.#hosts.values()]) this.#forgetIfEmpty(host);
  }

  /**
   * Returns when the host wants to be swept again; undefined once it is forgotten.
   *
   * A host in use may have no connection for a moment, where its peer keeps none open for long: its counters
   * and what is known of its dials stay until it was not used for a `cleanupInterval`.
   */
  #sweep(host: HostPool<Connection>): number | undefined {
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

  #forgetIfEmpty(host: HostPool<Connection>): boolean {
    if (!host.isForgettable) return false;
    this.#remember(host);
    host.forgotten();
    this.#sweeper.remove(host);
    this.#hosts.delete(host.key);
    this.#keys.delete(host.key);
    this.#events.onForgotten(host.key);
    this.#retired.add(host.counters);
    return true;
  }

  /** Where only a dial could find it out. */
  #remember({ key: id, protocol: { state } }: HostPool<Connection>): void {
    const key = this.#keys.get(id);
    if (key === undefined || state === 'unknown') return;
    const { http2 } = this.#config.forHost(key.host, key.port);
    if (expectedOf(key, http2) === 'unknown') this.#knownProtocols.note(id, state);
  }

  #evictions(): number {
    let evictions = this.#retired.evictions;
    for (const host of this.#hosts.values()) evictions += host.counters.evictions;
    return evictions;
  }

  #scheduleSweep(host: HostPool<Connection>, atMs: number): void {
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

  /** While a call waits in a queue something has to keep the process alive: perhaps nothing else does. */
  #countWaiting(change: 1 | -1): void {
    this.#waitingHosts += change;
    this.#events.onAwaited(this.#waitingHosts > 0);
  }
}
