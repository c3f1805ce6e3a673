/** What happens to a host pool over time: sweep, reconfigure, drain, close. */
import { describe, expect, it, vi } from 'vitest';
import {
  FakePool,
  oneHost,
  type FakeAcquire,
  type FakeHost,
} from '../../test/support/fake-pool.js';
import { CONSTANTS } from '../config/constants.js';

describe('sweep', () => {
  it('evicts what has expired, wherever it stands in the queue, and nothing else', () => {
    const host = oneHost({ idleTimeout: 1_000 });
    const [a, b, c, d] = host.fill(4);
    if (b !== undefined) b.record.idleHintMs = 100;
    if (c !== undefined) c.record.idleHintMs = 100;
    host.pool.clock.advance(100);
    host.sweep();
    expect(host.idleIds).toEqual([a?.id, d?.id]);
    expect(host.hostPool.counters).toMatchObject({ evictions: 2, closed: 2 });
  });

  it('evicts what the wall clock says has expired', () => {
    const host = oneHost();
    host.fill(2);
    host.pool.clock.advanceWall(90_000);
    host.sweep();
    expect(host.hostPool.isEmpty).toBe(true);
  });

  it('leaves busy connections alone, however old', () => {
    const host = oneHost({ idleTimeout: 1_000, maxLifetime: 2_000 });
    const busy = host.dialled();
    host.pool.clock.advance(60_000);
    host.sweep();
    expect(busy.served.isOpen).toBe(true);
  });

  it('says when the next one expires: by idle time, hint or lifetime; never for none', () => {
    const host = oneHost({ idleTimeout: 5_000, maxLifetime: 8_000 });
    expect(host.sweep()).toBe(Infinity);
    const busy = host.dialled();
    expect(host.sweep()).toBe(Infinity);
    busy.release();
    expect(host.sweep()).toBe(5_000);
    host.pool.clock.advance(4_000);
    host.acquire().release();
    expect(host.sweep()).toBe(8_000); // its lifetime ends first
    busy.connection!.record.idleHintMs = 1_000;
    expect(host.sweep()).toBe(5_000);
    host.pool.clock.advance(1_000);
    expect(host.sweep()).toBe(Infinity);
    expect(host.hostPool.isEmpty).toBe(true);
  });

  it('counts each eviction once, also when the first one sets off the others', () => {
    const host = oneHost({ maxPerHost: 4 });
    const idle = host.fill(3);
    for (let i = 0; i < 3; i += 1) {
      host.acquire({ fresh: true });
      host.refuse();
    }
    for (const connection of idle) connection.record.idleHintMs = 0;
    let other: FakeAcquire | undefined;
    host.acquire({ fresh: true, onDialling: () => (other = host.acquire()) });
    host.pool.clock.advance(7.6); // the pause of 7.5 ms is over; its timer fires at 8
    host.sweep(); // the first eviction lets the dial start, and that a look for an idle connection
    expect(other?.state).toBe('waiting');
    expect(host.hostPool.counters).toMatchObject({ evictions: 3, closed: 3 });
  });

  it('refills up to minIdle for a host in use, and lets an unused one run empty', () => {
    const host = oneHost({ minIdle: 2, idleTimeout: 1_000, maxLifetime: 10_000 });
    host.dialled().release();
    host.sweep();
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(host.hostPool.idle.size).toBe(2);
    host.pool.clock.advance(1_000);
    host.sweep();
    expect(host.dials).toHaveLength(2);
    host.connect();
    host.connect();
    host.pool.clock.advance(10_000);
    host.sweep();
    expect([host.dials.length, host.hostPool.isEmpty]).toEqual([0, true]);
  });

  it('with minIdle above what maxTotal allows builds nothing that it would have to evict', () => {
    const pool = new FakePool({ maxTotal: 3, minIdle: 3 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    a.dialled().release();
    b.dialled().release();
    for (let i = 0; i < 5; i += 1)
      for (const host of [a, b]) {
        host.sweep();
        while (host.dials.length > 0) host.connect();
      }
    expect(a.hostPool.counters.created + b.hostPool.counters.created).toBe(3);
    expect(a.hostPool.counters.evictions + b.hostPool.counters.evictions).toBe(0);
  });
});

describe('reconfigure', () => {
  it('shrinks: idle above the new limits are evicted, longest idle first', () => {
    const host = oneHost();
    const [, , c, d] = host.fill(4);
    host.reconfigure({ maxIdlePerHost: 2 });
    expect(host.idleIds).toEqual([c?.id, d?.id]);
    host.reconfigure({ maxPerHost: 1 });
    expect(host.idleIds).toEqual([d?.id]);
    expect(host.hostPool.counters.evictions).toBe(3);
  });

  it('shrinks: busy ones above the new limit end as they are released, waiters or not', () => {
    const host = oneHost({ maxPerHost: 3 });
    const busy = [host.dialled(), host.dialled(), host.dialled()];
    const waiter = host.acquire();
    host.reconfigure({ maxPerHost: 1 });
    expect(busy[0]?.release()).toBe(false);
    expect(busy[1]?.release()).toBe(false);
    expect(waiter.state).toBe('waiting');
    expect(busy[2]?.release()).toBe(true);
    expect(waiter.served).toBe(busy[2]?.connection);
  });

  it('shrinks: connections still being dialled are not kept above the new limit', () => {
    const host = oneHost();
    const line = Array.from({ length: 4 }, () => host.acquire());
    for (const waiter of line) waiter.cancel();
    host.reconfigure({ maxPerHost: 2 });
    while (host.dials.length > 0) host.connect();
    expect([host.hostPool.liveCount, host.hostPool.idle.size]).toEqual([2, 2]);
    expect(host.hostPool.counters).toMatchObject({ created: 4, evictions: 2, closed: 2 });
  });

  it('shrinks: shared connections in use leave one by one, not all at once', () => {
    const pool = new FakePool({ maxDialing: 1 });
    pool.capacity = 2;
    const host = pool.host();
    const holders = Array.from({ length: 4 }, () => {
      const acquire = host.acquire();
      if (acquire.state === 'waiting') host.connect();
      return acquire;
    });
    expect(host.hostPool.liveCount).toBe(2);
    host.reconfigure({ maxPerHost: 1 });
    const [a, , c, d] = holders;
    a?.release();
    c?.release();
    expect(host.acquire().served).toBe(a?.connection); // only the one that came last leaves
    d?.release();
    expect(host.hostPool.liveCount).toBe(1);
    expect(a?.connection?.isOpen).toBe(true);
  });

  it('grows: waiters are dialled for at once', () => {
    const host = oneHost({ maxPerHost: 1, maxDialing: 1 });
    host.dialled();
    host.acquire();
    host.acquire();
    expect(host.dials).toHaveLength(0);
    host.reconfigure({ maxPerHost: 3, maxDialing: 8 });
    expect(host.dials).toHaveLength(2);
  });

  it('turns pooling off and on: idle ones go, and a waiter is served by a dial', () => {
    const host = oneHost({ maxPerHost: 2 });
    host.fill(2);
    const busy = host.acquire();
    host.reconfigure({ enablePooling: false, maxPerHost: 1 });
    expect([host.hostPool.idle.size, host.hostPool.liveCount]).toEqual([0, 1]);
    const waiter = host.acquire();
    expect(busy.release()).toBe(false);
    host.connect();
    expect(waiter.isReused).toBe(false);
    host.reconfigure({ maxPerHost: 1 });
    expect(waiter.release()).toBe(true);
    expect(host.acquire().isReused).toBe(true);
  });

  it('gives shorter times to connections that are idle already', () => {
    const host = oneHost();
    host.fill(1);
    host.pool.clock.advance(10_000);
    host.reconfigure({ idleTimeout: 10_000 });
    expect(host.acquire().state).toBe('waiting');
  });
});

describe('drain', () => {
  it('closes idle connections at once and refuses who comes', () => {
    const host = oneHost();
    const idle = host.fill(2);
    host.hostPool.drain();
    expect(idle.map(({ isOpen }) => isOpen)).toEqual([false, false]);
    expect(host.acquire().error).toMatchObject({ code: 'HOTARU_POOL_CLOSED' });
    expect(host.hostPool.isEmpty).toBe(true);
    expect(host.quiet).toBeGreaterThan(0);
  });

  it('serves the queue to its end, and reports when all is done', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const [first, second] = [host.acquire(), host.acquire()];
    host.hostPool.drain();
    expect(busy.release()).toBe(true); // to the first in the queue
    expect(first.isReused).toBe(true);
    expect(first.release(false)).toBe(false);
    host.connect();
    expect(second.isReused).toBe(false);
    expect(host.quiet).toBe(0);
    expect(second.release()).toBe(false); // no holder is left: closed, not kept
    expect(host.quiet).toBeGreaterThan(0);
    expect(host.pool.permits.used).toBe(0);
    expect(host.pool.clock.pendingTimers).toBe(0);
  });

  it('admits the second try of a call that was let in before', () => {
    const host = oneHost();
    const busy = host.dialled();
    host.hostPool.drain();
    busy.release(false);
    const replay = host.acquire({ fresh: true, admitted: true });
    host.connect();
    expect(replay.state).toBe('served');
    replay.release();
    expect(host.hostPool.isEmpty).toBe(true);
  });

  it('closes a connection whose dial ends when there is no waiter any more', () => {
    const host = oneHost();
    const busy = host.dialled();
    const waiter = host.acquire();
    waiter.cancel();
    host.hostPool.drain();
    for (const dial of [...host.dials]) dial.connect();
    busy.release();
    expect(host.hostPool.isEmpty).toBe(true);
    expect(host.pool.permits.used).toBe(0);
  });

  it('waits for no dial that has no waiter', () => {
    const ways: Record<string, () => ReturnType<typeof oneHost>> = {
      'its waiter had left before': () => {
        const host = oneHost();
        host.acquire().cancel();
        host.hostPool.drain();
        return host;
      },
      'its waiter leaves in the drain': () => {
        const host = oneHost();
        const waiter = host.acquire();
        host.hostPool.drain();
        expect(host.hostPool.isEmpty).toBe(false);
        waiter.cancel();
        return host;
      },
      'a released connection served its waiter': () => {
        const host = oneHost();
        const busy = host.dialled();
        const waiter = host.acquire();
        host.hostPool.drain();
        busy.release();
        waiter.release();
        return host;
      },
      'another dial served its waiter': () => {
        const host = oneHost();
        const [first, second] = [host.acquire(), host.acquire()];
        second.cancel();
        host.hostPool.drain();
        host.connect();
        first.release();
        return host;
      },
      'it was for a spare': () => {
        const host = oneHost({ maxDialing: 1 });
        void host.hostPool.warm(3);
        host.hostPool.drain();
        return host;
      },
    };
    for (const [way, run] of Object.entries(ways)) {
      const host = run();
      expect([way, host.hostPool.isEmpty, host.dials.length]).toEqual([way, true, 0]);
      expect(host.quiet).toBeGreaterThan(0);
      expect(host.pool.permits.used).toBe(0);
    }
  });

  it('settles a warm-up that was under way', async () => {
    const host = oneHost({ maxDialing: 1 });
    const warmed = host.hostPool.warm(3);
    host.hostPool.drain();
    expect(await warmed).toBe(0);
  });

  it('settles a warm-up also while there is a waiter', async () => {
    const host = oneHost({ maxDialing: 1 });
    const warmed = host.hostPool.warm(3);
    const waiter = host.acquire();
    host.hostPool.drain();
    expect(await warmed).toBe(0);
    host.connect();
    expect([waiter.state, host.dials.length]).toEqual(['served', 0]);
  });

  it('of a closed host does not open it again', () => {
    const host = oneHost();
    host.hostPool.close();
    host.hostPool.drain();
    expect(host.acquire({ admitted: true }).state).toBe('failed');
  });
});

describe('close', () => {
  it('fails the waiters, gives up dials, closes what is idle and what is busy, and leaves nothing', async () => {
    const host = oneHost({ maxPerHost: 4 });
    host.fill(1);
    const busy = [host.acquire(), host.dialled()];
    const line = [host.acquire(), host.acquire(), host.acquire(), host.acquire({ fresh: true })];
    const warmed = host.hostPool.warm(10);
    const dials = [...host.dials];
    host.hostPool.close();
    expect(line.map(({ error }) => (error as { code?: string }).code)).toEqual(
      Array(4).fill('HOTARU_POOL_CLOSED'),
    );
    expect(dials.every(({ isCancelled }) => isCancelled)).toBe(true);
    expect(busy.every((acquire) => acquire.connection?.isOpen === false)).toBe(true);
    expect(host.hostPool.isEmpty).toBe(true);
    expect(host.pool.permits.used).toBe(0);
    expect(host.pool.clock.pendingTimers).toBe(0);
    await warmed;
    expect(host.quiet).toBe(0); // what is held has not come back yet
    expect(busy.map((acquire) => acquire.release())).toEqual([false, false]);
    expect(host.quiet).toBe(1);
    expect(host.hostPool.counters).toMatchObject({ created: 2, closed: 2 });
  });

  it('ends a back-off', () => {
    const host = oneHost();
    for (let i = 0; i < 3; i += 1) {
      host.acquire();
      host.refuse();
    }
    const waiter = host.acquire();
    expect(host.pool.clock.pendingTimers).toBe(1);
    host.hostPool.close();
    expect([waiter.state, host.pool.clock.pendingTimers]).toEqual(['failed', 0]);
  });

  it('serves no waiter with what is released while it goes on', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const first = host.acquire({ onRefused: () => busy.release() });
    const second = host.acquire();
    host.hostPool.close();
    expect([first.state, second.state]).toEqual(['failed', 'failed']);
  });
});

