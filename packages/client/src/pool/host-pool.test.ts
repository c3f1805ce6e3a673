import { describe, expect, it } from 'vitest';
import { FakePool, oneHost } from '../../test/support/fake-pool.js';
import { PoolError } from '../errors.js';

describe('idle connections', () => {
  it('are taken longest idle first by default', () => {
    const host = oneHost();
    const [a, b, c] = host.fill(3);
    expect([host.acquire().served, host.acquire().served, host.acquire().served]).toEqual([
      a,
      b,
      c,
    ]);
  });

  it('are taken shortest idle first with order lifo', () => {
    const host = oneHost({ order: 'lifo' });
    const [a, b, c] = host.fill(3);
    expect([host.acquire().served, host.acquire().served, host.acquire().served]).toEqual([
      c,
      b,
      a,
    ]);
  });

  it('that have expired are evicted at check-out, and counted', () => {
    const host = oneHost({ idleTimeout: 1_000 });
    const [old] = host.fill(2);
    const { clock } = host.pool;
    clock.advance(600);
    const busy = host.acquire(); // the oldest is used again
    expect(busy.served).toBe(old);
    busy.release();
    clock.advance(400);
    const taken = host.acquire();
    expect(taken.served).toBe(old);
    expect(host.hostPool.counters).toMatchObject({ evictions: 1, closed: 1, hits: 2, misses: 2 });
    expect(host.connections[1]?.isOpen).toBe(false);
  });

  it('never outlive the idle timeout: one ms before it is a hit, at it a miss', () => {
    for (const [waitMs, isHit] of [
      [999, true],
      [1_000, false],
    ] as const) {
      const host = oneHost({ idleTimeout: 1_000 });
      host.fill(1);
      host.pool.clock.advance(waitMs);
      expect(host.acquire().state).toBe(isHit ? 'served' : 'waiting');
    }
  });

  it('age by the wall clock while the machine is frozen', () => {
    const host = oneHost({ idleTimeout: 1_000 });
    const [connection] = host.fill(1);
    host.pool.clock.advanceWall(1_000);
    const acquire = host.acquire();
    expect(acquire.state).toBe('waiting');
    expect(connection?.isOpen).toBe(false);
    expect(host.hostPool.counters.evictions).toBe(1);
  });

  it('age by the monotonic clock when the wall clock was set back', () => {
    const host = oneHost({ idleTimeout: 1_000 });
    host.fill(1);
    host.pool.clock.advanceWall(-3_600_000);
    host.pool.clock.advance(999);
    expect(host.acquire().isReused).toBe(true);
    const other = oneHost({ idleTimeout: 1_000 });
    other.fill(1);
    other.pool.clock.advanceWall(-3_600_000);
    other.pool.clock.advance(1_000);
    expect(other.acquire().state).toBe('waiting');
  });

  it('that the peer has ended are never handed out', () => {
    const host = oneHost();
    const [dead, alive] = host.fill(2);
    dead?.halfClose(); // not noticed by the pool yet
    expect(host.acquire().served).toBe(alive);
    expect(host.hostPool.liveCount).toBe(1);
  });

  it('leave the books when the peer closes them, without counting as an eviction', () => {
    const host = oneHost();
    const [connection] = host.fill(1);
    connection?.close();
    expect(host.hostPool.counters).toMatchObject({ evictions: 0, closed: 1 });
    expect(host.hostPool.isEmpty).toBe(true);
    expect([host.pool.permits.used, host.pool.permits.idle.size]).toEqual([0, 0]);
  });

  it('above maxIdlePerHost are evicted, the one idle longest first, and counted (flaw 6)', () => {
    const host = oneHost({ maxIdlePerHost: 2 });
    const [first, second, third] = host.fill(3);
    expect(host.idleIds).toEqual([second?.id, third?.id]);
    expect(first?.isOpen).toBe(false);
    expect(host.hostPool.counters).toMatchObject({ evictions: 1, closed: 1, created: 3 });
  });

  it('are none at all with maxIdlePerHost 0', () => {
    const host = oneHost({ maxIdlePerHost: 0 });
    const acquire = host.dialled();
    expect(acquire.release()).toBe(false);
    expect(host.hostPool.isEmpty).toBe(true);
  });

  it('know that they are idle, so that they do not keep the process alive', () => {
    const host = oneHost();
    const [connection] = host.fill(1);
    expect(connection?.isIdle).toBe(true);
    host.acquire();
    expect(connection?.isIdle).toBe(false);
  });
});

