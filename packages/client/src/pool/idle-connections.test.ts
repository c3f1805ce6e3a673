import { describe, expect, it } from 'vitest';
import {
  FakeConnection,
  FakePool,
  settingsOf,
  type FakeHost,
} from '../../test/support/fake-pool.js';
import { IdleConnections } from './idle-connections.js';
import { Permits } from './permits.js';

function made(host: FakeHost = new FakePool().host()) {
  const evicted: number[] = [];
  const permits = new Permits(10, () => undefined);
  const idle = new IdleConnections(permits, (connection) => {
    evicted.push(connection.record.id);
    idle.forget(connection);
  });
  let nextId = 0;
  const add = (limit: number | 'exclusive' = 'exclusive'): FakeConnection => {
    const { clock } = host.pool;
    const connection = new FakeConnection(nextId++, host, clock, 0.5, limit);
    idle.enter(connection);
    return connection;
  };
  return { idle, permits, evicted, add };
}
const settings = settingsOf({ idleTimeout: 1_000, order: 'fifo' });

describe('the idle connections of a host', () => {
  it('are in the list of all hosts, too, and each knows that it is idle', () => {
    const { idle, permits, add } = made();
    const [a, b] = [add(), add()];
    expect([idle.size, permits.idle.size, a.isIdle]).toEqual([2, 2, true]);
    idle.leave(a);
    expect([a.isIdle, [...idle], [...permits.idle]]).toEqual([false, [b], [b]]);
    idle.forget(b);
    idle.forget(b); // of one that has left it is nothing
    expect([idle.size, permits.idle.size]).toEqual([0, 0]);
  });

  it('are taken by age, the oldest or the youngest first', () => {
    const { idle, add } = made();
    const [a, , c] = [add(), add(), add()];
    expect(idle.take(0, 0, settings)).toBe(a);
    expect(idle.take(0, 0, { ...settings, order: 'lifo' })).toBe(c);
  });

  it('that have ended or are too old are evicted by the one who meets them', () => {
    const { idle, evicted, add } = made();
    const ended = add();
    ended.halfClose();
    const good = add();
    good.record.touch(500);
    const old = add();
    const wallMs = old.record.lastUsedAt;
    expect(idle.take(1_200, wallMs + 1_200, settings)).toBe(good);
    expect(evicted).toEqual([ended.id]);
    expect(idle.take(1_200, wallMs + 1_200, settings)).toBeUndefined();
    expect(evicted).toEqual([ended.id, old.id]);
  });

  it('whose peer takes no callers for now stay, and hide none behind them', () => {
    const { idle, evicted, add } = made();
    const [full, dead, free, other] = [add(0), add(), add(2), add(0)];
    dead.halfClose();
    expect(idle.take(0, 0, settings)).toBe(free);
    expect(idle.take(0, 0, settings)).toBeUndefined();
    expect([evicted, [...idle]]).toEqual([[dead.id], [full, other]]);
  });

  it('are evicted when they expire, and say when the next one will', () => {
    const { idle, evicted, add } = made();
    const [a, b] = [add(), add()];
    b.record.touch(700);
    const wallMs = a.record.lastUsedAt;
    expect(idle.evictExpired(999, wallMs, settings)).toBe(1_000);
    expect(idle.evictExpired(1_000, wallMs, settings)).toBe(1_700);
    expect(evicted).toEqual([a.id]);
    expect(idle.evictExpired(1_700, wallMs, settings)).toBe(Infinity);
  });
});
