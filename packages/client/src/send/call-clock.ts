/**
 * The clocks of what waits for a pool, an attempt or a request for a lease: the total one, and the one of the stage it
 * is in. Whichever is earlier is armed; both share the pool's single timer. What it means that one runs out is left to
 * the classes that extend this one.
 */
import type { Clock } from '../pool/clock.js';
import { Deadline, type Deadlines } from '../pool/deadlines.js';

/**
 * What a call may be timed for: a connection; the peer taking bytes; `100 Continue`; an answer after a
 * failed write; the head; a piece of the body; the rest of an unwanted body.
 */
export type Stage =
  'none' | 'acquire' | 'send' | 'continue' | 'grace' | 'headers' | 'body' | 'drain';

export abstract class CallClock extends Deadline {
  readonly #deadlines: Deadlines;
  readonly #clock: Clock;
  #totalAtMs: number;
  #stage: Stage = 'none';
  #stageAtMs = Infinity;

  constructor(clock: Clock, deadlines: Deadlines, totalAtMs: number) {
    super();
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#totalAtMs = totalAtMs;
  }

  protected abstract timeRanOut(stage: Stage | 'total'): void;

  protected now(): number {
    return this.#clock.now();
  }

  get totalAtMs(): number {
    return this.#totalAtMs;
  }

  /** Moves the end of the total clock; the one of the stage goes on. */
  moveTotal(totalAtMs: number): void {
    this.#totalAtMs = totalAtMs;
    if (this.atMs !== Infinity) this.#arm();
  }

  /** `withinMs` from now; Infinity leaves only the total clock running. */
  arm(stage: Stage, withinMs: number, nowMs: number = this.#clock.now()): void {
    this.#stage = stage;
    this.#stageAtMs = nowMs + withinMs;
    this.#arm();
  }

  stopStage(): void {
    this.#stage = 'none';
    this.#stageAtMs = Infinity;
    this.#arm();
  }

  stop(): void {
    this.#stage = 'none';
    this.#deadlines.disarm(this);
  }

  override onExpired(): void {
    this.timeRanOut(this.#clock.now() >= this.#totalAtMs ? 'total' : this.#stage);
  }

  #arm(): void {
    this.#deadlines.arm(this, Math.min(this.#stageAtMs, this.#totalAtMs));
  }
}
