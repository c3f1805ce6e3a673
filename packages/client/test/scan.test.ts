/** What idle things cost: nothing that grows, and nothing that stays. */
import { expect, it } from 'vitest';
import { ConnectionPool } from '@hotaru/client';
import { ScriptedUpstream, VirtualClock } from '@hotaru/client/testing';

it('a scan of 10 000 hosts leaves nothing behind: no host, no timer, and totals that remember', async () => {
  const clock = new VirtualClock();
  const pool = new ConnectionPool(
    { maxTotal: 64 },
    {
      clock,
      resolve: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ENOTFOUND' })),
    },
  );
  for (let batch = 0; batch < 100; batch += 1)
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        pool.sendRequest(`http://host-${batch}-${i}.test`).catch(() => undefined),
      ),
    );
  expect(pool.stats().failed).toBe(10_000);
  pool.cleanup();
  const stats = pool.stats();
  expect(Object.keys(stats.hosts)).toHaveLength(0);
  expect(stats).toMatchObject({ failed: 10_000, connecting: 0, waiting: 0, idle: 0 });
  pool.close();
  expect(clock.pendingTimers).toBe(0);
});

it('idle connections hold no timer, and no listener more than when they were made', async () => {
  const clock = new VirtualClock();
  await using upstream = await ScriptedUpstream.start();
  upstream.respondAlways();
  const pool = new ConnectionPool({}, { clock });
  expect(await pool.warm(upstream.url, 16)).toBe(16);
  const timersBefore = clock.pendingTimers;
  const sockets = Array.from({ length: 16 }, () => pool.get(upstream.url)).map((connection) => {
    if (connection === undefined) throw new Error('not idle');
    return connection;
  });
  const listeners = () =>
    sockets.map(({ socket }) =>
      socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0),
    );
  const before = listeners();
  for (const connection of sockets) expect(pool.put(connection)).toBe(true);
  for (let round = 0; round < 10; round += 1)
    await Promise.all(
      Array.from({ length: 16 }, async () => (await pool.sendRequest(upstream.url)).text()),
    );
  expect(listeners()).toEqual(before);
  expect(clock.pendingTimers).toBeLessThanOrEqual(timersBefore + 1); // the one timer of all deadlines
  pool.close();
  expect(clock.pendingTimers).toBe(0);
});
