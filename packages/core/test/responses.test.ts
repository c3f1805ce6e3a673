/** Responses as values: what they take, whom they answer, and those of an upstream that pass through. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { ResponseHeaders } from '@hotaru/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  file,
  HttpError,
  json,
  stream,
  text,
  type HeadersInput,
  type Middleware,
} from '../src/index.js';
import { deferred, RawClient, started, testApp } from './helpers.js';

async function upstreamOf(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a constant response', () => {
  /** Says who asked, as a session middleware would. */
  const session: Middleware = async (ctx, next) => {
    const response = await next();
    const user = ctx.query('user');
    if (user !== undefined) response.setHeader('set-cookie', `session=${user}`);
    if (ctx.query('teapot') !== undefined) {
      response.status = 418;
      response.body = 'short and stout';
    }
    return response;
  };

  it.each([
    ['without headers', json({ ok: true })],
    ['with headers', text('{"ok":true}', { status: 200, headers: { 'x-a': '1' } })],
  ])('%s carries nothing of another request', async (_what, OK) => {
    const app = testApp();
    app.use(session).get('/', () => OK);
    const first = await app.inject({ path: '/?user=ada&teapot' });
    expect([first.status, first.headers['set-cookie']]).toEqual([418, ['session=ada']]);
    const second = await app.inject({ path: '/' });
    expect([second.status, second.headers['set-cookie'], await second.text()]).toEqual([
      200,
      undefined,
      '{"ok":true}',
    ]);
  });

  it('answers requests at the same time, each with its own ctx.status()', async () => {
    const OK = json({ ok: true });
    const go = deferred();
    const app = testApp();
    app.get('/slow', async (ctx) => {
      ctx.status(201);
      await go.promise;
      return OK;
    });
    app.get('/fast', (ctx) => {
      ctx.status(202);
      return OK;
    });
    const slow = app.inject({ path: '/slow' });
    expect((await app.inject({ path: '/fast' })).status).toBe(202);
    go.resolve();
    expect((await slow).status).toBe(201);
  });

  it('kept by a middleware is what the handler made, for the next request', async () => {
    let kept: Awaited<ReturnType<Parameters<Middleware>[1]>> | undefined;
    const app = testApp();
    app.use(session, async (_ctx, next) => (kept ??= await next()));
    app.get('/', () => 'fresh');
    await app.inject({ path: '/?user=ada' });
    const second = await app.inject({ path: '/' });
    expect(second.headers['set-cookie']).toBeUndefined();
    expect(await second.text()).toBe('fresh');
  });

  it('cannot be changed by a handler once a request was answered with it', async () => {
    const OK = json({ ok: true });
    const app = testApp({ mode: 'development' });
    app.get('/', (ctx) => OK.setHeader('x-user', ctx.query('user') ?? 'none'));
    await app.inject({ path: '/?user=ada' });
    const res = await app.inject({ path: '/?user=bob' });
    expect(await res.json()).toMatchObject({
      status: 500,
      code: 'HOTARU_INVALID_STATE',
      detail: expect.stringContaining('make a new one') as string,
    });
  });

  it('with a stream answers one request, and says why not a second one', async () => {
    const ONCE = stream(Readable.from(['x']));
    const app = testApp({ mode: 'development' });
    app.get('/', () => ONCE);
    expect(await (await app.inject({ path: '/' })).text()).toBe('x');
    expect(await (await app.inject({ path: '/' })).json()).toMatchObject({
      detail: expect.stringContaining('make a new response for each request') as string,
    });
  });
});

