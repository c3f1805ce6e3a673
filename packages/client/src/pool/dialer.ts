/**
 * Decides how many connections are dialled to one host, and when.
 *
 * State: the dials under way (pending-dials.ts), the spares wanted (spares.ts), and until when to hold back
 * (backoff.ts). A dial belongs to the pool, not to the waiter that caused it: if that waiter leaves, the
 * dial goes on and the first in the queue gets the connection.
 *
 *   wanted = what the protocol of the origin needs for its waiters (origin-protocol.ts), and one for each spare
 *
 *   pump() starts dials while   prompt dials < min(wanted, maxDialing)
 *                         and   the host is not backing off (then: one probe at a time, spaced out)
 *                         and   all dials < min(two for each that is wanted, maxDialing),
 *                               live + all dials < maxPerHost, permits last
 *
 * At one of the last limits a forsaken dial makes room. One timer, for the end of holding back and for the
 * next dial to become slow; it keeps the process alive while a caller waits.
 */
import { CONSTANTS } from '../config/constants.js';
import type { Settings } from '../config/pool-config.js';
import { ConnectError } from '../errors.js';
import { Backoff } from './backoff.js';
import { timerDelay, type Clock } from './clock.js';
import { Link } from './linked-list.js';
import type { DialDemand, OriginProtocol } from './origin-protocol.js';
import { PendingDial, PendingDials } from './pending-dials.js';
import type { DialHolder, Permits, PermitTaker } from './permits.js';
import { roomOf, type Poolable } from './poolable.js';
import { Spares } from './spares.js';
import type { Dial, Waiter } from './waiter.js';

export interface DialEvents<T> {
  connected(connection: T): void;
  failed(error: Error): void;
}

/** What a dialer needs of its host pool. */
export interface DialerHost<T> extends DialDemand {
  readonly settings: Settings;
  readonly liveCount: number;
  /** When the next live connection has had its time. */
  readonly nextExpiryAtMs: number;
  /** Connections that have had their time take no more callers. */
  expire(): void;
  /** The oldest waiter that waits on no dial. */
  readonly oldestWithoutDial: Waiter<T> | undefined;
  /** At `maxPerHost`: may an idle connection be given up for a waiter that needs a fresh one? */
  makeRoom(): boolean;
  /** True when a waiter took it, false when it went idle. */
  dialled(connection: T): boolean;
  /** `hadWaiters`: some caller waited on this very dial. */
  dialFailed(error: Error, startedAtMs: number, hadWaiters: boolean): void;
  /** It was cancelled to make room for another one. */
  dialReplaced(): void;
  /** The one way a slot comes free. */
  slotFreed(): void;
}

export interface DialerEnvironment<T> {
  readonly clock: Clock;
  readonly permits: Permits;
  readonly random: () => number;
  /** What is known of this host. */
  readonly protocol: OriginProtocol;
  /** Starts one dial. It answers later, never before this returns; to throw is to fail. */
  readonly dial: (events: DialEvents<T>) => Dial;
}

export class Dialer<T extends Poolable> implements PermitTaker, DialHolder {
  readonly #host: DialerHost<T>;
  readonly #env: DialerEnvironment<T>;
  readonly permitLink: Link<PermitTaker> = new Link<PermitTaker>(this);
  readonly dialLink: Link<DialHolder> = new Link<DialHolder>(this);
  readonly #dials = new PendingDials<T>();
  readonly #backoff: Backoff;
  readonly #spares = new Spares();
  #timer: unknown = undefined;
  #timerAtMs = Infinity;

  constructor(host: DialerHost<T>, env: DialerEnvironment<T>) {
    this.#host = host;
    this.#env = env;
    this.#backoff = new Backoff(env.clock, env.random);
  }

