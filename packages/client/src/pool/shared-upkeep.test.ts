/** Shared connections over time: age, uses, limits that change, warm-up, settings that change, what is counted. */
import { describe, expect, it } from 'vitest';
import { FakePool, type FakeAcquire, type FakeHost } from '../../test/support/fake-pool.js';
import { CONSTANTS } from '../config/constants.js';
import type { PoolConfigInput } from '../config/pool-config.js';
import { statsOf } from './stats.js';

function sharedHost(capacity: number, config: PoolConfigInput = {}): FakeHost {
  const host = new FakePool(config).host('a', {}, 'shared', capacity);
  host.speech = capacity;
  return host;
}

/** Overlapping callers, one each 100 ms, as the pool sees them while it sweeps when it is asked to. */
function useFor(host: FakeHost, ms: number): { unserved: number } {
  const { clock } = host.pool;
  const endMs = clock.now() + ms;
  let holder: FakeAcquire | undefined;
  let unserved = 0;
  while (clock.now() < endMs) {
    if (clock.now() >= host.renewableAtMs) {
      host.renewableAtMs = Infinity;
      host.sweep();
    }
    while (host.dials.length > 0) host.connect();
    const next = host.acquire();
    if (next.state === 'served') {
      holder?.release();
      holder = next;
    } else {
      unserved += 1;
      next.cancel();
    }
    clock.advance(100);
  }
  holder?.release();
  return { unserved };
}

describe('a connection that is always in use', () => {
  it('is replaced before its lifetime ends: at each moment one takes callers', () => {
    const host = sharedHost(100, { maxLifetime: 10_000 });
    host.dialled().release();
    expect(useFor(host, 100_000)).toEqual({ unserved: 0 });
    const { created, closed } = host.hostPool.counters;
    expect([created, closed]).toEqual([12, 11]); // each a second early
  });

  it('is replaced by as many as its callers need, while others have no room for them', () => {
    const host = sharedHost(4, { maxLifetime: 10_000, maxDialing: 8 });
    const old = Array.from({ length: 4 }, () => host.acquire());
    host.connect();
    host.pool.clock.advance(5_000);
    const young = Array.from({ length: 3 }, () => host.acquire());
    host.connect();
    expect(new Set(young.map(({ served }) => served)).size).toBe(1);
    host.pool.clock.advance(4_000);
    host.speech = 2;
    host.sweep();
    expect(host.dials).toHaveLength(1); // for three: one has a place, and of the limit 4 is known
    host.connect();
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect([host.dials.length, host.hostPool.idle.size]).toEqual([0, 2]);
    for (const one of [...old, ...young]) one.release();
  });

  it('is not replaced while a younger one is idle and has room for its callers', () => {
    const host = sharedHost(2, { maxLifetime: 10_000, idleTimeout: Infinity });
    const old = [host.acquire(), host.acquire()];
    host.connect();
    host.pool.clock.advance(5_000);
    host.dialled().release();
    host.pool.clock.advance(4_000);
    host.sweep();
    expect([host.dials.length, host.hostPool.idle.size]).toEqual([0, 1]);
    for (const one of old) one.release();
  });

  it('whose replacement can not be dialled is asked about again, and ends all the same', () => {
    const host = sharedHost(100, { maxLifetime: 10_000 });
    const held = host.dialled();
    host.pool.clock.advance(9_000);
    host.sweep();
    host.refuse();
    expect(host.renewableAtMs).toBe(9_000 + CONSTANTS.slowDialMs);
    expect(host.dials).toHaveLength(0);
    host.pool.clock.advance(1_000);
    expect(host.acquire().state).toBe('waiting');
    expect(held.served.record.sharing).toBe('leaving');
  });

  it('is not replaced where another one takes its callers, where none is in use, or none is kept idle', () => {
    const room = sharedHost(2, { maxLifetime: 10_000 });
    const held = [room.dialled(), room.acquire(), room.acquire()];
    room.pool.clock.advance(500);
    room.connect();
    held[1]?.release();
    room.pool.clock.advance(8_500);
    room.sweep();
    expect(room.dials).toHaveLength(0);

    const idle = sharedHost(2, { maxLifetime: 10_000 });
    idle.dialled().release();
    idle.pool.clock.advance(9_500);
    idle.sweep();
    expect(idle.dials).toHaveLength(0);

    const none = sharedHost(2, { maxLifetime: 10_000, maxIdlePerHost: 0 });
    none.dialled();
    none.pool.clock.advance(9_500);
    none.sweep();
    expect(none.dials).toHaveLength(0);
  });
});

