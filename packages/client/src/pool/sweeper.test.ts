import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.js';
import { Sweeper, type Swept } from './sweeper.js';

class Host implements Swept {
  atMs = Infinity;
  heapIndex = -1;
  constructor(readonly name: string) {}
}

function setUp(next: (nowMs: number, host: Host) => number | undefined) {
  const clock = new VirtualClock();
  const swept: [string, number][] = [];
  const sweeper = new Sweeper<Host>(clock, (host) => {
    swept.push([host.name, clock.now()]);
    return next(clock.now(), host);
  });
  return { clock, sweeper, swept };
}

describe('Sweeper', () => {
  it('sweeps each host when it asked for it, on one timer', () => {
    const { clock, sweeper, swept } = setUp((now) => (now < 100 ? now + 30 : undefined));
    expect(clock.pendingTimers).toBe(0);
    sweeper.schedule(new Host('a'), 50);
    sweeper.schedule(new Host('b'), 120);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(200);
    expect(swept).toEqual([
      ['a', 50],
      ['a', 80],
      ['a', 110],
      ['b', 120],
    ]);
    expect(clock.pendingTimers).toBe(0); // nothing is left to sweep
  });

  it('sweeps a host earlier when something of it expires earlier, never later', () => {
    const { clock, sweeper, swept } = setUp(() => undefined);
    const host = new Host('a');
    for (const atMs of [100, 40, 70]) sweeper.schedule(host, atMs);
    clock.advance(200);
    expect(swept).toEqual([['a', 40]]);
  });

  it('looks at no host that is not due', () => {
    const { clock, sweeper, swept } = setUp(() => undefined);
    for (let i = 1; i <= 1_500; i += 1) sweeper.schedule(new Host(String(i)), i);
    clock.advance(1_500);
    expect(swept).toHaveLength(1_500); // once each, not 1 500 hosts at each of 1 500 instants
  });

  it('never spins: a sweep that wants to run at once waits one ms', () => {
    const { clock, sweeper, swept } = setUp((now) => now);
    sweeper.schedule(new Host('a'), 0);
    clock.advance(3);
    expect(swept.map(([, atMs]) => atMs)).toEqual([1, 2, 3]);
  });

  it('leaves no timer when it is stopped, not even from within a sweep', () => {
    const { clock, sweeper } = setUp((now) => now + 10);
    sweeper.schedule(new Host('a'), 10);
    sweeper.stop();
    expect(clock.pendingTimers).toBe(0);
    const inside = setUp(() => {
      inside.sweeper.stop();
      return undefined;
    });
    inside.sweeper.schedule(new Host('a'), 1);
    inside.sweeper.schedule(new Host('b'), 5);
    inside.clock.advance(1);
    expect(inside.clock.pendingTimers).toBe(0);
  });
});
