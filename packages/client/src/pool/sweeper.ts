/**
 * The cleanup task: one unref'd timer that sweeps when the last sweep asked for it. Started by any
 * number of owners, and gone with the last of them.
 */
import { timerDelay, type Clock } from './clock.js';

export class Sweeper {
  readonly #clock: Clock;
  /** Sweeps, and returns the instant at which it wants to run again. */
  readonly #sweep: () => number;
  readonly #owners = new Set<symbol>();
  #timer: unknown = undefined;

  constructor(clock: Clock, sweep: () => number) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  start(): () => void {
    const owner = Symbol('cleanup task');
    this.#owners.add(owner);
    if (this.#timer === undefined) this.#run();
    return () => {
      if (this.#owners.delete(owner) && this.#owners.size === 0) this.#clear();
    };
  }

  /** After a change of settings: the old wake-up may be far off. */
  restart(): void {
    if (this.#owners.size > 0) this.#run();
  }

  stopAll(): void {
    this.#owners.clear();
    this.#clear();
  }

  #run(): void {
    this.#clear();
    const nextAtMs = this.#sweep();
    if (this.#owners.size === 0) return; // stopped by what the sweep set off
    const delayMs = timerDelay(nextAtMs, this.#clock.now());
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      this.#run();
    }, delayMs);
  }

  #clear(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
