/** Connections that several callers hold at once, as HTTP/2 sessions are. */
import { describe, expect, it } from 'vitest';
import { FakePool } from '../../test/support/fake-pool.js';
import type { PoolConfigInput } from '../config/pool-config.js';

function sharedHost(capacity: number, config: PoolConfigInput = {}) {
  const pool = new FakePool(config);
  pool.capacity = capacity;
  return pool.host();
}

describe('a connection that can be shared', () => {
  it('serves waiters up to its capacity as soon as it is there', () => {
    const host = sharedHost(3, { maxDialing: 1 });
    const line = Array.from({ length: 4 }, () => host.acquire());
    const session = host.connect();
    expect(line.map(({ connection }) => connection)).toEqual([
      session,
      session,
      session,
      undefined,
    ]);
    expect(line.map(({ isReused }) => isReused)).toEqual([false, true, true, undefined]);
    expect(host.hostPool.counters).toMatchObject({ misses: 1, hits: 2, created: 1 });
    expect(host.dials).toHaveLength(1); // for the fourth
  });

  it('takes no more of its waiters than maxRequestsPerConnection', () => {
    const host = sharedHost(20, { maxRequestsPerConnection: 3, maxDialing: 1 });
    const line = Array.from({ length: 5 }, () => host.acquire());
    host.connect();
    host.connect();
    const [first, second] = host.connections;
    expect(line.map(({ connection }) => connection)).toEqual([first, first, first, second, second]);
    for (const acquire of line) acquire.release();
    expect([first?.isOpen, second?.isOpen]).toEqual([false, true]);
  });

  it('fails its waiters at once when it has said goodbye, and no other one is to be had', () => {
    const host = sharedHost(2);
    const held = host.dialled();
    held.served.halfClose();
    const waiter = host.acquire();
    host.refuse();
    expect(waiter.state).toBe('failed');
    held.release();
  });

  it('serves who comes later, while it has room', () => {
    const host = sharedHost(2);
    const first = host.dialled();
    expect(host.acquire().served).toBe(first.connection);
    expect(host.acquire().state).toBe('waiting');
    expect(host.hostPool.activeCount).toBe(1);
  });

  it('gives a freed slot to the oldest waiter', () => {
    const host = sharedHost(2, { maxPerHost: 1 });
    const [a, b] = [host.dialled(), host.acquire()];
    const [c, d] = [host.acquire(), host.acquire()];
    a.release();
    expect([c.served, d.state]).toEqual([b.served, 'waiting']);
    b.release();
    expect(d.served).toBe(c.served);
  });

  it('owes nothing to a caller that leaves before it has begun anything', () => {
    const host = sharedHost(2, { maxPerHost: 1 });
    const [a, b] = [host.dialled(), host.acquire({ begins: false })];
    const [c, d] = [host.acquire({ begins: false }), host.acquire()];
    b.release();
    expect(c.served).toBe(a.connection);
    c.release();
    expect(d.served).toBe(a.connection);
    expect([a.served.record.holders, host.acquire().state]).toEqual([2, 'waiting']);
    expect(host.dials).toHaveLength(0);
  });

  it('is given back only by a caller that has ended what it began', () => {
    const host = sharedHost(2);
    const { served: session } = host.dialled();
    expect(() => host.hostPool.release(session, true)).toThrow('ends what it began');
  });

  it('goes idle with its last holder, not before', () => {
    const host = sharedHost(3);
    const [a, b] = [host.dialled(), host.acquire()];
    a.release();
    expect([host.hostPool.idle.size, host.hostPool.activeCount]).toEqual([0, 1]);
    b.release();
    expect([host.hostPool.idle.size, host.hostPool.activeCount]).toEqual([1, 0]);
    expect(host.acquire().served).toBe(a.connection);
    expect(host.acquire().served).toBe(a.connection);
  });

  it('that one holder found unfit takes no new holder, and ends with the last of the others', () => {
    const host = sharedHost(3, { maxPerHost: 1 });
    const [a, b] = [host.dialled(), host.acquire()];
    const session = a.served;
    expect(a.release(false)).toBe(false);
    const next = host.acquire();
    expect([next.state, session.isOpen]).toEqual(['waiting', true]);
    expect(b.release()).toBe(false);
    expect(session.isOpen).toBe(false);
    host.connect();
    expect(next.isReused).toBe(false);
  });

  it('takes no new holder past its lifetime, however busy it is (flaw 1)', () => {
    const host = sharedHost(10, { maxLifetime: 10_000 });
    let holder = host.dialled();
    const session = holder.served;
    for (let i = 0; i < 20 && session.isOpen; i += 1) {
      host.pool.clock.advance(1_000);
      const next = host.acquire(); // before the last one ends: it is never idle
      if (next.state === 'waiting') host.connect();
      holder.release();
      holder = next;
    }
    expect(session.isOpen).toBe(false);
    expect(host.pool.clock.now()).toBe(10_000);
  });

  it('that refuses new streams is passed over, and leaves with its last holder', () => {
    const host = sharedHost(3);
    const [a, b] = [host.dialled(), host.acquire()];
    a.served.halfClose(); // GOAWAY
    const next = host.acquire();
    expect(next.state).toBe('waiting');
    expect(a.release()).toBe(false);
    expect(host.hostPool.liveCount).toBe(1);
    b.release();
    expect(host.hostPool.liveCount).toBe(0);
  });

  it('may be released in the hand-over itself', () => {
    const host = sharedHost(3, { maxDialing: 1 });
    const line = Array.from({ length: 4 }, () =>
      host.acquire({ onConnected: (acquire) => acquire.release() }),
    );
    const session = host.connect();
    expect(line.map(({ state }) => state)).toEqual(Array(4).fill('released'));
    expect(host.idleIds).toEqual([session.id]);
    expect(session.underWay).toBe(0);
    expect(session.record.holders).toBe(0);
  });

  it('may be taken and released by others in the hand-over', () => {
    const host = sharedHost(2, { maxDialing: 1, maxPerHost: 1 });
    const nested: string[] = [];
    const line = [
      host.acquire({
        onConnected: (acquire) => {
          const other = host.acquire();
          nested.push(other.state);
          acquire.release();
          if (other.state === 'served') other.release();
        },
      }),
      host.acquire(),
      host.acquire(),
    ];
    const session = host.connect();
    expect(nested).toHaveLength(1);
    expect(line.map(({ state }) => state)).toEqual(['released', 'served', 'served']);
    expect(session.record.holders).toBe(2);
    expect(host.hostPool.idle.size).toBe(0);
  });

  it('makes way at the limit for a waiter that needs a fresh one, once its holders are done', () => {
    const host = sharedHost(3, { maxPerHost: 1 });
    const [a, b] = [host.dialled(), host.acquire()];
    const fresh = host.acquire({ fresh: true });
    a.release();
    expect(host.acquire().state).toBe('waiting'); // no new holder joins it now
    b.release();
    host.connect();
    expect(fresh.isReused).toBe(false);
  });
});
