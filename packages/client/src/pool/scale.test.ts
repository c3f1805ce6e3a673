/** No cost that grows with the queue: a scan would show itself here as seconds. */
import { expect, it } from 'vitest';
import { FakePool, oneHost } from '../../test/support/fake-pool.js';

const MANY = 10_000;
/** Each of these takes tens of ms; quadratic ones took seconds. CPU time: other processes take none of it. */
const LIMIT_CPU_MS = 1_500;

function within(work: () => void): void {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(LIMIT_CPU_MS);
}

it('ten thousand waiters come, leave from anywhere in the queue, and are served', () => {
  const host = oneHost({ maxPerHost: 1, maxPending: MANY });
  const busy = host.dialled();
  within(() => {
    const line = Array.from({ length: MANY }, () => host.acquire());
    for (let i = MANY - 1; i >= 0; i -= 2) line[i]?.cancel();
    let holder = busy;
    for (const waiter of line) {
      if (waiter.state === 'cancelled') continue;
      holder.release();
      holder = waiter;
    }
    expect(holder.release()).toBe(true);
    expect(host.hostPool.counters).toMatchObject({ hits: MANY / 2, created: 1 });
  });
});

it('ten thousand waiters, half of them for fresh connections, are dialled for', () => {
  const host = oneHost({ maxPerHost: 20, maxPending: MANY });
  within(() => {
    const line = Array.from({ length: MANY }, (_, i) => host.acquire({ fresh: i % 2 === 0 }));
    let served = 0;
    while (served < MANY) {
      while (host.dials.length > 0) host.connect();
      const holders = line.slice(served).filter(({ state }) => state === 'served');
      if (holders.length === 0) throw new Error('no progress');
      for (const holder of holders) holder.release(false);
      served += holders.length;
    }
    expect(host.hostPool.isEmpty).toBe(true);
  });
});

it('ten thousand waiters fail fast together', () => {
  const host = oneHost({ maxPending: MANY });
  for (let i = 0; i < 2; i += 1) {
    host.acquire();
    host.refuse();
  }
  within(() => {
    const line = Array.from({ length: MANY }, () => host.acquire());
    while (host.dials.length > 0) host.refuse();
    expect(line.every(({ state }) => state === 'failed')).toBe(true);
  });
});

it('a scan of ten thousand hosts leaves nothing behind', () => {
  const pool = new FakePool({ maxTotal: 100 });
  within(() => {
    for (let i = 0; i < MANY; i += 1) pool.host(`h${i}`).dialled().release();
    expect(pool.permits.used).toBe(100);
    pool.clock.advance(90_000);
    for (const host of pool.hosts) host.sweep();
    expect(pool.hosts.every(({ hostPool }) => hostPool.isEmpty)).toBe(true);
  });
  expect([pool.permits.used, pool.permits.idle.size, pool.clock.pendingTimers]).toEqual([0, 0, 0]);
});
