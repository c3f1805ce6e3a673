/**
 * When dials to a host fail: a few are free, then each failure holds the next dial back, for 10 ms at
 * first and 100 ms at most. One connection that opens and takes callers ends it.
 */
import { CONSTANTS } from '../config/constants.js';
import type { Clock } from './clock.js';

export class Backoff {
  readonly #clock: Clock;
  readonly #random: () => number;
  #failuresInARow = 0;
  #holdUntilMs = 0;
  /** Why the last dial failed; undefined once one has succeeded. */
  lastError: Error | undefined = undefined;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** After a few failures in a row, callers share one probing dial instead of storming the host. */
  get isFailing(): boolean {
    return this.#failuresInARow >= CONSTANTS.dialFailuresBeforeBackoff;
  }

  /** The next dial may start at this instant, on the monotonic clock. */
  get holdUntilMs(): number {
    return this.#holdUntilMs;
  }

  succeeded(): void {
    this.#failuresInARow = 0;
    this.#holdUntilMs = 0;
    this.lastError = undefined;
  }

  failed(error: Error): void {
    this.lastError = error;
    this.#failuresInARow += 1;
    if (!this.isFailing) return;
    const doublings = this.#failuresInARow - CONSTANTS.dialFailuresBeforeBackoff;
    const delayMs = Math.min(
      CONSTANTS.dialBackoffMaxMs,
      CONSTANTS.dialBackoffMinMs * 2 ** Math.min(doublings, 16),
    );
    // Jitter between half and the whole: processes that failed together must not probe together.
    this.#holdUntilMs = this.#clock.now() + delayMs * (0.5 + this.#random() / 2);
  }
}
