import { describe, expect, it } from 'vitest';
import { FakePool, type FakeHost } from '../../test/support/fake-pool.js';
import { Link } from './linked-list.js';
import { Permits, type PermitTaker } from './permits.js';

describe('maxTotal', () => {
  it('makes room by ending the connection idle longest anywhere in the pool', () => {
    const pool = new FakePool({ maxTotal: 3 });
    const [a, b, c] = [pool.host('a'), pool.host('b'), pool.host('c')];
    const [oldest] = b.fill(1);
    pool.clock.advance(1);
    a.fill(2);
    const acquire = c.acquire();
    expect(oldest?.isOpen).toBe(false);
    expect(b.hostPool.counters.evictions).toBe(1);
    expect(a.hostPool.idle.size).toBe(2);
    c.connect();
    expect(acquire.state).toBe('served');
    expect(pool.permits.used).toBe(3);
  });

  it('counts dials: they hold a permit before they are connections', () => {
    const pool = new FakePool({ maxTotal: 2 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    a.acquire();
    a.acquire();
    b.acquire();
    expect([a.dials.length, b.dials.length, pool.permits.used]).toEqual([2, 0, 2]);
    a.refuse();
    expect([a.dials.length, b.dials.length, pool.permits.used]).toEqual([1, 1, 2]);
  });

  it('lets a host wait until another one has no use for its connection', () => {
    const pool = new FakePool({ maxTotal: 1 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    const busy = a.dialled();
    const waiter = b.acquire();
    expect(waiter.state).toBe('waiting');
    busy.release();
    expect(busy.connection?.isOpen).toBe(false);
    b.connect();
    expect(waiter.state).toBe('served');
  });

  it.each([
    ['ran out of time', (host: FakeHost) => host.acquire().cancel(true)],
    ['were aborted', (host: FakeHost) => host.acquire().cancel()],
    ['were served otherwise', (host: FakeHost) => servedOtherwise(host)],
    ['only warm it up', (host: FakeHost) => void host.hostPool.warm(1)],
  ])('lets no host wait for the dials of another whose callers %s', (_what, leave) => {
    const pool = new FakePool({ maxTotal: 3 });
    const [hung, other] = [pool.host('hung'), pool.host('other')];
    hung.dialled();
    hung.dialled();
    leave(hung);
    const [dial] = hung.dials;
    expect([hung.dials.length, pool.permits.used]).toEqual([1, 3]);
    const late = other.acquire();
    expect([dial?.isCancelled, hung.dials.length, other.dials.length]).toEqual([true, 0, 1]);
    other.connect();
    expect(late.state).toBe('served');
    expect(pool.permits.used).toBe(3);
  });

  it('leaves a dial alone for which a caller waits', () => {
    const pool = new FakePool({ maxTotal: 1 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    const first = a.acquire();
    const second = b.acquire();
    expect([a.dials.length, b.dials.length]).toEqual([1, 0]);
    first.cancel();
    expect([a.dials.length, b.dials.length]).toEqual([0, 1]);
    b.connect();
    expect(second.state).toBe('served');
  });

  it('serves starving hosts in turn, so that one with many waiters does not starve the others', () => {
    const pool = new FakePool({ maxTotal: 3 });
    const [busyHost, greedy, modest] = [
      pool.host('busy'),
      pool.host('greedy'),
      pool.host('modest'),
    ];
    const busy = [busyHost.dialled(), busyHost.dialled(), busyHost.dialled()];
    for (let i = 0; i < 10; i += 1) greedy.acquire();
    modest.acquire();
    for (const acquire of busy) acquire.release(false);
    expect([greedy.dials.length, modest.dials.length]).toEqual([2, 1]);
  });

  it('lets a host with a dial under way use each further permit at once', () => {
    const pool = new FakePool({ maxTotal: 2 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    const busy = [a.dialled(), a.dialled()];
    b.acquire();
    b.acquire();
    busy[0]?.release(false);
    expect(b.dials).toHaveLength(1);
    busy[1]?.release(false);
    expect(b.dials).toHaveLength(2); // not only when the first dial has ended
  });

  it('does not let a host that always has waiters keep every connection for ever', () => {
    const pool = new FakePool({ maxTotal: 2 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    let busy = [a.dialled(), a.dialled()];
    const starving = b.acquire();
    for (let i = 0; i < 10 && b.dials.length === 0; i += 1) {
      const next = [a.acquire(), a.acquire()];
      for (const acquire of busy) acquire.release();
      while (a.dials.length > 0) a.connect();
      busy = next.filter(({ state }) => state === 'served');
    }
    expect(b.dials).toHaveLength(1);
    b.connect();
    expect(starving.state).toBe('served');
  });

  it('ends no connection for a host whose waiters have left', () => {
    const pool = new FakePool({ maxTotal: 1 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    const busy = a.dialled();
    b.acquire().cancel();
    busy.release();
    expect(busy.connection?.isOpen).toBe(true);
    expect(a.hostPool.counters.evictions).toBe(0);
  });

  it('ends no connection for a host that refused its waiter', () => {
    const pool = new FakePool({ maxTotal: 1, maxPending: 0 });
    const [a, b] = [pool.host('a'), pool.host('b')];
    const busy = a.dialled();
    expect(b.acquire().state).toBe('failed');
    busy.release();
    expect(busy.connection?.isOpen).toBe(true);
  });

  it('lowered, evicts idle connections and then takes back what is released', () => {
    const pool = new FakePool({ maxTotal: 4 });
    const host = pool.host();
    const acquires = Array.from({ length: 4 }, () => host.dialled());
    acquires[0]?.release();
    pool.permits.setMax(2);
    expect(pool.permits.used).toBe(3);
    expect(acquires[1]?.release()).toBe(false);
    expect(pool.permits.used).toBe(2);
    expect(acquires[2]?.release()).toBe(true);
    expect(pool.permits.used).toBe(2);
  });

  it('lowered, takes back what is released, also while there is a waiter for it', () => {
    const pool = new FakePool({ maxTotal: 2 });
    const host = pool.host();
    const busy = [host.dialled(), host.dialled()];
    const waiter = host.acquire();
    pool.permits.setMax(1);
    expect(busy[0]?.release()).toBe(false);
    expect([pool.permits.used, waiter.state]).toEqual([1, 'waiting']);
    busy[1]?.release();
    expect(waiter.served).toBe(busy[1]?.connection);
  });

  it('lowered, keeps no connection that was still being dialled', () => {
    const pool = new FakePool({ maxTotal: 3 });
    const host = pool.host();
    const line = [host.acquire(), host.acquire(), host.acquire()];
    for (const waiter of line) waiter.cancel();
    pool.permits.setMax(1);
    while (host.dials.length > 0) host.connect();
    expect(pool.permits.used).toBe(1);
  });

  it('raised, lets all who wait dial', () => {
    const pool = new FakePool({ maxTotal: 1 });
    const hosts = Array.from({ length: 50 }, (_, i) => pool.host(`h${i}`));
    for (const host of hosts) host.acquire();
    pool.permits.setMax(50);
    expect(hosts.every(({ dials }) => dials.length === 1)).toBe(true);
  });

  it('raised by ten thousand for as many hosts does so without deep recursion, in short time', () => {
    const pool = new FakePool({ maxTotal: 1 });
    const hosts = Array.from({ length: 10_000 }, (_, i) => pool.host(`h${i}`));
    for (const host of hosts) {
      host.acquire();
      host.acquire();
    }
    const startedAt = performance.now();
    pool.permits.setMax(20_000);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(hosts.every(({ dials }) => dials.length === 2)).toBe(true);
  });
});

describe('Permits', () => {
  const taker = (wants = 1): PermitTaker & { got: number } => {
    const one = {
      got: 0,
      isStarving: false,
      permitLink: undefined as unknown as Link<PermitTaker>,
      permitGranted: () => {
        one.got += 1;
        return one.got < wants;
      },
    };
    one.permitLink = new Link<PermitTaker>(one);
    return one;
  };

  it('throws when a permit is given back that was not taken', () => {
    const permits = new Permits(1, () => undefined);
    expect(() => permits.giveBack()).toThrow('given back twice');
  });

  it('gives no permit to a host that has left the queue', () => {
    const permits = new Permits(1, () => undefined);
    const [first, second, third] = [taker(), taker(), taker()];
    permits.request(first);
    permits.request(second);
    permits.request(third);
    permits.leave(second);
    permits.giveBack();
    expect([first.got, second.got, third.got]).toEqual([1, 0, 1]);
    expect([permits.isWaiting(second), permits.isWaiting(third)]).toEqual([false, false]);
  });

  it('serves a starving taker first', () => {
    const permits = new Permits(1, () => undefined);
    const [first, second, starving] = [taker(), taker(), taker()];
    (starving as { isStarving: boolean }).isStarving = true;
    permits.request(first);
    permits.request(second);
    permits.request(starving);
    permits.giveBack();
    expect([second.got, starving.got]).toEqual([0, 1]);
  });

  it('gives further permits in turn', () => {
    const permits = new Permits(1, () => undefined);
    const [first, many, one] = [taker(), taker(3), taker()];
    permits.request(first);
    permits.request(many);
    permits.request(one);
    permits.giveBack();
    expect([many.got, one.got]).toEqual([1, 0]);
    permits.giveBack();
    expect([many.got, one.got]).toEqual([1, 1]);
    permits.giveBack();
    expect([many.got, one.got]).toEqual([2, 1]);
    permits.giveBack();
    expect([many.got, one.got]).toEqual([3, 1]);
    expect(permits.isWaiting(many)).toBe(false);
  });
});

/** Its caller gets a connection that was released meanwhile: the dial goes on without one. */
function servedOtherwise(host: FakeHost): void {
  const caller = host.acquire();
  const [connection] = host.connections;
  connection?.ended();
  if (connection !== undefined) host.hostPool.release(connection, true);
  expect(caller.state).toBe('served');
}
