/** The deadline of a scope: any instant is kept, however far off, and what is no instant is refused. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RequestError } from '../errors.js';
import { RequestScope } from './request-scope.js';

const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the deadline of a scope', () => {
  for (const [what, ms] of [
    ['soon', 1_500],
    ['further off than one timer can keep', 60 * DAY_MS],
  ] as const)
    it(`aborts its signal when it has passed, and not before: ${what}`, () => {
      const scope = new RequestScope({ deadlineMs: performance.now() + ms });
      const { signal } = scope;
      vi.advanceTimersByTime(ms - 1);
      expect(signal.aborted).toBe(false);
      vi.advanceTimersByTime(1);
      expect(signal.aborted).toBe(true);
      expect(signal.reason).toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
      expect(vi.getTimerCount()).toBe(0);
    });

  it('leaves no timer behind when the scope ends before it', () => {
    const scope = new RequestScope({ deadlineMs: performance.now() + 60 * DAY_MS });
    expect(scope.signal.aborted).toBe(false);
    vi.advanceTimersByTime(30 * DAY_MS);
    scope.end();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sets no timer when there is none', () => {
    const { signal } = new RequestScope({ deadlineMs: Infinity });
    expect(signal.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  for (const deadlineMs of [Number.NaN, '5s', null, 5n])
    it(`that is ${typeof deadlineMs} ${String(deadlineMs)} is refused`, () => {
      const make = () => new RequestScope({ deadlineMs: deadlineMs as number });
      expect(make).toThrow(RequestError);
      expect(make).toThrow(/^deadlineMs is .*; allowed: an instant of performance\.now\(\)/);
    });
});