describe('warm', () => {
  const settled = async (host: FakeHost): Promise<void> => {
    while (host.dials.length > 0) host.connect();
    await Promise.resolve();
  };

  it('of two at once wants the same connections, and both wait for them', async () => {
    for (const count of [5, 20]) {
      const host = oneHost();
      const both = Promise.all([host.hostPool.warm(count), host.hostPool.warm(count)]);
      await settled(host);
      expect(await both).toEqual([count, count]);
      expect(host.connections).toHaveLength(count);
    }
  });

  it('does not take for its own what is dialled for a caller', async () => {
    const host = oneHost();
    const acquire = host.acquire();
    const warmed = host.hostPool.warm(1);
    await settled(host);
    expect([acquire.state, await warmed]).toEqual(['served', 1]);
  });

  it('takes for its own what is dialled for a caller that has left', async () => {
    const host = oneHost();
    host.acquire().cancel();
    const warmed = host.hostPool.warm(1);
    expect(host.dials).toHaveLength(1);
    await settled(host);
    expect(await warmed).toBe(1);
  });

  it('waits for what is still dialled for it, when callers have taken the last places', async () => {
    const host = oneHost({ maxPerHost: 5 });
    const warmed = host.hostPool.warm(5);
    const over = vi.fn();
    void warmed.then(over);
    const acquires = [host.acquire(), host.acquire()];
    for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
    expect(over).not.toHaveBeenCalled();
    await settled(host);
    expect(acquires.map(({ state }) => state)).toEqual(['served', 'served']);
    expect(await warmed).toBe(3);
  });

  it('ends when its dials fail, and when another host needs their permits', async () => {
    const host = oneHost();
    const warmed = host.hostPool.warm(3);
    for (let i = 0; i < 10 && host.dials.length > 0; i += 1) {
      host.refuse();
      host.pool.clock.advance(CONSTANTS.dialBackoffMaxMs);
    }
    expect(await warmed).toBe(0);
    const pool = new FakePool({ maxTotal: 3 });
    const [cold, busy] = [pool.host('cold'), pool.host('busy')];
    const shared = cold.hostPool.warm(3);
    for (let i = 0; i < 2; i += 1) busy.acquire();
    expect([cold.dials.length, busy.dials.length]).toEqual([1, 2]);
    cold.connect();
    expect(await shared).toBe(1);
  });
});
