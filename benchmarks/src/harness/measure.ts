/** A window over one process, or over several at once: run, warm up, begin, wait, end. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Timing } from './rig.js';
import type { Figures } from './suite.js';
import type { WorkerProcess } from './worker-process.js';

export class Measuring {
  readonly #timing: Timing;
  readonly #workers: readonly WorkerProcess[];
  #isWarm = false;

  constructor(timing: Timing, workers: readonly WorkerProcess[]) {
    this.#timing = timing;
    this.#workers = workers;
  }

  /** The figures of each worker. All of them know `run`, `begin` and `end`, and are at rest afterwards. */
  async turn(): Promise<Figures[]> {
    const { warmMs, rewarmMs, windowMs } = this.#timing;
    await this.#all('run');
    await pause(this.#isWarm ? rewarmMs : warmMs);
    this.#isWarm = true;
    await this.#all('begin');
    await pause(windowMs);
    return this.#all('end');
  }

  #all(name: string): Promise<Figures[]> {
    return Promise.all(this.#workers.map((worker) => worker.call<Figures>(name)));
  }
}