describe('a connection whose peer takes none, still held when its lifetime ends', () => {
  it('keeps no caller waiting: a timer tells them, where nothing else does', () => {
    const host = sharedHost(5, { maxLifetime: 10_000, acquireTimeout: Infinity });
    const held = host.dialled();
    held.served.setLimit(0);
    const waiter = host.acquire();
    host.pool.clock.advance(9_999);
    expect(host.dials).toHaveLength(0);
    host.pool.clock.advance(1);
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(waiter.isReused).toBe(false);
    expect(host.pool.clock.pendingTimers).toBe(0);
  });

  it('nor is the longest lifetime too long for that timer', () => {
    const maxLifetime = CONSTANTS.maxTimerMs;
    const host = sharedHost(5, { maxLifetime, acquireTimeout: Infinity });
    host.pool.random = () => 0.99; // its jitter: up to 10 % more
    const held = host.dialled();
    held.served.setLimit(0);
    host.acquire();
    host.pool.clock.advance(maxLifetime);
    expect(host.dials).toHaveLength(0);
    host.pool.clock.advance(0.1 * maxLifetime);
    expect(host.dials).not.toHaveLength(0);
  });

  it('nor does one that is idle meanwhile', () => {
    const host = sharedHost(5, { idleTimeout: 1_000 });
    const held = host.dialled();
    held.served.setLimit(0);
    held.release();
    const waiter = host.acquire();
    host.pool.clock.advance(1_000);
    host.connect();
    expect(waiter.isReused).toBe(false);
  });
});

describe('a connection that has had its uses, still held when another one of its peer takes none', () => {
  it('keeps no caller waiting: it will take none either', () => {
    const host = sharedHost(1, { maxRequestsPerConnection: 1 });
    void host.hostPool.warm(2);
    while (host.dials.length > 0) host.connect();
    const [first, second] = [host.acquire(), host.acquire()];
    first.served.setLimit(0);
    const waiter = host.acquire();
    first.release();
    expect(second.served.isOpen).toBe(true);
    host.pool.clock.advance(1);
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(waiter.isReused).toBe(false);
    expect(host.pool.clock.pendingTimers).toBe(0);
  });
});

describe('the uses of a shared connection', () => {
  it('count when it is handed out: callers that have not begun yet are among them', () => {
    const host = sharedHost(20, { maxRequestsPerConnection: 3, maxDialing: 1 });
    const waiters = Array.from({ length: 4 }, () => host.acquire({ begins: false }));
    host.connect();
    const [first] = host.connections;
    expect(waiters.map(({ connection }) => connection === first)).toEqual([
      true,
      true,
      true,
      false,
    ]);
    host.connect();
    const joined = [host.acquire({ begins: false }), host.acquire({ begins: false })];
    expect(joined.map(({ state }) => state)).toEqual(['served', 'served']);
    expect(host.acquire().state).toBe('waiting');
  });

  it('count when dials are started: each serves no more waiters than that', () => {
    const host = sharedHost(20, { maxRequestsPerConnection: 3 });
    const waiters = Array.from({ length: 10 }, () => host.acquire());
    expect(host.dials).toHaveLength(4);
    while (host.dials.length > 0) host.connect();
    expect(waiters.map(({ state }) => state)).toEqual(Array(10).fill('served'));
    expect(host.connections).toHaveLength(4);
  });

  it('do not count for a caller that left before it had begun', () => {
    const host = sharedHost(20, { maxRequestsPerConnection: 3 });
    const held = host.dialled();
    for (let i = 0; i < 5; i += 1) host.acquire({ begins: false }).release();
    const [second, third] = [host.acquire(), host.acquire()];
    expect([second.connection, third.connection]).toEqual([held.connection, held.connection]);
    expect(host.acquire().state).toBe('waiting');
  });

  it('the last is the one of its last holder, when no other may join', () => {
    const host = sharedHost(20, { maxRequestsPerConnection: 10 });
    const [a, b] = [host.dialled(), host.acquire()];
    const { hostPool } = host;
    expect(hostPool.isLastUse(a.served)).toBe(false);
    a.served.halfClose(); // GOAWAY
    expect(hostPool.isLastUse(a.served)).toBe(false);
    const session = a.served;
    b.release();
    expect(hostPool.isLastUse(session)).toBe(true);
  });
});

describe('new settings', () => {
  it('say nothing of limits that did not change: what was heard last of the origin holds', () => {
    const host = sharedHost(19, { maxPerHost: 2 });
    const held = host.dialled();
    host.speech = 0;
    for (let i = 0; i < 19; i += 1) host.acquire();
    host.connect();
    held.served.setLimit(20);
    expect(host.hostPool.protocol.callersPerConnection).toBe(20);
    host.reconfigure({ idleTimeout: 1_000 });
    expect(host.hostPool.protocol.callersPerConnection).toBe(20);
  });

  it('reach shared connections: a limit of our own that is raised serves waiters, and one that is lowered takes none', () => {
    const host = sharedHost(2, { maxPerHost: 1 });
    const waiters = Array.from({ length: 4 }, () => host.acquire());
    const connection = host.connect();
    let ownLimit = 3;
    Object.assign(connection, { reconfigured: () => (connection.callerLimit = ownLimit) });
    host.reconfigure({ maxPerHost: 1 });
    expect(waiters.map(({ state }) => state)).toEqual(['served', 'served', 'served', 'waiting']);
    ownLimit = 1;
    host.reconfigure({ maxPerHost: 1 });
    waiters[0]?.release();
    waiters[1]?.release();
    expect(waiters[3]?.state).toBe('waiting');
    waiters[2]?.release();
    expect(waiters[3]?.state).toBe('served');
  });

  it('say nothing of the peer: a limit that did not change is not what a next connection has', () => {
    const host = sharedHost(0, { maxPerHost: 5 });
    const old = host.acquire();
    host.connect();
    host.speech = 20;
    old.cancel();
    void host.hostPool.warm(1);
    host.connect();
    host.reconfigure({ maxPerHost: 6 });
    const waiters = Array.from({ length: 25 }, () => host.acquire());
    expect([host.dials.length, waiters.at(-1)?.state]).toEqual([1, 'waiting']);
  });
});

