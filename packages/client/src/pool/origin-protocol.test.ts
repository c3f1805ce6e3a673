/** How many dials the waiters of one origin need, by what it speaks. */
import { describe, expect, it } from 'vitest';
import { FakePool, type FakeHost, type Speech } from '../../test/support/fake-pool.js';
import type { PoolConfigInput } from '../config/pool-config.js';
import { CONSTANTS } from '../config/constants.js';
import { PoolError } from '../errors.js';

/** An origin that may turn out to be shared. */
function unknownHost(speech: Speech, config: PoolConfigInput = {}): FakeHost {
  const host = new FakePool(config).host('a', {}, 'unknown');
  host.speech = speech;
  return host;
}

function line(host: FakeHost, count: number) {
  return Array.from({ length: count }, () => host.acquire());
}
function states(acquires: { state: string }[]): string[] {
  return acquires.map(({ state }) => state);
}

describe('an origin of which nothing is known', () => {
  it('gets one dial, and one for each other waiter once it turns out to take one caller a connection', () => {
    const host = unknownHost('exclusive');
    const waiters = line(host, 5);
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(states(waiters)).toEqual(['served', 'waiting', 'waiting', 'waiting', 'waiting']);
    expect(host.dials).toHaveLength(4);
    expect(host.pool.permits.used).toBe(5);
  });

  it('serves them all on that one connection when it can be shared', () => {
    const host = unknownHost(100);
    const waiters = line(host, 5);
    const connection = host.connect();
    expect(waiters.map(({ served }) => served)).toEqual(Array(5).fill(connection));
    expect([host.dials.length, host.pool.permits.used]).toEqual([0, 1]);
  });

  it('gets as many more as its limit of callers makes necessary', () => {
    const host = unknownHost(3);
    const waiters = line(host, 8);
    host.connect();
    expect(host.dials).toHaveLength(2); // for five
    host.connect();
    host.connect();
    expect(states(waiters)).toEqual(Array(8).fill('served'));
    expect(host.connections).toHaveLength(3);
  });

  it('is found out by the next dial when the first one fails, which fails one waiter only', () => {
    const host = unknownHost(100);
    const waiters = line(host, 4);
    host.refuse();
    expect(states(waiters)).toEqual(['failed', 'waiting', 'waiting', 'waiting']);
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(states(waiters)).toEqual(['failed', 'served', 'served', 'served']);
  });

  it('fails all waiters once it is known to be unreachable', () => {
    const host = unknownHost(100);
    const waiters = line(host, 20);
    for (let i = 0; i < CONSTANTS.dialFailuresBeforeBackoff; i += 1) host.refuse();
    expect(states(waiters)).toEqual(Array(20).fill('failed'));
    expect([host.dials.length, host.pool.permits.used]).toEqual([0, 0]);
  });

  it('gets a second dial beside one that hangs, and no third', () => {
    const host = unknownHost(100);
    const waiters = line(host, 4);
    host.pool.clock.advance(CONSTANTS.slowDialMs - 1);
    expect(host.dials).toHaveLength(1);
    host.pool.clock.advance(1);
    expect(host.dials).toHaveLength(2);
    host.pool.clock.advance(10 * CONSTANTS.slowDialMs);
    expect(host.dials).toHaveLength(2);
    host.dials[1]?.connect();
    expect(states(waiters)).toEqual(Array(4).fill('served'));
  });

  it('fails no waiter with the dial that hung, while the one beside it may serve them', () => {
    const host = unknownHost(100);
    const waiters = line(host, 4);
    host.pool.clock.advance(CONSTANTS.slowDialMs);
    host.refuse();
    expect(states(waiters)).toEqual(Array(4).fill('waiting'));
    host.connect();
    expect(states(waiters)).toEqual(Array(4).fill('served'));
  });

  it('gets another dial when a caller ran out of time on the first one', () => {
    const host = unknownHost(100);
    const [first, second] = line(host, 2);
    first?.cancel(true);
    expect(host.dials).toHaveLength(2);
    host.dials[1]?.connect();
    expect(second?.state).toBe('served');
  });

  it('goes on with its dial when the caller that caused it leaves', () => {
    const host = unknownHost(100);
    const [first, second] = line(host, 2);
    first?.cancel();
    expect(host.dials).toHaveLength(1);
    const connection = host.connect();
    expect(second?.served).toBe(connection);
  });

  it('is warmed by one dial first, and by none once that one has failed', async () => {
    const good = unknownHost('exclusive');
    const warmed = good.hostPool.warm(4);
    expect(good.dials).toHaveLength(1);
    good.connect();
    expect(good.dials).toHaveLength(3);
    while (good.dials.length > 0) good.connect();
    expect(await warmed).toBe(4);

    const bad = unknownHost('exclusive');
    const failed = bad.hostPool.warm(4);
    bad.refuse();
    expect(await failed).toBe(0);
    expect(bad.dials).toHaveLength(0);
  });

  it('lets as many wait for its dial as could have one each, and then maxPending', () => {
    const host = unknownHost('exclusive', { maxDialing: 3, maxPending: 2 });
    const waiters = line(host, 6);
    expect(states(waiters)).toEqual([...Array<string>(5).fill('waiting'), 'failed']);
    expect(waiters[5]?.error).toBeInstanceOf(PoolError);
    expect(waiters[5]?.error?.message).toContain(
      '5 waiting: 3 for the dials, 2 in line of at most 2',
    );
    host.connect();
    expect(host.dials).toHaveLength(3);
  });

  it('takes one permit: other hosts have the rest', () => {
    const pool = new FakePool({ maxTotal: 4 });
    const unknown = pool.host('unknown', {}, 'unknown');
    line(unknown, 50);
    const other = pool.host('other');
    const waiters = line(other, 3);
    for (let i = 0; i < 3; i += 1) other.connect();
    expect(states(waiters)).toEqual(Array(3).fill('served'));
    expect([unknown.dials.length, pool.permits.used]).toEqual([1, 4]);
  });
});

