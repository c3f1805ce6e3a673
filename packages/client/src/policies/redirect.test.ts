/** Which redirects are followed, with what, and what stays behind. */
import { describe, expect, it } from 'vitest';
import { FakeCalls, fakeResponse, type Asked } from '../../test/support/fake-calls.js';
import { CONSTANTS } from '../config/constants.js';
import type { RequestInit } from '../message/request.js';
import type { ClientResponse } from '../message/response.js';
import type { Call } from '../send/call.js';
import type { SendOptions } from '../send/options.js';
import { RequestScope } from '../send/request-scope.js';
import type { Send } from '../send/send.js';
import { redirect } from './redirect.js';

/** What the upstream says to each request in turn; the last one again. */
type Answer = readonly [status: number, ...locations: string[]];

interface Followed {
  readonly calls: FakeCalls;
  readonly sent: Call[];
  readonly responses: ReturnType<typeof fakeResponse>[];
  readonly outcome: Promise<ClientResponse>;
}

function follow(asked: Asked, ...answers: Answer[]): Followed {
  const calls = new FakeCalls();
  const sent: Call[] = [];
  const responses: Followed['responses'] = [];
  const next: Send = (call) => {
    const [status, ...locations] = answers[Math.min(sent.length, answers.length - 1)] ?? [200];
    sent.push(call);
    expect(calls.underWayCount, 'counted while it is under way').toBe(1);
    const { origin, path } = call.target;
    const fields = locations.map((location) => ['Location', location] as const);
    const response = fakeResponse(status, fields, origin.text + (path === '' ? '/' : path));
    responses.push(response);
    return Promise.resolve(response);
  };
  const options: SendOptions = { redirect: 'follow', ...asked.options };
  const outcome = redirect(calls.call({ url: 'http://a.test/x/y', ...asked, options }), next);
  return { calls, sent, responses, outcome };
}

function urls({ sent }: Followed): string[] {
  return sent.map(({ target }) => target.origin.text + target.path);
}

function fieldNames(call: Call | undefined): string[] {
  return [...(call?.request.headers as Iterable<[string, string]>)].map(([name]) => name);
}

it('is not looked at where it is not asked for: the promise of next is returned', () => {
  const call = new FakeCalls().call();
  const answer = Promise.resolve(fakeResponse(302, [['location', '/b']]));
  expect(redirect(call, () => answer)).toBe(answer);
});

describe('what is followed', () => {
  it.each<[number, number]>([
    [301, 2],
    [302, 2],
    [303, 2],
    [307, 2],
    [308, 2],
    [300, 1],
    [304, 1],
    [305, 1],
    [200, 1],
    [201, 1],
  ])('%i with a Location is %i requests', async (status, count) => {
    const followed = follow({}, [status, '/b'], [200]);
    expect((await followed.outcome).status).toBe(count === 2 ? 200 : status);
    expect(followed.sent).toHaveLength(count);
  });

  it('is nothing without a Location', async () => {
    expect((await follow({}, [302]).outcome).status).toBe(302);
  });

  it.each([
    ['/b', 'http://a.test/b'],
    ['b', 'http://a.test/x/b'],
    ['?q', 'http://a.test/x/y?q'],
    ['//b.test/c', 'http://b.test/c'],
    ['https://b.test', 'https://b.test'],
    ['/caf\xc3\xa9', 'http://a.test/caf%C3%A9'], // bytes of UTF-8, as a browser reads them
    ['/caf\xe9', 'http://a.test/caf%C3%A9'], // Latin-1
  ])('leads from the URL that answered: %s', async (location, url) => {
    const followed = follow({}, [302, location], [200]);
    await followed.outcome;
    expect(urls(followed)).toEqual(['http://a.test/x/y', url]);
  });

  it('may say the same twice, and not two things', async () => {
    expect((await follow({}, [302, '/b', '/b'], [200]).outcome).status).toBe(200);
    const { outcome, sent } = follow({}, [302, '/b', '/c']);
    await expect(outcome).rejects.toMatchObject({
      code: 'HOTARU_PROTOCOL_ERROR',
      responseStarted: true,
    });
    expect(sent).toHaveLength(1);
  });

  it('is ten redirects, and an error for one more, which shows no query', async () => {
    const { outcome, sent, responses } = follow({}, [302, '/b?secret=1']);
    await expect(outcome).rejects.toMatchObject({
      code: 'HOTARU_TOO_MANY_REDIRECTS',
      message: expect.not.stringContaining('secret'),
      responseStarted: true,
    });
    expect(sent).toHaveLength(CONSTANTS.maxRedirects + 1);
    expect(responses.every(({ isDiscarded }) => isDiscarded)).toBe(true);
  });

  it.each(['ftp://b.test/', 'http://', 'http://u:p@b.test/'])(
    'is nothing that can’t be called: %s is an error, and its body is given up',
    async (location) => {
      const { outcome, responses } = follow({}, [302, location]);
      await expect(outcome).rejects.toMatchObject({
        code: 'HOTARU_PROTOCOL_ERROR',
        message: expect.not.stringContaining('u:p'),
      });
      expect(responses[0]?.isDiscarded).toBe(true);
    },
  );

  it('gives up the body of each response but the last', async () => {
    const { outcome, responses } = follow({}, [302, '/b'], [307, '/c'], [200]);
    await outcome;
    expect(responses.map(({ isDiscarded }) => isDiscarded)).toEqual([true, true, false]);
  });
});

