/** A shared connection whose place is wanted elsewhere yields, and is taken back when it is wanted no more. */
import { describe, expect, it } from 'vitest';
import { FakePool, type FakeAcquire, type FakeHost } from '../../test/support/fake-pool.js';
import { CONSTANTS } from '../config/constants.js';
import type { PoolConfigInput } from '../config/pool-config.js';

function sharedHost(pool: FakePool, name: string, capacity = 100, config: PoolConfigInput = {}) {
  const host = pool.host(name, config, 'shared', capacity);
  host.speech = capacity;
  return host;
}

/** A host that always has a caller: each begins before the one before it has ended. */
function busy(host: FakeHost): { turn(): void; readonly served: number } {
  let holder: FakeAcquire | undefined;
  let waiting: FakeAcquire[] = [];
  let served = 0;
  return {
    get served() {
      return served;
    },
    turn(): void {
      const next = host.acquire();
      waiting.push(next);
      if (holder?.state === 'served') holder.release();
      holder = undefined;
      if (host.dials.length > 0) host.connect();
      for (const one of waiting) {
        if (one.state !== 'served') continue;
        served += 1;
        if (holder === undefined) holder = one;
        else one.release();
      }
      waiting = waiting.filter(({ state }) => state === 'waiting');
    },
  };
}

it('a caller gets one that yields no more, because an expired one beside it was evicted', () => {
  const pool = new FakePool();
  const host = sharedHost(pool, 'a', 20, { maxPerHost: 3, maxDialing: 1, idleTimeout: 1_000 });
  const first = host.dialled();
  const fresh = [
    host.acquire({ fresh: true }),
    host.acquire({ fresh: true }),
    host.acquire({ fresh: true }),
  ];
  first.release(); // idle from here on
  host.connect();
  expect(fresh.map(({ state }) => state)).toEqual(['served', 'waiting', 'waiting']);
  pool.clock.advanceWall(4_000);
  expect(host.acquire().served).toBe(fresh[0]?.connection);
});

