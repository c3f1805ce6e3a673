/**
 * Time, as everything timed here sees it. Two clocks, because a frozen virtual machine stops one of
 * them: the monotonic clock measures waits, the wall clock notices that the world went on.
 */
import { CONSTANTS } from '../config/constants.js';

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since the epoch. */
  wallNow(): number;
  /**
   * Runs `callback` once, `delayMs` from now: at most 2³¹ − 1, see `timerDelay`. The timer keeps the process
   * alive only if `setAwaited` says so.
   */
  setTimer(callback: () => void, delayMs: number): unknown;
  clearTimer(timer: unknown): void;
  /**
   * Does a caller wait for what this timer does? Then it keeps the process alive: a program must not end
   * in the middle of an `await`. A clock without this method keeps nothing alive.
   */
  setAwaited?(timer: unknown, isAwaited: boolean): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer: (callback, delayMs) => {
    if (!(delayMs <= CONSTANTS.maxTimerMs))
      throw new RangeError(`a timer of ${delayMs} ms would fire at once`);
    return setTimeout(callback, delayMs).unref();
  },
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  setAwaited: (timer, isAwaited) => {
    if (isAwaited) (timer as NodeJS.Timeout).ref();
    else (timer as NodeJS.Timeout).unref();
  },
};

/**
 * How long to set a timer for something that is due at `atMs`. Rounded up, because a timer that fires early
 * would find nothing due. What is further off than a timer can keep comes in steps: what is woken looks at the
 * clock, and sets another.
 */
export function timerDelay(atMs: number, nowMs: number): number {
  return Math.min(Math.max(1, Math.ceil(atMs - nowMs)), CONSTANTS.maxTimerMs);
}