describe('the age of a connection', () => {
  it('is never restarted by a release: maxLifetime ends it while in steady use (flaw 1)', () => {
    const host = oneHost({ maxLifetime: 10_000, idleTimeout: 5_000 });
    const { clock } = host.pool;
    const acquire = host.dialled();
    const connection = acquire.served;
    const { record } = connection;
    acquire.release();
    for (let i = 0; i < 9; i += 1) {
      clock.advance(1_000);
      const again = host.acquire();
      expect(again.served).toBe(connection);
      expect(again.release()).toBe(true);
      expect(connection.record).toBe(record);
    }
    expect(record.requestCount).toBe(10);
    clock.advance(1_000);
    expect(host.acquire().state).toBe('waiting');
    expect(connection.isOpen).toBe(false);
  });

  it('ends it at release too, when it was reached in use', () => {
    const host = oneHost({ maxLifetime: 10_000 });
    const acquire = host.dialled();
    host.pool.clock.advance(10_000);
    expect(acquire.release()).toBe(false);
    expect(host.hostPool.isEmpty).toBe(true);
  });

  it('may reach 90 % to 110 % of maxLifetime, by chance', () => {
    const endOf = (random: number) => {
      const host = oneHost({ maxLifetime: 10_000, idleTimeout: Infinity });
      host.pool.random = () => random;
      host.fill(1);
      return host.sweep();
    };
    expect(endOf(0)).toBeCloseTo(9_000);
    expect(endOf(0.5)).toBeCloseTo(10_000);
    expect(endOf(1 - 2 ** -53)).toBeCloseTo(11_000);
  });
});

describe('the number of requests of a connection', () => {
  it('is bounded by maxRequestsPerConnection', () => {
    const host = oneHost({ maxRequestsPerConnection: 3 });
    expect(host.dialled().release()).toBe(true);
    expect(host.acquire().release()).toBe(true);
    expect(host.acquire().release()).toBe(false);
    expect(host.hostPool.counters).toMatchObject({ hits: 2, misses: 1, created: 1, closed: 1 });
  });

  it('is bounded by what the peer says with Keep-Alive: max', () => {
    const host = oneHost();
    const acquire = host.dialled();
    acquire.served.record.requestsLeft = 0;
    expect(acquire.release()).toBe(false);
  });

  it('and the idle time by what the peer says with Keep-Alive: timeout, never above our own', () => {
    const host = oneHost({ idleTimeout: 5_000 });
    const acquire = host.dialled();
    acquire.served.record.idleHintMs = 4_000;
    acquire.release();
    host.pool.clock.advance(3_999);
    const again = host.acquire();
    again.served.record.idleHintMs = 60_000;
    again.release();
    host.pool.clock.advance(5_000);
    expect(host.acquire().state).toBe('waiting');
  });
});

