/** What is idle goes in its time, and hosts with it, though no cleanup task was ever started. */
import { ConnectionPool } from '@hotaru/client';
import { ScriptedUpstream, VirtualClock } from '@hotaru/client/testing';
import { expect, it } from 'vitest';

it('an idle connection ends in its time, its host is forgotten, and then no timer is left', async () => {
  const clock = new VirtualClock();
  await using upstream = await ScriptedUpstream.start();
  upstream.respondAlways();
  const pool = new ConnectionPool(
    {
      idleTimeout: '5s',
      cleanupInterval: '1s',
      headersTimeout: Infinity,
      acquireTimeout: Infinity,
    },
    { clock },
  );
  await (await pool.sendRequest(upstream.url)).text();
  expect([clock.pendingTimers, clock.awaitedTimers, pool.stats().idle]).toEqual([1, 0, 1]);
  clock.advance(5_000); // its time; a cleanup task would end it now
  expect(pool.stats().idle).toBe(1);
  clock.advance(1_000);
  expect(pool.stats()).toMatchObject({ idle: 0, evictions: 1, hosts: {} });
  clock.advance(60_000);
  expect(clock.pendingTimers).toBe(0);
  await upstream.waitForOpen(0);
  pool.close();
});

it('a host in use whose peer keeps nothing open is not forgotten between two calls', async () => {
  const clock = new VirtualClock();
  await using upstream = await ScriptedUpstream.start();
  upstream.respondAlways({ headers: { 'keep-alive': 'timeout=1' } }); // less a margin of one second: not at all
  const pool = new ConnectionPool({ cleanupInterval: '30s' }, { clock });
  const stop = pool.startCleanupTask();
  for (let call = 1; call <= 3; call += 1) {
    await (await pool.sendRequest(upstream.url)).text();
    clock.advance(10_000);
    expect(pool.stats().idle).toBe(0);
    expect(Object.values(pool.stats().hosts)).toMatchObject([{ requests: call }]);
  }
  clock.advance(30_000);
  expect(pool.stats()).toMatchObject({ requests: 3, hosts: {} });
  stop();
  pool.close();
});

it('a host that never had a connection is forgotten, too', async () => {
  const clock = new VirtualClock();
  const pool = new ConnectionPool(
    { cleanupInterval: '30s' },
    { clock, resolve: () => Promise.reject(new Error('gone')) },
  );
  await pool.sendRequest('http://gone.test').catch(() => undefined);
  expect(Object.keys(pool.stats().hosts)).toHaveLength(1);
  clock.advance(30_000);
  expect(Object.keys(pool.stats().hosts)).toHaveLength(0);
  expect(clock.pendingTimers).toBe(0);
  pool.close();
});

it('a host whose connections all broke in use is forgotten, too', async () => {
  const clock = new VirtualClock();
  await using upstream = await ScriptedUpstream.start();
  upstream.onConnection(async (peer) => {
    await peer.readRequest();
    peer.reset();
  });
  const pool = new ConnectionPool({ cleanupInterval: '30s' }, { clock });
  await expect(pool.sendRequest(upstream.url)).rejects.toMatchObject({
    code: 'HOTARU_CONNECTION_CLOSED',
  });
  expect(Object.keys(pool.stats().hosts)).toHaveLength(1);
  clock.advance(30_000);
  expect(Object.keys(pool.stats().hosts)).toHaveLength(0);
  expect(clock.pendingTimers).toBe(0);
  pool.close();
});

it('drain() keeps a timeout that is longer than any timer, and refuses one in the wrong place', async () => {
  const clock = new VirtualClock();
  await using upstream = await ScriptedUpstream.start();
  const pool = new ConnectionPool({}, { clock });
  const call = pool.sendRequest(upstream.url);
  const peer = await upstream.connection(0);
  await peer.readRequest();
  await expect(pool.drain('1000h' as never)).rejects.toMatchObject({
    code: 'HOTARU_INVALID_REQUEST',
  });
  const drained = pool.drain({ timeout: '1000h' });
  await peer.reply();
  await (await call).text();
  await drained;
  expect(clock.pendingTimers).toBe(0);
});
