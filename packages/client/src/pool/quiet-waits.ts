/** Waiting until nothing is in use any more: for drains. */
import { timerDelay, type Clock } from './clock.js';

export class QuietWaits {
  readonly #clock: Clock;
  readonly #isQuiet: () => boolean;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, isQuiet: () => boolean) {
    this.#clock = clock;
    this.#isQuiet = isQuiet;
  }

  /** To be called when something has ended: it may have been the last. */
  check(): void {
    // Every host reports its end: without a drain to tell, asking for each would be quadratic.
    if (this.#waiting.size > 0 && this.#isQuiet()) for (const resolve of this.#waiting) resolve();
  }

  async wait(timeoutMs: number): Promise<void> {
    const untilMs = this.#clock.now() + timeoutMs;
    // Again and again: a call that is sent a second time leaves its host empty for a moment.
    while (!this.#isQuiet() && this.#clock.now() < untilMs) {
      let timer: unknown;
      let wake: () => void = () => undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        this.#waiting.add(resolve);
        if (timeoutMs === Infinity) return;
        timer = this.#clock.setTimer(resolve, timerDelay(untilMs, this.#clock.now()));
        this.#clock.setAwaited?.(timer, true);
      });
      this.#waiting.delete(wake);
      this.#clock.clearTimer(timer);
    }
  }
}
