/**
 * The connections to one host, and the callers waiting for one. Knows nothing of sockets or HTTP: it
 * keeps any `Poolable`, and its tests keep integers.
 *
 * A connection:  dialling ──▶ busy ⇄ idle ──▶ closed        (a shared one is busy with many at once)
 * A caller:      takes an idle one, else waits in the queue; the first connection to come free, released
 *                or freshly dialled, goes to the waiter that has waited longest (late binding).
 * The host:      open ──▶ draining ──▶ closed               (an open one is closed when it is forgotten)
 *
 * Invariants (invariants.ts):
 *   live + dialling ≤ maxPerHost (unless the limit was just lowered)
 *   a caller waits ⇒ nothing is idle, unless its peer takes no callers for now
 *   every waiter settles once; every slot is given back once, by `slotFreed`
 *   a host is never forgotten while anything can still come back to it: a connection, though it is dead,
 *   that a caller holds; a dial; a waiter
 */
import type { Settings } from '../config/pool-config.js';
import { HotaruClientError, PoolError, type PoolSnapshot } from '../errors.js';
import { Counters } from './counters.js';
import { Dialer, type DialerEnvironment, type DialerHost } from './dialer.js';
import { isExpired } from './expiry.js';
import { IdleConnections, isIdle } from './idle-connections.js';
import { assertInvariant, checkInvariants } from './invariants.js';
import type { OriginProtocol } from './origin-protocol.js';
import { takesCaller, type Poolable } from './poolable.js';
import { stateInWords } from './pool-words.js';
import { SharedConnections } from './shared-connections.js';
import type { Swept } from './sweeper.js';
import { Waiter, type Dial, type WaiterEvents } from './waiter.js';
import { WaiterLine } from './waiter-line.js';

export interface HostPoolEnvironment<T> extends DialerEnvironment<T> {
  /** Called when nothing can come back any more to a host that is draining or closed. */
  readonly onQuiet?: () => void;
  /** Something has become idle that expires at `atMs`; or nothing is left, and it can be forgotten. */
  readonly onSweepable?: (atMs: number) => void;
  /** Called when its first caller starts to wait, and when the last one has stopped. */
  readonly onWaiting?: (isWaiting: boolean) => void;
}

export class HostPool<T extends Poolable> implements DialerHost<T>, Swept {
  readonly counters = new Counters();
  readonly idle: IdleConnections;
  readonly line = new WaiterLine<T>();
  readonly #live = new Set<T>();
  readonly #shared = new SharedConnections<T>();
  readonly #dialer: Dialer<T>;
  readonly #env: HostPoolEnvironment<T>;
  #settings: Settings;
  /** How often connections are held, dead ones included: each hold ends with one `release()`. */
  #heldCount = 0;
  #state: 'open' | 'draining' | 'closed' = 'open';
  lastUsedAtMs: number;
  /** When its last connection that was live ended, if none is live now. */
  #lastLiveAtMs = -Infinity;
  /** When it is swept next, and its place in the sweeper's heap. */
  atMs = Infinity;
  heapIndex = -1;

  constructor(
    readonly key: string,
    settings: Settings,
    env: HostPoolEnvironment<T>,
  ) {
    this.#settings = settings;
    this.#env = env;
    this.idle = new IdleConnections(env.permits, (connection) => this.evict(connection));
    this.#dialer = new Dialer<T>(this, env);
    this.lastUsedAtMs = env.clock.now();
  }

