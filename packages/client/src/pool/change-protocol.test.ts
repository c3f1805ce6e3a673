/** What the connections of a host speak is changed while it is in use. */
import { describe, expect, it } from 'vitest';
import { oneHost } from '../../test/support/fake-pool.js';

describe('a host whose protocol was changed', () => {
  it('ends idle connections at once, and those in use with the last caller that holds them', () => {
    const host = oneHost({ maxPerHost: 4 });
    host.fill(2);
    const held = host.acquire();
    host.hostPool.changeProtocol('unknown', 1);
    const [busy, idle] = host.connections;
    expect([busy?.isOpen, idle?.isOpen]).toEqual([true, false]);
    expect(held.release()).toBe(false);
    expect(busy?.isOpen).toBe(false);
    expect(host.hostPool).toMatchObject({ liveCount: 0, heldCount: 0, isForgettable: true });
  });

  it('lets no new caller join a shared connection', () => {
    const host = oneHost();
    host.speech = 10;
    const [first, second] = [host.dialled(), host.acquire()];
    host.hostPool.changeProtocol('exclusive', 1);
    const third = host.acquire();
    expect(third.state).toBe('waiting');
    expect(host.dials).toHaveLength(1);
    const fresh = host.connect('exclusive');
    expect(third.served).toBe(fresh);
    first.release();
    expect(first.connection?.isOpen).toBe(true);
    second.release();
    expect(first.connection?.isOpen).toBe(false);
    expect(host.hostPool).toMatchObject({ liveCount: 1, sharedHeldCount: 0 });
  });

  it('begins anew what is being dialled; waiters keep their order, and the old dial is cancelled', () => {
    const host = oneHost({ maxDialing: 1 });
    const line = [host.acquire(), host.acquire()];
    const [old] = host.dials;
    host.hostPool.changeProtocol('unknown', 1);
    expect(old?.isCancelled).toBe(true);
    expect(host.dials).toHaveLength(1);
    expect(host.hostPool.dialingCount).toBe(1);
    const connection = host.connect(5);
    expect(line.map((one) => one.connection)).toEqual([connection, connection]);
  });

  it('asks first where the protocol has to be found out, and holds the limit meanwhile', () => {
    const host = oneHost({ maxPerHost: 3 });
    host.fill(3);
    const held = [host.acquire(), host.acquire(), host.acquire()];
    const line = [host.acquire(), host.acquire()];
    host.hostPool.changeProtocol('unknown', 1);
    expect(host.dials).toHaveLength(0); // three are live
    held[0]?.release();
    expect(host.dials).toHaveLength(1);
    held[1]?.release();
    expect(host.dials).toHaveLength(1);
    host.connect('exclusive');
    expect(line.map(({ state }) => state)).toEqual(['served', 'waiting']);
    expect(host.dials).toHaveLength(1); // it is known now
  });

  it('expects what it is told', () => {
    const host = oneHost();
    host.hostPool.changeProtocol('shared', 2);
    for (let i = 0; i < 5; i += 1) host.acquire();
    expect(host.dials).toHaveLength(3);
  });
});