describe('an origin that changes what it speaks', () => {
  it('gets one dial for many waiters before it was downgraded, and one each after', () => {
    const host = unknownHost(10);
    const before = line(host, 3);
    const shared = host.connect();
    shared.halfClose(); // GOAWAY
    host.speech = 'exclusive';
    const after = line(host, 4);
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(host.dials).toHaveLength(3);
    for (const acquire of before) acquire.release();
    expect([shared.isOpen, host.hostPool.liveCount]).toEqual([false, 1]);
    while (host.dials.length > 0) host.connect();
    expect(states(after)).toEqual(Array(4).fill('served'));
  });

  it('needs fewer dials than waiters once it was upgraded', () => {
    const host = new FakePool({ maxDialing: 2 }).host();
    const waiters = line(host, 30);
    host.speech = 20;
    host.connect();
    expect(states(waiters).filter((state) => state === 'served')).toHaveLength(20);
    expect(host.dials).toHaveLength(1); // of its two dials, the one that is left is enough
  });
});

describe('the limit of a shared connection', () => {
  it('that rises serves waiters at once, the oldest first', () => {
    const host = unknownHost(1, { maxPerHost: 1 });
    const waiters = line(host, 4);
    const connection = host.connect();
    connection.setLimit(3);
    expect(states(waiters)).toEqual(['served', 'served', 'served', 'waiting']);
  });

  it('that falls takes no new callers until enough have left', () => {
    const host = unknownHost(3, { maxPerHost: 1 });
    const [a, b, c, d] = line(host, 4);
    const connection = host.connect();
    connection.setLimit(1);
    a?.release();
    b?.release();
    expect(d?.state).toBe('waiting');
    c?.release();
    expect(d?.served).toBe(connection);
  });

  it('of 0 leaves it idle, and its waiters waiting without more dials, until it rises', () => {
    const host = unknownHost(0, { maxPerHost: 5 });
    const waiters = line(host, 3);
    const connection = host.connect();
    expect(states(waiters)).toEqual(['waiting', 'waiting', 'waiting']);
    expect([host.dials.length, host.idleIds]).toEqual([0, [connection.id]]);
    connection.setLimit(2);
    expect(states(waiters)).toEqual(['served', 'served', 'waiting']);
    expect(host.dials).toHaveLength(1);
  });

  it('of 0 gives its place to a connection that may take them, when the origin has changed', () => {
    const host = unknownHost(0, { maxPerHost: 2 });
    const [waiter, fresh] = [host.acquire(), host.acquire({ fresh: true })];
    const connection = host.connect();
    host.speech = 'exclusive';
    expect(host.dials).toHaveLength(0);
    connection.close();
    host.connect();
    expect([waiter.state, fresh.state]).toEqual(['served', 'waiting']);
    host.connect();
    expect(fresh.isReused).toBe(false);
  });

  it('of 0 makes way at maxPerHost as soon as its last holder has left', () => {
    const host = unknownHost(1, { maxPerHost: 2, maxDialing: 1 });
    const [a, b, c] = line(host, 3);
    const full = host.connect();
    host.connect();
    full.setLimit(0);
    b?.served.setLimit(1); // the last word: another connection would help
    expect([c?.state, host.dials.length]).toEqual(['waiting', 0]);
    a?.release();
    expect(full.isOpen).toBe(false);
    const next = host.connect();
    expect(c?.served).toBe(next);
  });

  it('of 0 does not hide the idle ones behind it', () => {
    const host = unknownHost(1);
    const [a, b] = line(host, 2);
    host.connect();
    host.connect();
    const free = b?.served;
    a?.served.setLimit(0);
    a?.release();
    b?.release();
    expect(host.acquire().served).toBe(free);
    expect(host.acquire().state).toBe('waiting');
  });

  it('of 0 holds up no drain, once its waiters have left', () => {
    const host = unknownHost(0);
    const waiter = host.acquire();
    const connection = host.connect();
    host.hostPool.drain();
    expect(connection.isOpen).toBe(false);
    expect(waiter.state).toBe('waiting');
    waiter.cancel();
    expect([host.quiet > 0, host.pool.permits.used]).toEqual([true, 0]);
  });

  it('of 0, where none is kept idle, does not storm the origin with dials', () => {
    const host = unknownHost(0, { maxIdlePerHost: 0 });
    const waiter = host.acquire();
    const { clock } = host.pool;
    let dialled = 0;
    while (clock.now() < 1_000) {
      for (let i = 0; i < 10 && host.dials.length > 0; i += 1, dialled += 1) host.connect();
      clock.advance(1);
    }
    // As for an origin that refuses: at first a few more, then one each 100 ms, less the jitter.
    expect(dialled).toBeLessThan(30);
    host.speech = 1;
    clock.advance(CONSTANTS.dialBackoffMaxMs);
    host.connect();
    expect(waiter.state).toBe('served');
  });

  it('of 0 keeps no caller waiting for a connection that has said goodbye', () => {
    const host = unknownHost(5);
    const held = host.acquire();
    const old = host.connect();
    old.setLimit(0);
    const [first, second] = line(host, 2);
    expect(host.dials).toHaveLength(0); // it may rise
    old.halfClose();
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect([first?.state, second?.state, held.state]).toEqual(['served', 'served', 'served']);
  });

  it('of 0 keeps no caller waiting for one that its holders found unfit', () => {
    const host = unknownHost(5);
    const [a] = [host.acquire(), host.acquire()];
    host.connect().setLimit(0);
    const waiter = host.acquire();
    expect(host.dials).toHaveLength(0);
    a.release(false);
    host.connect();
    expect(waiter.state).toBe('served');
  });

  it('says nothing of the next connection once its own has said goodbye', () => {
    const host = unknownHost(100);
    host.acquire();
    const old = host.connect();
    old.halfClose();
    old.setLimit(1);
    line(host, 50);
    expect(host.dials).toHaveLength(1);
  });

  it('nor does one that is open and takes no more callers, because a holder found it unfit', () => {
    const host = unknownHost(100);
    const [first] = line(host, 2);
    const old = host.connect();
    first?.release(false);
    old.setLimit(1);
    line(host, 50);
    expect(host.dials).toHaveLength(1);
  });

  it('counts for the next dials only while the origin is known to share', () => {
    const host = unknownHost(2);
    const held = host.acquire();
    const old = host.connect();
    old.halfClose();
    host.speech = 'exclusive';
    host.acquire();
    host.connect();
    old.setLimit(50);
    line(host, 3);
    expect(host.dials).toHaveLength(3);
    held.release();
  });
});
