/** The end of a call: its own limit, else its host's; brought forward by later requests, never put off. */
import { describe, expect, it } from 'vitest';
import { FakeCalls, fakeResponse } from '../../test/support/fake-calls.js';
import type { Call } from '../send/call.js';
import { checkOptions } from '../send/options.js';
import { RequestScope } from '../send/request-scope.js';
import { deadline } from './deadline.js';

const response = Promise.resolve(fakeResponse(200));

/** What `next` sees. */
function deadlineOf(call: Call): number {
  let seen = Number.NaN;
  const returned = deadline(call, (given) => {
    seen = given.deadlineAtMs;
    return response;
  });
  expect(returned, 'no promise of its own').toBe(response);
  return seen;
}

function callsAt1000(config = {}): FakeCalls {
  const calls = new FakeCalls(config);
  calls.clock.advance(1_000);
  return calls;
}

describe('the deadline of a call that begins at 1 000', () => {
  it.each([
    ['none', Infinity, undefined, undefined, Infinity],
    ['the setting of its host', 500, undefined, undefined, 1_500],
    ['its own limit, longer than the setting', 500, 800, undefined, 1_800],
    ['its own limit, shorter than the setting', 500, 200, undefined, 1_200],
    ['that of its scope, before its own', Infinity, 800, 1_300, 1_300],
    ['its own, before that of its scope', Infinity, 200, 1_300, 1_200],
    ['that of its scope alone', Infinity, undefined, 1_300, 1_300],
  ])('is %s', (_what, timeoutOfHost, own, ofScope, wanted) => {
    const calls = callsAt1000({ timeout: timeoutOfHost });
    const scope = ofScope === undefined ? undefined : new RequestScope({ deadlineMs: ofScope });
    const asked = { options: { timeout: own }, ...(scope !== undefined && { scope }) };
    expect(deadlineOf(calls.call(asked))).toBe(wanted);
  });

  it('without that of its scope is kept, for a scope that lifts its own', () => {
    const scope = new RequestScope({ deadlineMs: 1_100 });
    const call = callsAt1000().call({ options: { timeout: 500 }, scope });
    expect([deadlineOf(call), call.ownDeadlineAtMs]).toEqual([1_100, 1_500]);
    scope.liftDeadline();
    expect(call.deadlineAtMs).toBe(1_500);
  });

  it.each([
    ['a host with a shorter timeout brings it forward', 'http://fast.test', 1_300],
    ['a host with a longer one does not put it off', 'http://slow.test', 2_000],
    ['the same host does not begin it anew', 'http://api.test', 2_000],
  ])('of a later request: %s', (_what, url, wanted) => {
    const hosts = { 'fast.test': { timeout: 100 }, 'slow.test': { timeout: 5_000 } };
    const calls = callsAt1000({ timeout: 1_000, hosts });
    const first = calls.call();
    expect(deadlineOf(first)).toBe(2_000);
    calls.clock.advance(200);
    expect(deadlineOf(first.another(url, {}, checkOptions(undefined)))).toBe(wanted);
  });
});
