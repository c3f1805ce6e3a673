/** Policies around sending: their order, and what a call of several requests is to its pool and its scope. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeCalls, fakeResponse } from '../../test/support/fake-calls.js';
import { AbortedError, HotaruClientError } from '../errors.js';
import { asOneCall, compose, enter } from './pipeline.js';
import { RequestScope } from './request-scope.js';
import type { Policy, Send } from './send.js';

const response = fakeResponse(200);
const send: Send = () => Promise.resolve(response);

describe('what is composed', () => {
  it('is send itself without any policy', () => {
    expect(compose([], send)).toBe(send);
  });

  it('runs the first policy outermost, each around the next, and gives back what send gave', async () => {
    const seen: string[] = [];
    const policy =
      (name: string): Policy =>
      (call, next) => {
        seen.push(`${name} in`);
        const given = next(call);
        seen.push(`${name} out`);
        return given;
      };
    const call = new FakeCalls().call();
    const composed = compose([policy('a'), policy('b')], (given) => {
      seen.push('send');
      expect(given).toBe(call);
      return send(given);
    });
    expect(await enter(composed, call)).toBe(response);
    expect(seen).toEqual(['a in', 'b in', 'send', 'b out', 'a out']);
  });

  it('lets a policy answer without sending, and send twice', async () => {
    let sent = 0;
    const counted: Send = (call) => {
      sent += 1;
      return send(call);
    };
    const call = new FakeCalls().call();
    await compose([() => Promise.resolve(response)], counted)(call);
    expect(sent).toBe(0);
    const twice: Policy = (given, next) => next(given).then(() => next(given));
    await compose([twice], counted)(call);
    expect(sent).toBe(2);
  });
});

describe('a call of several requests', () => {
  it('is under way for its pool until it is over, also between two requests, and when one throws', async () => {
    const calls = new FakeCalls();
    const counts: number[] = [];
    const run = async (): Promise<typeof response> => {
      counts.push(calls.underWayCount);
      await Promise.resolve();
      counts.push(calls.underWayCount);
      return response;
    };
    expect(await asOneCall(calls.call(), run)).toBe(response);
    expect([...counts, calls.underWayCount]).toEqual([1, 1, 0]);
    const scope = new RequestScope();
    expect(await asOneCall(calls.call({ scope }), run), 'in a scope, too').toBe(response);
    const failing = asOneCall(calls.call(), () => {
      throw new Error('at once');
    });
    await expect(failing).rejects.toThrow('at once');
    expect(calls.underWayCount).toBe(0);
  });

  it('fails with its own name, unless one of its requests gave another', async () => {
    const call = new FakeCalls().call({ url: 'http://api.test/a' });
    const fail = async (error: Error) =>
      asOneCall(call, () => Promise.reject(error)).catch((caught: unknown) => caught);
    const plain = new HotaruClientError('HOTARU_ABORTED', 'why');
    expect(await fail(plain)).toMatchObject({ message: 'GET http://api.test/a: why', path: '/a' });
    const named = new HotaruClientError('HOTARU_ABORTED', 'GET http://b.test/b: why');
    named.method = 'GET';
    expect(await fail(named)).toMatchObject({ message: 'GET http://b.test/b: why' });
  });
});

describe('what a scope has ended', () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  afterEach(() => {
    process.off('unhandledRejection', note);
    unhandled.length = 0;
    vi.restoreAllMocks();
  });

  it('is no unhandled rejection, and anything else is one', async () => {
    process.on('unhandledRejection', note);
    const scope = new RequestScope();
    const call = new FakeCalls().call({ scope });
    const other = new AbortedError('of another kind');
    void asOneCall(call, () => Promise.reject(other));
    for (let turns = 0; turns < 3; turns += 1) await new Promise(setImmediate);
    expect(unhandled).toEqual([other]);
    scope.end();
    void asOneCall(call, () => Promise.reject(new AbortedError('by its scope')));
    for (let turns = 0; turns < 3; turns += 1) await new Promise(setImmediate);
    expect(unhandled).toEqual([other]);
  });
});
