/** Which shared connection a caller gets, in what order callers are served, and what that costs. */
import { describe, expect, it } from 'vitest';
import { FakePool, type FakeAcquire, type FakeHost } from '../../test/support/fake-pool.js';
import type { PoolConfigInput } from '../config/pool-config.js';

function sharedHost(capacity: number, config: PoolConfigInput = {}): FakeHost {
  const host = new FakePool(config).host('a', {}, 'shared', capacity);
  host.speech = capacity;
  return host;
}

function acquires(host: FakeHost, count: number): FakeAcquire[] {
  return Array.from({ length: count }, () => host.acquire());
}

/** As many connections as `count`, each held by as many as it takes. */
function full(host: FakeHost, count: number, capacity: number): FakeAcquire[] {
  const held: FakeAcquire[] = [];
  for (let i = 0; i < count; i += 1) {
    const waiters = acquires(host, capacity);
    host.connect();
    held.push(...waiters);
  }
  return held;
}

/** How often the pool has looked at a connection. */
function countLooks(host: FakeHost): () => number {
  let looks = 0;
  for (const connection of host.connections) {
    const { callerLimit } = connection;
    Object.defineProperty(connection, 'callerLimit', {
      get: () => {
        looks += 1;
        return callerLimit;
      },
    });
  }
  return () => looks;
}

describe('of several shared connections', () => {
  it('a caller gets the one that was full last: the others become idle', () => {
    const host = sharedHost(10, { maxPerHost: 3 });
    let held = full(host, 3, 10);
    // The load falls to a third. Callers end in any order, each is followed by another one while there is more load.
    for (const [i, one] of held.filter((_, n) => n % 3 > 0).entries()) {
      one.release();
      if (i % 2 === 0) held.push(host.acquire());
    }
    held = held.filter(({ state }) => state === 'served');
    for (let i = 0; i < 60; i += 1) {
      held.shift()?.release();
      if (held.length < 8) held.push(host.acquire());
    }
    expect(held).toHaveLength(8);
    expect([host.hostPool.idle.size, host.hostPool.activeCount]).toEqual([2, 1]);
  });

  it('the one that was full last is filled up again before one that most of its callers have left', () => {
    const host = sharedHost(10, { maxPerHost: 2 });
    const held = full(host, 2, 10);
    for (const one of held.slice(0, 7)) one.release();
    held[10]?.release();
    const next = host.acquire();
    expect(next.connection).toBe(held[11]?.connection);
    next.release();
    for (const one of held.slice(7, 10)) one.release();
    expect(host.hostPool.idle.size).toBe(1); // no caller has joined the other one
  });

  it('those idle expire, and the busy one stays', () => {
    const host = sharedHost(2, { maxPerHost: 3, idleTimeout: 1_000 });
    const held = full(host, 3, 2);
    for (const one of held.slice(1)) one.release();
    for (let i = 0; i < 10; i += 1) {
      host.pool.clock.advance(300);
      host.acquire().release();
      host.sweep();
    }
    expect(host.hostPool.liveCount).toBe(1);
    expect(held[0]?.connection?.isOpen).toBe(true);
  });

  it('of idle ones the one used last is taken, so that the others expire, whatever the order', () => {
    const host = sharedHost(2, { maxPerHost: 3, idleTimeout: 1_000, order: 'fifo' });
    for (const one of full(host, 3, 2)) one.release();
    for (let i = 0; i < 10; i += 1) {
      host.pool.clock.advance(300);
      host.acquire().release();
      host.sweep();
    }
    expect(host.hostPool.liveCount).toBe(1);
  });

  it('one is found without a walk over those that are full', () => {
    const looksFor = (count: number): number => {
      const host = sharedHost(4, { maxPerHost: 1_000, maxTotal: 1_000 });
      const held = full(host, count, 4);
      const looks = countLooks(host);
      for (let i = 0; i < 100; i += 1) {
        held[(i * 7) % held.length]?.release();
        held[(i * 7) % held.length] = host.acquire();
      }
      return looks();
    };
    expect(looksFor(500)).toBe(looksFor(5));
    expect(looksFor(500)).toBeLessThanOrEqual(100 * 8);
  });

  it('those past their lifetime are met once', () => {
    const host = sharedHost(2, {
      maxPerHost: 400,
      maxTotal: 1_000,
      maxLifetime: 1_000,
      maxIdlePerHost: 0,
    });
    const held = full(host, 200, 2);
    for (const [i, one] of held.entries()) if (i % 2 === 0) one.release();
    const looks = countLooks(host);
    host.pool.clock.advance(1_000);
    expect(host.acquire().state).toBe('waiting');
    const first = looks();
    acquires(host, 10);
    expect(looks() - first).toBeLessThan(50);
    expect(held[1]?.served.record.sharing).toBe('leaving');
  });
});

describe('ten thousand callers of one connection that takes a hundred', () => {
  it('are served in the order in which they came, in bounded time', () => {
    const host = sharedHost(100, { maxPerHost: 1, maxPending: 20_000 });
    const order: number[] = [];
    const held: FakeAcquire[] = [];
    const start = (i: number): void => {
      host.acquire({
        onConnected: (acquire) => {
          order.push(i);
          held.push(acquire);
        },
      });
    };
    for (let i = 0; i < 10_000; i += 1) start(i);
    host.connect();
    const looks = countLooks(host);
    for (let late = 10_000; held.length > 0; late += 1) {
      // Any of them ends first; and callers that come later pass none that waits.
      const [one] = held.splice((late * 31) % held.length, 1);
      if (late < 11_000) start(late);
      one?.release();
    }
    expect(order).toEqual(Array.from({ length: 11_000 }, (_, i) => i));
    expect(looks()).toBeLessThan(11_000 * 10);
    expect(host.connections).toHaveLength(1);
  });

  it('are not passed by a caller that asks in the call stack of a hand-over', () => {
    const host = sharedHost(2, { maxPerHost: 1 });
    let late: FakeAcquire | undefined;
    const first = host.acquire({ onConnected: () => (late = host.acquire()) });
    const second = host.acquire();
    const third = host.acquire();
    host.connect();
    expect([first.state, second.state, third.state, late?.state]).toEqual([
      'served',
      'served',
      'waiting',
      'waiting',
    ]);
    first.release();
    expect([third.state, late?.state]).toEqual(['served', 'waiting']);
  });
});
