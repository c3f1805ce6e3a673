/**
 * What a caller may hand over as a request (docs/rules.md, rule 14): every usual form means what it seems
 * to mean, and what is none is an error that says so, never a TypeError and never something left out.
 */
import {
  ConnectionPool,
  getRequest,
  type HotaruClientError,
  jsonRequest,
  putRequest,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/waiting.js';
import { answering, attempt, HANG_GUARD_MS } from './support.js';
import { expectRefused, sent } from './sending.js';

describe('what can’t be read', () => {
  const boom = new Error('boom');
  const fail = () => {
    throw boom;
  };
  const failing = (name: string) =>
    Object.defineProperty({}, name, { get: fail, enumerable: true });
  it.each([
    ['headers that throw when they are iterated', { headers: { [Symbol.iterator]: fail } }, {}],
    ['a getter among the headers', { headers: failing('a') }, {}],
    ['a proxy for headers', { headers: new Proxy({}, { ownKeys: fail }) }, {}],
    ['a getter in the query', { query: failing('a') }, {}],
    ['a getter for the path', failing('path'), {}],
    ['a getter for the body', failing('body'), {}],
    ['a getter for redirect', {}, failing('redirect')],
    [
      'a getter for timeout, redirects followed',
      {},
      Object.assign(failing('timeout'), { redirect: 'follow' }),
    ],
    ['a getter in tls', {}, { tls: failing('ca') }],
    ['a proxy for options', {}, new Proxy({}, { ownKeys: fail })],
  ] as [string, object, object][])(
    '%s rejects, with the error as cause',
    async (_what, request, options) => {
      const pool = new ConnectionPool();
      const call = pool.sendRequest('https://api.test/', request, options);
      await expect(call).rejects.toMatchObject({ code: 'HOTARU_INVALID_REQUEST', cause: boom });
      pool.close();
    },
  );

  it('has no line break in the message, nor in the path of the error', async () => {
    const pool = new ConnectionPool();
    const error = await pool
      .sendRequest('https://api.test/', { path: '/a\r\nforged: line' })
      .catch((reason: unknown) => reason);
    expect((error as HotaruClientError).message).not.toMatch(/[\r\n]/);
    expect((error as HotaruClientError).path).not.toMatch(/[\r\n]/);
    pool.close();
  });
});

describe('headers', () => {
  it.each<[string, () => unknown]>([
    ['an object', () => ({ 'x-a': '1', 'x-b': ['2', '3'] })],
    [
      'an object without a prototype',
      () => Object.assign(Object.create(null) as object, { 'x-a': '1', 'x-b': ['2', '3'] }),
    ],
    [
      'a list of pairs',
      () => [
        ['x-a', '1'],
        ['x-b', '2'],
        ['x-b', '3'],
      ],
    ],
    [
      'a Map',
      () =>
        new Map<string, unknown>([
          ['x-a', '1'],
          ['x-b', ['2', '3']],
          ['x-c', undefined],
        ]),
    ],
    [
      'Headers',
      () =>
        new Headers([
          ['x-a', '1'],
          ['x-b', '2'],
          ['x-b', '3'],
        ]),
    ],
    ['URLSearchParams', () => new URLSearchParams('x-a=1&x-b=2&x-b=3')],
    [
      'a generator of pairs',
      function* () {
        yield ['x-a', '1'];
        yield ['x-b', '2'];
        yield ['x-b', '3'];
      },
    ],
  ])('given as %s are sent', async (_what, headers) => {
    const request = await sent({ headers: headers() } as RequestInit);
    expect(request.headers).toMatchObject({ 'x-a': '1', 'x-b': expect.stringMatching(/^2, ?3$/) });
  });

  it('of a response can be sent on', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.respondAlways({
      headers: [
        ['x-a', '1'],
        ['x-b', '2'],
        ['x-b', '3'],
      ],
    });
    const pool = new ConnectionPool();
    const res = await pool.sendRequest(upstream.url);
    await res.discard();
    const headers = res.headers.without('content-length');
    await (await pool.sendRequest(upstream.url, { headers })).discard();
    expect(upstream.requests[1]?.headers).toMatchObject({ 'x-a': '1' });
    pool.close();
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['text', 'accept: text/html'],
    ['a number', 5],
    ['a symbol', Symbol('x')],
    ['a function', () => undefined],
    ['a Set', new Set(['accept'])],
    ['a Date', new Date(0)],
    ['bytes', new Uint8Array(2)],
    ['a Response', new Response()],
    ['a promise', Promise.resolve({})],
    ['a Map with a key that is no text', new Map([[1, 'x']])],
    ['null as a value', { accept: null }],
    ['a bigint as a value', { accept: 1n }],
    ['an object as a value', new Map([['accept', {}]])],
  ])('that are none are refused: %s', (_what, headers) =>
    expectRefused({ headers } as RequestInit),
  );

  it.each([
    { 'content-type': 'text/a', 'Content-Type': 'text/b' },
    { 'x-aaa-bbbb-c': '1', 'Content-type': 'a/a', 'content-Type': 'a/b' },
    { Authorization: 'a', authorization: 'b' },
    [
      ['user-agent', 'a'],
      ['User-Agent', 'b'],
    ],
    { 'if-modified-since': ['a', 'b'] },
  ])('given twice where one value is allowed, and different, are refused: %j', (headers) =>
    expectRefused({ headers } as RequestInit),
  );

  it('given twice where one value is allowed, and equal, are sent once', async () => {
    const headers = { 'x-12345678-x': 'a', 'Content-type': 'a/a', 'content-Type': 'a/a' };
    const { rawHeaders } = await sent({ method: 'POST', body: 'x', headers });
    expect(rawHeaders.filter(([name]) => name.toLowerCase() === 'content-type')).toEqual([
      ['Content-type', 'a/a'],
    ]);
  });

  it('that are lists, given in two spellings, are sent as two lines', async () => {
    const request = await sent({ headers: { Accept: 'text/a', accept: 'text/b', 'x-type': 'c' } });
    expect(request.rawHeaders.filter(([name]) => name.toLowerCase() === 'accept')).toEqual([
      ['Accept', 'text/a'],
      ['accept', 'text/b'],
    ]);
  });

  it('name the type of a body once, however it is spelled', async () => {
    for (const request of [
      { method: 'POST', body: 'x', headers: { 'CONTENT-TYPE': 'text/x' } },
      {
        method: 'POST',
        body: new URLSearchParams('a=b'),
        headers: new Map([['Content-Type', 'text/x']]),
      },
      jsonRequest('/', {}, { headers: new Map([['Content-type', 'text/x']]) }),
      jsonRequest('/', {}, { headers: new Headers({ 'content-type': 'text/x' }) }),
    ]) {
      const { rawHeaders } = await sent(request);
      const types = rawHeaders.filter(([name]) => name.toLowerCase() === 'content-type');
      expect(types.map(([, value]) => value)).toEqual(['text/x']);
    }
  });
});

