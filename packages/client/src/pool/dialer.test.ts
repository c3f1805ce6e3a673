import { describe, expect, it } from 'vitest';
import { FakePool, oneHost, type FakeHost } from '../../test/support/fake-pool.js';
import { CONSTANTS } from '../config/constants.js';
import { acquireTimeout } from './host-report.js';

describe('dials', () => {
  it('are as many as there are waiters, up to maxDialing', () => {
    const host = oneHost({ maxDialing: 3 });
    for (let i = 0; i < 5; i += 1) host.acquire();
    expect(host.dials).toHaveLength(3);
    host.connect();
    expect(host.dials).toHaveLength(3);
    host.connect();
    host.connect();
    expect(host.dials).toHaveLength(2);
  });

  it('are not made for more than there is room for under maxPerHost', () => {
    const host = oneHost({ maxPerHost: 2 });
    host.dialled();
    for (let i = 0; i < 3; i += 1) host.acquire();
    expect([host.dials.length, host.hostPool.liveCount]).toEqual([1, 1]);
    host.connect();
    expect([host.dials.length, host.hostPool.liveCount]).toEqual([0, 2]);
  });

  it('that answer twice, or late, count once', () => {
    const host = oneHost();
    const acquire = host.acquire();
    const [dial] = host.dials;
    const connection = host.connect();
    dial?.connectAgain(connection);
    dial?.refuse();
    expect(host.hostPool.counters).toMatchObject({ created: 1, failed: 0 });
    expect(acquire.settled).toBe(1);
    expect(host.pool.permits.used).toBe(1);
  });

  it('that bring a dead connection are followed by another', () => {
    const host = oneHost();
    const acquire = host.acquire();
    const dial = host.dials[0];
    const dead = host.fill(0);
    expect(dead).toEqual([]);
    dial?.connect();
    acquire.served.close();
    acquire.release();
    expect(host.hostPool.isEmpty).toBe(true);
    expect(host.pool.permits.used).toBe(0);
  });
});

describe('a failed dial', () => {
  it('gives its slot back: after many failures the next one succeeds (flaw 3)', () => {
    const host = oneHost({ maxPerHost: 2, maxTotal: 2 });
    for (let i = 0; i < 50; i += 1) {
      const acquire = host.acquire();
      host.pool.clock.advance(CONSTANTS.dialBackoffMaxMs);
      host.refuse(new Error(`failure ${i}`));
      expect(acquire.error?.message).toBe(`failure ${i}`);
      expect(host.pool.permits.used).toBe(0);
    }
    const acquire = host.acquire();
    host.pool.clock.advance(CONSTANTS.dialBackoffMaxMs);
    host.connect();
    expect(acquire.state).toBe('served');
    expect(host.hostPool.counters).toMatchObject({ failed: 50, created: 1 });
  });

  it('fails the oldest waiter, and only when the dials left are too few for the queue', () => {
    const host = oneHost();
    const [a, b] = [host.acquire(), host.acquire()];
    host.refuse();
    expect([a.state, b.state]).toEqual(['failed', 'waiting']);
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(b.state).toBe('served');
  });

  it('fails no waiter when the one it was for has left, or was served', () => {
    const host = oneHost();
    const [a, b] = [host.acquire(), host.acquire()];
    a.cancel();
    host.refuse();
    expect(b.state).toBe('waiting');
    host.connect();
    expect(b.state).toBe('served');
  });

  it('that throws instead of answering is a failed dial, and gives its slot back', () => {
    const host = oneHost({ maxPerHost: 1, maxTotal: 1 });
    host.dialThrows = new Error('bad TLS options');
    const acquire = host.acquire();
    expect(acquire.error?.message).toBe('bad TLS options');
    expect(acquire.settled).toBe(1);
    expect([host.pool.permits.used, host.hostPool.counters.failed]).toEqual([0, 1]);
    host.dialThrows = undefined;
    const next = host.acquire();
    host.connect();
    expect(next.state).toBe('served');
  });
});

