/** Waiters that take only a connection straight from its dial: replays, tunnels. */
import { describe, expect, it } from 'vitest';
import { oneHost } from '../../test/support/fake-pool.js';

describe('a waiter that needs a fresh connection', () => {
  it('is never served by an idle one', () => {
    const host = oneHost();
    const [idle] = host.fill(1);
    const fresh = host.acquire({ fresh: true });
    expect(fresh.state).toBe('waiting');
    const connection = host.connect();
    expect(fresh.served).toBe(connection);
    expect(fresh.isReused).toBe(false);
    expect(host.idleIds).toEqual([idle?.id]);
  });

  it('is never served by a released one: that goes past it to the next in the queue, or idle', () => {
    const host = oneHost({ maxPerHost: 3 });
    const busy = [host.dialled(), host.dialled()];
    const fresh = host.acquire({ fresh: true });
    const normal = host.acquire();
    busy[0]?.release();
    busy[1]?.release();
    expect([fresh.state, normal.isReused, host.hostPool.idle.size]).toEqual(['waiting', true, 1]);
    host.connect();
    expect(fresh.isReused).toBe(false);
  });

  it('makes room at maxPerHost by ending the connection idle longest', () => {
    const host = oneHost({ maxPerHost: 2 });
    const [oldest, other] = host.fill(2);
    const fresh = host.acquire({ fresh: true });
    expect([oldest?.isOpen, other?.isOpen]).toEqual([false, true]);
    expect(host.hostPool.counters.evictions).toBe(1);
    host.connect();
    expect(fresh.isReused).toBe(false);
    expect(host.hostPool.liveCount).toBe(2);
  });

  it('makes room at maxPerHost by ending a released connection, when it has waited longest', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const fresh = host.acquire({ fresh: true });
    const normal = host.acquire();
    expect(busy.release()).toBe(false);
    expect(busy.connection?.isOpen).toBe(false);
    host.connect();
    expect([fresh.isReused, normal.state]).toEqual([false, 'waiting']);
    fresh.release();
    expect(normal.isReused).toBe(true);
  });

  it('does not jump the queue: earlier waiters take what is released', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const normal = host.acquire();
    const fresh = host.acquire({ fresh: true });
    busy.release();
    expect(normal.served).toBe(busy.connection);
    normal.release();
    host.connect();
    expect(fresh.isReused).toBe(false);
  });

  it('ends no more idle connections than it needs', () => {
    const host = oneHost({ maxPerHost: 3 });
    host.fill(3);
    host.acquire({ fresh: true });
    expect([host.hostPool.idle.size, host.dials.length]).toEqual([2, 1]);
    host.acquire({ fresh: true });
    expect([host.hostPool.idle.size, host.dials.length]).toEqual([1, 2]);
  });

  it('is not starved at maxTotal by younger waiters that take every released connection', () => {
    const host = oneHost({ maxTotal: 1 });
    let busy = host.dialled();
    const fresh = host.acquire({ fresh: true });
    for (let i = 0; i < 5 && fresh.state === 'waiting'; i += 1) {
      const next = host.acquire();
      busy.release();
      if (host.dials.length > 0) host.connect();
      if (next.state === 'served') busy = next;
    }
    expect(fresh.isReused).toBe(false);
  });
});