describe('a request, options or a scope of the wrong type', () => {
  const scope = (value: unknown) => (pool: ConnectionPool) =>
    pool.sendRequest('http://h.test', {}, {}, value as never);
  const request = (value: unknown) => (pool: ConnectionPool) =>
    pool.sendRequest('http://h.test', value as RequestInit);
  const options = (value: unknown) => (pool: ConnectionPool) =>
    pool.sendRequest('http://h.test', {}, value as SendOptions);
  it.each<[string, (pool: ConnectionPool) => unknown]>([
    ['a request that is null', request(null)],
    ['a request that is text', request('POST')],
    ['a request that is a list', request([])],
    ['a request that is a number', request(5)],
    ['a request of another library', request(new Request('http://h.test'))],
    ['a method that is a bigint', request({ method: 1n })],
    ['headers null', request({ headers: null })],
    [
      'headers null, redirects followed',
      (pool) =>
        pool.sendRequest('http://h.test', { headers: null } as never, { redirect: 'follow' }),
    ],
    [
      'a request null, redirects followed',
      (pool) => pool.sendRequest('http://h.test', null as never, { redirect: 'follow' }),
    ],
    ['query null', request({ query: null })],
    ['query text', request({ query: 'a=b' })],
    ['a query that is a Map', request({ query: new Map([['a', 'b']]) })],
    ['a query that is a Set', request({ query: new Set(['a']) })],
    ['a query that is FormData', request({ query: new FormData() })],
    ['a query that is a Date', request({ query: new Date(0) })],
    ['path null', request({ path: null })],
    ['options null', options(null)],
    ['options that are text', options('5s')],
    ['options that are a list', options([])],
    ['safety null', options({ safety: null })],
    ['tls null', (pool) => pool.sendRequest('https://h.test', {}, { tls: null } as never)],
    ['tls text', (pool) => pool.sendRequest('https://h.test', {}, { tls: 'ca' } as never)],
    ['a scope that is null', scope(null)],
    ['a scope that is a signal', scope(new AbortController().signal)],
    ['the rest of a template null', () => jsonRequest('/', 1, null as never)],
    ['the rest of a template null, again', () => getRequest('/', null as never)],
    ['the rest of a template text', () => putRequest('/', 'x', 'y' as never)],
    ['acquire(null)', (pool) => pool.acquire(null as never)],
    ['acquire of a Map', (pool) => pool.acquire(new Map() as never)],
    ['acquire of a host that is a bigint', (pool) => pool.acquire(1n as never, 80)],
    ['acquire with options null', (pool) => pool.acquire('http://h.test', null as never)],
    ['acquire with options that are text', (pool) => pool.acquire('http://h.test', '5s' as never)],
    ['acquireTls(null)', (pool) => pool.acquireTls(null as never)],
    ['acquireTls with a port that is text', (pool) => pool.acquireTls('h.test', '443' as never)],
    ['acquireTls with options null', (pool) => pool.acquireTls('h.test', 443, null as never)],
    [
      'acquireTls with an unknown option',
      (pool) => pool.acquireTls('h.test', 443, { verifycert: false } as never),
    ],
    ['warm(null)', (pool) => pool.warm(null as never, 1)],
    ['drain(null)', (pool) => pool.drain(null as never)],
    ['drain with an unknown option', (pool) => pool.drain({ timeuot: 5 } as never)],
  ])('is refused as what it is: %s', async (_what, call) => {
    const pool = new ConnectionPool();
    const error = await rejection(Promise.resolve().then(() => call(pool)));
    expect(error).toMatchObject({ code: 'HOTARU_INVALID_REQUEST' });
    pool.close();
  });
});

