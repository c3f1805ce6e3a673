/** A dial that hangs holds up no caller for longer than it must. */
import { describe, expect, it } from 'vitest';
import { oneHost } from '../../test/support/fake-pool.js';
import { CONSTANTS } from '../config/constants.js';
import { ConnectError } from '../errors.js';

const { slowDialMs } = CONSTANTS;

describe('a dial that a caller ran out of time on', () => {
  it('is not relied on by the next caller: another one is started', () => {
    const host = oneHost();
    host.acquire().cancel(true);
    const next = host.acquire();
    expect(host.dials).toHaveLength(2);
    host.dials[1]?.connect();
    expect(next.state).toBe('served');
  });

  it('is relied on when its caller left for another reason', () => {
    const host = oneHost();
    host.acquire().cancel();
    const next = host.acquire();
    expect([host.dials.length, next.dial]).toEqual([1, host.dials[0]]);
  });

  it('still serves the first in the queue when it comes through', () => {
    const host = oneHost();
    host.acquire().cancel(true);
    const next = host.acquire();
    const connection = host.connect();
    expect(next.served).toBe(connection);
  });

  it('gives up its place to the next one when maxDialing, maxPerHost or maxTotal allow no more', () => {
    for (const limit of [{ maxDialing: 2 }, { maxPerHost: 2 }, { maxTotal: 2 }]) {
      const host = oneHost(limit);
      for (let i = 0; i < 6; i += 1) host.acquire().cancel(true);
      expect(host.dials).toHaveLength(2);
      const next = host.acquire();
      host.dials[1]?.connect();
      expect(next.state).toBe('served');
      expect(host.pool.permits.used).toBe(2);
    }
  });

  it('keeps the oldest: a host that is only slower than its callers gets a connection done', () => {
    const host = oneHost({ maxDialing: 3 });
    host.acquire();
    const [oldest] = host.dials;
    for (let i = 0; i < 20; i += 1) {
      host.acquire().cancel(true);
      host.pool.clock.advance(50);
    }
    expect(host.dials[0]).toBe(oldest);
  });

  it('has its only place for a second, and twice as long each time', () => {
    const host = oneHost({ maxPerHost: 1 });
    const startedAt: number[] = [];
    const { clock } = host.pool;
    let last: unknown;
    while (clock.now() < 20_000) {
      const acquire = host.acquire();
      if (host.dials[0] !== last) startedAt.push(clock.now());
      last = host.dials[0];
      clock.advance(100);
      acquire.cancel(true);
    }
    const gaps = startedAt.slice(1).map((atMs, i) => atMs - startedAt[i]!);
    expect(gaps.slice(0, 4)).toEqual([1, 2, 4, 8].map((times) => times * slowDialMs));
    host.acquire();
    host.connect();
    expect(host.hostPool.liveCount).toBe(1);
  });

  it.each([
    ['maxDialing', { maxDialing: 3 }],
    ['maxPerHost', { maxPerHost: 2 }],
    ['maxTotal', { maxTotal: 2 }],
  ])('keeps the oldest also when as many wait at once as %s allows', (_what, limit) => {
    const host = oneHost(limit);
    const { clock } = host.pool;
    let callers = Array.from({ length: 10 }, () => host.acquire());
    const [oldest] = host.dials;
    for (let i = 0; i < 9; i += 1) {
      clock.advance(100);
      for (const caller of callers) caller.cancel(true);
      callers = callers.map(() => host.acquire());
    }
    expect(host.dials[0]).toBe(oldest);
    oldest?.connect();
    expect(callers[0]?.state).toBe('served');
  });

  it('is one of few: callers who leave early do not storm a host that is down', () => {
    const host = oneHost();
    const { clock } = host.pool;
    for (let i = 0; i < 200; i += 1) {
      const callers = Array.from({ length: 20 }, () => host.acquire());
      clock.advance(50);
      for (const caller of callers) caller.cancel(true);
    }
    const dialCount = host.hostPool.counters.failed + host.dials.length;
    expect(clock.now()).toBe(10_000);
    expect(dialCount).toBeLessThanOrEqual(8 + 8 + 100 + 1);
    // And it is found soon when it is back.
    const late = host.acquire();
    clock.advance(CONSTANTS.dialBackoffMaxMs);
    host.dials.at(-1)?.connect();
    expect(late.state).toBe('served');
  });

  it('keeps its place for no longer than half a minute, however long the host was down', () => {
    const host = oneHost({ maxPerHost: 1 });
    const { clock } = host.pool;
    let longestMs = 0;
    while (clock.now() < 600_000) {
      const acquire = host.acquire();
      clock.advance(500);
      acquire.cancel(true);
      longestMs = Math.max(longestMs, clock.now() - (host.dials[0]?.startedAtMs ?? 0));
    }
    expect(longestMs).toBeLessThanOrEqual(CONSTANTS.slowDialMaxMs + 500);
  });
});

