/**
 * The cleanup task: hosts in the order in which something of theirs expires, and one timer for the first of
 * them, which keeps nothing alive. It starts by itself with the first thing there is to clean up, and ends
 * when nothing is left. A wake-up sweeps the hosts that are due, and no others.
 */
import { CONSTANTS } from '../config/constants.js';
import type { Clock } from './clock.js';
import { Heap, type Timed } from './heap.js';

/** A host that wants to be swept at `atMs`, on the monotonic clock. */
export interface Swept extends Timed {
  atMs: number;
}

export class Sweeper<H extends Swept> {
  readonly #clock: Clock;
  /** Sweeps one host; returns when it wants to be swept again, undefined for never. */
  readonly #sweep: (host: H) => number | undefined;
  readonly #hosts = new Heap<H>();
  #timer: unknown = undefined;
  #timerAtMs = Infinity;

  constructor(clock: Clock, sweep: (host: H) => number | undefined) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  /** Sweeps the host at `atMs` or before. */
  schedule(host: H, atMs: number): void {
    if (host.heapIndex !== -1 && host.atMs <= atMs) return;
    host.atMs = atMs;
    this.#hosts.put(host);
    this.#setTimer();
  }

  /** Sweeps it now; for `cleanup()` and for changed settings. */
  sweepNow(host: H): void {
    this.#hosts.remove(host);
    const nextAtMs = this.#sweep(host);
    if (nextAtMs !== undefined) this.schedule(host, nextAtMs);
    this.#setTimer();
  }

  /** The host is gone. */
  remove(host: H): void {
    this.#hosts.remove(host);
    this.#setTimer();
  }

  stop(): void {
    for (let host = this.#hosts.first; host !== undefined; host = this.#hosts.first)
      this.#hosts.remove(host);
    this.#setTimer();
  }

  #setTimer(): void {
    const atMs = this.#hosts.first?.atMs ?? Infinity;
    if (atMs === this.#timerAtMs) return;
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = atMs;
    if (atMs === Infinity) return;
    const delayMs = Math.max(1, Math.ceil(atMs - this.#clock.now()));
    this.#timer = this.#clock.setTimer(this.#onTimer, Math.min(delayMs, CONSTANTS.maxTimerMs));
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
    const now = this.#clock.now();
    // Taken out first: a host that wants to be swept again at once waits for the next turn.
    const due: H[] = [];
    for (let first = this.#hosts.first; first !== undefined; first = this.#hosts.first) {
      if (first.atMs > now) break;
      this.#hosts.remove(first);
      due.push(first);
    }
    for (const host of due) if (host.heapIndex === -1) this.sweepNow(host);
    this.#setTimer();
  };
}
