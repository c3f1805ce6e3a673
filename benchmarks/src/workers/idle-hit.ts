/** What it costs to take an idle connection and give it back. Run with `--expose-gc`. */
import { ConnectionKey, ConnectionPool } from '@hotaru/client';
import { median } from '../harness/statistics.js';
import { serve } from '../harness/serve.js';

const BATCHES = 50;
const CONNECTIONS = 100;

serve({
  async run({ host, port }: { host: string; port: number }) {
    const key = ConnectionKey.from({ host, port });
    const pool = new ConnectionPool({ maxIdlePerHost: CONNECTIONS });
    await pool.warm(key, CONNECTIONS);
    const getAndPut = (): void => {
      const connection = pool.get(key);
      if (connection === undefined || !pool.put(connection)) throw new Error('no idle hit');
    };
    const acquireAndRelease = async (): Promise<void> => {
      const lease = await pool.acquire(key);
      if (!lease.release()) throw new Error('the connection was not kept');
    };
    const getPutUs = await medianUs(2_000, getAndPut);
    const acquireReleaseUs = await medianUs(200, acquireAndRelease);
    const before = await settledHeap();
    for (let i = 0; i < 100_000; i += 1) getAndPut();
    const after = await settledHeap();
    const figures = {
      getPutUs,
      acquireReleaseUs,
      keptBytesPerConnection: Math.max(0, after - before) / CONNECTIONS,
    };
    pool.close();
    return figures;
  },
});

async function medianUs(count: number, work: () => void | Promise<void>): Promise<number> {
  const batchesUs: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const startedAtMs = performance.now();
    for (let i = 0; i < count; i += 1) {
      const pending = work();
      if (pending !== undefined) await pending;
    }
    batchesUs.push(((performance.now() - startedAtMs) * 1_000) / count);
    await turn();
  }
  return median(batchesUs);
}

async function settledHeap(): Promise<number> {
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc?.();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}

/** What enrols for the end of a turn gets its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
