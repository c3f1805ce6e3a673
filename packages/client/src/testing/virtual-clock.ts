/**
 * Time that stands still until a test moves it: a `Clock` whose timers run, in order, inside
 * `advance()`. What a test of a timeout then costs is the code, never the wait.
 */
import { TESTING } from './constants.js';
import { CONSTANTS } from '../config/constants.js';
import type { Clock } from '../pool/clock.js';

interface VirtualTimer {
  isAwaited: boolean;
  readonly atMs: number;
  readonly callback: () => void;
}

/** Where a `VirtualClock` starts. */
export interface VirtualClockOptions {
  /** The monotonic clock, ms. Default 0. */
  now?: number;
  /** The wall clock, ms since the epoch. Default 2026-01-01T00:00:00Z. */
  wallNow?: number;
}

/**
 * A deterministic `Clock`. Both its clocks stand still except in `advance()` and `advanceWall()`.
 * Timers due at the same instant run in the order in which they were set.
 *
 * @example
 * const clock = new VirtualClock();
 * clock.setTimer(() => pool.sweep(), 30_000);
 * clock.advance(29_999); // nothing
 * clock.advance(1); // the sweep has run, and clock.now() is 30_000
 */
export class VirtualClock implements Clock {
  /** Ordered by instant, then by when each was set. */
  private readonly timers: VirtualTimer[] = [];
  private monotonicMs: number;
  private wallMs: number;
  private advancing = false;

  constructor(options: VirtualClockOptions = {}) {
    this.monotonicMs = options.now ?? 0;
    this.wallMs = options.wallNow ?? TESTING.wallStartMs;
  }

  /** Monotonic milliseconds. Inside a timer's callback: the instant that timer was due at. */
  now(): number {
    return this.monotonicMs;
  }

  /** Milliseconds since the epoch. */
  wallNow(): number {
    return this.wallMs;
  }

  /**
   * Runs `callback` once when the clock has been advanced by `delayMs`; never inside this call. A
   * negative delay counts as 0.
   *
   * @throws RangeError for a delay that a Node timer could not keep (not a number, or above 2³¹ − 1).
   */
  setTimer(callback: () => void, delayMs: number): unknown {
    if (!(delayMs <= CONSTANTS.maxTimerMs))
      throw new RangeError(`a timer of ${delayMs} ms would fire at once on the system clock`);
    const timer: VirtualTimer = {
      isAwaited: false,
      atMs: this.monotonicMs + Math.max(0, delayMs),
      callback,
    };
    let place = this.timers.length;
    while (place > 0 && (this.timers[place - 1]?.atMs ?? 0) > timer.atMs) place -= 1;
    this.timers.splice(place, 0, timer);
    return timer;
  }

  /** Takes a timer out. One that has run, was cleared or is `undefined` is ignored. */
  clearTimer(timer: unknown): void {
    const place = this.timers.indexOf(timer as VirtualTimer);
    if (place !== -1) this.timers.splice(place, 1);
  }

  /** Would this timer keep the process alive on the system clock? */
  setAwaited(timer: unknown, isAwaited: boolean): void {
    (timer as VirtualTimer).isAwaited = isAwaited;
  }

  /** How many of the pending timers would keep the process alive. */
  get awaitedTimers(): number {
    return this.timers.filter((timer) => timer.isAwaited).length;
  }

  /** How many timers have been set and neither ran nor were cleared. */
  get pendingTimers(): number {
    return this.timers.length;
  }

  /** The instant (`now()`) the next timer is due at; `undefined` when there is none. */
  get nextTimerAt(): number | undefined {
    return this.timers[0]?.atMs;
  }

  /**
   * Moves both clocks `ms` on and runs every timer that comes due, each at its own instant; so does
   * a timer that a timer sets within the window. An error thrown by a callback comes out here, with
   * the clock standing at that timer's instant and the later timers still set.
   *
   * @throws Error when called from a timer's callback, or when timers set each other for ever.
   */
  advance(ms: number): void {
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`time moves forwards, not by ${ms} ms`);
    if (this.advancing) throw new Error('advance() was called from the callback of a timer');
    const untilMs = this.monotonicMs + ms;
    this.advancing = true;
    try {
      this.runTimersUntil(untilMs);
      this.moveTo(untilMs);
    } finally {
      this.advancing = false;
    }
  }

  /** Moves the wall clock only, by `ms` (negative: it was set back): a virtual machine was frozen. */
  advanceWall(ms: number): void {
    if (!Number.isFinite(ms)) throw new RangeError(`the wall clock cannot move by ${ms} ms`);
    this.wallMs += ms;
  }

  private runTimersUntil(untilMs: number): void {
    let ranAtThisInstant = 0;
    for (;;) {
      const timer = this.timers[0];
      if (timer === undefined || timer.atMs > untilMs) return;
      ranAtThisInstant = timer.atMs === this.monotonicMs ? ranAtThisInstant + 1 : 0;
      if (ranAtThisInstant > TESTING.maxTimersPerInstant)
        throw new Error(`timers set each other without end at ${timer.atMs} ms`);
      this.timers.shift();
      this.moveTo(timer.atMs);
      timer.callback();
    }
  }

  private moveTo(monotonicMs: number): void {
    this.wallMs += monotonicMs - this.monotonicMs;
    this.monotonicMs = monotonicMs;
  }
}
