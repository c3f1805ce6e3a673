/**
 * Time, as everything timed here sees it. Two clocks, because a frozen virtual machine stops one of
 * them: the monotonic clock measures waits, the wall clock notices that the world went on.
 */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since the epoch. */
  wallNow(): number;
  /** Runs `callback` once, `delayMs` from now. The timer never keeps the process alive. */
  setTimer(callback: () => void, delayMs: number): unknown;
  clearTimer(timer: unknown): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
