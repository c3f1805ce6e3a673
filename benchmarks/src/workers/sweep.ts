/** What it costs to end the idle connections of many hosts, each when its time has come, and all in one scan. */
import { ConnectionPool } from '@hotaru/client';
import { serve } from '../harness/serve.js';
import { cpuMsOf, HandClock } from './hand-clock.js';

const IDLE_MS = 90_000;
const ROUNDS = 4;

interface Job {
  readonly port: number;
  readonly hosts: number;
}

serve({
  async run({ port, hosts }: Job) {
    const sweeps: number[] = [];
    const scans: number[] = [];
    // In turn, and the least of each: the first rounds warm what both of them run, which is closing sockets.
    for (let round = 0; round < ROUNDS; round += 1) {
      scans.push(await inOneScan(port, hosts));
      sweeps.push(await oneByOne(port, hosts));
    }
    return { sweepsCpuMs: Math.min(...sweeps), oneScanCpuMs: Math.min(...scans) };
  },
});

/** Moves the clock a millisecond at a time: in each, the connection of one host expires. */
async function oneByOne(port: number, hosts: number): Promise<number> {
  const { pool, clock } = await idlePool(port, hosts);
  const stop = pool.startCleanupTask();
  const cpuMs = await cpuMsOf(async () => {
    let wakeUps = 0;
    for (let i = 0; i <= hosts; i += 1) wakeUps += clock.moveTo(clock.now() + 1);
    if (wakeUps < hosts) throw new Error(`${wakeUps} wake-ups for ${hosts} hosts`);
    await untilEmpty(pool);
  });
  stop();
  pool.close();
  return cpuMs;
}

/** Moves the clock behind all of them, and looks at every host once. */
async function inOneScan(port: number, hosts: number): Promise<number> {
  const { pool, clock } = await idlePool(port, hosts);
  clock.moveTo(clock.now() + 2 * IDLE_MS);
  const cpuMs = await cpuMsOf(async () => {
    pool.cleanup();
    await untilEmpty(pool);
  });
  pool.close();
  return cpuMs;
}

/** A pool with an idle connection to each host, each a millisecond younger than the one before; the first is about to expire. */
async function idlePool(port: number, hosts: number) {
  const clock = new HandClock();
  const pool = new ConnectionPool(
    {
      maxTotal: 2 * hosts,
      idleTimeout: IDLE_MS,
      maxLifetime: Infinity,
      cleanupInterval: '10m',
    },
    { clock },
  );
  for (let i = 0; i < hosts; i += 1) {
    clock.moveTo(i);
    const response = await pool.sendRequest(`http://127.1.${i >> 8}.${i & 255}:${port}`);
    await response.text();
  }
  clock.moveTo(IDLE_MS - 1);
  return { pool, clock };
}

async function untilEmpty(pool: ConnectionPool): Promise<void> {
  for (let turns = 0; pool.stats().idle > 0; turns += 1) {
    if (turns === 100) throw new Error('idle connections are left');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
