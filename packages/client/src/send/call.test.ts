/** What was asked, and what holds for a call as a whole. */
import { describe, expect, it } from 'vitest';
import { FakeCalls } from '../../test/support/fake-calls.js';
import { checkOptions } from './options.js';
import { RequestScope } from './request-scope.js';

const NO_OPTIONS = checkOptions(undefined);

describe('a call', () => {
  it('begins when it is asked for, leads where its URL does, and has the settings of that host', () => {
    const calls = new FakeCalls({ hosts: { 'b.test': { timeout: 70 } } });
    calls.clock.advance(30);
    const call = calls.call({ url: 'http://b.test:81/a?b' });
    expect([call.calledAtMs, call.startedAtMs]).toEqual([30, 30]);
    expect([call.target.origin.text, call.target.path]).toEqual(['http://b.test:81', '/a?b']);
    expect(call.settings.timeout).toBe(70);
  });

  it('is refused for a URL that leads nowhere', () => {
    expect(() => new FakeCalls().call({ url: 'nowhere' })).toThrow(/nowhere/);
  });

  it.each<[string, boolean, boolean, boolean]>([
    ['neither', false, false, false],
    ['leaks are reported', true, false, true],
    ['its scope captures call sites', false, true, true],
  ])('remembers the line of its caller where %s', (_what, reportLeaks, captures, isKept) => {
    const scope = new RequestScope({ captureCallSites: captures });
    const { callSite } = new FakeCalls({ reportLeaks }).call({ scope });
    if (isKept) expect(callSite).toContain('fake-calls.ts');
    else expect(callSite).toBeUndefined();
  });

  it('has no list of attempts, no codings and no limits until something says so', () => {
    expect(new FakeCalls().call()).toMatchObject({
      attempts: undefined,
      codings: undefined,
      isAdmitted: false,
      maxResponseBytes: Infinity,
      maxBufferedBytes: Infinity,
      deadlineAtMs: Infinity,
    });
  });
});

describe('another request of it', () => {
  it('has what holds for the call, and begins anew for itself', () => {
    const calls = new FakeCalls({ reportLeaks: true });
    const scope = new RequestScope({ deadlineMs: 900 });
    const first = calls.call({ scope });
    first.isAdmitted = true;
    first.endBy(700);
    calls.clock.advance(100);
    const request = { method: 'PUT' };
    const second = first.another('http://b.test/c', request, NO_OPTIONS);
    expect([second.calledAtMs, second.startedAtMs]).toEqual([0, 100]);
    expect(second).toMatchObject({ isAdmitted: true, deadlineAtMs: 700, scope, request });
    expect(second.callSite).toBe(first.callSite);
    expect(second.target.origin.text).toBe('http://b.test');
    // Whichever of them is tried, and in whichever order: one list.
    expect(second.attempts).toEqual([]);
    expect(first.attempts).toBe(second.attempts);
    expect(first.another('http://c.test', {}, NO_OPTIONS).attempts).toBe(second.attempts);
  });

  it('is not yet what policies decide of the first', () => {
    const first = new FakeCalls().call();
    first.maxResponseBytes = 1;
    first.maxBufferedBytes = 1;
    first.codings = { offer: 'x', toUndo: () => undefined };
    expect(first.another('http://b.test', {}, NO_OPTIONS)).toMatchObject({
      maxResponseBytes: Infinity,
      maxBufferedBytes: Infinity,
      codings: undefined,
    });
  });

  it('may end before the first, and not after it', () => {
    const first = new FakeCalls().call();
    first.endBy(500);
    const second = first.another('http://b.test', {}, NO_OPTIONS);
    second.endBy(800);
    expect(second.ownDeadlineAtMs).toBe(500);
    second.endBy(300);
    expect([second.ownDeadlineAtMs, first.ownDeadlineAtMs]).toEqual([300, 500]);
  });
});
