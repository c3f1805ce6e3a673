import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.js';
import { Deadline, Deadlines } from './deadlines.js';

class Named extends Deadline {
  constructor(
    readonly name: string,
    readonly fired: string[],
    readonly then?: () => void,
  ) {
    super();
  }
  onExpired(): void {
    this.fired.push(this.name);
    this.then?.();
  }
}

function setUp() {
  const clock = new VirtualClock();
  return { clock, deadlines: new Deadlines(clock), fired: [] as string[] };
}

describe('Deadlines', () => {
  it('keeps one timer for all, at the earliest', () => {
    const { clock, deadlines, fired } = setUp();
    for (const atMs of [300, 100, 200]) deadlines.arm(new Named(String(atMs), fired), atMs);
    expect([clock.pendingTimers, clock.nextTimerAt, deadlines.size]).toEqual([1, 100, 3]);
    clock.advance(99);
    expect(fired).toEqual([]);
    clock.advance(1);
    expect(fired).toEqual(['100']);
    expect([clock.pendingTimers, clock.nextTimerAt]).toEqual([1, 200]);
    clock.advance(1_000);
    expect(fired).toEqual(['100', '200', '300']);
    expect([clock.pendingTimers, deadlines.size]).toEqual([0, 0]);
  });

  it('never fires early, for instants between two ms', () => {
    const { clock, deadlines, fired } = setUp();
    deadlines.arm(new Named('a', fired), 10.4);
    expect(clock.nextTimerAt).toBe(11); // one timer, not one at 10 that finds nothing due
    clock.advance(10);
    expect(fired).toEqual([]);
    clock.advance(1);
    expect(fired).toEqual(['a']);
  });

  it('fires one whose instant has passed on the next ms, never inside arm()', () => {
    const { clock, deadlines, fired } = setUp();
    clock.advance(50);
    deadlines.arm(new Named('late', fired), 10);
    expect(fired).toEqual([]);
    clock.advance(1);
    expect(fired).toEqual(['late']);
  });

  it('fires a moved one at its last instant only, earlier or later', () => {
    const { clock, deadlines, fired } = setUp();
    const [later, earlier] = [new Named('later', fired), new Named('earlier', fired)];
    deadlines.arm(later, 10);
    deadlines.arm(later, 30);
    deadlines.arm(earlier, 40);
    deadlines.arm(earlier, 20);
    clock.advance(20);
    expect(fired).toEqual(['earlier']);
    clock.advance(10);
    expect(fired).toEqual(['earlier', 'later']);
    clock.advance(100);
    expect(fired).toHaveLength(2);
  });

  it('forgets one that is disarmed, or armed with Infinity', () => {
    const { clock, deadlines, fired } = setUp();
    const [a, b] = [new Named('a', fired), new Named('b', fired)];
    deadlines.arm(a, 10);
    deadlines.arm(b, 10);
    deadlines.disarm(a);
    deadlines.disarm(a);
    deadlines.arm(b, Infinity);
    clock.advance(100);
    expect([fired, deadlines.size, clock.pendingTimers]).toEqual([[], 0, 0]);
  });

  it('does not fire one that another due at the same instant disarmed or moved', () => {
    const { clock, deadlines, fired } = setUp();
    const first = new Named('first', fired, () => {
      deadlines.disarm(second);
      deadlines.arm(third, 50);
    });
    const second = new Named('second', fired);
    const third = new Named('third', fired);
    for (const deadline of [first, second, third]) deadlines.arm(deadline, 10);
    clock.advance(10);
    expect(fired).toEqual(['first']);
    clock.advance(40);
    expect(fired).toEqual(['first', 'third']);
  });

  it('lets a callback arm itself again, and others', () => {
    const { clock, deadlines, fired } = setUp();
    const other = new Named('other', fired);
    const again: Named = new Named('again', fired, () => {
      if (fired.length === 1) deadlines.arm(again, clock.now() + 5);
      else deadlines.arm(other, clock.now() + 1);
    });
    deadlines.arm(again, 10);
    clock.advance(10);
    clock.advance(5);
    clock.advance(1);
    expect(fired).toEqual(['again', 'again', 'other']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps deadlines beyond what a timer can wait for', () => {
    const { clock, deadlines, fired } = setUp();
    deadlines.arm(new Named('far', fired), 2 ** 31 + 10);
    clock.advance(2 ** 31 - 1);
    expect([fired, clock.pendingTimers]).toEqual([[], 1]);
    clock.advance(11);
    expect(fired).toEqual(['far']);
  });

  it('has no timer once it is stopped', () => {
    const { clock, deadlines, fired } = setUp();
    deadlines.arm(new Named('a', fired), 10);
    deadlines.stop();
    deadlines.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('sets no timer for a call that moves its deadline again and again and ends', () => {
    const { clock, deadlines, fired } = setUp();
    let timers = 0;
    const setTimer = clock.setTimer.bind(clock);
    clock.setTimer = (callback, delayMs) => {
      timers += 1;
      return setTimer(callback, delayMs);
    };
    for (let i = 0; i < 1_000; i += 1) {
      const call = new Named('call', fired);
      for (const afterMs of [10_000, 30_000, 30_000]) deadlines.arm(call, clock.now() + afterMs);
      deadlines.disarm(call);
      clock.advance(1);
    }
    expect(timers).toBe(1);
  });

  it('fires each deadline exactly once, in time, for any schedule of arming and disarming', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            who: fc.nat(9),
            inMs: fc.option(fc.nat(100), { nil: Infinity }),
            thenMs: fc.nat(40),
          }),
          { maxLength: 60 },
        ),
        (steps) => {
          const clock = new VirtualClock();
          const deadlines = new Deadlines(clock);
          const wanted = new Map<number, number>();
          const all = Array.from({ length: 10 }, (_, who) => {
            const deadline = new Named(String(who), [], () => {
              const atMs = wanted.get(who);
              expect(atMs).toBeDefined();
              // At least one ms ahead, as a timer is.
              expect(clock.now()).toBeGreaterThanOrEqual(atMs ?? Infinity);
              expect(clock.now()).toBeLessThanOrEqual((atMs ?? 0) + 1);
              wanted.delete(who);
            });
            return deadline;
          });
          for (const { who, inMs, thenMs } of steps) {
            const atMs = clock.now() + inMs;
            if (inMs === Infinity) wanted.delete(who);
            else wanted.set(who, atMs);
            deadlines.arm(all[who]!, atMs);
            clock.advance(thenMs);
            expect(deadlines.size).toBe(wanted.size);
          }
          clock.advance(200);
          expect([wanted.size, deadlines.size, clock.pendingTimers]).toEqual([0, 0, 0]);
        },
      ),
    );
  });
});
