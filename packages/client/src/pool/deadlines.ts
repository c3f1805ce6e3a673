/**
 * All deadlines of one pool on one timer. Arming, moving and disarming a deadline is O(1) and sets no
 * timer unless it is now the earliest; the timer looks at all of them when it fires. A call moves its
 * deadline several times (acquire, headers, each piece of the body) and nearly always ends first, so
 * the common path must cost nothing.
 */
import type { Clock } from './clock.js';
import { Link, LinkedList } from './linked-list.js';

/** A thing with a deadline. Infinity means none. */
export abstract class Deadline {
  atMs = Infinity;
  readonly link: Link<Deadline> = new Link<Deadline>(this);

  abstract onExpired(): void;
}

export class Deadlines {
  readonly #armed = new LinkedList<Deadline>();
  readonly #clock: Clock;
  #timer: unknown = undefined;
  #timerAtMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#armed.size;
  }

  /** Sets or moves a deadline to the instant `atMs` of the clock; Infinity disarms it. */
  arm(deadline: Deadline, atMs: number): void {
    deadline.atMs = atMs;
    if (atMs === Infinity) {
      this.disarm(deadline);
      return;
    }
    if (deadline.link.list === undefined) this.#armed.push(deadline.link);
    if (atMs < this.#timerAtMs) this.#wakeAt(atMs);
  }

  /** The timer itself is left alone: it is unref'd, and clearing it for every call would cost more. */
  disarm(deadline: Deadline): void {
    deadline.atMs = Infinity;
    this.#armed.remove(deadline.link);
  }

  /** Ends the timer; for a pool that is closed. */
  stop(): void {
    this.#clearTimer();
  }

  #wakeAt(atMs: number): void {
    this.#clearTimer();
    this.#timerAtMs = atMs;
    // Rounded up: a timer that fires early would find nothing due and have to be set again.
    const delayMs = Math.max(1, Math.ceil(atMs - this.#clock.now()));
    this.#timer = this.#clock.setTimer(this.#onTimer, Math.min(delayMs, MAX_DELAY_MS));
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
    const now = this.#clock.now();
    const due: Deadline[] = [];
    let nextAtMs = Infinity;
    for (const deadline of this.#armed) {
      if (deadline.atMs <= now) due.push(deadline);
      else if (deadline.atMs < nextAtMs) nextAtMs = deadline.atMs;
    }
    if (nextAtMs !== Infinity) this.#wakeAt(nextAtMs);
    for (const deadline of due) {
      // An earlier one may have disarmed or moved this one.
      if (deadline.atMs > now) continue;
      this.disarm(deadline);
      deadline.onExpired();
    }
  };
}

/** Node's timers take at most a signed 32-bit number of milliseconds. */
const MAX_DELAY_MS = 2_147_483_647;