  /** All dials under way: each holds a permit and a place under `maxPerHost`. */
  get count(): number {
    return this.#dials.size;
  }
  /** Those that a waiter can rely on. */
  get promptCount(): number {
    return this.#dials.promptCount;
  }
  get isQuiet(): boolean {
    return this.#dials.size === 0 && this.#spares.count === 0;
  }
  get isStarving(): boolean {
    return this.#host.stayingCount + this.#dials.size === 0;
  }
  get isWaitingForPermit(): boolean {
    return this.#env.permits.isWaiting(this);
  }
  /** The one that has been under way for longest. */
  get oldest(): PendingDial<T> | undefined {
    return this.#dials.oldest;
  }
  /** Why the last dial failed; undefined once one has succeeded. */
  get lastError(): Error | undefined {
    return this.#backoff.lastError;
  }
  /** Is it known that the host can't be reached, and no dial under way that could show otherwise? */
  get isUnreachable(): boolean {
    return this.#backoff.isFailing && this.#dials.promptCount === 0;
  }

  // ── how many, and when ─────────────────────────────────────────────────────────────────────────

  /**
   * Wants `count` connections that no caller waits for. Fulfilled when each of them has come, or will not.
   */
  async spare(count: number, isAwaited: boolean): Promise<void> {
    const over = this.#spares.want(count, isAwaited);
    this.pump();
    await over;
  }

