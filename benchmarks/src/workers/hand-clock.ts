import type { Clock } from '@hotaru/client';

interface HandTimer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that is moved by hand, so that twenty seconds of timers take as long as what they do. For few timers at a time. */
export class HandClock implements Clock {
  readonly #timers = new Set<HandTimer>();
  #nowMs = 0;

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return this.#nowMs;
  }

  setTimer(callback: () => void, delayMs: number): unknown {
    const timer: HandTimer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: unknown): void {
    this.#timers.delete(timer as HandTimer);
  }

  /** Moves to this instant, and runs what is due on the way, each at its time. Returns how many timers ran. */
  moveTo(atMs: number): number {
    let ran = 0;
    for (
      let timer = this.#first();
      timer !== undefined && timer.atMs <= atMs;
      timer = this.#first()
    ) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.callback();
      ran += 1;
    }
    this.#nowMs = atMs;
    return ran;
  }

  #first(): HandTimer | undefined {
    let first: HandTimer | undefined;
    for (const timer of this.#timers)
      if (first === undefined || timer.atMs < first.atMs) first = timer;
    return first;
  }
}

/** CPU time of this process that `work` takes, in milliseconds. */
export async function cpuMsOf(work: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