describe('properties that Object.prototype was given', () => {
  const polluted = async <T>(properties: object, run: () => Promise<T>): Promise<T> => {
    try {
      Object.assign(Object.prototype, properties);
      return await run();
    } finally {
      for (const name of Object.keys(properties)) Reflect.deleteProperty(Object.prototype, name);
    }
  };

  it.each<object>([
    { flatMapped: () => 1 },
    { method: 'DELETE', query: { x: 'evil' } },
    { body: 'evil', idempotencyKey: 'evil' },
    { redirect: 'evil', connectTimeout: -1, maxResponseSize: 0 },
    { decompress: 'evil', safety: 5, tls: 5 },
  ])('are no part of a request, and fail none: %j', async (properties) => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(answering);
    const pool = new ConnectionPool();
    const options = { headersTimeout: HANG_GUARD_MS };
    const outcome = await polluted(properties, () =>
      attempt(pool, upstream.url, { path: '/own', headers: { 'x-a': '1' } }, options),
    );
    expect(outcome).toMatchObject({ status: 200, headers: { 'x-answers': '/own' } });
    const [request] = upstream.requests;
    expect(request).toMatchObject({ method: 'GET', target: '/own' });
    expect(Object.keys(request?.headers ?? {}).sort()).toEqual(['accept-encoding', 'host', 'x-a']);
    pool.close();
  });

  it.each<[object, string, RequestInit]>([
    [{ flatMapped: () => 1 }, '/next', { method: 'PUT', body: 'own' }],
    [{ path: '/evil', query: { x: 'evil' } }, '/next', { method: 'PUT', body: 'own' }],
    [{ headers: { evil: '1' }, body: 'evil' }, '/next', {}],
    [{ method: 'DELETE', path: '/evil' }, 'http://other.test/next', { headers: { cookie: 'a' } }],
  ])('are no part of a request that follows a redirect: %j', async (properties, next, init) => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      for await (const { target } of peer.incoming())
        if (target === '/first')
          await peer.respond(307, { location: next.replace('//other.test', `//localhost:${upstream.port}`) }); // prettier-ignore
        else await peer.respond(200);
    });
    const pool = new ConnectionPool();
    const options = { redirect: 'follow', headersTimeout: HANG_GUARD_MS } as const;
    const request = { ...init, path: '/first' };
    const outcome = await polluted(properties, () => attempt(pool, upstream.url, request, options));
    expect(outcome).toMatchObject({ status: 200 });
    const { method = 'GET', body = '' } = init as { method?: string; body?: string };
    const sentLast = upstream.requests.at(-1);
    expect([sentLast?.method, sentLast?.target, sentLast?.text()]).toEqual([method, '/next', body]);
    expect(sentLast?.headers).not.toHaveProperty('evil');
    pool.close();
  });

  it('change no pool, no lease and no trust', async () => {
    const pool = await polluted({ hosts: 5, extra: 1, rejectUnauthorized: false }, async () => {
      const made = new ConnectionPool({ maxPerHost: 1 });
      made.reconfigure({ maxPerHost: 2 });
      expect(() => made.get({ host: 'h.test', tls: {} })).not.toThrow();
      await expect(
        made.acquire('http://127.0.0.1:1', { timeout: HANG_GUARD_MS }),
      ).rejects.toMatchObject({ code: 'HOTARU_CONNECT_FAILED' });
      const { ConnectionKey } = await import('@hotaru/client');
      expect(ConnectionKey.from('https://h.test', {}).id).toBe('https://h.test:443');
      return made;
    });
    expect(pool.config.settings.maxPerHost).toBe(2);
    pool.close();
  });

  it('leave defaults that come from a prototype of the caller’s own', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(answering);
    const pool = new ConnectionPool();
    const request = Object.create({ method: 'PUT' }) as RequestInit;
    await polluted({ query: { x: 'evil' } }, () => attempt(pool, upstream.url, request));
    expect(upstream.requests[0]).toMatchObject({ method: 'PUT', target: '/' });
    pool.close();
  });
});
