/** What it costs to take an idle connection and give it back: at once, and with the poll of `acquire()`. */
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { ConnectionKey, ConnectionPool } from '@hotaru/client';

/** µs, median of the batches. */
export interface AcquireCost {
  /** `get` and `put`: the idle hit itself. */
  getPut: number;
  /** `await acquire()` and `release()`: with a promise and a poll of the socket. */
  lease: number;
}

const BATCHES = 50;

export async function measureAcquire(): Promise<AcquireCost> {
  const server = net.createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const key = ConnectionKey.from({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  });
  const pool = new ConnectionPool();
  await pool.warm(key, 8);
  const getPut = await medianUs(2_000, () => {
    const connection = pool.get(key);
    if (connection === undefined || !pool.put(connection)) throw new Error('no idle hit');
  });
  const lease = await medianUs(200, async () => {
    const taken = await pool.acquire(key);
    if (!taken.release()) throw new Error('the connection was not kept');
  });
  pool.close();
  server.close();
  return { getPut, lease };
}

async function medianUs(count: number, work: () => void | Promise<void>): Promise<number> {
  const batches: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const startedAtMs = performance.now();
    for (let i = 0; i < count; i += 1) {
      const pending = work();
      if (pending !== undefined) await pending;
    }
    batches.push(((performance.now() - startedAtMs) * 1_000) / count);
    // Idle connections enrol for the end of the turn: let it come.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return batches.sort((a, b) => a - b)[BATCHES / 2] ?? Number.NaN;
}
