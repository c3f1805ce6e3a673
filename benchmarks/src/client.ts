/**
 * `npm run bench:client`: what one pooled request costs, side by side with the peers and interleaved,
 * because absolute figures mean nothing on a machine that others use too. Then what an idle hit costs.
 *
 * `BENCH_ROUNDS` (5), `BENCH_SECONDS` (2), `BENCH_CONCURRENCY` (50) shape it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CONTENDERS, loadContender, type ContenderName } from './contender.js';
import { measureAcquire } from './acquire.js';
import type { Measurement } from './worker.js';

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const seconds = Number(process.env.BENCH_SECONDS ?? 2);
const concurrency = Number(process.env.BENCH_CONCURRENCY ?? 50);

/** The bars of this benchmark: ours, as a ratio to a peer's CPU time for one request. */
const BARS: Partial<Record<ContenderName, number>> = {
  'undici-pool': 0.55,
  'undici-request': 0.4,
  'node-http': 0.3,
  'raw-net': 2,
};

const origin = start('origin', []);
const url = `http://127.0.0.1:${await messageOf<number>(origin)}`;
const results = new Map<ContenderName, Measurement[]>(CONTENDERS.map((name) => [name, []]));

for (let round = 1; round <= rounds; round += 1)
  for (const name of CONTENDERS) {
    process.stderr.write(`\rround ${round} of ${rounds}: ${name.padEnd(20)}`);
    const worker = start('worker', [name, url, String(concurrency), String(seconds)]);
    results.get(name)?.push(await messageOf<Measurement>(worker));
  }
process.stderr.write('\r'.padEnd(50) + '\r');
origin.disconnect();

const ours = medianCpu('hotaru');
console.log(
  `GET of 1 KB over warm connections, ${concurrency} at a time; Node ${process.versions.node}, ` +
    `${cpus().length} × ${cpus()[0]?.model ?? '?'}; median of ${rounds} interleaved rounds of ${seconds} s\n`,
);
console.log('CPU µs/request   (min … max)      req/s   RSS MiB   ours ÷ theirs   bar');
for (const name of CONTENDERS) {
  const cpu = (results.get(name) ?? []).map(({ cpuUs }) => cpuUs);
  const bar = BARS[name];
  const ratio = ours / median(cpu);
  const verdict = bar === undefined ? '' : `≤ ${bar} ${ratio <= bar ? 'met' : 'MISSED'}`;
  console.log(
    `${median(cpu).toFixed(1).padStart(14)}   (${Math.min(...cpu).toFixed(1)} … ${Math.max(...cpu).toFixed(1)})`.padEnd(
      33,
    ) +
      of(name, 'requestsPerSecond').toFixed(0).padStart(7) +
      of(name, 'rssMiB').toFixed(0).padStart(10) +
      (name === 'hotaru' ? '' : ratio.toFixed(2)).padStart(16) +
      `   ${verdict.padEnd(14)} ${(await loadContender(name)).name}`,
  );
}

const acquire = await measureAcquire();
console.log(
  `\nidle hit, pool.get() + pool.put(): ${acquire.getPut.toFixed(2)} µs ` +
    `(bar ≤ 1 µs: ${acquire.getPut <= 1 ? 'met' : 'MISSED'}); ` +
    `await pool.acquire() + release(), which polls the socket first: ${acquire.lease.toFixed(1)} µs`,
);

function start(script: string, args: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(`./${script}.js`, import.meta.url)), args);
}

function messageOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`a benchmark process ended with code ${code}`)));
  });
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function of(name: ContenderName, figure: keyof Measurement): number {
  return median((results.get(name) ?? []).map((measurement) => measurement[figure]));
}

function medianCpu(name: ContenderName): number {
  return of(name, 'cpuUs');
}