  /** Dials that the waiters need. */
  get #forWaiters(): number {
    return this.#env.protocol.dialsFor(this.#host);
  }

  /** Dials that can be relied on, and should be under way now. */
  get #wanted(): number {
    const { protocol } = this.#env;
    return protocol.atOnce(this.#forWaiters + protocol.dialsForSpares(this.#spares.count));
  }

  get #isIdle(): boolean {
    return this.#host.waiterCount + this.#spares.count === 0;
  }

  pump(): void {
    if (this.#isIdle) {
      this.#env.permits.leave(this);
      if (this.#timer !== undefined) this.#setTimer();
      this.offerDials();
      return;
    }
    // Not to be given up for the host's own waiters: which one makes room for them is decided below.
    if (this.#host.waiterCount > 0) this.#env.permits.setAbandoned(this, false);
    this.#dials.age(this.#env.clock.now());
    for (;;) {
      if (!this.#asksForMore()) {
        // Out of the queue, else another host's idle connection would be ended for nothing.
        this.#env.permits.leave(this);
        break;
      }
      this.#env.permits.request(this);
      if (this.isWaitingForPermit) {
        this.#replaceForsaken();
        break;
      }
    }
    this.match();
    this.#setTimer();
    this.offerDials();
  }

  permitGranted(): boolean {
    if (!this.#wantsMore()) {
      this.#env.permits.giveBack();
      return false;
    }
    this.#start();
    const asksForMore = this.#asksForMore();
    // Perhaps long after pump() has asked for it.
    this.match();
    this.#setTimer();
    this.offerDials();
    return asksForMore;
  }

  giveUpDial(): void {
    const { youngest } = this.#dials;
    if (youngest === undefined || !this.#dials.remove(youngest)) return;
    this.#dropUndialledSpares();
    youngest.dial.cancel();
    this.#host.slotFreed();
  }

  /** What no caller waits for any more, another host may have the permit of. */
  offerDials(): void {
    const isAbandoned = this.#host.waiterCount === 0 && this.#dials.size > 0;
    this.#env.permits.setAbandoned(this, isAbandoned);
  }

  /** Callers that wait for a spare are told that there is none. */
  dropSpares(): void {
    this.#spares.drop();
  }

  /** There is room for no more: only those are left that dials under way, less those for waiters, may become. */
  #dropUndialledSpares(): void {
    const dials = Math.max(0, this.#dials.size - this.#forWaiters);
    this.#spares.drop(dials * this.#env.protocol.callersPerConnection);
  }

  /** Ends every dial; each gives its slot back. */
  cancelAll(): void {
    this.#env.permits.leave(this);
    this.dropSpares();
    for (const pending of [...this.#dials]) {
      if (!this.#dials.remove(pending)) continue;
      pending.dial.cancel();
      this.#host.slotFreed();
    }
    this.#setTimer();
    this.offerDials();
  }

  /** Each dial under way is given up for one that begins anew. */
  restart(): void {
    for (const pending of [...this.#dials]) {
      if (!this.#dials.remove(pending)) continue;
      const stranded = strandWaiters(pending);
      pending.dial.cancel();
      this.#host.slotFreed(); // the next one starts here
      this.#rehome(stranded);
    }
  }

  #wantsMore(): boolean {
    const { settings, liveCount } = this.#host;
    const wanted = this.#wanted;
    const { promptCount } = this.#dials;
    if (promptCount >= Math.min(wanted, settings.maxDialing)) return false;
    if (this.#backoff.isFailing && promptCount > 0) return false;
    if (this.#env.clock.now() < this.#backoff.holdUntilMs) return false;
    const most = Math.min(wanted * CONSTANTS.dialsPerWaiter, settings.maxDialing);
    if (this.#dials.size >= most) return this.#replaceForsaken();
    if (liveCount + this.#dials.size < settings.maxPerHost) return true;
    // No room: a spare is not worth a wait.
    this.#dropUndialledSpares();
    return this.#host.makeRoom() || this.#replaceForsaken();
  }

  /** Nor is a spare worth a connection of another host, which a permit at the limit may cost. */
  #asksForMore(): boolean {
    if (!this.#wantsMore()) return false;
    if (this.#dials.promptCount < this.#forWaiters || this.#env.permits.isFree) return true;
    this.#dropUndialledSpares();
    return false;
  }

  // ── dials ──────────────────────────────────────────────────────────────────────────────────────

  #start(): void {
    let pending = undefined as PendingDial<T> | undefined;
    const events: DialEvents<T> = {
      connected: (connection) => {
        if (pending === undefined || !this.#dials.remove(pending)) return;
        // One that takes no callers is of no use: where the pool keeps none, it would dial on and on.
        if (connection.callerLimit === 0) this.#backoff.failed(takesNone());
        else this.#backoff.succeeded();
        this.#dials.succeeded();
        const stranded = strandWaiters(pending);
        const isTaken = this.#host.dialled(connection);
        // One that takes no callers for now is what there is to be had: the next one would be no better.
        if (connection.callerLimit === 0) this.#spares.drop();
        else this.#spares.settle(Math.max(isTaken ? 0 : 1, roomOf(connection)));
        this.pump();
        this.#rehome(stranded);
      },
      failed: (error) => {
        if (pending !== undefined && this.#dials.remove(pending)) this.#failed(error, pending);
      },
    };
    const startedAtMs = this.#env.clock.now();
    let dial: Dial;
    try {
      dial = this.#env.dial(events);
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)), undefined);
      return;
    }
    pending = new PendingDial<T>(dial, startedAtMs);
    this.#dials.add(pending);
  }

  /** `pending`: undefined when the dial could not even start. */
  #failed(error: Error, pending: PendingDial<T> | undefined): void {
    this.#backoff.failed(error);
    const stranded = pending === undefined ? [] : strandWaiters(pending);
    const startedAtMs = pending?.startedAtMs ?? this.#env.clock.now();
    this.#host.dialFailed(error, startedAtMs, pending === undefined || stranded.length > 0);
    // The one that was to find out stood for all of them.
    if (this.#env.protocol.isUnknown || this.#env.protocol.takesNone) this.#spares.drop();
    else if (this.#env.protocol.dialsForSpares(this.#spares.count) > this.#dials.size)
      this.#spares.settle(this.#env.protocol.callersPerConnection);
    this.#host.slotFreed();
    this.#rehome(stranded);
  }

  /** Gives up a dial that hangs for one that may not. */
  #replaceForsaken(): boolean {
    const found = this.#dials.replaceable;
    if (found === undefined || found.atMs > this.#env.clock.now()) return false;
    const { pending } = found;
    this.#dials.replace(pending, this.#env.clock.now());
    const stranded = strandWaiters(pending);
    pending.dial.cancel();
    this.#host.dialReplaced();
    this.#host.slotFreed();
    this.#rehome(stranded);
    return true;
  }

  // ── which waiter waits on which dial ───────────────────────────────────────────────────────────

  /** Gives the dials without a waiter to the oldest waiters without a dial. */
  match(): void {
    for (let left = this.#dials.size; left > 0; left -= 1) {
      const pending = this.#dials.withoutWaiter;
      if (pending === undefined) return;
      const waiter = this.#host.oldestWithoutDial;
      if (waiter === undefined) return;
      this.#dials.assign(waiter, pending);
    }
  }

  /** With nothing that stays there is nothing else to wait for than a dial, even if there are too few. */
  joined(waiter: Waiter<T>): void {
    if (waiter.pending !== undefined || this.#host.stayingCount > 0) return;
    const { youngest } = this.#dials;
    if (youngest !== undefined) this.#dials.assign(waiter, youngest);
  }

  left(waiter: Waiter<T>): void {
    const { pending } = waiter;
    if (pending === undefined) return;
    waiter.pending = undefined;
    pending.waiters.delete(waiter);
    if (pending.waiters.size === 0) this.match();
  }

  /** Its caller ran out of time, and is about to leave. */
  forsake(waiter: Waiter<T>): void {
    if (waiter.pending === undefined) return;
    if (this.#host.waiterCount === 1) this.#dials.forsakeAll();
    else this.#dials.forsake(waiter.pending);
  }

  /** The first connection is live: only waiters that have a dial of their own wait on one. */
  firstIsLive(): void {
    this.#dials.unshare();
  }

  /** Their dial is over, and it was not they who got what came of it. */
  #rehome(stranded: readonly Waiter<T>[]): void {
    for (const waiter of stranded) {
      if (waiter.state !== 'waiting' || waiter.pending !== undefined) continue;
      this.joined(waiter);
      if ((waiter.pending as PendingDial<T> | undefined) === undefined) waiter.waitOn(undefined);
    }
  }

  // ── the timer ──────────────────────────────────────────────────────────────────────────────────

  #setTimer(): void {
    const { clock } = this.#env;
    const atMs = this.#nextAtMs(clock.now());
    if (atMs !== this.#timerAtMs) {
      if (this.#timer !== undefined) clock.clearTimer(this.#timer);
      this.#timerAtMs = atMs;
      this.#timer =
        atMs === Infinity
          ? undefined
          : clock.setTimer(this.#onTimer, timerDelay(atMs, clock.now()));
    }
    if (this.#timer === undefined) return;
    const isAwaited = this.#host.waiterCount > 0 || this.#spares.areAwaited;
    clock.setAwaited?.(this.#timer, isAwaited);
  }

  /** When pump() may find something to do that no event tells it of. */
  #nextAtMs(nowMs: number): number {
    const { promptCount } = this.#dials;
    if (this.#isIdle) return Infinity;
    const slowAtMs = this.#host.waiterCount === 0 ? Infinity : this.#dials.nextSlowAtMs;
    if (promptCount >= this.#wanted) return Math.min(slowAtMs, this.#hopelessAtMs);
    if (this.#backoff.holdUntilMs > nowMs && promptCount === 0)
      return Math.min(slowAtMs, this.#backoff.holdUntilMs);
    const replaceAtMs = this.#dials.replaceable?.atMs ?? Infinity;
    return Math.min(slowAtMs, replaceAtMs > nowMs ? replaceAtMs : Infinity);
  }

  /** Waiters wait for a peer that takes none now to take some again: until then they need a dial. */
  get #hopelessAtMs(): number {
    const isHoping = this.#host.waiterCount > 0 && this.#env.protocol.takesNone;
    return isHoping ? this.#host.nextExpiryAtMs : Infinity;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
    if (this.#hopelessAtMs <= this.#env.clock.now()) this.#host.expire();
    this.pump();
  };
}

function takesNone(): ConnectError {
  const why = 'the peer takes no requests on its new connections for now';
  return new ConnectError('HOTARU_CONNECT_FAILED', why, { phase: 'connect' });
}

function strandWaiters<T>({ waiters }: PendingDial<T>): Waiter<T>[] {
  const stranded = [...waiters];
  waiters.clear();
  for (const waiter of stranded) waiter.pending = undefined;
  return stranded;
}