describe('waiters', () => {
  it('are served in the order in which they came', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const line = [host.acquire(), host.acquire(), host.acquire()];
    busy.release();
    expect(line.map(({ state }) => state)).toEqual(['served', 'waiting', 'waiting']);
    line[0]?.release();
    expect(line.map(({ state }) => state)).toEqual(['released', 'served', 'waiting']);
    line[1]?.release(false); // its end makes room for a dial
    host.connect();
    expect(line[2]?.isReused).toBe(false);
  });

  it('take a released connection before the dial made for them; the dial then goes idle', () => {
    const host = oneHost();
    const busy = host.dialled();
    const waiter = host.acquire();
    expect(host.dials).toHaveLength(1);
    busy.release();
    expect(waiter.served).toBe(busy.connection);
    expect(waiter.isReused).toBe(true);
    const late = host.connect();
    expect(host.idleIds).toEqual([late.id]);
    expect(host.hostPool.counters).toMatchObject({ hits: 1, misses: 1, created: 2 });
  });

  it('take a connection whose dial was made for another who left, or was served by a release', () => {
    const host = oneHost();
    const busy = host.dialled();
    const first = host.acquire();
    const second = host.acquire();
    busy.release();
    expect(first.served).toBe(busy.connection);
    const late = host.connect(); // nominally the first one's
    expect(second.served).toBe(late);
    expect(second.isReused).toBe(false);
  });

  it('that leave lose nothing: the dial goes on, and its connection goes to who comes next', () => {
    const host = oneHost();
    const leaving = host.acquire();
    leaving.cancel();
    expect(host.dials[0]?.isCancelled).toBe(false);
    const next = host.acquire();
    expect(host.dials).toHaveLength(1); // no second dial
    const connection = host.connect();
    expect(next.served).toBe(connection);
    expect(leaving.settled).toBe(1);
  });

  it('that leave from the middle of the queue leave the order of the others', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const [a, b, c] = [host.acquire(), host.acquire(), host.acquire()];
    b.cancel();
    b.cancel(); // twice is once
    busy.release();
    a.release();
    expect([a.state, b.state, c.state]).toEqual(['released', 'cancelled', 'served']);
  });

  it('hear of the dial that they wait on, whichever waiter caused it', () => {
    const host = oneHost({ maxDialing: 1 });
    const [a, b] = [host.acquire(), host.acquire()];
    const [first] = host.dials;
    expect([a.dial, b.dial]).toEqual([first, first]); // nothing is live: there is nothing else to wait for
    host.connect();
    expect([a.state, b.dial]).toEqual(['served', host.dials[0]]);
  });

  it('and the dials of fresh-only waiters are told in the order of the queue, whatever they need', () => {
    const host = oneHost({ maxDialing: 1 });
    const busyDial = host.acquire();
    const fresh = host.acquire({ fresh: true });
    const normal = host.acquire();
    host.connect();
    expect(busyDial.state).toBe('served');
    expect([fresh.dial === host.dials[0], normal.dial]).toEqual([true, undefined]);
  });

  it('wait no time that is not theirs: the histogram counts every acquire once', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.acquire();
    host.pool.clock.advance(20);
    host.connect();
    const waiter = host.acquire();
    host.pool.clock.advance(40);
    busy.release();
    waiter.release();
    host.acquire();
    const { count, mean, max } = host.hostPool.counters.wait.summary();
    expect([count, mean, max]).toEqual([3, 20, 40]);
  });
});

describe('maxPending', () => {
  it('bounds those whom no dial serves, and the one too many hears at once', () => {
    const host = oneHost({ maxPerHost: 2, maxPending: 3 });
    const inDial = [host.acquire(), host.acquire()];
    const inLine = [host.acquire(), host.acquire(), host.acquire()];
    const tooMany = host.acquire();
    expect([...inDial, ...inLine].every(({ state }) => state === 'waiting')).toBe(true);
    expect(tooMany.error).toMatchObject({ code: 'HOTARU_POOL_EXHAUSTED', retrySafe: true });
    expect(host.hostPool.counters.exhausted).toBe(1);
    inLine[0]?.cancel();
    expect(host.acquire().state).toBe('waiting'); // there is a place again
  });

  it('of 0 never waits, yet lets a request connect', () => {
    const host = oneHost({ maxPerHost: 1, maxPending: 0 });
    const first = host.acquire();
    expect(first.state).toBe('waiting');
    expect(host.acquire().state).toBe('failed');
    host.connect();
    expect(first.state).toBe('served');
    expect(host.acquire().state).toBe('failed');
    first.release();
    expect(host.acquire().state).toBe('served');
  });

  it('gives an error with what the pool looked like', () => {
    const host = oneHost({ maxPerHost: 2, maxPending: 1 });
    host.dialled();
    host.acquire();
    host.pool.clock.advance(1_500);
    host.acquire();
    const { error } = host.acquire();
    expect(error).toBeInstanceOf(PoolError);
    expect((error as PoolError).snapshot).toEqual({
      key: 'a',
      active: 1,
      idle: 0,
      connecting: 1,
      waiting: 2,
      oldestWaitMs: 1_500,
      maxPerHost: 2,
    });
    expect(error?.message).toBe(
      'no more requests may wait for a connection (1 active, 0 idle, 1 connecting, of at most 2 (maxPerHost); 2 waiting: 1 for the dials, 1 in line of at most 1 (maxPending), the oldest for 1500 ms)',
    );
  });

  it('says when the limit is that of the whole pool', () => {
    const pool = new FakePool({ maxTotal: 1, maxPending: 0 });
    pool.host('a').dialled();
    expect(pool.host('b').acquire().error?.message).toContain(
      '0 connecting, of at most 128 (maxPerHost); the pool has all it may have (maxTotal); 0 in line',
    );
  });
});

