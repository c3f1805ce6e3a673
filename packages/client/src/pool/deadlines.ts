/**
 * All deadlines of one pool on one timer, and in one heap: setting, moving and ending one costs O(log n),
 * and no timer unless it is now the earliest. A call moves its deadline several times (acquire, headers,
 * each piece of the body) and nearly always ends first, so the common path must cost little.
 */
import { timerDelay, type Clock } from './clock.js';
import { Heap, type Timed } from './heap.js';

/** A thing with a deadline. Infinity means none. */
export abstract class Deadline implements Timed {
  atMs = Infinity;
  heapIndex = -1;

  abstract onExpired(): void;
}

export class Deadlines {
  readonly #armed = new Heap<Deadline>();
  readonly #clock: Clock;
  #timer: unknown = undefined;
  #timerAtMs = Infinity;
  #isAwaited = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#armed.size;
  }

  /** Sets or moves a deadline to the instant `atMs` of the clock; Infinity disarms it. */
  arm(deadline: Deadline, atMs: number): void {
    if (atMs === Infinity) {
      this.disarm(deadline);
      return;
    }
    deadline.atMs = atMs;
    this.#armed.put(deadline);
    if (atMs < this.#timerAtMs) this.#wakeAt(atMs);
  }

  /** The timer itself is left alone: clearing it for every call would cost more than it saves. */
  disarm(deadline: Deadline): void {
    deadline.atMs = Infinity;
    this.#armed.remove(deadline);
  }

  /** Does a caller wait who may have nothing but its deadline? Then the timer keeps the process alive. */
  setAwaited(isAwaited: boolean): void {
    if (isAwaited === this.#isAwaited) return;
    this.#isAwaited = isAwaited;
    if (this.#timer !== undefined) this.#clock.setAwaited?.(this.#timer, isAwaited);
  }

  /** Ends the timer; for a pool that is closed. */
  stop(): void {
    this.#clearTimer();
  }

  #wakeAt(atMs: number): void {
    this.#clearTimer();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.setTimer(this.#onTimer, timerDelay(atMs, this.#clock.now()));
    if (this.#isAwaited) this.#clock.setAwaited?.(this.#timer, true);
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
    // Collected first: one that is armed anew by what runs here, for now, must not run in this turn.
    const due: Deadline[] = [];
    for (let first = this.#armed.first; first !== undefined; first = this.#armed.first) {
      if (first.atMs > now) break;
      this.#armed.remove(first);
      due.push(first);
    }
    const next = this.#armed.first;
    if (next !== undefined) this.#wakeAt(next.atMs);
    for (const deadline of due) {
      // An earlier one may have disarmed or moved this one.
      if (deadline.atMs > now || deadline.heapIndex !== -1) continue;
      this.disarm(deadline);
      deadline.onExpired();
    }
  };
}
