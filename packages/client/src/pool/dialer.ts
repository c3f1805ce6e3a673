/**
 * Decides how many connections are dialled to one host, and when.
 *
 * State: the dials under way, the spares wanted (warm-up), failures in a row, and until when to hold
 * back. A dial belongs to the pool, not to the waiter that caused it: if that waiter leaves, the dial
 * goes on and whoever is first in line gets the connection.
 *
 *   pump() starts dials while   dialling < min(waiters + spares, maxDialing)
 *                         and   live + dialling < maxPerHost
 *                         and   the host is not backing off (then: one probe at a time, spaced out)
 *                         and   the pool-wide permits last
 */
import { CONSTANTS } from '../config/defaults.js';
import type { Settings } from '../config/pool-config.js';
import type { Clock } from './clock.js';
import { Link } from './linked-list.js';
import type { Permits, PermitTaker } from './permits.js';
import type { Dial } from './waiter.js';

export interface DialEvents<T> {
  connected(connection: T): void;
  failed(error: Error): void;
}

/** What a dialer needs of its host pool. */
export interface DialerHost<T> {
  readonly settings: Settings;
  readonly waiterCount: number;
  readonly liveCount: number;
  /** At `maxPerHost`: may an idle connection be given up for a waiter that needs a fresh one? */
  makeRoom(): boolean;
  dialStarted(dial: Dial): void;
  /** True when a waiter took it, false when it went idle. */
  dialled(connection: T): boolean;
  dialFailed(error: Error): void;
  /** The one way a slot comes free. */
  slotFreed(): void;
}

export interface DialerEnvironment<T> {
  readonly clock: Clock;
  readonly permits: Permits;
  readonly random: () => number;
  /** Starts one dial. It answers later, never before this returns; to throw is to fail. */
  readonly dial: (events: DialEvents<T>) => Dial;
}

export class Dialer<T> implements PermitTaker {
  readonly #host: DialerHost<T>;
  readonly #env: DialerEnvironment<T>;
  readonly permitLink: Link<PermitTaker> = new Link<PermitTaker>(this);
  readonly #dials = new Set<Dial>();
  /** Settled with true for a connection that went idle, false for a dial that failed. */
  readonly #spares: ((isReady: boolean) => void)[] = [];
  #failuresInARow = 0;
  #holdUntilMs = 0;
  #timer: unknown = undefined;

  constructor(host: DialerHost<T>, env: DialerEnvironment<T>) {
    this.#host = host;
    this.#env = env;
  }

  get count(): number {
    return this.#dials.size;
  }

  get isQuiet(): boolean {
    return this.#dials.size === 0 && this.#spares.length === 0;
  }

  get isStarving(): boolean {
    return this.#host.liveCount + this.#dials.size === 0;
  }

  get isWaitingForPermit(): boolean {
    return this.#env.permits.isWaiting(this);
  }

  /** Dials `count` connections nobody waits for; resolves with how many of them became ready. */
  async spare(count: number): Promise<number> {
    const ready: Promise<boolean>[] = [];
    for (let i = 0; i < count; i += 1)
      ready.push(new Promise<boolean>((resolve) => this.#spares.push(resolve)));
    this.pump();
    return (await Promise.all(ready)).filter(Boolean).length;
  }

  pump(): void {
    while (this.#asksForMore()) {
      this.#env.permits.request(this);
      if (this.isWaitingForPermit) return;
    }
    // Out of the line, else another host's idle connection would be ended for nothing.
    this.#env.permits.leave(this);
  }

  permitGranted(): boolean {
    if (!this.#wantsMore()) {
      this.#env.permits.giveBack();
      return false;
    }
    this.#start();
    return this.#asksForMore();
  }

  /** Those who wait for a spare are told that there is none. */
  dropSpares(): void {
    for (const settle of this.#spares.splice(0)) settle(false);
  }

  /** Ends every dial; each gives its slot back. */
  cancelAll(): void {
    this.#env.permits.leave(this);
    this.#clearTimer();
    this.dropSpares();
    for (const dial of [...this.#dials]) {
      if (!this.#dials.delete(dial)) continue;
      dial.cancel();
      this.#host.slotFreed();
    }
  }

  #wantsMore(): boolean {
    const { settings } = this.#host;
    const wanted = this.#host.waiterCount + this.#spares.length;
    if (wanted === 0) this.#clearTimer();
    if (this.#dials.size >= Math.min(wanted, settings.maxDialing)) return false;
    if (this.#isFailing && this.#dials.size > 0) return false;
    if (this.#holdBack()) return false;
    if (this.#host.liveCount + this.#dials.size < settings.maxPerHost) return true;
    // No room: a spare is not worth a wait.
    this.dropSpares();
    return this.#host.makeRoom();
  }

  /** Nor is a spare worth a connection of another host, which a permit at the limit may cost. */
  #asksForMore(): boolean {
    if (!this.#wantsMore()) return false;
    if (this.#dials.size < this.#host.waiterCount || this.#env.permits.isFree) return true;
    this.dropSpares();
    return false;
  }

  #start(): void {
    let dial: Dial | undefined;
    const events: DialEvents<T> = {
      connected: (connection) => {
        if (dial === undefined || !this.#dials.delete(dial)) return;
        this.#failuresInARow = 0;
        this.#holdUntilMs = 0;
        if (!this.#host.dialled(connection)) this.#spares.shift()?.(true);
        this.pump();
      },
      failed: (error) => {
        if (dial !== undefined && this.#dials.delete(dial)) this.#failed(error);
      },
    };
    try {
      dial = this.#env.dial(events);
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#dials.add(dial);
    this.#host.dialStarted(dial);
  }

  #failed(error: Error): void {
    this.#noteFailure();
    this.#host.dialFailed(error);
    if (this.#spares.length > this.#dials.size) this.#spares.shift()?.(false);
    this.#host.slotFreed();
  }

  /** After a few failures in a row, callers share one probing dial instead of storming the host. */
  get #isFailing(): boolean {
    return this.#failuresInARow >= CONSTANTS.dialFailuresBeforeBackoff;
  }

  /** Should everybody in line be told at once that the host can't be reached? */
  get shouldFailAll(): boolean {
    return this.#isFailing && this.#dials.size === 0;
  }

  #noteFailure(): void {
    this.#failuresInARow += 1;
    if (!this.#isFailing) return;
    const doublings = this.#failuresInARow - CONSTANTS.dialFailuresBeforeBackoff;
    const delayMs = Math.min(
      CONSTANTS.dialBackoffMaxMs,
      CONSTANTS.dialBackoffMinMs * 2 ** Math.min(doublings, 16),
    );
    // Jitter between half and the whole: processes that failed together must not probe together.
    this.#holdUntilMs = this.#env.clock.now() + delayMs * (0.5 + this.#env.random() / 2);
  }

  #holdBack(): boolean {
    const waitMs = this.#holdUntilMs - this.#env.clock.now();
    if (waitMs <= 0) return false;
    this.#timer ??= this.#env.clock.setTimer(() => {
      this.#timer = undefined;
      this.pump();
    }, Math.ceil(waitMs));
    return true;
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#env.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
