import { describe, expect, it } from 'vitest';
import { CONSTANTS } from '../config/constants.js';
import { systemClock, timerDelay } from './clock.js';

describe('a timer', () => {
  it('is never set for longer than it can keep, nor for less than a millisecond', () => {
    expect(timerDelay(1_000.2, 0)).toBe(1_001);
    expect(timerDelay(10, 20)).toBe(1);
    expect(timerDelay(1e15, 0)).toBe(CONSTANTS.maxTimerMs);
    expect(timerDelay(Infinity, 0)).toBe(CONSTANTS.maxTimerMs);
  });

  it('that would fire at once, because its delay is none, is an error', () => {
    for (const delayMs of [Number.NaN, 2 ** 31, Infinity])
      expect(() => systemClock.setTimer(() => undefined, delayMs)).toThrow(RangeError);
  });
});
