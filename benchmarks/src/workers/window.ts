/** The measured stretch of a process: CPU time, latencies, memory. */
import { MIB } from '../origins/answers.js';
import { quantiles } from '../harness/statistics.js';
import type { Figures } from '../harness/suite.js';

const MAX_SAMPLES = 500_000;

export class Window {
  readonly #latenciesMs = new Float64Array(MAX_SAMPLES);
  #count = 0;
  #startedAtMs = 0;
  #cpu = process.cpuUsage();

  begin(): void {
    this.#count = 0;
    this.#startedAtMs = performance.now();
    this.#cpu = process.cpuUsage();
  }

  /** One request is done. */
  note(latencyMs: number): void {
    this.#latenciesMs[this.#count % MAX_SAMPLES] = latencyMs;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  end(): Figures {
    const { user, system } = process.cpuUsage(this.#cpu);
    const seconds = (performance.now() - this.#startedAtMs) / 1_000;
    const latencies = this.#latenciesMs.subarray(0, Math.min(this.#count, MAX_SAMPLES));
    const [p50Ms = Number.NaN, p99Ms = Number.NaN] = quantiles(latencies, [0.5, 0.99]);
    return {
      requests: this.#count,
      cpuUs: (user + system) / this.#count,
      cpuTotalUs: user + system,
      requestsPerSecond: this.#count / seconds,
      p50Ms,
      p99Ms,
      rssMiB: process.memoryUsage.rss() / MIB,
    };
  }
}