describe('at maxTotal', () => {
  it('a host whose connection is always in use does not starve the others', () => {
    const pool = new FakePool({ maxTotal: 1 });
    const hosts = ['a', 'b', 'c'].map((name) => busy(sharedHost(pool, name)));
    for (let i = 0; i < 300; i += 1) for (const one of hosts) one.turn();
    for (const { served } of hosts) expect(served).toBeGreaterThan(250);
  });

  it('of shared and exclusive hosts each is served', () => {
    const pool = new FakePool({ maxTotal: 2 });
    const hosts = [
      busy(sharedHost(pool, 'a')),
      busy(pool.host('b')),
      busy(sharedHost(pool, 'c')),
      busy(pool.host('d')),
    ];
    for (let i = 0; i < 200; i += 1) for (const one of hosts) one.turn();
    for (const { served } of hosts) expect(served).toBeGreaterThan(50);
  });

  it('a connection that yields is taken back when the other host wants its place no more', () => {
    const pool = new FakePool({ maxTotal: 1 });
    const [a, b] = [sharedHost(pool, 'a'), sharedHost(pool, 'b')];
    const long = a.dialled();
    const short = a.acquire();
    const other = b.acquire();
    short.release();
    const later = a.acquire();
    expect([later.state, long.served.record.sharing]).toEqual(['waiting', 'yielding']);
    other.cancel();
    expect(later.served).toBe(long.connection);
    expect(long.served.record.sharing).toBe('open');
  });

  it('no more connections yield than are wanted', () => {
    const pool = new FakePool({ maxTotal: 3 });
    const hosts = ['a', 'b', 'c'].map((name) => sharedHost(pool, name));
    const long = hosts.map((host) => host.dialled());
    sharedHost(pool, 'd').acquire();
    for (const host of hosts) host.acquire();
    expect(sharings(long)).toEqual(['yielding', 'open', 'open']);
    sharedHost(pool, 'e').acquire();
    for (const host of hosts) host.acquire();
    expect(sharings(long)).toEqual(['yielding', 'yielding', 'open']);
  });

  it('a host whose connections all leave for good gets one of another host', () => {
    const pool = new FakePool({ maxTotal: 2 });
    const [a, b] = [sharedHost(pool, 'a'), sharedHost(pool, 'b')];
    const [old, long] = [a.dialled(), b.dialled()];
    old.served.halfClose(); // GOAWAY: its own stream may be a long one
    const waiter = a.acquire();
    const later = b.acquire();
    expect([later.state, long.served.record.sharing]).toEqual(['waiting', 'yielding']);
    long.release();
    a.connect();
    expect(waiter.isReused).toBe(false);
    expect(later.state).toBe('waiting');
    old.release();
    b.connect();
    expect(later.isReused).toBe(false);
  });

  it('one long user does not hold up all others: another connection yields in turn', () => {
    const pool = new FakePool({ maxTotal: 2 });
    const [a, b] = [sharedHost(pool, 'a'), sharedHost(pool, 'b')];
    const [long, short] = [a.dialled(), b.dialled()];
    const starving = sharedHost(pool, 'c');
    const waiter = starving.acquire();
    const [ofA, ofB] = [a.acquire(), b.acquire()];
    expect([ofA.state, ofB.state, ...sharings([long, short])]).toEqual([
      'waiting',
      'served',
      'yielding',
      'open',
    ]);
    pool.clock.advance(CONSTANTS.yieldMs);
    const later = b.acquire();
    expect([ofA.state, later.state, ...sharings([long, short])]).toEqual([
      'served',
      'waiting',
      'open',
      'yielding',
    ]);
    ofB.release();
    short.release();
    starving.connect();
    expect(waiter.isReused).toBe(false);
    waiter.cancel();
  });

  it('each that yields in turn is given twice as long, so that any ends in time', () => {
    const pool = new FakePool({ maxTotal: 2, acquireTimeout: Infinity });
    const hosts = [sharedHost(pool, 'a'), sharedHost(pool, 'b')];
    const held = hosts.map((host) => [host.dialled()]);
    const starving = sharedHost(pool, 'c').acquire();
    // Callers that overlap and stay for three seconds each: within the first two turns none ends.
    for (let second = 1; second < 60 && starving.state === 'waiting'; second += 1) {
      pool.clock.advance(1_000);
      for (const [i, host] of hosts.entries()) {
        held[i]!.push(host.acquire());
        const served = held[i]!.filter(({ state }) => state === 'served');
        if (second % 3 === 0 || served.length > 3) served[0]?.release();
      }
      for (const host of pool.hosts) while (host.dials.length > 0) host.connect();
    }
    expect(starving.state).toBe('served');
  });

  it('a connection that yields is taken back when a dial that no caller waits for makes room instead', () => {
    const pool = new FakePool({ maxTotal: 2 });
    const [host, left, starving] = [sharedHost(pool, 'a'), pool.host('b'), pool.host('c')];
    host.acquire();
    const leaver = left.acquire();
    starving.acquire();
    host.connect();
    const waiter = host.acquire(); // it finds that the place is wanted
    expect([waiter.state, starving.dials.length]).toEqual(['waiting', 0]);
    leaver.cancel();
    expect([waiter.state, starving.dials.length]).toEqual(['served', 1]);
  });

  it('that was lowered, shared connections yield one by one, and are taken back when it is raised', () => {
    const pool = new FakePool({ maxTotal: 4 });
    const hosts = ['a', 'b', 'c', 'd'].map((name) => sharedHost(pool, name));
    const long = hosts.map((host) => host.dialled());
    pool.permits.setMax(2);
    for (const host of hosts) host.acquire();
    expect(sharings(long)).toEqual(['yielding', 'yielding', 'open', 'open']);
    pool.permits.setMax(3);
    expect(sharings(long)).toEqual(['open', 'yielding', 'open', 'open']);
    expect(hosts[0]?.hostPool.waiterCount).toBe(0);
    pool.permits.setMax(4);
    expect(sharings(long)).toEqual(['open', 'open', 'open', 'open']);
  });
});