describe('a host that refuses', () => {
  function failing(config = {}): FakeHost {
    const host = oneHost(config);
    for (let i = 0; i < CONSTANTS.dialFailuresBeforeBackoff; i += 1) {
      host.acquire();
      host.refuse();
    }
    return host;
  }

  it('is dialled without a pause until three dials in a row have failed', () => {
    const host = oneHost();
    for (let i = 0; i < 2; i += 1) {
      host.acquire();
      host.refuse();
    }
    host.acquire();
    expect(host.dials).toHaveLength(1);
    host.refuse();
    host.acquire();
    expect(host.dials).toHaveLength(0);
  });

  it('is then probed by one dial at a time, spaced out from 10 ms to 100 ms', () => {
    const host = failing();
    const { clock } = host.pool;
    const pauses: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      for (let n = 0; n < 4; n += 1) host.acquire();
      const from = clock.now();
      while (host.dials.length === 0) clock.advance(1);
      expect(host.dials).toHaveLength(1);
      pauses.push(clock.now() - from);
      host.refuse();
    }
    // With chance at 0.5 each pause is three quarters of 10, 20, 40, 80, 100, 100, rounded up.
    expect(pauses).toEqual([8, 15, 30, 60, 75, 75]);
  });

  it('spreads the probes of processes that failed together', () => {
    for (const [random, atMs] of [
      [0, 5],
      [1 - 2 ** -53, 10],
    ] as const) {
      const pool = new FakePool();
      pool.random = () => random;
      const host = pool.host();
      for (let i = 0; i < 3; i += 1) {
        host.acquire();
        host.refuse();
      }
      host.acquire();
      expect(pool.clock.nextTimerAt).toBe(atMs);
    }
  });

  it('fails all waiters with the probe, at once', () => {
    const host = failing();
    const line = Array.from({ length: 20 }, () => host.acquire());
    const fresh = host.acquire({ fresh: true });
    host.pool.clock.advance(10);
    expect(host.dials).toHaveLength(1);
    const error = new Error('still down');
    host.refuse(error);
    expect([...line, fresh].every((acquire) => acquire.error === error)).toBe(true);
    expect(host.pool.clock.pendingTimers).toBe(0); // no waiter: nothing to wake up for
  });

  it('is dialled freely again after one success, also when its pause is not over', () => {
    const host = oneHost();
    const line = Array.from({ length: 6 }, () => host.acquire());
    for (let i = 0; i < 3; i += 1) host.refuse();
    const late = [host.acquire(), host.acquire(), host.acquire()];
    expect(host.dials).toHaveLength(3);
    host.connect();
    expect(line[3]?.state).toBe('served');
    expect(host.dials).toHaveLength(5); // one for each waiter, at once
    while (host.dials.length > 0) host.connect();
    expect([...line.slice(3), ...late].every(({ state }) => state === 'served')).toBe(true);
    expect(host.pool.clock.pendingTimers).toBe(0);
  });

  it('leaves no timer behind when who waited has left or was refused', () => {
    const host = failing();
    const acquire = host.acquire();
    expect(host.pool.clock.pendingTimers).toBe(1);
    acquire.cancel();
    expect(host.pool.clock.pendingTimers).toBe(0);
    const never = failing({ maxPending: 0 });
    expect(never.acquire().state).toBe('failed');
    expect(never.pool.clock.pendingTimers).toBe(0);
  });

  it('still serves on the connections it has: while one is live, waiters wait', () => {
    const host = oneHost({ maxPerHost: 4 });
    const busy = host.dialled();
    const line = Array.from({ length: 9 }, () => host.acquire());
    for (let i = 0; i < 20; i += 1) {
      while (host.dials.length > 0) host.refuse();
      host.pool.clock.advance(CONSTANTS.dialBackoffMaxMs);
    }
    expect(line.every(({ state }) => state === 'waiting')).toBe(true);
    let holder = busy;
    for (const waiter of line) {
      holder.release();
      expect(waiter.isReused).toBe(true);
      holder = waiter;
    }
  });

  it('fails its waiters once nothing is live any more', () => {
    const host = oneHost({ maxPerHost: 4 });
    const busy = host.dialled();
    const line = Array.from({ length: 3 }, () => host.acquire());
    while (host.dials.length > 0) host.refuse();
    busy.release(false);
    expect(line.every(({ state }) => state === 'waiting')).toBe(true);
    host.pool.clock.advance(CONSTANTS.dialBackoffMaxMs);
    const error = new Error('still down');
    host.refuse(error);
    expect(line.map((waiter) => waiter.error)).toEqual([error, error, error]);
  });

  it('fails a waiter that needs a fresh connection, though others are live', () => {
    const host = oneHost({ maxPerHost: 4, maxDialing: 1 });
    host.dialled();
    const [fresh, other] = [host.acquire({ fresh: true }), host.acquire()];
    host.refuse();
    expect([fresh.state, other.state]).toEqual(['failed', 'waiting']);
  });

  it('is the cause named when a wait beside live connections takes too long', () => {
    const host = oneHost({ maxPerHost: 2 });
    host.dialled();
    host.acquire();
    const error = new Error('too many connections');
    host.refuse(error);
    expect(acquireTimeout(host.hostPool, 1, 'timeout').cause).toBe(error);
    host.connect();
    expect(acquireTimeout(host.hostPool, 1, 'timeout').cause).toBeUndefined();
  });

  it('keeps the process alive only while a caller waits for its next dial', async () => {
    const host = failing();
    const { clock } = host.pool;
    void host.hostPool.warm(2, false);
    expect([clock.pendingTimers, clock.awaitedTimers]).toEqual([1, 0]); // the sweeper asked
    const waiter = host.acquire();
    expect([clock.pendingTimers, clock.awaitedTimers]).toEqual([1, 1]);
    waiter.cancel();
    expect([clock.pendingTimers, clock.awaitedTimers]).toEqual([1, 0]);
    const warmed = host.hostPool.warm(4);
    expect([clock.pendingTimers, clock.awaitedTimers]).toEqual([1, 1]);
    host.hostPool.close();
    expect(await warmed).toBe(0);
  });
});

