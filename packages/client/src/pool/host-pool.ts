/**
 * The connections to one host, and the callers waiting for one. Knows nothing of sockets or HTTP: it
 * keeps any `Poolable`, and its tests keep integers.
 *
 * A connection:  dialling ──▶ busy ⇄ idle ──▶ closed        (busy with many at once: shared-connections.ts)
 * A caller:      takes an idle one, else waits in the queue; the first connection to come free, released
 *                or freshly dialled, goes to the waiter that has waited longest (late binding).
 * The host:      open ──▶ draining ──▶ closed               (an open one is closed when it is forgotten)
 *
 * Invariants (invariants.ts):
 *   live + dialling ≤ maxPerHost (unless the limit was just lowered)
 *   a caller waits ⇒ nothing is idle, unless its peer takes no callers for now, and no shared one is open to callers
 *   every waiter settles once; every slot is given back once, by `slotFreed`
 *   a host is never forgotten while anything can still come back to it: a connection, though it is dead,
 *   that a caller holds; a dial; a waiter
 */
import type { Settings } from '../config/pool-config.js';
import { HotaruClientError } from '../errors.js';
import type { Clock } from './clock.js';
import { Counters } from './counters.js';
import { Dialer, type DialerEnvironment, type DialerHost } from './dialer.js';
import { isExpired } from './expiry.js';
import { poolClosed, poolExhausted } from './host-report.js';
import { IdleConnections, isIdle } from './idle-connections.js';
import { assertInvariant, checkInvariants } from './invariants.js';
import { Link } from './linked-list.js';
import type { OriginProtocol } from './origin-protocol.js';
import type { PendingDial } from './pending-dials.js';
import type { YieldingHost } from './permits.js';
import { roomOf, takesCaller, type Poolable } from './poolable.js';
import { nextExpiryAtMs, renewalAtMs, renewalOf } from './renewal.js';
import { isSharedSpent, SharedConnections } from './shared-connections.js';
import type { Swept } from './sweeper.js';
import { Waiter, type WaiterEvents } from './waiter.js';
import { WaiterLine } from './waiter-line.js';

export interface HostPoolEnvironment<T> extends DialerEnvironment<T> {
  /** Called when nothing can come back any more to a host that is draining or closed. */
  readonly onQuiet?: () => void;
  /** Something has become idle that expires at `atMs`; or nothing is left, and it can be forgotten. */
  readonly onSweepable?: (atMs: number) => void;
  /** It wants to be swept at `atMs`, not later: connections in use need to be renewed in time. */
  readonly onRenewable?: (atMs: number) => void;
  /** Called when its first caller starts to wait, and when the last one has stopped. */
  readonly onWaiting?: (isWaiting: boolean) => void;
}

