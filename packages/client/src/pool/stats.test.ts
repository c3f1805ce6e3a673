import { describe, expect, it } from 'vitest';
import { FakePool, oneHost } from '../../test/support/fake-pool.js';
import { COUNTER_NAMES, Counters, TIMEOUT_KINDS } from './counters.js';
import { statsOf, sumStats } from './stats.js';

describe('stats', () => {
  it('of a pool that did nothing are zeros, the hit rate too (flaw 7)', () => {
    const stats = sumStats([], new Counters());
    const numbers = { ...stats, ...stats.timeoutsByKind, wait: 0, timeoutsByKind: 0, protocols: 0 };
    expect(Object.values(numbers).every((value) => value === 0)).toBe(true);
    expect(stats.wait.count).toBe(0);
  });

  it('tell created from acquired, and idle from active, connecting and waiting', () => {
    const host = oneHost({ maxPerHost: 3 });
    host.fill(2);
    host.acquire();
    host.acquire();
    host.acquire();
    host.acquire();
    expect(statsOf(host.hostPool)).toMatchObject({
      hits: 2,
      misses: 2,
      hitRate: 0.5,
      created: 2,
      closed: 0,
      idle: 0,
      pooledConnections: 0,
      active: 2,
      connecting: 1,
      waiting: 2,
    });
  });

  it('tell what is shared from what is not: streams in use, and the connections they are on', () => {
    const pool = new FakePool();
    const [single, shared] = [pool.host('single'), pool.host('shared')];
    single.fill(2);
    single.acquire();
    shared.hostPool.protocol.reset('unknown');
    const streams = [shared.acquire(), shared.acquire(), shared.acquire()];
    shared.dials[0]?.connect(2);
    shared.dials[0]?.connect(2).close();
    shared.hostPool.counters.requests += 3;
    shared.hostPool.counters.sharedRequests += 3;
    const none = { connections: 0, inUse: 0, created: 0, closed: 0, requests: 0 };
    expect(statsOf(single.hostPool).protocols).toEqual({
      'http/1.1': { ...none, connections: 2, inUse: 1, created: 2 },
      h2: none,
    });
    const h2 = { connections: 1, inUse: 3, created: 2, closed: 1, requests: 3 };
    expect(statsOf(shared.hostPool).protocols).toEqual({ 'http/1.1': none, h2 });
    expect(sumStats([single.hostPool, shared.hostPool], new Counters()).protocols).toEqual({
      'http/1.1': { ...none, connections: 2, inUse: 1, created: 2 },
      h2,
    });
    for (const stream of streams) stream.release();
    expect(statsOf(shared.hostPool).protocols.h2).toEqual({ ...h2, inUse: 0 });
  });

  it('of all hosts are sums, those that are forgotten included', () => {
    const pool = new FakePool();
    const [a, b, gone] = [pool.host('a'), pool.host('b'), pool.host('gone')];
    a.fill(1);
    b.fill(2);
    gone.dialled().release(false);
    const retired = new Counters();
    retired.add(gone.hostPool.counters);
    const stats = sumStats([a.hostPool, b.hostPool], retired);
    expect(stats).toMatchObject({ created: 4, closed: 1, misses: 4, idle: 3, active: 0 });
    expect(stats.wait.count).toBe(4);
  });

  it('count how long each acquire waited, whether it was served or refused, not when it was aborted', () => {
    const host = oneHost({ maxPerHost: 1, maxPending: 2 });
    const { clock } = host.pool;
    const busy = host.dialled(); // served by its dial: it waited 0 ms
    const [served, left] = [host.acquire(), host.acquire()];
    host.acquire(); // refused at once: it did not wait
    clock.advance(40);
    busy.release();
    clock.advance(60);
    left.cancel(true);
    served.release(false);
    host.acquire().cancel();
    host.refuse();
    const refused = host.acquire();
    clock.advance(500);
    host.refuse();
    expect(refused.state).toBe('failed');
    const { wait, exhausted, hits, misses } = statsOf(host.hostPool);
    expect([wait.count, wait.max, exhausted, hits, misses]).toEqual([4, 500, 1, 1, 1]);
    expect(wait.mean).toBe((0 + 40 + 100 + 500) / 4);
  });

  it('tell timeouts by kind, and their sum', () => {
    const [sum, one] = [new Counters(), new Counters()];
    for (const [i, kind] of TIMEOUT_KINDS.entries())
      for (let n = 0; n <= i; n += 1) one.timedOut(kind);
    sum.add(one);
    sum.add(one);
    const { timeouts, timeoutsByKind } = sumStats([], sum);
    expect(timeoutsByKind).toEqual({ acquire: 2, connect: 4, headers: 6, body: 8, deadline: 10 });
    expect(timeouts).toBe(30);
  });

  it('add every counter there is', () => {
    const [sum, one] = [new Counters(), new Counters()];
    for (const [i, name] of COUNTER_NAMES.entries()) one[name] = i + 1;
    sum.add(one);
    sum.add(one);
    const numbers = Object.entries(sum).filter(([, value]) => typeof value === 'number');
    expect(numbers.map(([name]) => name).sort()).toEqual([...COUNTER_NAMES].sort());
    for (const [i, name] of COUNTER_NAMES.entries()) expect(sum[name]).toBe(2 * (i + 1));
  });
});