describe('warm-up of a shared origin', () => {
  it('counts free slots: one connection is ready for many callers', async () => {
    const host = sharedHost(100);
    const warmed = host.hostPool.warm(10);
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect([await warmed, host.dials.length]).toEqual([10, 0]);
    host.acquire();
    expect([await host.hostPool.warm(10), host.dials.length]).toEqual([10, 0]);
    const more = host.hostPool.warm(150);
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(await more).toBe(150);
  });

  it('of which nothing is known takes one dial, and no more when that is enough', async () => {
    const host = new FakePool().host('a', {}, 'unknown');
    host.speech = 100;
    const warmed = host.hostPool.warm(10);
    host.connect();
    expect([await warmed, host.dials.length, host.connections.length]).toEqual([10, 0, 1]);
  });

  it('that waits for the rest of a dial that callers took is over with it', async () => {
    const host = sharedHost(5);
    const warmed = host.hostPool.warm(3);
    const waiters = [host.acquire(), host.acquire()];
    while (host.dials.length > 0) host.connect();
    expect(await warmed).toBe(3);
    expect(waiters.map(({ state }) => state)).toEqual(['served', 'served']);
  });

  it('is over with the first connection that takes no callers: it storms no peer that takes none', async () => {
    const host = sharedHost(2, { minIdle: 20, maxDialing: 1 });
    host.speech = 0;
    const warmed = host.hostPool.warm(20);
    host.connect();
    expect(host.dials).toHaveLength(0);
    expect(await warmed).toBe(0);
    host.sweep();
    expect(host.dials).toHaveLength(0); // the one that there is may take some later
  });

  it('is over when its dials fail, and the limits leave no room', async () => {
    const failing = sharedHost(5);
    const failed = failing.hostPool.warm(12);
    expect(failing.dials).toHaveLength(3);
    failing.refuse();
    failing.connect();
    failing.connect();
    expect(await failed).toBe(10);

    const limited = sharedHost(5, { maxPerHost: 1 });
    const held = limited.dialled();
    expect(await limited.hostPool.warm(20)).toBe(4);
    held.release();
    expect(limited.connections).toHaveLength(1);
  });

  it('is not repeated by minIdle while a busy one has room', () => {
    const host = sharedHost(10, { minIdle: 3 });
    const held = Array.from({ length: 7 }, () => host.acquire());
    host.connect();
    host.sweep();
    expect(host.dials).toHaveLength(0);
    host.acquire();
    host.sweep();
    expect(host.dials).toHaveLength(1);
    for (const one of held) one.release();
  });
});

describe('an origin known to be shared from the start', () => {
  it('gets as many dials as its presumed limit makes necessary', () => {
    const host = sharedHost(3);
    const waiters = Array.from({ length: 7 }, () => host.acquire());
    expect(host.dials).toHaveLength(3);
    while (host.dials.length > 0) host.connect();
    expect(waiters.map(({ state }) => state)).toEqual(Array(7).fill('served'));
    expect(host.connections).toHaveLength(3);
  });

  it('learns the limit with its first connection', () => {
    const host = new FakePool({ maxDialing: 1 }).host('a', {}, 'shared', 100);
    host.speech = 2;
    Array.from({ length: 6 }, () => host.acquire());
    expect(host.dials).toHaveLength(1);
    host.connect();
    host.hostPool.reconfigure({ ...host.hostPool.settings, maxDialing: 8 });
    expect(host.dials).toHaveLength(2);
  });
});

describe('what is counted of shared connections', () => {
  it('adds up: connections are idle or active, callers wait or were served', () => {
    const host = sharedHost(3, { maxPerHost: 1 });
    const callers = Array.from({ length: 5 }, () => host.acquire());
    expect(statsOf(host.hostPool)).toMatchObject({ connecting: 1, waiting: 5, active: 0 });
    host.connect();
    expect(statsOf(host.hostPool)).toMatchObject({
      active: 1,
      idle: 0,
      waiting: 2,
      misses: 1,
      hits: 2,
      created: 1,
    });
    for (const one of callers) if (one.state === 'served') one.release();
    for (const one of callers) if (one.state === 'served') one.release();
    expect(statsOf(host.hostPool)).toMatchObject({
      active: 0,
      idle: 1,
      pooledConnections: 1,
      waiting: 0,
      misses: 1,
      hits: 4,
      hitRate: 0.8,
      closed: 0,
    });
    host.hostPool.close();
    expect(statsOf(host.hostPool)).toMatchObject({ active: 0, idle: 0, created: 1, closed: 1 });
  });
});