describe('warm', () => {
  it('dials until that many are idle, and says how many are', async () => {
    const host = oneHost();
    const warmed = host.hostPool.warm(3);
    expect(host.dials).toHaveLength(3);
    while (host.dials.length > 0) host.connect();
    expect(await warmed).toBe(3);
    expect(await host.hostPool.warm(2)).toBe(3);
    expect(host.hostPool.counters).toMatchObject({ created: 3, hits: 0, misses: 0 });
  });

  it('dials at most maxDialing at a time, and all of them (flaw 9)', async () => {
    const host = oneHost({ maxDialing: 2 });
    const warmed = host.hostPool.warm(5);
    let atOnce = 0;
    while (host.dials.length > 0) {
      atOnce = Math.max(atOnce, host.dials.length);
      host.connect();
    }
    expect(await warmed).toBe(5);
    expect(atOnce).toBe(2);
  });

  it('stays under maxIdlePerHost and maxPerHost', async () => {
    const idle = oneHost({ maxIdlePerHost: 2 });
    const warmed = idle.hostPool.warm(10);
    while (idle.dials.length > 0) idle.connect();
    expect(await warmed).toBe(2);
    const full = oneHost({ maxPerHost: 3 });
    full.dialled();
    full.dialled();
    const second = full.hostPool.warm(10);
    expect(full.dials).toHaveLength(1);
    full.connect();
    expect(await second).toBe(1);
  });

  it('neither evicts nor waits at maxTotal: a spare is not worth it', async () => {
    const pool = new FakePool({ maxTotal: 4 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    a.fill(2);
    const warmed = b.hostPool.warm(10);
    while (b.dials.length > 0) b.connect();
    expect(await warmed).toBe(2);
    expect([a.hostPool.idle.size, b.hostPool.idle.size]).toEqual([2, 2]);
    expect(b.hostPool.counters.created).toBe(2);
    expect(await a.hostPool.warm(10)).toBe(2);
  });

  it('ends when dials fail, with what became ready', async () => {
    const host = oneHost();
    const warmed = host.hostPool.warm(3);
    host.connect();
    host.refuse();
    host.refuse();
    expect(await warmed).toBe(1);
    expect(host.hostPool.isEmpty).toBe(false);
    expect(host.dials).toHaveLength(0);
  });

  it('ends for a host that is down, one probe after the other', async () => {
    const host = oneHost({ maxDialing: 8 });
    const warmed = host.hostPool.warm(20);
    for (let i = 0; i < 1_000 && !host.hostPool.isEmpty; i += 1) {
      while (host.dials.length > 0) host.refuse();
      host.pool.clock.advance(10);
    }
    expect(await warmed).toBe(0);
    expect(host.pool.clock.pendingTimers).toBe(0);
  });

  it('gives its connection to who comes meanwhile, and dials again for the spare', async () => {
    const host = oneHost();
    const warmed = host.hostPool.warm(1);
    const acquire = host.acquire();
    host.connect();
    expect(acquire.state).toBe('served');
    expect(host.dials).toHaveLength(1);
    host.connect();
    expect(await warmed).toBe(1);
  });

  it('does nothing with pooling off, and nothing while draining', async () => {
    const off = oneHost({ enablePooling: false });
    expect(await off.hostPool.warm(3)).toBe(0);
    const draining = oneHost();
    draining.hostPool.drain();
    expect(await draining.hostPool.warm(3)).toBe(0);
    expect(draining.dials).toHaveLength(0);
  });
});
