/**
 * A scope by itself: its states, its holds, its deadline. What they do to real calls is in test/request-scope.test.ts,
 * what they do to scopes inside it in child-scope.test.ts.
 */
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

  it('that is a time of day is refused: it would never come', () => {
    const make = () => new RequestScope({ deadlineMs: Date.now() + 500 });
    expect(make).toThrow(
      /^deadlineMs is \d+, as Date\.now\(\) counts; allowed: an instant of perf/,
    );
  });
});

describe('an option of a scope', () => {
  const misspelt = { deadline: 500 } as object;

  it.each([
    ['of a scope', () => new RequestScope(misspelt)],
    ['of a child', () => new RequestScope().child(misspelt)],
  ])('%s that is misspelt is refused', (_, make) => {
    expect(make).toThrow(RequestError);
    expect(make).toThrow(/^the option deadline is not known.*; allowed: deadlineMs, onUnreadBody/);
  });
});

const reason = new Error('left');

describe('the states of a scope', () => {
  type Verb = (scope: RequestScope) => void;
  const abort: Verb = (scope) => scope.abort(reason);
  const end: Verb = (scope) => scope.end();
  const expire: Verb = (scope) => scope.expire();
  const later: Verb = (scope) => scope.abort(new Error('later'));
  const shown = (scope: RequestScope): unknown[] => [
    scope.isOver,
    scope.aborted,
    scope.expired,
    (scope.reason as Error | undefined)?.message,
  ];
  const PASSED = 'the deadline of the request that it was made for has passed';

  it.each<[string, Verb[], unknown[]]>([
    ['open', [], [false, false, false, undefined]],
    ['aborted', [abort], [true, true, false, 'left']],
    ['expired', [expire], [true, true, true, PASSED]],
    ['ended', [end], [true, false, false, undefined]],
    ['aborted, the first reason counts', [abort, later], [true, true, false, 'left']],
    ['aborted, and ended after it', [abort, end], [true, true, false, 'left']],
    ['ended, and aborted after it', [end, abort], [true, false, false, undefined]],
    ['ended, and expired after it', [end, expire], [true, false, false, undefined]],
    ['aborted, and expired after it', [abort, expire], [true, true, false, 'left']],
  ])('%s', (_what, verbs, wanted) => {
    const scope = new RequestScope();
    for (const verb of verbs) verb(scope);
    expect(shown(scope)).toEqual(wanted);
  });

  it.each<[string, Verb, unknown[], unknown[]]>([
    ['aborted', abort, [false, true, false, 'left'], [true, true, false, 'left']],
    ['ended', end, [false, false, false, undefined], [true, false, false, undefined]],
  ])('%s while it is held twice: over with the last hold', (_what, verb, before, after) => {
    const scope = new RequestScope();
    const [first, second] = [scope.hold(), scope.hold()];
    verb(scope);
    first();
    first(); // only its first call counts
    expect(shown(scope)).toEqual(before);
    second();
    expect(shown(scope)).toEqual(after);
  });

  it.each<[string, Verb, RegExp]>([
    ['aborted', abort, /^left$/],
    ['expired', expire, /deadline of the request/],
    ['ended', end, /the request that it was made for is over/],
  ])('%s: what a later call is refused with', (_what, verb, message) => {
    const scope = new RequestScope();
    verb(scope);
    expect((scope.refusal() as Error).message).toMatch(message);
  });
});

describe('liftDeadline()', () => {
  it('takes the deadline away for good, and its timer', () => {
    const scope = new RequestScope({ deadlineMs: performance.now() + 100 });
    const { signal } = scope;
    scope.liftDeadline();
    expect([scope.deadlineMs, vi.getTimerCount()]).toEqual([Infinity, 0]);
    vi.advanceTimersByTime(1_000);
    expect(signal.aborted).toBe(false);
  });

  it('does nothing once the scope is over', () => {
    const scope = new RequestScope({ deadlineMs: 100 });
    scope.end();
    scope.liftDeadline();
    expect(scope.deadlineMs).toBe(100);
  });
});

describe('a hold', () => {
  it('has the deadline watched: it passes without a call that would notice', () => {
    const scope = new RequestScope({ deadlineMs: performance.now() + 100 });
    const release = scope.hold();
    expect(scope.deadlineMs).toBe(Infinity);
    vi.advanceTimersByTime(100);
    expect([scope.expired, scope.isOver]).toEqual([true, false]);
    release();
    expect(scope.isOver).toBe(true);
  });

  it('of a scope that is over is none', () => {
    const scope = new RequestScope({ deadlineMs: 100 });
    scope.end();
    scope.hold();
    expect(scope.deadlineMs, 'not held').toBe(100);
  });
});
