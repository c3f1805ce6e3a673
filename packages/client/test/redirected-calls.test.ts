/**
 * A call that follows redirects is one call: admitted once, with one total time, one list of attempts and
 * no connection left behind, however many hops it takes and however it ends.
 */
import { afterEach, describe, expect, it } from 'vitest';
import {
  ConnectionPool,
  getRequest,
  type PoolConfigInput,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
import { turn, VirtualClock } from '@hotaru/client/testing';
import { testCertificates } from './certificates.js';
import { attempt, codeOf, HANG_GUARD_MS } from './hostile/support.js';
import { configOf, PROTOCOLS, startUpstream, type Upstream } from './support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const FOLLOW: SendOptions = { redirect: 'follow', timeout: HANG_GUARD_MS };

  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function upstreamOf(): Promise<Upstream> {
    const upstream = await startUpstream(protocol);
    closers.push(() => upstream.close());
    return upstream;
  }

  function poolOf(config: PoolConfigInput = {}, clock?: VirtualClock): ConnectionPool {
    const pool = new ConnectionPool(
      configOf(protocol, config),
      clock === undefined ? {} : { clock },
    );
    closers.push(() => pool.close());
    return pool;
  }

  /** `promise`, or an error: a bound on a hang, never a wait. */
  async function within<T>(promise: Promise<T>, guardMs: number, otherwise: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const guard = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(otherwise)), guardMs);
    });
    return Promise.race([promise, guard]).finally(() => clearTimeout(timer));
  }

  describe('a drain that begins while a redirect is on its way', () => {
    it.each<[string, (upstream: Upstream) => string]>([
      ['the same origin', () => '/end'],
      ['an origin the pool does not know yet', ({ port }) => `http://localhost:${port}/end`],
    ])('lets the call go on to %s, and waits for its answer', async (_what, location) => {
      const upstream = await upstreamOf();
      const pool = poolOf();
      let drained: Promise<void> | undefined;
      upstream.onConnection(async (peer) => {
        for await (const request of peer.incoming()) {
          if (request.target === '/start') {
            drained = pool.drain({ timeout: HANG_GUARD_MS });
            await peer.respond(302, { location: location(upstream) });
          } else {
            await turn();
            await peer.respond(200, {}, 'the answer');
          }
        }
      });
      const res = await pool.sendRequest(upstream.url, getRequest('/start'), FOLLOW);
      expect(await res.text()).toBe('the answer');
      await within(drained!, HANG_GUARD_MS, 'the drain did not end');
      expect(pool.stats()).toMatchObject({ active: 0, idle: 0, connecting: 0, waiting: 0 });
      await expect(pool.sendRequest(upstream.url, getRequest('/'), FOLLOW)).rejects.toMatchObject({
        code: 'HOTARU_POOL_CLOSED',
      });
    });

    it('cuts the call off between its hops when the time is up', async () => {
      const upstream = await upstreamOf();
      const pool = poolOf();
      upstream.onConnection(async (peer) => {
        for await (const request of peer.incoming()) {
          if (request.target === '/start') {
            void pool.drain({ timeout: 30 });
            await peer.respond(302, { location: '/stall' });
          } else await peer.stall();
        }
      });
      const outcome = await attempt(pool, upstream.url, getRequest('/start'), FOLLOW);
      expect(codeOf(outcome)).toMatch(/^HOTARU_(POOL_CLOSED|CONNECTION_CLOSED)$/);
    });

    it('ends when a call fails between two hops', async () => {
      const upstream = await upstreamOf();
      const pool = poolOf();
      let drained: Promise<void> | undefined;
      upstream.onConnection(async (peer) => {
        await peer.readRequest();
        drained = pool.drain({ timeout: HANG_GUARD_MS });
        await peer.respond(302, { location: 'ftp://nowhere.test/' });
      });
      const outcome = await attempt(pool, upstream.url, getRequest('/start'), FOLLOW);
      expect(codeOf(outcome)).toBe('HOTARU_PROTOCOL_ERROR');
      await within(drained!, HANG_GUARD_MS / 2, 'the drain did not end');
    });
  });

  describe('one total time', () => {
    it.each<[string, PoolConfigInput, SendOptions]>([
      ['of the configuration', { timeout: 1_000 }, { redirect: 'follow' }],
      ['of the call', {}, { redirect: 'follow', timeout: 1_000 }],
    ])('%s covers all hops', async (_what, config, options) => {
      const clock = new VirtualClock();
      const upstream = await upstreamOf();
      upstream.onConnection(async (peer) => {
        for await (const request of peer.incoming()) {
          if (request.target !== '/start') await peer.stall();
          clock.advance(600);
          await peer.respond(302, { location: '/stall' });
        }
      });
      const pool = poolOf(config, clock);
      const outcome = attempt(pool, upstream.url, getRequest('/start'), options);
      await upstream.waitForRequests(2);
      clock.advance(400);
      const ended = await within(outcome, HANG_GUARD_MS, 'the time started anew');
      expect(codeOf(ended)).toBe('HOTARU_DEADLINE_EXCEEDED');
      expect((ended as { error: Error }).error.message).toContain('1000 ms');
    });

    it('of the host a redirect leads to shortens what is left, and never lengthens it', async () => {
      const clock = new VirtualClock();
      const upstream = await upstreamOf();
      upstream.onConnection(async (peer) => {
        for await (const request of peer.incoming()) {
          if (request.target === '/stall') await peer.stall();
          else await peer.respond(302, { location: `http://localhost:${upstream.port}/stall` });
        }
      });
      const hosts = { localhost: { timeout: 100 } };
      const pool = poolOf({ timeout: 1_000, hosts }, clock);
      const options: SendOptions = { redirect: 'follow' };
      const outcome = attempt(pool, upstream.url, getRequest('/start'), options);
      await upstream.waitForRequests(2);
      clock.advance(101);
      const ended = await within(outcome, HANG_GUARD_MS, 'the setting of the host was not seen');
      expect(codeOf(ended)).toBe('HOTARU_DEADLINE_EXCEEDED');
    });
  });

  it('keeps options and request fields that are inherited, on every hop', async () => {
    const upstream = await upstreamOf();
    upstream.onConnection(async (peer) => {
      for await (const { target } of peer.incoming())
        if (target === '/start') await peer.respond(307, { location: '/end' });
        else await peer.respond(200, {}, 'end');
    });
    const pool = poolOf();
    const request = Object.create({ method: 'Frob', body: 'data' }) as RequestInit;
    const options = Object.create({ redirect: 'follow', idempotencyKey: 'k' }) as SendOptions;
    request.path = '/start';
    await (await pool.sendRequest(upstream.url, request, options)).text();
    expect(
      upstream.requests.map(({ method, headers }) => [method, headers['idempotency-key']]),
    ).toEqual([
      ['Frob', 'k'],
      ['Frob', 'k'],
    ]);
    expect(upstream.requests.map((received) => received.text())).toEqual(['data', 'data']);
  });

  it('refuses an address that is not public, also where the guard is inherited', async () => {
    const pool = poolOf();
    const options = Object.create({ safety: { untrusted: true } }) as SendOptions;
    options.redirect = 'follow';
    const outcome = await attempt(pool, 'http://127.0.0.1:1/', {}, options);
    expect(codeOf(outcome)).toBe('HOTARU_BLOCKED_ADDRESS');
  });

  it('lists what was tried on earlier hops, too', async () => {
    const upstream = await upstreamOf();
    const pool = poolOf({ maxPerHost: 1 });
    upstream.script([
      async (peer) => {
        await peer.readRequest();
        await peer.respond(200, {}, 'kept');
        await peer.readRequest(); // the reused connection dies: the call is replayed
        peer.reset();
      },
      async (peer) => {
        for await (const request of peer.incoming())
          if (request.target === '/start') await peer.respond(302, { location: '/end' });
          else await peer.respond(200, {}, 'end');
      },
    ]);
    await (await pool.sendRequest(upstream.url)).text();
    const res = await pool.sendRequest(upstream.url, getRequest('/start'), FOLLOW);
    expect(await res.text()).toBe('end');
    expect(res.attempts).toMatchObject([
      { code: 'HOTARU_CONNECTION_CLOSED', reusedConnection: true },
    ]);
  });

  describe('a redirect that can’t be followed', () => {
    const streamed: RequestInit = {
      method: 'POST',
      get body() {
        return (async function* () {
          yield 'data';
        })();
      },
    };
    it.each<[string, number, string, RequestInit]>([
      ['leads to another scheme', 302, 'ftp://127.0.0.1/', {}],
      ['has no host', 302, 'http://', {}],
      ['has a user and password', 302, 'http://u:p@127.0.0.1/', {}],
      ['would send a stream again', 307, '/end', streamed],
      ['is one too many', 302, '/start', {}],
      ['leads to a port where nothing listens', 302, 'http://127.0.0.1:1/', {}],
    ])(
      'frees the connection its body is still coming in on: it %s',
      async (_what, status, to, request) => {
        const upstream = await upstreamOf();
        const pool = poolOf({ maxPerHost: 1, acquireTimeout: 500 });
        upstream.onConnection(async (peer) => {
          for await (const { target } of peer.incoming())
            if (target === '/start')
              // A body that is announced and stalls.
              await peer.write(
                `HTTP/1.1 ${status} Moved\r\nLocation: ${to}\r\nContent-Length: 9\r\n\r\n`,
              );
            else await peer.respond(200, {}, 'next');
        });
        const outcome = await attempt(
          pool,
          upstream.url,
          { path: '/start', ...own(request) },
          FOLLOW,
        );
        expect(outcome).toHaveProperty('error');
        expect(await attempt(pool, upstream.url, { path: '/next' })).toMatchObject({
          body: 'next',
        });
        expect(pool.stats().active).toBe(0);
      },
    );
  });

  /** A fresh stream for each use. */
  function own(request: RequestInit): RequestInit {
    return { ...request };
  }

  describe('a Location', () => {
    const follow = async (location: string) => {
      const upstream = await upstreamOf();
      upstream.onConnection(async (peer) => {
        for await (const { target } of peer.incoming())
          if (target === '/start')
            await peer.write(
              Buffer.from(`HTTP/1.1 302 Found\r\n${location}\r\nContent-Length: 0\r\n\r\n`, 'utf8'),
            );
          else await peer.respond(200, {}, 'end');
      });
      const pool = poolOf();
      const outcome = await attempt(pool, upstream.url, { path: '/start' }, FOLLOW);
      return { outcome, target: upstream.requests.at(-1)?.target };
    };

    it.each([
      ['/café', '/caf%C3%A9'],
      ['/日本?q=é', '/%E6%97%A5%E6%9C%AC?q=%C3%A9'],
      ['/€', '/%E2%82%AC'],
      ['/caf%C3%A9', '/caf%C3%A9'],
    ])('in raw UTF-8 leads where a browser goes: %s', async (location, target) => {
      expect(await follow(`Location: ${location}`)).toMatchObject({
        outcome: { status: 200 },
        target,
      });
    });

    it('given twice is followed when both are the same, else an error', async () => {
      expect(await follow('Location: /a\r\nLocation: /a')).toMatchObject({ target: '/a' });
      const { outcome, target } = await follow('Location: /a\r\nLocation: /b');
      expect(codeOf(outcome)).toBe('HOTARU_PROTOCOL_ERROR');
      expect(target).toBe('/start');
    });
  });

  describe('trust', () => {
    it.each<[string, (ca: string) => SendOptions['tls']]>([
      ['rejectUnauthorized: false', () => ({ rejectUnauthorized: false })],
      ['an authority', (ca) => ({ ca })],
    ])('in the options of a call stays with its origin: %s', async (_what, tlsOf) => {
      const certificates = await testCertificates();
      const tls = tlsOf(certificates.ca);
      const upstream = await startUpstream(protocol, { tls: certificates.localhost });
      closers.push(() => upstream.close());
      upstream.onConnection(async (peer) => {
        for await (const { target } of peer.incoming())
          if (target === '/away')
            await peer.respond(302, { location: `https://127.0.0.1:${upstream.port}/other` });
          else if (target === '/within') await peer.respond(302, { location: '/same' });
          else await peer.respond(200, {}, target);
      });
      const pool = poolOf();
      const url = `https://localhost:${upstream.port}`;
      const stayed = await attempt(pool, url, { path: '/within' }, { ...FOLLOW, tls });
      expect(stayed).toMatchObject({ body: '/same' });
      const away = await attempt(pool, url, { path: '/away' }, { ...FOLLOW, tls });
      expect(codeOf(away)).toBe('HOTARU_TLS_FAILED');
      expect(upstream.requests.map(({ target }) => target)).not.toContain('/other');
    });
  });

  it('reads what it was given once: one-shot headers and objects changed meanwhile', async () => {
    const upstream = await upstreamOf();
    const request = { path: '/start', headers: { 'x-a': '1' } as Record<string, string> };
    upstream.onConnection(async (peer) => {
      for await (const { target } of peer.incoming())
        if (target === '/start') {
          request.headers['x-a'] = 'changed';
          await peer.respond(302, { location: '/end' });
        } else await peer.respond(200);
    });
    const pool = poolOf();
    await attempt(pool, upstream.url, request, FOLLOW);
    expect(upstream.requests.at(-1)?.headers).toMatchObject({ 'x-a': '1' });
  });
});
