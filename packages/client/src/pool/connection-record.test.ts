import { describe, expect, it } from 'vitest';
import { FakePool, settingsOf } from '../../test/support/fake-pool.js';

describe('ConnectionRecord', () => {
  it('keeps the instants of both clocks: created once, last used at each touch', () => {
    const host = new FakePool().host();
    const { clock } = host.pool;
    const wall = clock.wallNow();
    const { record } = host.dialled().served;
    clock.advance(5);
    record.touch(clock.now(), clock.wallNow());
    expect(record).toMatchObject({
      createdAt: wall,
      createdAtMs: 0,
      lastUsedAt: wall + 5,
      lastUsedAtMs: 5,
    });
  });

  it('expires exactly at the instant it names', () => {
    const host = new FakePool().host();
    const { clock } = host.pool;
    const settings = settingsOf({ idleTimeout: 1_234, maxLifetime: 2_000 });
    const { record } = host.dialled().served;
    const has = (atMs: number) =>
      record.isIdleTooLong(atMs, clock.wallNow(), settings) || record.isSpent(atMs, settings);
    for (const usedAtMs of [0, 500, 1_500]) {
      record.touch(usedAtMs, clock.wallNow());
      const atMs = record.expiresAtMs(settings);
      expect([has(atMs - 0.001), has(atMs)]).toEqual([false, true]);
    }
  });

  it('never expires with no limits', () => {
    const host = new FakePool().host();
    const settings = settingsOf({ idleTimeout: Infinity, maxLifetime: Infinity });
    const { record } = host.dialled().served;
    expect(record.expiresAtMs(settings)).toBe(Infinity);
    expect(record.isSpent(1e15, settings)).toBe(false);
  });
});