export class HostPool<T extends Poolable> implements DialerHost<T>, Swept, YieldingHost {
  readonly counters = new Counters();
  readonly idle: IdleConnections;
  readonly line = new WaiterLine<T>();
  readonly yieldLink: Link<YieldingHost> = new Link<YieldingHost>(this);
  readonly #live = new Set<T>();
  readonly #shared: SharedConnections<T>;
  readonly #dialer: Dialer<T>;
  readonly #env: HostPoolEnvironment<T>;
  #settings: Settings;
  /** How often connections are held, dead ones included: each hold ends with one `release()`. */
  #heldCount = 0;
  #sharedHeldCount = 0;
  #state: 'open' | 'draining' | 'closed' = 'open';
  lastUsedAtMs: number;
  /** When its last connection that was live ended, if none is live now. */
  lastLiveAtMs = -Infinity;
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
    this.#shared = new SharedConnections<T>(env.permits, this);
    this.#dialer = new Dialer<T>(this, env);
    this.lastUsedAtMs = env.clock.now();
  }

  get settings(): Settings {
    return this.#settings;
  }
  get clock(): Clock {
    return this.#env.clock;
  }
  get liveCount(): number {
    return this.#live.size;
  }
  get stayingCount(): number {
    return this.#live.size - this.#shared.leavingCount;
  }
  get usesPerConnection(): number {
    return this.#settings.maxRequestsPerConnection;
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
  /** Those of them on connections that callers share. */
  get sharedHeldCount(): number {
    return this.#sharedHeldCount;
  }
  get oldestWithoutDial(): Waiter<T> | undefined {
    return this.line.oldestWithoutDial;
  }
  /** What is known of the protocol of its origin. */
  get protocol(): OriginProtocol {
    return this.#env.protocol;
  }
  /**
   * Is each of its connections for one caller at a time, and the next one, too, as far as is known? Of the servers of one
   * origin some may share connections and others not: that the last one did not says nothing of those that are live.
   */
  get isExclusive(): boolean {
    const { sharedCreated, sharedClosed } = this.counters;
    return this.protocol.state === 'exclusive' && sharedCreated === sharedClosed;
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
    // A waiter is served first: this caller may ask in the call stack in which something came free.
    if (this.line.any.size > 0) return undefined;
    if (this.#shared.openCount > 0) {
      const shared = this.#takeShared(nowMs);
      if (shared !== undefined) return this.#hold(shared);
    }
    const idle = this.idle.take(nowMs, this.#env.clock.wallNow(), this.#settings);
    if (idle !== undefined) return this.#hold(idle as T);
    // The place of an expired one, evicted on the way, is perhaps enough for what a shared one has just yielded for.
    const shared = this.#shared.openCount > 0 ? this.#takeShared(nowMs) : undefined;
    return shared === undefined ? undefined : this.#hold(shared);
  }

  /**
   * Joins the queue of waiters, and starts a dial if the limits allow. The waiter is settled through its events,
   * perhaps before this returns. `isAdmitted`: its call was let in before a drain began.
   */
  wait(events: WaiterEvents<T>, needsFresh = false, isAdmitted = false): Waiter<T> {
    const waiter = new Waiter<T>(events, needsFresh || !this.#settings.enablePooling);
    if (this.#state === 'closed' || (this.#state === 'draining' && !isAdmitted)) {
      waiter.fail(poolClosed(this, 'the pool is closed'));
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
      waiter.fail(poolExhausted(this));
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
    if (connection.canShare) this.#sharedHeldCount -= 1;
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
    const isGood = isReusable && this.#isGood(connection, nowMs);
    if (record.holders > 0) {
      if (!isGood) this.#leave(connection);
      else if (this.#state !== 'closed') this.#slotFree(connection, nowMs);
      this.#dialer.offerDials();
      return isGood;
    }
    if (!isGood || !this.#hasUse() || this.#isPlaceWanted(connection)) {
      this.retire(connection);
      return false;
    }
    this.#place(connection, true);
    this.#dialer.offerDials(); // it may have been the last waiter that took it
    this.#windDown();
    return this.#live.has(connection);
  }

  /**
   * Asked before a request is sent: is it the last on this connection, whatever comes of it? Of one that is shared: of
   * its last holder, when no other caller may join it.
   */
  isLastUse(connection: T): boolean {
    const { record } = connection;
    const { enablePooling, maxRequestsPerConnection } = this.#settings;
    if (record.holders > 1) return false;
    return (
      !enablePooling ||
      record.sharing === 'leaving' ||
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
    if (this.stayingCount === 0) this.#dialer.firstIsLive();
    this.#live.add(connection);
    this.#env.protocol.learned(connection);
    connection.onClosed = () => this.#forget(connection);
    if (connection.canShare) {
      this.counters.sharedCreated += 1;
      connection.onLimitChanged = () => this.#limitChanged(connection);
      this.#scheduleRenewal(renewalAtMs(connection, this.#settings));
    }
    if (!connection.isOpen || (this.#isDraining() && this.waiterCount === 0)) {
      this.retire(connection);
      return false;
    }
    const isTaken = this.#place(connection, false);
    this.#takeBack(); // the waiter that wanted room has perhaps been served
    this.#windDown();
    return isTaken;
  }

  /**
   * A waiter fails only when no dial is left that could serve it, and nothing live could: a host that
   * takes no more connections still serves on the ones it has, unless they are leaving.
   */
  dialFailed(error: Error, startedAtMs: number, hadWaiters: boolean): void {
    this.counters.failed += 1;
    this.expire();
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
    this.#renewInTime(nowMs);
    return nextAtMs;
  }

  /**
   * Dials until `count` more callers could be served at once, as far as the limits go: one for each idle connection, and
   * for each slot of one that can be shared. Resolves with how many could be, of those asked for, or with the number of
   * idle connections that take callers if that is higher. `isAwaited`: a caller waits for it, and the process must not
   * end meanwhile.
   */
  async warm(count: number, isAwaited = true): Promise<number> {
    if (!this.#settings.enablePooling || this.#isDraining()) return 0;
    this.#env.permits.takeBack();
    let limit = -1;
    // The first dial may say that one connection takes many: then the limits allow more than before it.
    while (this.#readyLimit() > limit && !this.#isDraining()) {
      limit = this.#readyLimit();
      const missing = Math.min(count, limit) - this.#readyCount();
      // Where those that stay take none for now, a further one would hardly do: not with each sweep.
      const isVain = !isAwaited && this.#env.protocol.takesNone && this.stayingCount > 0;
      if (missing <= 0 || isVain) break;
      await this.#dialer.spare(missing, isAwaited);
    }
    let takingCount = 0;
    for (const connection of this.idle) if (takesCaller(connection)) takingCount += 1;
    return Math.max(takingCount, Math.min(count, this.#readyCount()));
  }

  get isWaitingForPermit(): boolean {
    return this.#dialer.isWaitingForPermit;
  }
  get oldestDial(): PendingDial<T> | undefined {
    return this.#dialer.oldest;
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
      if (!connection.canShare || !this.#live.has(connection)) continue;
      const { callerLimit } = connection;
      connection.reconfigured?.(settings);
      if (connection.callerLimit !== callerLimit) this.#limitChanged(connection);
      this.#scheduleRenewal(renewalAtMs(connection, this.#settings));
    }
    this.#yieldIfWanted(this.#env.clock.now());
    this.#afterLeaving();
  }

  /**
   * What its connections speak was changed, and `protocol` is what is expected of new ones: those that are live take
   * no more callers and end with the last that holds them, and dials under way begin anew. Waiters keep their places.
   */
  changeProtocol(protocol: 'unknown' | 'exclusive' | 'shared', callerLimit: number): void {
    this.#env.protocol.reset(protocol, callerLimit);
    for (const connection of [...this.#live]) {
      if (!this.#live.has(connection)) continue;
      if (isIdle(connection)) this.evict(connection);
      else this.#leave(connection);
    }
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
      waiter.fail(poolClosed(this, 'the pool was closed'));
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

  // ── inside ─────────────────────────────────────────────────────────────────────────────────────

  #hold(connection: T): T {
    connection.record.holders += 1;
    this.#heldCount += 1;
    if (connection.canShare) {
      this.#shared.changed(connection);
      this.#sharedHeldCount += 1;
    }
    this.counters.hits += 1;
    this.counters.wait.recordInstant();
    return connection;
  }

  /** To the oldest waiter it suits, else idle. True when a waiter took it. */
  #place(connection: T, isReused: boolean): boolean {
    let isTaken = false;
    while (connection.isOpen && !isDeparting(connection)) {
      // Each caller that it took may have been its last.
      if (isTaken && isSharedSpent(connection, this.#env.clock.now(), this.#settings)) {
        this.#leave(connection);
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
      if (connection.canShare) {
        this.#shared.changed(connection);
        this.#sharedHeldCount += 1;
      }
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
    if (connection.canShare) this.#shared.changed(connection);
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
    if (this.#live.size === 0) this.lastLiveAtMs = this.#env.clock.now();
    this.#shared.ended(connection);
    this.idle.forget(connection);
    this.counters.closed += 1;
    if (connection.canShare) this.counters.sharedClosed += 1;
    this.slotFreed();
  }

  /** May it be used once more, as far as it is concerned itself? */
  #isGood(connection: T, nowMs: number): boolean {
    const { record, isOpen, canShare } = connection;
    const settings = this.#settings;
    if (!isOpen || record.sharing === 'leaving' || !settings.enablePooling) return false;
    return !(canShare
      ? isSharedSpent(connection, nowMs, settings)
      : record.isSpent(nowMs, settings));
  }

  /** No caller holds it any more: is its place wanted for something else? */
  #isPlaceWanted({ record }: T): boolean {
    const { permits } = this.#env;
    return (
      record.sharing === 'yielding' ||
      permits.isOverdrawn ||
      permits.hasStarving ||
      this.#isOverLimit() ||
      this.#freshWantsRoom(0)
    );
  }

  // ── shared connections ─────────────────────────────────────────────────────────────────────────

  #takeShared(nowMs: number): T | undefined {
    this.#yieldIfWanted(nowMs);
    const { leavingCount } = this.#shared;
    const connection = this.#shared.take(nowMs, this.#settings);
    if (this.#shared.leavingCount === leavingCount) return connection;
    // The place of one that left is perhaps enough for what another one yielded for.
    this.#takeBack();
    return this.#shared.take(nowMs, this.#settings);
  }

  /** One of its callers has left. */
  #slotFree(connection: T, nowMs: number): void {
    this.#shared.changed(connection);
    this.#yieldIfWanted(nowMs);
    if (this.line.any.size > 0) this.#place(connection, true);
  }

  /** Its peer takes more callers than before, or fewer, or none ever again. */
  #limitChanged(connection: T): void {
    if (!this.#live.has(connection)) return;
    if (!connection.isOpen) {
      if (isIdle(connection)) this.retire(connection);
      else this.#leave(connection);
    } else {
      this.#shared.changed(connection);
      // One that leaves says nothing of what the next one will be.
      if (connection.record.sharing !== 'leaving') this.#env.protocol.limitChanged(connection);
      if (this.line.any.size > 0) this.#placeAgain(connection);
    }
    this.#afterLeaving(); // more dials may be needed now, or none
  }

  /** It may take waiters that it could not take before: judged as on a release. */
  #placeAgain(connection: T): void {
    const { clock } = this.#env;
    const nowMs = clock.now();
    const isGood = this.#isGood(connection, nowMs);
    if (!isIdle(connection)) {
      if (isGood) this.#slotFree(connection, nowMs);
      else this.#leave(connection);
    } else if (
      !isGood ||
      this.#isPlaceWanted(connection) ||
      isExpired(connection, nowMs, clock.wallNow(), this.#settings)
    ) {
      this.evict(connection);
    } else {
      this.idle.leave(connection);
      this.#place(connection, true);
    }
  }

  /** It ends with its last holder. */
  #leave(connection: T): void {
    this.#shared.leave(connection);
    this.#takeBack(); // it makes room as well
    this.#dialer.pump(); // waiters may have had nothing else to wait for
  }

  #yieldIfWanted(nowMs: number): void {
    const { permits } = this.#env;
    while (
      permits.wantsYield(nowMs) ||
      this.#isOverLimit() ||
      this.#freshWantsRoom(this.#shared.departingCount)
    ) {
      const connection = this.#shared.last;
      if (connection === undefined) return;
      this.#shared.yield(connection);
      permits.yields(nowMs);
    }
  }

  #takeBack(): void {
    if (this.#shared.yieldingCount > 0) this.#env.permits.takeBack();
  }

  takeBack(): boolean {
    const { yieldingCount, departingCount } = this.#shared;
    const isWanted =
      this.stayingCount - yieldingCount + this.#dialer.count >= this.#settings.maxPerHost ||
      this.#freshWantsRoom(departingCount - 1);
    if (this.#state === 'closed' || isWanted) return false;
    const connection = this.#shared.takeBack();
    if (connection === undefined) return false;
    if (!this.#isGood(connection, this.#env.clock.now())) this.#leave(connection);
    else if (this.line.any.size > 0) this.#place(connection, true);
    return true;
  }

  /** Those whose time has passed leave, though no caller asks for them: others may wait for them in vain. */
  expire(): void {
    const { clock } = this.#env;
    const nowMs = clock.now();
    for (const connection of [...this.#shared])
      if (isSharedSpent(connection, nowMs, this.#settings)) this.#leave(connection);
    this.idle.evictExpired(nowMs, clock.wallNow(), this.#settings);
  }

  get nextExpiryAtMs(): number {
    return nextExpiryAtMs(this.#shared, this.idle, this.#settings);
  }

  #renewInTime(nowMs: number): void {
    const { enablePooling, maxIdlePerHost } = this.#settings;
    // Where none is kept idle, one that is dialled ahead would be ended at once.
    if (!enablePooling || maxIdlePerHost === 0 || this.#isDraining()) return;
    const { missing, nextAtMs } = renewalOf(this.#shared, this.idle, nowMs, this.#settings);
    if (missing > 0) void this.#dialer.spare(missing, false);
    this.#scheduleRenewal(nextAtMs);
  }

  #scheduleRenewal(atMs: number): void {
    if (atMs < Infinity) this.#env.onRenewable?.(atMs);
  }

  /** Callers that could be served at once. */
  #readyCount(): number {
    let count = 0;
    for (const connection of this.idle) count += roomOf(connection);
    for (const connection of this.#shared)
      if (connection.record.sharing === 'open') count += roomOf(connection);
    return count;
  }

  /** As many as the idle connections that the limits allow would serve, and those that are held and have room. */
  #readyLimit(): number {
    const { maxIdlePerHost, maxPerHost } = this.#settings;
    const most = Math.min(maxIdlePerHost, maxPerHost - this.activeCount);
    return most * this.#env.protocol.callersPerConnection;
  }

  // ── limits ─────────────────────────────────────────────────────────────────────────────────────

  /** Above `maxPerHost`, because it was lowered; those about to go are not counted. */
  #isOverLimit(): boolean {
    const { departingCount } = this.#shared;
    return this.#live.size - departingCount + this.#dialer.count > this.#settings.maxPerHost;
  }

  /** Is there a use for a connection that comes free? */
  #hasUse(): boolean {
    return this.#state === 'open' || (this.#state === 'draining' && this.line.any.size > 0);
  }

  /**
   * A waiter that needs a fresh connection has waited longest, and only the end of another connection makes room.
   * `departingCount`: those that will do so anyway.
   */
  #freshWantsRoom(departingCount: number): boolean {
    const fresh = this.line.fresh.first;
    if (fresh === undefined) return false;
    if (this.line.fresh.size <= this.#dialer.promptCount + departingCount) return false;
    const isFull = this.#live.size + this.#dialer.count >= this.#settings.maxPerHost;
    if (!isFull && !this.#dialer.isWaitingForPermit) return false;
    return fresh.ticket < (this.line.any.first?.ticket ?? Infinity);
  }

  /** For the waiters that only a dial can serve: all of them, or if something live may, those that need a fresh one. */
  #dialsNeeded(): number {
    const { stayingCount, freshCount, usesPerConnection } = this;
    const waiterCount = stayingCount > 0 ? freshCount : this.waiterCount;
    const demand = { waiterCount, freshCount, stayingCount, usesPerConnection };
    return this.#env.protocol.dialsFor(demand);
  }

  #isLineTooLong(): boolean {
    const { maxPending } = this.#settings;
    // A dial serves at least one: in most cases that is answer enough.
    return (
      this.waiterCount - this.#dialer.count > maxPending &&
      this.waiterCount - this.servedByDials > maxPending
    );
  }

  /** Waiters that the dials under way are expected to serve. */
  get servedByDials(): number {
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
    this.#takeBack();
    this.#windDown();
    this.#offerToBeForgotten();
    checkInvariants(this);
  }

  #offerToBeForgotten(): void {
    if (this.#state === 'open' && this.isForgettable) this.#env.onSweepable?.(Infinity);
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

function isDeparting({ record }: Poolable): boolean {
  return record.sharing === 'yielding' || record.sharing === 'leaving';
}
