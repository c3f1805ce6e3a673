import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.js';

describe('VirtualClock', () => {
  it('stands still until it is advanced', () => {
    const clock = new VirtualClock({ now: 5, wallNow: 1_000 });
    expect([clock.now(), clock.wallNow(), clock.nextTimerAt]).toEqual([5, 1_000, undefined]);
    clock.advance(20);
    expect([clock.now(), clock.wallNow()]).toEqual([25, 1_020]);
  });

  it('runs due timers in order of time, each at its own instant', () => {
    const clock = new VirtualClock();
    const ran: [string, number, number][] = [];
    const note = (name: string) => () => ran.push([name, clock.now(), clock.wallNow()]);
    const epoch = clock.wallNow();
    clock.setTimer(note('late'), 30);
    clock.setTimer(note('early'), 10);
    clock.setTimer(note('beyond'), 31);
    clock.advance(30);
    expect(ran).toEqual([
      ['early', 10, epoch + 10],
      ['late', 30, epoch + 30],
    ]);
    expect(clock.pendingTimers).toBe(1);
    expect(clock.nextTimerAt).toBe(31);
  });

  it('runs timers of one instant in the order in which they were set', () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.setTimer(() => ran.push('a'), 10);
    clock.advance(5);
    clock.setTimer(() => ran.push('b'), 5);
    clock.setTimer(() => ran.push('c'), 5);
    clock.advance(5);
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  it('runs a timer set by a timer within the window, and leaves one beyond it', () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    const again = () => {
      ran.push(clock.now());
      clock.setTimer(again, 4);
    };
    clock.setTimer(again, 4);
    clock.advance(10);
    expect(ran).toEqual([4, 8]);
    expect(clock.nextTimerAt).toBe(12);
  });

  it('never runs a timer inside setTimer, not even one of 0 or negative delay', () => {
    const clock = new VirtualClock();
    let ran = 0;
    clock.setTimer(() => (ran += 1), 0);
    clock.setTimer(() => (ran += 1), -5);
    expect(ran).toBe(0);
    clock.advance(0);
    expect(ran).toBe(2);
  });

  it('does not run a cleared timer, also one cleared by another of the same instant', () => {
    const clock = new VirtualClock();
    let ran = 0;
    const first = clock.setTimer(() => (ran += 1), 5);
    clock.clearTimer(first);
    clock.setTimer(() => {
      clock.clearTimer(second);
    }, 5);
    const second = clock.setTimer(() => (ran += 1), 5);
    clock.advance(5);
    expect(ran).toBe(0);
    clock.clearTimer(second);
    clock.clearTimer(undefined);
    expect(clock.pendingTimers).toBe(0);
  });

  it('moves only the wall clock for a frozen machine, and runs no timer then', () => {
    const clock = new VirtualClock({ wallNow: 0 });
    let ran = 0;
    clock.setTimer(() => (ran += 1), 10);
    clock.advanceWall(60_000);
    expect([clock.now(), clock.wallNow(), ran]).toEqual([0, 60_000, 0]);
    clock.advanceWall(-1);
    expect(clock.wallNow()).toBe(59_999);
  });

  it('lets an error out of a callback, with the later timers still set', () => {
    const clock = new VirtualClock();
    let ran = 0;
    clock.setTimer(() => {
      throw new Error('boom');
    }, 3);
    clock.setTimer(() => (ran += 1), 4);
    expect(() => clock.advance(10)).toThrow('boom');
    expect([clock.now(), clock.pendingTimers]).toEqual([3, 1]);
    clock.advance(1);
    expect(ran).toBe(1);
  });

  it('refuses what the system clock could not do', () => {
    const clock = new VirtualClock();
    for (const delayMs of [Infinity, Number.NaN, 2 ** 31])
      expect(() => clock.setTimer(() => undefined, delayMs)).toThrow(RangeError);
    for (const ms of [-1, Number.NaN, Infinity])
      expect(() => clock.advance(ms)).toThrow(RangeError);
    expect(() => clock.advanceWall(Number.NaN)).toThrow(RangeError);
  });

  it('tells timers that set each other for ever', () => {
    const clock = new VirtualClock();
    const again = () => void clock.setTimer(again, 0);
    again();
    expect(() => clock.advance(1)).toThrow('without end');
  });

  it('refuses to be advanced from a callback, where the order would be lost', () => {
    const clock = new VirtualClock();
    clock.setTimer(() => clock.advance(1), 1);
    expect(() => clock.advance(1)).toThrow('from the callback');
    expect(clock.now()).toBe(1);
  });
});
