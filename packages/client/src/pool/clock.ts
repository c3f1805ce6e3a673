/**
 * Time, as everything timed here sees it. Two clocks, because a frozen virtual machine stops one of
 * them: the monotonic clock measures waits, the wall clock notices that the world went on.
 */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since the epoch. */
  wallNow(): number;
  /** Runs `callback` once, `delayMs` from now. The timer keeps the process alive only if `setAwaited` says so. */
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
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  setAwaited: (timer, isAwaited) => {
    if (isAwaited) (timer as NodeJS.Timeout).ref();
    else (timer as NodeJS.Timeout).unref();
  },
};
