import { describe, expect, it } from 'vitest';
import { FakePool, oneHost } from '../../test/support/fake-pool.js';
import { COUNTER_NAMES, Counters } from './counters.js';
import { statsOf, sumStats } from './stats.js';

describe('stats', () => {
  it('of a pool that did nothing are zeros, the hit rate too (flaw 7)', () => {
    const stats = sumStats([], new Counters());
    expect(Object.values({ ...stats, wait: 0 }).every((value) => value === 0)).toBe(true);
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