describe('headers of a response', () => {
  const pairs: [string, string][] = [
    ['X-A', '1'],
    ['set-cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['vary', 'accept'],
    ['vary', 'origin'],
  ];
  const raw = 'x-a: 1';
  it.each<[string, HeadersInput]>([
    ['Headers', new Headers(pairs)],
    ['a list of pairs', pairs],
    [
      'a Map',
      new Map<string, string | string[]>([
        ['X-A', '1'],
        ['set-cookie', ['a=1', 'b=2']],
        ['vary', 'accept, origin'],
      ]),
    ],
    [
      'an object',
      { 'X-A': 1, 'set-cookie': ['a=1', 'b=2'], vary: 'accept, origin', skip: undefined },
    ],
  ])('may be %s', async (_what, headers) => {
    const app = testApp();
    app.get('/', () => json({}, { headers }));
    app.get('/error', () => {
      throw new HttpError(404, { headers });
    });
    for (const path of ['/', '/error'])
      expect((await app.inject({ path })).headers).toMatchObject({
        'x-a': '1',
        'set-cookie': ['a=1', 'b=2'],
        vary: 'accept, origin',
      });
  });

  it('may be those of an upstream, without hop-by-hop fields and those that Connection names', async () => {
    expect(new ResponseHeaders({ text: raw, offsets: [0, 3, 5, 6] }).get('x-a')).toBe('1');
    const app = testApp();
    app.get('/', () =>
      text('x', {
        headers: [
          ['connection', 'X-Hop, close'],
          ['x-hop', 'secret'],
          ['Connection', 'x-other'],
          ['X-Other', 'secret'],
          ['keep-alive', 'timeout=5'],
          ...new ResponseHeaders({ text: raw, offsets: [0, 3, 5, 6] }),
        ],
      }),
    );
    const { headers } = await app.inject({ path: '/' });
    expect(headers['x-a']).toBe('1');
    for (const name of ['x-hop', 'x-other']) expect(headers).not.toHaveProperty(name);
    expect(headers['keep-alive']).not.toBe('timeout=5');
  });

  it.each([
    ['text', 'x-a: 1'],
    ['a list of names', ['x-a', '1']],
    ['a Set', new Set(['x-a'])],
    ['URLSearchParams', new URLSearchParams('x-a=1')],
    ['an instance of a class', new Date()],
    ['null', null],
  ])('cannot be %s', (_what, headers) => {
    expect(() => json({}, { headers: headers as never })).toThrow(
      'allowed: a plain object, Headers, a Map, or a list of [name, value]',
    );
  });

  it('and status are all that a response helper takes', async () => {
    // @ts-expect-error a slip of the pen
    expect(() => json({}, { stauts: 201 })).toThrow(
      'response.stauts (201) is not an option; allowed: a status, or an object of status, headers',
    );
    // @ts-expect-error headers without their name
    expect(() => text('', { 'x-a': '1' })).toThrow('response.x-a ("1") is not an option');
    expect(() => json({}, new Headers({ 'x-a': '1' }) as never)).toThrow(
      'the init of a response is an object; allowed: a status, or an object of status, headers',
    );
    expect(() => json({}, '201' as never)).toThrow('the init of a response is "201"');
    await expect(file('a', undefined as never)).rejects.toThrow(
      "the options of file() is undefined; allowed: the folder, as in file(path, { root: 'public' })",
    );
    await expect(file(undefined as never, { root: '.' })).rejects.toThrow(
      'the path of file() is undefined',
    );
  });
});

describe('the response of an upstream', () => {
  const ways = ['ClientResponse', 'fetch'] as const;
  /** Passes on what an upstream answers, by our client or by fetch. */
  function passing(way: (typeof ways)[number], upstream: string, decompress = true) {
    const app = testApp({ pool: {} });
    app.get('/<**path:rest>', (ctx) =>
      way === 'fetch'
        ? fetch(upstream + ctx.path)
        : ctx.sendRequest(upstream, { path: ctx.path }, { decompress }),
    );
    return app;
  }

  it.each(ways)('passes through as %s: status, fields and body', async (way) => {
    const upstream = await upstreamOf((_req, res) => {
      res.writeHead(203, [
        ...['content-type', 'text/csv', 'content-length', '3', 'x-a', '1'],
        ...['set-cookie', 'a=1', 'set-cookie', 'b=2'],
        ...['connection', 'x-hop, keep-alive', 'x-hop', 'secret', 'keep-alive', 'timeout=5'],
      ]);
      res.end('a,b');
    });
    const { port } = await started(passing(way, upstream));
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const received = await raw.all();
    expect(received).toMatch(/^HTTP\/1.1 203 [^]*\r\n\r\na,b$/);
    for (const line of ['content-type: text/csv', 'content-length: 3', 'x-a: 1'])
      expect(received).toContain(`\r\n${line}\r\n`);
    expect(received.match(/set-cookie: \w=\d/g)).toEqual(['set-cookie: a=1', 'set-cookie: b=2']);
    expect(received).not.toContain('x-hop');
    expect(received.match(/^date:/gim)).toHaveLength(1);
  });

  it.each(ways)('that was compressed is whole as %s, and says nothing false', async (way) => {
    const packed = gzipSync('hello '.repeat(1_000));
    const upstream = await upstreamOf((_req, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length });
      res.end(packed);
    });
    const res = await passing(way, upstream).inject({ path: '/' });
    expect(res.headers['content-encoding']).toBeUndefined();
    expect(res.headers['content-length']).toBeUndefined();
    expect(await res.text()).toBe('hello '.repeat(1_000));
  });

  it('that was left compressed stays so, with its fields', async () => {
    const packed = gzipSync('hello');
    const upstream = await upstreamOf((_req, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length });
      res.end(packed);
    });
    const res = await passing('ClientResponse', upstream, false).inject({ path: '/' });
    expect(res.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-length': String(packed.length),
    });
    expect(Buffer.from(await res.bytes())).toEqual(packed);
  });

  it('that the program made keeps what it says of its body', async () => {
    const packed = gzipSync('hello');
    const app = testApp();
    app.get('/', () => new Response(packed, { headers: { 'content-encoding': 'gzip' } }));
    app.get('/created', () => Response.json({ id: 1 }, { status: 201 }));
    app.get('/empty', () => new Response(null, { status: 204 }));
    app.get('/moved', () => Response.redirect('http://example.com/', 308));
    const res = await app.inject({ path: '/' });
    expect(res.headers['content-encoding']).toBe('gzip');
    expect(Buffer.from(await res.bytes())).toEqual(packed);
    const created = await app.inject({ path: '/created' });
    expect([created.status, created.headers['content-type'], await created.json()]).toEqual([
      201,
      'application/json',
      { id: 1 },
    ]);
    expect((await app.inject({ path: '/empty' })).status).toBe(204);
    const moved = await app.inject({ path: '/moved' });
    expect([moved.status, moved.headers['location']]).toEqual([308, 'http://example.com/']);
  });

  it.each(ways)(
    'is streamed as %s: the head and the first piece before the rest is there',
    async (way) => {
      const more = deferred();
      const upstream = await upstreamOf((_req, res) => {
        res.write('first ');
        void more.promise.then(() => res.end('last'));
      });
      const { port } = await started(passing(way, upstream));
      const raw = new RawClient(port).write(
        'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      );
      await raw.until(/first /);
      more.resolve();
      expect(await raw.all()).toMatch(/last\r\n0\r\n\r\n$/);
    },
  );

  it.each([204, 304])('with %i has no body, no length and no type of ours', async (code) => {
    const upstream = await upstreamOf((_req, res) => res.writeHead(code, { etag: '"1"' }).end());
    const app = testApp({ pool: {} });
    app.get('/whole', (ctx) => ctx.sendRequest(upstream));
    app.get('/parts', async (ctx) => {
      const res = await ctx.sendRequest(upstream);
      return stream(res.body, { status: res.status, headers: res.headers });
    });
    for (const path of ['/whole', '/parts']) {
      const res = await app.inject({ path });
      expect([res.status, res.headers['etag']]).toEqual([code, '"1"']);
      expect(res.headers).not.toHaveProperty('content-type');
      expect(res.headers).not.toHaveProperty('content-length');
    }
    expect(app.pool.stats()).toMatchObject({ active: 0 });
  });

  it('answers HEAD without its body, and frees the connection', async () => {
    const upstream = await upstreamOf((_req, res) => res.end('x'.repeat(100_000)));
    const app = passing('ClientResponse', upstream);
    const res = await app.inject({ path: '/', method: 'HEAD' });
    expect(res.headers['content-length']).toBe('100000');
    expect(await res.text()).toBe('');
    while ((app.pool.stats() as { active: number }).active > 0) await new Promise(setImmediate);
  });

  it('may be changed by middleware like any other', async () => {
    const upstream = await upstreamOf((_req, res) => res.end('x'));
    const app = passing('ClientResponse', upstream);
    app.use(async (_ctx, next) => {
      const response = await next();
      return response.setHeader('x-via', 'hotaru');
    });
    const res = await app.inject({ path: '/' });
    expect([res.headers['x-via'], await res.text()]).toEqual(['hotaru', 'x']);
  });
});