  get settings(): Settings {
    return this.#settings;
  }
  get liveCount(): number {
    return this.#live.size;
  }
  get stayingCount(): number {
    return this.#live.size - this.#shared.leavingCount;
  }
  get dialingCount(): number {
    return this.#dialer.count;
  }
  get activeCount(): number {
    return this.#live.size - this.idle.size;
  }
  get waiterCount(): number {
    return this.line.size;
  }
  get freshCount(): number {
    return this.line.fresh.size;
  }
  get heldCount(): number {
    return this.#heldCount;
  }
  get oldestWithoutDial(): Waiter<T> | undefined {
    return this.line.oldestWithoutDial;
  }
  /** What is known of the protocol of its origin. */
  get protocol(): OriginProtocol {
    return this.#env.protocol;
  }
  /** Those that are live. */
  get connections(): IterableIterator<T> {
    return this.#live.values();
  }
  #isDraining(): boolean {
    return this.#state !== 'open';
  }
  get isClosed(): boolean {
    return this.#state === 'closed';
  }
  /** Is every gauge 0? */
  get isEmpty(): boolean {
    return this.#live.size === 0 && this.waiterCount === 0 && this.#dialer.isQuiet;
  }
  /** Can nothing come back to it any more? A caller that holds a dead connection may dial again. */
  get isForgettable(): boolean {
    return this.#heldCount === 0 && this.isEmpty;
  }

  // ── acquire ────────────────────────────────────────────────────────────────────────────────────

  /** A usable connection that is there now: a hit. Expired ones met on the way are evicted. */
  take(nowMs: number = this.#env.clock.now()): T | undefined {
    if (this.#state !== 'open' || !this.#settings.enablePooling) return undefined;
    const shared = this.#shared.size === 0 ? undefined : this.#shared.take(nowMs, this.#settings);
    if (shared !== undefined) return this.#hold(shared);
    const idle = this.idle.take(nowMs, this.#env.clock.wallNow(), this.#settings);
    return idle === undefined ? undefined : this.#hold(idle as T);
  }

  /**
   * Joins the queue of waiters, and starts a dial if the limits allow. The waiter is settled through its events,
   * perhaps before this returns. `isAdmitted`: its call was let in before a drain began.
   */
  wait(events: WaiterEvents<T>, needsFresh = false, isAdmitted = false): Waiter<T> {
    const waiter = new Waiter<T>(events, needsFresh || !this.#settings.enablePooling);
    if (this.#state === 'closed' || (this.#state === 'draining' && !isAdmitted)) {
      waiter.fail(this.error('HOTARU_POOL_CLOSED', 'the pool is closed'));
      return waiter;
    }
    this.lastUsedAtMs = this.#env.clock.now();
    this.line.join(waiter, this.lastUsedAtMs);
    if (this.waiterCount === 1) this.#env.onWaiting?.(true);
    this.#dialer.pump();
    // Only waiters that no dial serves count as pending: `maxPending: 0` still lets a request connect.
    if (waiter.state === 'waiting' && this.#isLineTooLong()) {
      this.#leaveLine(waiter);
      this.counters.exhausted += 1;
      waiter.fail(
        this.error('HOTARU_POOL_EXHAUSTED', 'no more requests may wait for a connection'),
      );
      this.#afterLeaving();
    } else if (waiter.state === 'waiting') this.#dialer.joined(waiter);
    checkInvariants(this);
    return waiter;
  }

  /**
   * Its caller has left. The dial made for it, if any, goes on for the others; `isOutOfTime`: but it took
   * too long for this caller, and the next one should not have to rely on it.
   */
  cancel(waiter: Waiter<T>, isOutOfTime = false): void {
    if (waiter.state !== 'waiting') return;
    waiter.state = 'cancelled';
    if (isOutOfTime) {
      this.#dialer.forsake(waiter);
      this.#leaveRefused(waiter);
    } else this.#leaveLine(waiter);
    this.#afterLeaving();
  }

  // ── release ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Gives a connection back. `isReusable` is the holder's positive proof that the next one may use it;
   * age, limits and the state of the pool are judged here. True when it was kept.
   */
  release(connection: T, isReusable: boolean, nowMs: number = this.#env.clock.now()): boolean {
    const { record } = connection;
    assertInvariant(this, record.holders > 0, 'a connection is released once for each hold');
    if (record.holders === 0) return false;
    record.holders -= 1;
    this.#heldCount -= 1;
    if (!this.#live.has(connection)) {
      this.#windDown();
      this.#offerToBeForgotten();
      return false;
    }
    assertInvariant(
      this,
      (connection.underWay ?? 0) <= record.holders,
      'a caller ends what it began before it gives a connection back',
    );
    record.touch(nowMs);
    this.lastUsedAtMs = record.lastUsedAtMs;
    const isFit = isReusable && this.#isFit(connection, record.lastUsedAtMs);
    if (record.holders > 0) {
      if (!isFit) this.#admitNoMore(connection);
      else if (this.#state !== 'closed') this.#place(connection, true);
      this.#dialer.offerDials();
      return isFit;
    }
    const { permits } = this.#env;
    if (!isFit || !this.#hasUse() || permits.isOverdrawn || permits.hasStarving) {
      this.retire(connection);
      return false;
    }
    this.#place(connection, true);
    this.#dialer.offerDials(); // it may have been the last waiter that took it
    this.#windDown();
    return this.#live.has(connection);
  }

  /** Asked before a request is sent: is it the last on this connection, whatever comes of it? */
  isLastUse({ record }: T): boolean {
    const { enablePooling, maxRequestsPerConnection } = this.#settings;
    return (
      !enablePooling ||
      record.requestCount + 1 >= maxRequestsPerConnection ||
      record.requestsLeft <= 1
    );
  }

  /** Takes a connection out of the books and ends it. */
  retire(connection: T): void {
    this.#forget(connection);
    connection.close();
  }

  /** Ends an idle connection that the pool no longer wants. */
  evict(connection: Poolable): void {
    this.counters.evictions += 1;
    this.retire(connection as T);
  }

  /** The one place where a permit and a place under `maxPerHost` are given back. */
  slotFreed(): void {
    this.#env.permits.giveBack();
    this.#afterLeaving();
  }

  // ── dials ──────────────────────────────────────────────────────────────────────────────────────

  dialled(connection: T): boolean {
    this.counters.created += 1;
    if (this.#live.size === 0) this.#dialer.firstIsLive();
    this.#live.add(connection);
    this.#env.protocol.learned(connection);
    connection.onClosed = () => this.#forget(connection);
    if (connection.canShare) connection.onLimitChanged = () => this.#limitChanged(connection);
    if (!connection.isOpen || (this.#isDraining() && this.waiterCount === 0)) {
      this.retire(connection);
      return false;
    }
    const isTaken = this.#place(connection, false);
    this.#windDown();
    return isTaken;
  }

  /**
   * A waiter fails only when no dial is left that could serve it, and nothing live could: a host that
   * takes no more connections still serves on the ones it has, unless they are leaving.
   */
  dialFailed(error: Error, startedAtMs: number, hadWaiters: boolean): void {
    this.counters.failed += 1;
    const isTimeout = isConnectTimeout(error);
    const failOldest = (beforeTicket: number): boolean => {
      const waiter = this.stayingCount > 0 ? this.line.fresh.first : this.line.oldest;
      if (waiter === undefined || waiter.ticket >= beforeTicket) return false;
      // It has not waited that long yet: the next dial is for it.
      if (isTimeout && waiter.sinceMs > startedAtMs) return false;
      this.#leaveRefused(waiter);
      if (isTimeout) this.counters.timedOut('connect');
      waiter.fail(error);
      return true;
    };
    // A caller that asks again when it is refused waits for the next probe, or this would never end.
    const { nextTicket } = this.line;
    if (this.#dialer.isUnreachable) while (failOldest(nextTicket));
    else if (hadWaiters && this.#dialsNeeded() > this.#dialer.promptCount) failOldest(nextTicket);
  }

  dialReplaced(): void {
    this.counters.failed += 1;
  }

  makeRoom(): boolean {
    const oldest = this.idle.first;
    if (oldest === undefined) return false;
    // A waiter that takes any connection takes none of these: their peers take no callers for now.
    const stuckCount = this.line.any.size > 0 ? this.waiterCount : this.line.fresh.size;
    if (stuckCount <= this.#dialer.promptCount) return false;
    this.evict(oldest);
    return true;
  }

  // ── upkeep ─────────────────────────────────────────────────────────────────────────────────────

  /**
   * Evicts what has expired and refills up to `minIdle`. Returns when it wants to run again, on the
   * monotonic clock; Infinity when only an event can change anything.
   */
  sweep(nowMs: number, wallMs: number): number {
    const nextAtMs = this.idle.evictExpired(nowMs, wallMs, this.#settings);
    if (!this.#isDraining() && nowMs - this.lastUsedAtMs < this.#settings.maxLifetime)
      void this.warm(this.#settings.minIdle, false);
    return nextAtMs;
  }

  /**
   * Dials until `count` connections are idle, as far as the limits go; resolves with how many are.
   * `isAwaited`: a caller waits for it, and the process must not end meanwhile.
   */
  async warm(count: number, isAwaited = true): Promise<number> {
    const { maxIdlePerHost, maxPerHost, enablePooling } = this.#settings;
    if (!enablePooling || this.#isDraining()) return 0;
    const wanted = Math.min(count, maxIdlePerHost, maxPerHost - this.activeCount) - this.idle.size;
    if (wanted > 0) await this.#dialer.spare(wanted, isAwaited);
    return this.idle.size;
  }

  /** Why the last dial failed; undefined once one has succeeded. */
  get lastDialError(): Error | undefined {
    return this.#dialer.lastError;
  }

  /** Live change of settings: shrinks what exists, and dials for the waiters. */
  reconfigure(settings: Settings): void {
    this.#settings = settings;
    const idleLimit = settings.enablePooling ? settings.maxIdlePerHost : 0;
    while (
      this.idle.first !== undefined &&
      (this.idle.size > idleLimit || this.#live.size + this.#dialer.count > settings.maxPerHost)
    )
      this.evict(this.idle.first);
    for (const connection of [...this.#live]) {
      if (connection.reconfigured === undefined) continue;
      connection.reconfigured(settings);
      this.#limitChanged(connection);
    }
    this.#dialer.pump();
  }

  /**
   * What its connections speak was changed, and `protocol` is what is expected of new ones: those that are live take
   * no more callers and end with the last that holds them, and dials under way begin anew. Waiters keep their places.
   */
  renew(protocol: 'unknown' | 'exclusive' | 'shared', callerLimit: number): void {
    this.#env.protocol.reset(protocol, callerLimit);
    for (const connection of [...this.#live])
      if (isIdle(connection)) this.evict(connection);
      else this.#admitNoMore(connection);
    this.#dialer.restart();
  }

  /** Admits no new caller, closes what is idle; waiters and calls in flight are served to the end. */
  drain(): void {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    this.#dialer.dropSpares();
    while (this.idle.first !== undefined) this.retire(this.idle.first as T);
    this.#windDown();
  }

  /** Ends everything now. */
  close(): void {
    this.#state = 'closed';
    for (;;) {
      const waiter = this.line.oldest;
      if (waiter === undefined) break;
      this.#leaveRefused(waiter);
      waiter.fail(this.error('HOTARU_POOL_CLOSED', 'the pool was closed'));
    }
    this.#dialer.cancelAll();
    for (const connection of [...this.#live]) this.retire(connection);
    this.#windDown();
  }

  /** The pool no longer knows this host: a caller that kept it gets `HOTARU_POOL_CLOSED`. */
  forgotten(): void {
    assertInvariant(this, this.isForgettable, 'nothing can come back to a host that is forgotten');
    this.#state = 'closed';
    this.#dialer.cancelAll(); // its place in the queue for permits, and its timer
  }

  /**
   * The dial that stands in the way of a waiter whose time runs out: nothing else would have served it for
   * most of its wait. Undefined when connections came and went meanwhile: then it waited for the pool.
   */
  hungDialOf(waiter: Waiter<T> | undefined): Dial | undefined {
    if (waiter === undefined) return undefined;
    const isAnyLive = this.#live.size > 0;
    // What is live would have served it, unless it needs a fresh one.
    if (isAnyLive && !waiter.needsFresh) return undefined;
    const pending = waiter.pending ?? (isAnyLive ? undefined : this.#dialer.oldest);
    if (pending === undefined) return undefined;
    const hungSinceMs = isAnyLive ? pending.startedAtMs : this.#lastLiveAtMs;
    const nowMs = this.#env.clock.now();
    const isMost = nowMs - hungSinceMs >= (nowMs - waiter.sinceMs) / 2;
    return isMost ? pending.dial : undefined;
  }

  snapshot(): PoolSnapshot {
    const sinceMs = this.line.oldest?.sinceMs;
    return {
      key: this.key,
      active: this.activeCount,
      idle: this.idle.size,
      connecting: this.#dialer.count,
      waiting: this.waiterCount,
      oldestWaitMs: sinceMs === undefined ? 0 : this.#env.clock.now() - sinceMs,
      maxPerHost: this.#settings.maxPerHost,
    };
  }

  timeoutError(limitMs: number, settingName: string): PoolError {
    const why = `no connection within the ${settingName} of ${limitMs} ms`;
    return this.error('HOTARU_ACQUIRE_TIMEOUT', why);
  }

  error(
    code: 'HOTARU_POOL_EXHAUSTED' | 'HOTARU_POOL_CLOSED' | 'HOTARU_ACQUIRE_TIMEOUT',
    why: string,
  ): PoolError {
    const now = this.snapshot();
    const { maxPending } = this.#settings;
    const isPoolFull = this.#dialer.isWaitingForPermit;
    const state = stateInWords({
      ...now,
      maxPending,
      isPoolFull,
      servedByDials: this.#servedByDials(),
    });
    // What stands in the way of more connections explains the wait.
    const cause = code === 'HOTARU_ACQUIRE_TIMEOUT' ? this.#dialer.lastError : undefined;
    return new PoolError(code, `${why} (${state})`, now, { cause });
  }

  // ── inside ─────────────────────────────────────────────────────────────────────────────────────

  #hold(connection: T): T {
    connection.record.holders += 1;
    this.#heldCount += 1;
    if (connection.canShare) this.#shared.add(connection);
    this.counters.hits += 1;
    this.counters.wait.recordInstant();
    return connection;
  }

  /** To the oldest waiter it suits, else idle. True when a waiter took it. */
  #place(connection: T, isReused: boolean): boolean {
    let isTaken = false;
    while (connection.isOpen && !connection.record.isLeaving) {
      // Each caller that it took may have been its last.
      if (isTaken && connection.record.isSpent(this.#env.clock.now(), this.#settings)) {
        this.#admitNoMore(connection);
        break;
      }
      const reused = isReused || isTaken; // a shared one is fresh for the first of many only
      const waiter = reused ? this.line.any.first : this.line.oldest;
      if (waiter === undefined || !takesCaller(connection)) break;
      isTaken = true;
      this.#leaveLine(waiter);
      connection.record.holders += 1;
      this.#heldCount += 1;
      if (reused) this.counters.hits += 1;
      else this.counters.misses += 1;
      this.counters.wait.record(this.#env.clock.now() - waiter.sinceMs);
      if (connection.canShare) this.#shared.add(connection);
      waiter.deliver(connection, reused);
      // Its new holder may have given it back in the same call stack: then it has its place already.
      if (!connection.canShare || isIdle(connection)) return true;
    }
    if (this.#live.has(connection) && connection.record.holders === 0) {
      this.#enterIdle(connection);
      // It takes no callers for now, and another one may need its place.
      if (this.line.any.size > 0) this.#dialer.pump();
    }
    checkInvariants(this);
    return isTaken;
  }

  #enterIdle(connection: T): void {
    this.#shared.delete(connection);
    this.idle.enter(connection);
    const isTooMany =
      this.idle.size > this.#settings.maxIdlePerHost ||
      this.#isOverLimit() ||
      this.#env.permits.isOverdrawn;
    if (isTooMany && this.idle.first !== undefined) this.evict(this.idle.first);
    const expiresAtMs = connection.record.expiresAtMs(this.#settings);
    if (this.heapIndex === -1 || expiresAtMs < this.atMs) this.#env.onSweepable?.(expiresAtMs);
    // Another host may be waiting for a permit that this idle connection holds.
    this.#env.permits.serve();
  }

  #forget(connection: T): void {
    if (!this.#live.delete(connection)) return;
    if (this.#live.size === 0) this.#lastLiveAtMs = this.#env.clock.now();
    this.#shared.ended(connection);
    this.idle.forget(connection);
    this.counters.closed += 1;
    this.slotFreed();
  }

  /** May it be used once more, as far as the pool is concerned? */
  #isFit(connection: T, nowMs: number): boolean {
    const { record } = connection;
    return (
      connection.isOpen &&
      !record.isLeaving &&
      this.#settings.enablePooling &&
      !this.#isOverLimit() &&
      !record.isSpent(nowMs, this.#settings) &&
      !this.#mustMakeWay(record.holders > 0)
    );
  }

  /** The peer of a shared connection takes more callers than before, or fewer, or none ever again. */
  #limitChanged(connection: T): void {
    if (!this.#live.has(connection)) return;
    if (connection.isOpen) {
      // One that leaves says nothing of what the next one will be.
      if (!connection.record.isLeaving) this.#env.protocol.limitChanged(connection);
      if (this.line.any.size > 0) this.#placeAgain(connection);
    } else if (isIdle(connection)) this.evict(connection);
    else this.#admitNoMore(connection);
    this.#afterLeaving(); // more dials may be needed now, or none
  }

  /** A shared one may take waiters that it could not take before: judged as on a release. */
  #placeAgain(connection: T): void {
    const { clock } = this.#env;
    const nowMs = clock.now();
    const isFit = this.#isFit(connection, nowMs);
    if (!isIdle(connection)) {
      if (isFit) this.#place(connection, true);
      else this.#admitNoMore(connection);
    } else if (!isFit || isExpired(connection, nowMs, clock.wallNow(), this.#settings)) {
      this.evict(connection);
    } else {
      this.idle.leave(connection);
      this.#place(connection, true);
    }
  }

  /** A shared one ends with its last holder. */
  #admitNoMore(connection: T): void {
    this.#shared.admitNoMore(connection);
    this.#dialer.pump(); // waiters may have had nothing else to wait for
  }

  /** Above `maxPerHost`, because it was lowered; those about to leave are not counted. */
  #isOverLimit(): boolean {
    return this.stayingCount + this.#dialer.count > this.#settings.maxPerHost;
  }

  /** Is there a use for a connection that comes free? */
  #hasUse(): boolean {
    return this.#state === 'open' || (this.#state === 'draining' && this.line.any.size > 0);
  }

  /** A waiter that needs a fresh connection has waited longest, and only this one's end makes room. */
  #mustMakeWay(isShared: boolean): boolean {
    const fresh = this.line.fresh.first;
    if (fresh === undefined) return false;
    // One that others still use makes room later, and need not if another one does so already.
    const coming = this.#dialer.promptCount + (isShared ? this.#shared.leavingCount : 0);
    if (this.line.fresh.size <= coming) return false;
    const isFull = this.#live.size + this.#dialer.count >= this.#settings.maxPerHost;
    if (!isFull && !this.#dialer.isWaitingForPermit) return false;
    return fresh.ticket < (this.line.any.first?.ticket ?? Infinity);
  }

  /** For the waiters that only a dial can serve: all of them, or if something live may, those that need a fresh one. */
  #dialsNeeded(): number {
    const { stayingCount, freshCount } = this;
    const waiterCount = stayingCount > 0 ? freshCount : this.waiterCount;
    return this.#env.protocol.dialsFor({ waiterCount, freshCount, stayingCount });
  }

  #isLineTooLong(): boolean {
    const { maxPending } = this.#settings;
    // A dial serves at least one: in most cases that is answer enough.
    return (
      this.waiterCount - this.#dialer.count > maxPending &&
      this.waiterCount - this.#servedByDials() > maxPending
    );
  }

  /** Waiters that the dials under way are expected to serve. */
  #servedByDials(): number {
    const { maxDialing, maxPerHost } = this.#settings;
    const room = Math.min(maxDialing, maxPerHost - this.#live.size);
    return this.#env.protocol.servedBy(this.#dialer.count, room);
  }

  #leaveLine(waiter: Waiter<T>): void {
    this.line.remove(waiter);
    this.#dialer.left(waiter);
    if (this.waiterCount === 0) this.#env.onWaiting?.(false);
  }

  #leaveRefused(waiter: Waiter<T>): void {
    this.#leaveLine(waiter);
    this.counters.wait.record(this.#env.clock.now() - waiter.sinceMs);
  }

  #afterLeaving(): void {
    this.#dialer.pump();
    this.#windDown();
    this.#offerToBeForgotten();
    checkInvariants(this);
  }

  #offerToBeForgotten(): void {
    if (this.heapIndex === -1 && this.#state === 'open' && this.isForgettable)
      this.#env.onSweepable?.(Infinity);
  }

  /** While it drains: gives up dials that no caller waits for any more, and reports when all is done. */
  #windDown(): void {
    if (!this.#isDraining()) return;
    if (this.waiterCount === 0) {
      this.#dialer.cancelAll();
      while (this.idle.first !== undefined) this.retire(this.idle.first as T);
    }
    if (this.isForgettable) this.#env.onQuiet?.();
  }
}

function isConnectTimeout(error: Error): boolean {
  return error instanceof HotaruClientError && error.code === 'HOTARU_CONNECT_TIMEOUT';
}
