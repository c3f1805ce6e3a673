import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.js';
import { Sweeper } from './sweeper.js';

function setUp(next: (nowMs: number) => number) {
  const clock = new VirtualClock();
  const sweptAt: number[] = [];
  const sweeper: Sweeper = new Sweeper(clock, () => {
    sweptAt.push(clock.now());
    return next(clock.now());
  });
  return { clock, sweeper, sweptAt };
}

describe('Sweeper', () => {
  it('sweeps at once, and then when the last sweep asked for it', () => {
    const { clock, sweeper, sweptAt } = setUp((now) => (now === 0 ? 50 : now + 30));
    sweeper.start();
    clock.advance(115);
    expect(sweptAt).toEqual([0, 50, 80, 110]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('runs on one timer for all its owners, and ends with the last of them', () => {
    const { clock, sweeper, sweptAt } = setUp((now) => now + 10);
    const [stopFirst, stopSecond] = [sweeper.start(), sweeper.start()];
    expect([sweptAt.length, clock.pendingTimers]).toEqual([1, 1]);
    stopFirst();
    stopFirst(); // twice is once
    clock.advance(10);
    expect(sweptAt).toEqual([0, 10]);
    stopSecond();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(100);
    expect(sweptAt).toHaveLength(2);
  });

  it('can be started again', () => {
    const { clock, sweeper, sweptAt } = setUp((now) => now + 10);
    sweeper.start()();
    sweeper.start();
    clock.advance(10);
    expect(sweptAt).toEqual([0, 0, 10]);
  });

  it('never spins: a sweep that wants to run at once waits one ms', () => {
    const { clock, sweeper, sweptAt } = setUp((now) => now);
    sweeper.start();
    clock.advance(3);
    expect(sweptAt).toEqual([0, 1, 2, 3]);
  });

  it('restarts for changed settings only while it has owners', () => {
    let everyMs = 1_000;
    const { clock, sweeper, sweptAt } = setUp((now) => now + everyMs);
    sweeper.restart();
    expect([sweptAt.length, clock.pendingTimers]).toEqual([0, 0]);
    sweeper.start();
    everyMs = 10;
    sweeper.restart();
    clock.advance(20);
    expect(sweptAt).toEqual([0, 0, 10, 20]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('leaves no timer when the pool closes, not even when its owner stops it from within a sweep', () => {
    const { clock, sweeper } = setUp((now) => now + 10);
    sweeper.start();
    sweeper.stopAll();
    expect(clock.pendingTimers).toBe(0);
    const inside = setUp((now) => {
      inside.sweeper.stopAll();
      return now + 10;
    });
    inside.sweeper.start();
    expect(inside.clock.pendingTimers).toBe(0);
  });
});