describe('the next request', () => {
  it.each<[number, string, string, boolean]>([
    [301, 'POST', 'GET', false],
    [302, 'POST', 'GET', false],
    [302, 'post', 'GET', false],
    [303, 'POST', 'GET', false],
    [303, 'PUT', 'GET', false],
    [303, 'HEAD', 'HEAD', true],
    [301, 'PUT', 'PUT', true],
    [302, 'DELETE', 'DELETE', true],
    [307, 'POST', 'POST', true],
    [308, 'POST', 'POST', true],
  ])('after %i to %s is %s, with its body: %s', async (status, method, next, hasBody) => {
    const headers = { 'Content-Type': 'text/plain', 'Repr-Digest': 'x', 'x-a': '1' };
    const request: RequestInit = { method, headers, body: 'data', path: '/p', query: { q: '1' } };
    const { outcome, sent } = follow({ request }, [status, '/b'], [200]);
    await outcome;
    const { request: second } = sent[1]!;
    expect([second.method, second.body]).toEqual([next, hasBody ? 'data' : undefined]);
    expect(fieldNames(sent[1])).toEqual(hasBody ? Object.keys(headers) : ['x-a']);
    expect([second.path, second.query], 'they are in the new URL').toEqual([undefined, undefined]);
  });

  it.each([307, 308])('can’t be made of a stream: %i is an error', async (status) => {
    const body = (async function* () {
      yield 'data';
    })();
    const { outcome, sent } = follow({ request: { method: 'POST', body } }, [status, '/b']);
    await expect(outcome).rejects.toMatchObject({ code: 'HOTARU_INVALID_REQUEST' });
    expect(sent).toHaveLength(1);
  });

  const FIELDS = { Authorization: 'a', cookie: 'c', 'Proxy-Authorization': 'p', Host: 'h', 'x-a': '1' }; // prettier-ignore
  it.each([
    ['the same origin', '/b', Object.keys(FIELDS)],
    ['another host', 'http://b.test/', ['x-a']],
    ['another port', 'http://a.test:81/', ['x-a']],
    ['another scheme', 'https://a.test/', ['x-a']],
  ])('to %s has these fields', async (_what, location, names) => {
    const { outcome, sent } = follow({ request: { headers: FIELDS } }, [302, location], [200]);
    await outcome;
    expect(fieldNames(sent[1])).toEqual(names);
  });

  it('to another origin has nothing of tls that says whom to trust; the other options go along', async () => {
    const tls = { rejectUnauthorized: false, minVersion: 'TLSv1.3' } as const;
    const asked: Asked = { url: 'https://a.test', options: { tls, timeout: 500 } };
    const { outcome, sent } = follow(asked, [302, '/b'], [302, 'https://b.test/'], [200]);
    await outcome;
    expect(sent.map((call) => call.options.tls)).toEqual([tls, tls, { minVersion: 'TLSv1.3' }]);
    expect(sent[2]?.options.timeoutMs).toBe(500);
    const only: Asked = { url: 'https://a.test', options: { tls: { rejectUnauthorized: false } } };
    const other = follow(only, [302, 'https://b.test/'], [200]);
    await other.outcome;
    expect(other.sent[1]?.options.tls).toBeUndefined();
  });

  it('is of what was asked at first: iterators are read once, later changes not seen', async () => {
    const pairs = (function* (): Generator<[string, string]> {
      yield ['x-a', '1'];
    })();
    const request: RequestInit = { headers: pairs, method: 'PUT', body: 'data' };
    const { outcome, sent } = follow({ request }, [307, '/b'], [200]);
    request.body = 'changed';
    await outcome;
    expect(sent.map((call) => [call.request.body, call.request.headers])).toEqual([
      ['data', [['x-a', '1']]],
      ['data', [['x-a', '1']]],
    ]);
  });
});

describe('all requests of a redirected call', () => {
  it('are one call: one list of attempts, one beginning, one line of its caller, one scope', async () => {
    const scope = new RequestScope({ captureCallSites: true });
    const { outcome, sent, calls } = follow({ scope }, [302, '/b'], [200]);
    await outcome;
    const [first, second] = sent;
    expect(first?.attempts).toEqual([]);
    expect(second?.attempts).toBe(first?.attempts);
    expect(second?.calledAtMs).toBe(first?.calledAtMs);
    expect(first?.callSite).toContain('fake-calls.ts');
    expect(second?.callSite).toBe(first?.callSite);
    expect(sent.every((call) => call.scope === scope)).toBe(true);
    expect(calls.underWayCount).toBe(0);
  });

  it('fail with the name of the call, and it is over', async () => {
    const calls = new FakeCalls();
    const call = calls.call({ options: { redirect: 'follow' }, request: { path: '/p?secret' } });
    const answer = Promise.resolve(fakeResponse(302, [['location', 'ftp://x']]));
    await expect(redirect(call, () => answer)).rejects.toMatchObject({
      message: expect.stringMatching(/^GET http:\/\/api\.test\/p: the redirect to /),
      path: '/p',
    });
    expect(calls.underWayCount).toBe(0);
  });

  it('are refused with fields that can’t be read, and the body is given up', async () => {
    let isReturned = false;
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: 'x' }),
        return: () => {
          isReturned = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const headers = {
      [Symbol.iterator](): Iterator<[string, string]> {
        throw new Error('not today');
      },
    };
    const request = { method: 'PUT', headers, body } as unknown as RequestInit;
    await expect(follow({ request }, [200]).outcome).rejects.toMatchObject({
      code: 'HOTARU_INVALID_REQUEST',
      message: expect.stringContaining('not today'),
    });
    expect(isReturned).toBe(true);
  });
});