describe('a dial that is slow', () => {
  it('gets another one beside it after a second, and for one caller no third', () => {
    const host = oneHost();
    const { clock } = host.pool;
    host.acquire();
    const atMs: number[] = [];
    for (let known = 1; clock.now() < 20_000; known = host.dials.length) {
      clock.advance(100);
      if (host.dials.length > known) atMs.push(clock.now());
    }
    expect(atMs).toEqual([slowDialMs]);
    expect(clock.pendingTimers).toBeLessThanOrEqual(1);
  });

  it('gets two beside it when two callers wait, later ones at growing distances', () => {
    const host = oneHost();
    const { clock } = host.pool;
    host.acquire();
    host.acquire();
    clock.advance(20_000);
    expect(host.dials.map(({ startedAtMs }) => startedAtMs)).toEqual([0, 0, 1_000, 2_000]);
  });

  it('of callers who ran out of time one after the other: there are never more than two', () => {
    const host = oneHost();
    const { clock } = host.pool;
    let most = 0;
    for (let call = 0; call < 20; call += 1) {
      const acquire = host.acquire();
      for (let second = 0; second < 10; second += 1) {
        clock.advance(1_000);
        most = Math.max(most, host.dials.length);
      }
      acquire.cancel(true);
    }
    expect(most).toBe(2);
  });

  it('is not cut off, and the first of the two to connect serves', () => {
    const host = oneHost();
    const acquire = host.acquire();
    const [slow] = host.dials;
    host.pool.clock.advance(slowDialMs);
    expect(host.dials).toHaveLength(2);
    const connection = slow?.connect();
    expect(acquire.served).toBe(connection);
    host.connect();
    expect(host.hostPool.idle.size).toBe(1);
    expect(host.pool.clock.pendingTimers).toBe(0);
  });

  it('sets no timer when no caller waits for it', () => {
    const host = oneHost();
    void host.hostPool.warm(1);
    expect(host.pool.clock.pendingTimers).toBe(0);
    const acquire = host.acquire();
    acquire.cancel();
    expect(host.pool.clock.pendingTimers).toBe(0);
  });
});

describe('a waiter', () => {
  it('waits on no dial any more when what comes of it goes to another', () => {
    const host = oneHost({ maxPerHost: 1 });
    const [first, second] = [host.acquire(), host.acquire()];
    expect(second.dial).toBe(host.dials[0]);
    host.connect();
    expect([first.state, second.state, second.dial]).toEqual(['served', 'waiting', undefined]);
  });

  it('takes over the dial of one that was served or has left', () => {
    const host = oneHost({ maxPerHost: 2 });
    const busy = host.dialled();
    const [a, b] = [host.acquire(), host.acquire()];
    const [dial] = host.dials;
    expect([a.dial, b.dial]).toEqual([dial, undefined]);
    busy.release();
    expect([a.state, b.dial]).toEqual(['served', dial]);
  });

  it('that came while a dial was under way is not failed by the time that dial took', () => {
    const host = oneHost();
    const { clock } = host.pool;
    const first = host.acquire();
    clock.advance(190);
    first.cancel();
    const late = host.acquire();
    clock.advance(10);
    const error = new ConnectError('HOTARU_CONNECT_TIMEOUT', 'no connection within 200 ms');
    host.refuse(error);
    expect([late.state, host.dials.length]).toEqual(['waiting', 1]);
    clock.advance(200);
    host.refuse(error);
    expect(late.error).toBe(error);
    expect(host.hostPool.counters.timeoutsByKind.connect).toBe(1);
  });
});
