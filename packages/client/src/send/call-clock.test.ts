/** Two clocks in one: the earlier one is armed, each runs out as itself. */
import { expect, it } from 'vitest';
import { Deadlines } from '../pool/deadlines.js';
import { VirtualClock } from '../testing/virtual-clock.js';
import { CallClock, type Stage } from './call-clock.js';

class Heard extends CallClock {
  readonly heard: (Stage | 'total')[] = [];

  protected timeRanOut(stage: Stage | 'total'): void {
    this.heard.push(stage);
  }
}

function clockOf(totalAtMs: number) {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  return { clock, deadlines, clocks: new Heard(clock, deadlines, totalAtMs) };
}

it('is armed for the earlier of the two', () => {
  const { clock, clocks } = clockOf(100);
  clocks.arm('headers', 40);
  expect(clocks.atMs).toBe(40);
  clocks.arm('body', 200);
  expect(clocks.atMs).toBe(100);
  clock.advance(100);
  expect(clocks.heard).toEqual(['total']);
});

it('runs out as its stage before the total, and as the total when both are due', () => {
  const { clock, clocks } = clockOf(100);
  clocks.arm('send', 40);
  clock.advance(40);
  clocks.arm('send', 60);
  clock.advance(60);
  expect(clocks.heard).toEqual(['send', 'total']);
});

it('counts a stage from the instant it is given, else from now', () => {
  const { clock, clocks } = clockOf(Infinity);
  clock.advance(30);
  clocks.arm('acquire', 40, 10);
  expect(clocks.atMs).toBe(50);
  clocks.arm('acquire', 40);
  expect(clocks.atMs).toBe(70);
});

it('keeps its total when a stage stops, and nothing when it stops itself', () => {
  const { clock, deadlines, clocks } = clockOf(100);
  clocks.arm('headers', 40);
  clocks.stopStage();
  expect(clocks.atMs).toBe(100);
  clocks.stop();
  expect([clocks.atMs, deadlines.size]).toEqual([Infinity, 0]);
  clock.advance(1_000);
  expect(clocks.heard).toEqual([]);
});

it('moves its total, both ways; one that has stopped stays so', () => {
  const { clocks } = clockOf(100);
  clocks.arm('headers', 40);
  clocks.moveTotal(30);
  expect([clocks.totalAtMs, clocks.atMs]).toEqual([30, 30]);
  clocks.moveTotal(Infinity);
  expect(clocks.atMs, 'its stage goes on').toBe(40);
  clocks.stop();
  clocks.moveTotal(500);
  expect([clocks.totalAtMs, clocks.atMs]).toEqual([500, Infinity]);
});
