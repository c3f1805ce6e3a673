/**
 * Redirects (docs/rules.md, rule 15; RFC 9110 §15.4, Fetch §4.4): never unasked; bounded when asked; credentials
 * stay with the origin they were meant for, and a body is sent again only when it can be.
 */
import { ConnectionPool, type RequestInit, type SendOptions } from '@hotaru/client';
import { describe, expect, it } from 'vitest';
import { attempt, codeOf, HANG_GUARD_MS } from './support.js';
import {
  configOf,
  PROTOCOLS,
  startUpstream,
  type PeerRequest,
  type Upstream,
} from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const FOLLOW: SendOptions = { redirect: 'follow', timeout: HANG_GUARD_MS };

  /** An origin that redirects by this table and answers everything else. */
  async function redirecting(
    table: Record<string, (self: string) => [status: number, location: string | undefined]>,
  ) {
    const upstream = await startUpstream(protocol);
    upstream.respondAlways((request) => {
      const entry = table[request.target]?.(upstream.url);
      if (entry === undefined) return { body: `${request.method} ${request.target}` };
      const [status, location] = entry;
      return { status, headers: location === undefined ? {} : { location }, body: 'moved' };
    });
    return upstream;
  }

  const lastOf = (upstream: Upstream): PeerRequest => upstream.requests.at(-1)!;

  describe('a redirect that was not to be followed', () => {
    it.each([300, 301, 302, 303, 304, 307, 308])('is the answer: %i', async (status) => {
      await using upstream = await redirecting({ '/': () => [status, '/next'] });
      const pool = new ConnectionPool(configOf(protocol));
      const outcome = await attempt(pool, upstream.url, {}, { timeout: HANG_GUARD_MS });
      expect(outcome).toMatchObject({ status, headers: { location: '/next' } });
      expect(upstream.requests).toHaveLength(1);
      pool.close();
    });
  });

  describe('a redirect that is followed', () => {
    const follow = async (
      upstream: Upstream,
      request: RequestInit = {},
      options: SendOptions = FOLLOW,
    ) => {
      const pool = new ConnectionPool(configOf(protocol));
      const outcome = await attempt(pool, upstream.url, { path: '/start', ...request }, options);
      pool.close();
      return outcome;
    };

    it.each<[status: number, method: string, then: string, keepsBody: boolean]>([
      [301, 'GET', 'GET', false],
      [302, 'HEAD', 'HEAD', false],
      [303, 'GET', 'GET', false],
      [307, 'GET', 'GET', false],
      [308, 'GET', 'GET', false],
      [301, 'POST', 'GET', false],
      [302, 'POST', 'GET', false],
      [303, 'POST', 'GET', false],
      [303, 'PUT', 'GET', false],
      [303, 'HEAD', 'HEAD', false],
      [301, 'PUT', 'PUT', true],
      [302, 'DELETE', 'DELETE', true],
      [307, 'POST', 'POST', true],
      [308, 'POST', 'POST', true],
      [307, 'PUT', 'PUT', true],
    ])('%i to a %s becomes a %s, as Fetch has it', async (status, method, then, keepsBody) => {
      await using upstream = await redirecting({ '/start': () => [status, '/end'] });
      const hasBody = method !== 'GET' && method !== 'HEAD';
      const outcome = await follow(upstream, { method, ...(hasBody ? { body: 'data' } : {}) });
      expect(outcome).toMatchObject({ status: 200 });
      expect(lastOf(upstream)).toMatchObject({ method: then, target: '/end' });
      expect(lastOf(upstream).text()).toBe(keepsBody && hasBody ? 'data' : '');
      if (!keepsBody) {
        expect(lastOf(upstream).headers).not.toHaveProperty('content-type');
        expect(lastOf(upstream).headers).not.toHaveProperty('transfer-encoding');
      }
    });

    it.each([
      ['/a/b?c=d', '/a/b?c=d'],
      ['other', '/other'],
      ['?q=1', '/start?q=1'],
      ['./x/../y', '/y'],
      ['/with space', '/with%20space'],
      ['/\u00e9', '/%C3%A9'],
      ['/x#fragment', '/x'],
    ])('resolves %s against the URL that answered', async (location, target) => {
      await using upstream = await redirecting({ '/start': () => [302, location] });
      expect(await follow(upstream)).toMatchObject({ status: 200 });
      expect(lastOf(upstream).target).toBe(target);
    });

    it('reuses the connection for the next hop', async () => {
      await using upstream = await redirecting({ '/start': () => [302, '/end'] });
      await follow(upstream);
      expect(upstream.accepted).toBe(1);
    });

    it('ends with an error when there are too many', async () => {
      await using upstream = await redirecting({ '/start': () => [302, '/start'] });
      expect(codeOf(await follow(upstream))).toBe('HOTARU_TOO_MANY_REDIRECTS');
      expect(upstream.requests.length).toBeLessThanOrEqual(21);
    });

    it('keeps to the deadline of the call over all hops', async () => {
      await using upstream = await redirecting({ '/start': () => [302, '/slow'] });
      upstream.onConnection(async (peer) => {
        for await (const request of peer.incoming()) {
          if (request.target === '/slow') return peer.stall();
          await peer.respond(302, { location: '/slow' });
        }
      });
      const outcome = await follow(upstream, {}, { ...FOLLOW, timeout: 60 });
      expect(codeOf(outcome)).toBe('HOTARU_DEADLINE_EXCEEDED');
    });

    it.each([
      ['no Location', undefined],
      ['an empty Location', ''],
    ])('without a way is the answer itself: %s', async (_what, location) => {
      await using upstream = await redirecting({ '/start': () => [302, location] });
      const outcome = await follow(upstream);
      expect(upstream.requests.length).toBeLessThanOrEqual(21);
      if ('error' in outcome)
        expect(outcome.code).toMatch(/PROTOCOL_ERROR|TOO_MANY_REDIRECTS|INVALID_REQUEST/);
      else expect(outcome).toMatchObject({ status: 302 });
    });

    it.each([
      'file:///etc/passwd',
      'ftp://127.0.0.1/',
      'javascript:1',
      'data:text/plain,x',
      'http://',
      'http://[::1',
    ])('to %s is an error, never followed', async (location) => {
      await using upstream = await redirecting({ '/start': () => [302, location] });
      const outcome = await follow(upstream);
      expect(codeOf(outcome)).toMatch(/PROTOCOL_ERROR|INVALID_REQUEST/);
      expect(upstream.requests).toHaveLength(1);
    });

    const credentials = {
      authorization: 'Bearer secret',
      cookie: 'session=secret',
      'proxy-authorization': 'Basic secret',
      'x-other': 'kept',
    };

    it('within its origin keeps credentials', async () => {
      await using upstream = await redirecting({ '/start': () => [302, '/end'] });
      await follow(upstream, { headers: credentials });
      expect(lastOf(upstream).headers).toMatchObject({
        authorization: 'Bearer secret',
        'x-other': 'kept',
      });
    });

    it.each<[string, (port: number) => string]>([
      ['another port', (port) => `http://127.0.0.1:${port}/end`],
      ['another name', (port) => `http://localhost:${port}/end`],
      ['an address without scheme', (port) => `//127.0.0.1:${port}/end`],
    ])(
      'to %s drops authorization, cookie and proxy-authorization, and keeps the rest',
      async (_what, to) => {
        await using other = await startUpstream(protocol);
        other.respondAlways({ body: 'other' });
        await using upstream = await redirecting({ '/start': () => [307, to(other.port)] });
        const headers = { ...credentials, Authorization: 'Bearer secret', Host: 'virtual.example' };
        const outcome = await follow(upstream, { method: 'POST', body: 'data', headers });
        expect(outcome).toMatchObject({ body: 'other' });
        const seen = lastOf(other).headers;
        for (const name of ['authorization', 'cookie', 'proxy-authorization'])
          expect(seen).not.toHaveProperty(name);
        expect(seen['x-other']).toBe('kept');
        expect(seen['host']).toBe(
          to(other.port)
            .replace(/^(http:)?\/\//, '')
            .replace('/end', ''),
        );
      },
    );

    it('away and back again does not bring credentials back', async () => {
      await using other = await startUpstream(protocol);
      await using upstream = await redirecting({
        '/start': () => [302, `http://localhost:${other.port}/away`],
      });
      other.respondAlways({ status: 302, headers: { location: `${upstream.url}/back` } });
      await follow(upstream, { headers: credentials });
      expect(lastOf(upstream)).toMatchObject({ target: '/back' });
      expect(lastOf(upstream).headers).not.toHaveProperty('authorization');
    });

    it('with user and password in its Location sends no authorization', async () => {
      await using other = await startUpstream(protocol);
      other.respondAlways();
      await using upstream = await redirecting({
        '/start': () => [302, `http://user:secret@localhost:${other.port}/`],
      });
      const outcome = await follow(upstream);
      if (!('error' in outcome)) expect(lastOf(other).headers).not.toHaveProperty('authorization');
    });

    it('with a stream as body is not sent again: the redirect is the answer, or an error', async () => {
      await using upstream = await redirecting({ '/start': () => [307, '/end'] });
      async function* body() {
        yield 'data';
      }
      const outcome = await follow(upstream, { method: 'POST', body: body() });
      expect(upstream.requests).toHaveLength(1);
      if ('error' in outcome) expect(codeOf(outcome)).toMatch(/INVALID_REQUEST|CONNECTION_CLOSED/);
      else expect(outcome).toMatchObject({ status: 307 });
    });

    it('does not wait for the body of the hop: an endless one is closed', async () => {
      await using upstream = await startUpstream(protocol);
      upstream.onConnection(async (peer) => {
        for await (const request of peer.incoming())
          if (request.target === '/start') {
            await peer.write(
              'HTTP/1.1 302 Found\r\nLocation: /end\r\nTransfer-Encoding: chunked\r\n\r\n',
            );
            await peer.endless(`400\r\n${'x'.repeat(1_024)}\r\n`);
            return;
          } else await peer.respond(200, {}, 'end');
      });
      expect(await follow(upstream)).toMatchObject({ body: 'end' });
      expect(upstream.accepted).toBe(2);
    });

    it('tells the URL that answered in the end', async () => {
      await using upstream = await redirecting({ '/start': () => [302, '/end?x=1'] });
      const pool = new ConnectionPool(configOf(protocol));
      const response = await pool.sendRequest(upstream.url, { path: '/start' }, FOLLOW);
      expect(response.url).toBe(`${upstream.url}/end?x=1`);
      await response.discard();
      pool.close();
    });
  });
});