describe('at maxPerHost', () => {
  it('a connection that yields for a fresh waiter is taken back when that one leaves', () => {
    const host = sharedHost(new FakePool({ maxPerHost: 1 }), 'a');
    const long = host.dialled();
    const fresh = host.acquire({ fresh: true });
    host.acquire(); // as any call that asks, it finds that the place is wanted
    const waiters = [host.acquire(), host.acquire()];
    expect(waiters.map(({ state }) => state)).toEqual(['waiting', 'waiting']);
    fresh.cancel();
    expect(waiters.map(({ served }) => served)).toEqual([long.connection, long.connection]);
    expect(host.dials).toHaveLength(0);
  });

  it('a connection that yields is taken back when another one made room for the fresh waiter', () => {
    const host = sharedHost(new FakePool({ maxPerHost: 2 }), 'a', 1);
    const [a, b] = [host.dialled(), host.dialled()];
    b.served.setLimit(5);
    const fresh = host.acquire({ fresh: true });
    const waiter = host.acquire();
    expect([waiter.state, b.served.record.sharing]).toEqual(['waiting', 'yielding']);
    a.served.close();
    expect([fresh.state, waiter.state, b.served.record.sharing]).toEqual([
      'waiting',
      'served',
      'open',
    ]);
    expect(host.dials).toHaveLength(1);
  });

  it('that was lowered, a shared connection yields at once, and is taken back when it is raised', () => {
    const host = sharedHost(new FakePool({ maxPerHost: 2 }), 'a', 1);
    const [a, b] = [host.dialled(), host.dialled()];
    host.reconfigure({ maxPerHost: 1 });
    expect(sharings([a, b])).toEqual(['full', 'yielding']);
    host.reconfigure({ maxPerHost: 2 });
    expect(sharings([a, b])).toEqual(['full', 'full']);
  });

  it('the one that has yielded for longest is taken back first', () => {
    const host = sharedHost(new FakePool({ maxPerHost: 3 }), 'a', 1);
    const held = [host.dialled(), host.dialled(), host.dialled()];
    host.reconfigure({ maxPerHost: 2 });
    host.reconfigure({ maxPerHost: 1 });
    expect(sharings(held)).toEqual(['full', 'yielding', 'yielding']);
    host.reconfigure({ maxPerHost: 2 });
    expect(sharings(held)).toEqual(['full', 'yielding', 'full']);
  });

  it('what yields is taken back when another one has had its time, which a caller finds out', () => {
    const host = sharedHost(new FakePool({ maxPerHost: 3, maxLifetime: 10_000 }), 'a', 2);
    const first: FakeAcquire[] = [];
    const others: FakeAcquire[] = [];
    for (let i = 0; i < 3; i += 1) {
      first.unshift(host.acquire());
      others.push(host.acquire());
      host.connect();
      host.pool.clock.advance(1_000);
    }
    for (const one of first) one.release(); // the oldest connection last: it is the first to get callers
    host.reconfigure({ maxPerHost: 2, maxLifetime: 10_000 });
    expect(sharings(others)).toEqual(['open', 'open', 'yielding']);
    host.pool.clock.advance(7_000);
    expect(host.acquire().connection).toBe(others[1]?.connection);
    expect(sharings(others)).toEqual(['leaving', 'full', 'open']);
  });

  it('what has had its time or said goodbye is never taken back', () => {
    for (const end of ['age', 'goaway', 'unfit'] as const) {
      const host = sharedHost(new FakePool({ maxPerHost: 1, maxLifetime: 1_000 }), 'a');
      const [long, short] = [host.dialled(), host.acquire()];
      const fresh = host.acquire({ fresh: true });
      const waiter = host.acquire();
      expect(long.served.record.sharing).toBe('yielding');
      if (end === 'age') host.pool.clock.advance(1_000);
      if (end === 'goaway') long.served.halfClose();
      short.release(end !== 'unfit');
      fresh.cancel();
      expect([waiter.state, long.served.record.sharing]).toEqual(['waiting', 'leaving']);
      long.release();
      host.connect();
      expect(waiter.isReused).toBe(false);
    }
  });
});

function sharings(acquires: readonly FakeAcquire[]): string[] {
  return acquires.map(({ connection }) => connection?.record.sharing ?? 'none');
}
