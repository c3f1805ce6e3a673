import { describe, expect, it } from 'vitest';
import { FakePool, settingsOf } from '../../test/support/fake-pool.js';

describe('ConnectionRecord', () => {
  it('keeps the instants of both clocks: created once, last used at each touch', () => {
    const host = new FakePool().host();
    const { clock } = host.pool;
    const wall = clock.wallNow();
    const { record } = host.dialled().served;
    clock.advance(5);
    record.touch(clock.now());
    expect(record).toMatchObject({
      createdAt: wall,
      createdAtMs: 0,
      lastUsedAt: wall + 5,
      lastUsedAtMs: 5,
    });
  });

  it('counts the time for which the machine was frozen while it was used as idle, never the reverse', () => {
    const host = new FakePool().host();
    const settings = settingsOf({ idleTimeout: 1_000, maxLifetime: Infinity });
    const { record } = host.dialled().served;
    const wallMs = record.createdAt;
    record.taken(100, wallMs + 100);
    // The wall clock has gone on by an hour, the monotonic one by 50 ms.
    record.touch(150);
    expect(record.lastUsedAt).toBe(wallMs + 150);
    expect(record.isIdleTooLong(160, wallMs + 3_600_160, settings)).toBe(true);
    record.taken(200, wallMs + 3_600_200);
    record.touch(250.4);
    expect(record.lastUsedAt).toBe(wallMs + 3_600_250);
    expect(record.isIdleTooLong(260, wallMs + 3_600_260, settings)).toBe(false);
  });

  it('expires exactly at the instant it names', () => {
    const host = new FakePool().host();
    const { clock } = host.pool;
    const settings = settingsOf({ idleTimeout: 1_234, maxLifetime: 2_000 });
    const { record } = host.dialled().served;
    const has = (atMs: number) =>
      record.isIdleTooLong(atMs, clock.wallNow(), settings) || record.isSpent(atMs, settings);
    for (const usedAtMs of [0, 500, 1_500]) {
      record.touch(usedAtMs);
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