describe('release', () => {
  it('without proof closes the connection and dials for the waiters (flaw 5)', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const waiter = host.acquire();
    expect(busy.release(false)).toBe(false);
    expect(busy.connection?.isOpen).toBe(false);
    expect(waiter.state).toBe('waiting');
    host.connect();
    expect(waiter.isReused).toBe(false);
  });

  it('of a connection that died in use keeps nothing and gives its slot back once', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const waiter = host.acquire();
    busy.served.close();
    expect(host.dials).toHaveLength(1); // at once, not at the release
    expect(busy.release()).toBe(false);
    expect(host.pool.permits.used).toBe(1);
    host.connect();
    expect(waiter.isReused).toBe(false);
    expect(host.hostPool.counters).toMatchObject({ created: 2, closed: 1 });
  });
});

describe('with enablePooling false', () => {
  it('each acquire dials and each release closes', () => {
    const host = oneHost({ enablePooling: false });
    const first = host.dialled();
    expect(first.release()).toBe(false);
    const second = host.acquire();
    expect(second.state).toBe('waiting');
    host.connect();
    expect(second.release()).toBe(false);
    expect(host.hostPool.counters).toMatchObject({ hits: 0, misses: 2, created: 2, closed: 2 });
    expect(host.hostPool.isEmpty).toBe(true);
  });

  it('limits and line hold all the same', () => {
    const host = oneHost({ enablePooling: false, maxPerHost: 1 });
    const first = host.dialled();
    const second = host.acquire();
    expect(host.dials).toHaveLength(0);
    first.release();
    host.connect();
    expect(second.isReused).toBe(false);
  });
});

describe('user code called in the hand-over', () => {
  it('may release at once: the queue moves on, one after the other', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const order: number[] = [];
    const line = Array.from({ length: 500 }, (_, i) =>
      host.acquire({
        onConnected: (acquire) => {
          order.push(i);
          acquire.release();
        },
      }),
    );
    busy.release();
    expect(order).toEqual(line.map((_, i) => i));
    expect(host.hostPool.idle.size).toBe(1);
    expect(host.hostPool.counters.hits).toBe(500);
  });

  it('may cancel another and join the queue again', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const rejoined: string[] = [];
    const first = host.acquire({
      onConnected: () => {
        second.cancel();
        rejoined.push(host.acquire().state);
      },
    });
    const second = host.acquire();
    const third = host.acquire();
    busy.release();
    expect([first.state, second.state, third.state]).toEqual(['served', 'cancelled', 'waiting']);
    expect(rejoined).toEqual(['waiting']);
    first.release();
    expect(third.state).toBe('served');
  });

  it('may ask again when it is refused, without end: each that waited then is told once', () => {
    const host = oneHost();
    const again: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      host.acquire();
      host.refuse();
    }
    const stubborn = host.acquire({
      onRefused: () => {
        if (again.length > 100) throw new Error('refused in a circle');
        again.push(
          host.acquire({
            onRefused: () => {
              throw new Error('refused twice by one failure');
            },
          }).state,
        );
      },
    });
    host.refuse(); // the third failure in a row: all waiters fail
    expect(stubborn.state).toBe('failed');
    expect(again).toEqual(['waiting']);
  });
});

describe('counters', () => {
  it('add up: hits + misses = acquires served; created − closed = live', () => {
    const host = oneHost({ maxPerHost: 3, maxIdlePerHost: 1 });
    const acquires = [host.acquire(), host.acquire(), host.acquire(), host.acquire()];
    while (host.dials.length > 0) host.connect();
    acquires[0]?.release();
    acquires[1]?.release(false);
    acquires[2]?.served.close();
    acquires[2]?.release();
    acquires[3]?.release();
    host.acquire();
    const { counters, liveCount } = host.hostPool;
    expect(counters.hits + counters.misses).toBe(5);
    expect(counters.created - counters.closed).toBe(liveCount);
    expect(host.pool.permits.used).toBe(liveCount + host.dials.length);
  });

  it('say when a host has nothing left, so that it can be forgotten (flaw 6)', () => {
    const host = oneHost();
    expect(host.hostPool.isEmpty).toBe(true);
    const acquire = host.acquire();
    expect(host.hostPool.isEmpty).toBe(false);
    host.connect();
    expect(host.hostPool.isEmpty).toBe(false);
    acquire.release();
    expect(host.hostPool.isEmpty).toBe(false);
    host.pool.clock.advance(90_000);
    host.sweep();
    expect(host.hostPool.isEmpty).toBe(true);
  });
});
