/** A window over one process, or over several at once: run, warm up, begin, wait, end. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Timing } from './rig.js';
import type { Figures } from './suite.js';
import type { WorkerProcess } from './worker-process.js';

/** How often a process is asked what it has spent. */
const LOOK_EVERY_MS = 20;

export class Measuring {
  readonly #timing: Timing;
  readonly #workers: readonly Pick<WorkerProcess, 'call'>[];
  #isWarm = false;

  /** @param workers What is measured first, then what it needs: its load, say. */
  constructor(timing: Timing, workers: readonly Pick<WorkerProcess, 'call'>[]) {
    this.#timing = timing;
    this.#workers = workers;
  }

  /** The figures of each worker. All of them know `run`, `begin` and `end`, and are at rest afterwards. */
  async turn(): Promise<Figures[]> {
    const { rewarmMs, windowMs } = this.#timing;
    const before = await this.#spentMs();
    await this.#all('run');
    if (this.#isWarm) await pause(rewarmMs);
    else await this.#warm(before);
    this.#isWarm = true;
    await this.#all('begin');
    await pause(windowMs);
    return this.#all('end');
  }

  /** By CPU time: a busy machine would otherwise begin with half-compiled code, the slower the contender the less of it. */
  async #warm(spentBeforeMs: number): Promise<void> {
    const { warmCpuMs, warmAtMostMs } = this.#timing;
    const startedAtMs = performance.now();
    while (performance.now() - startedAtMs < warmAtMostMs) {
      await pause(LOOK_EVERY_MS);
      if ((await this.#spentMs()) - spentBeforeMs >= warmCpuMs) return;
    }
  }

  /** CPU time of the process that is measured. */
  async #spentMs(): Promise<number> {
    return (await this.#workers[0]?.call<number>('spentMs')) ?? Infinity;
  }

  #all(name: string): Promise<Figures[]> {
    return Promise.all(this.#workers.map((worker) => worker.call<Figures>(name)));
  }
}
