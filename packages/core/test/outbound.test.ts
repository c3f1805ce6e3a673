import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RequestScope } from '@hotaru/client';
import { ConnectionPool, getRequest, HotaruClientError, json, stream } from '../src/index.js';
import { deferred, memoryLogger, RawClient, started, testApp } from './helpers.js';

async function upstreamOf(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const closedPort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
};

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

describe('ctx.sendRequest()', () => {
  it('calls on the app’s pool, and reuses its connections', async () => {
    const upstream = await upstreamOf((req, res) => res.end(JSON.stringify({ path: req.url })));
    const app = testApp({ pool: {} });
    app.get('/<int:id>', async (ctx) => {
      expect(ctx.pool).toBe(app.pool);
      const res = await ctx.sendRequest(upstream, getRequest(`/users/${ctx.param('id')}`));
      return json(await res.json());
    });
    for (const id of [1, 2]) {
      const res = await app.inject({ path: `/${id}` });
      expect(await res.json()).toEqual({ path: `/users/${id}` });
    }
    expect(app.pool.stats()).toMatchObject({ created: 1, hits: 1 });
  });

  it('that passes a client’s body on answers for the body: over the limit it is a 413, not a 502', async () => {
    const upstream = await upstreamOf((req, res) => {
      req.resume();
      req.once('end', () => res.end('never'));
    });
    const app = testApp({ pool: {}, safety: { maxBodySize: 10 } });
    app.post('/', async (ctx) => {
      const request = { method: 'POST', body: ctx.stream };
      return (await ctx.sendRequest(upstream, request)).text();
    });
    const res = await app.inject({
      method: 'POST',
      body: Readable.from(['12345678', '12345678']),
    });
    expect(res.status).toBe(413);
  });

  it('is aborted when the inbound client leaves: the upstream sees the close', async () => {
    const reached = deferred();
    const upstreamClosed = deferred();
    const upstream = await upstreamOf((_req, res) => {
      res.once('close', () => upstreamClosed.resolve());
      reached.resolve();
    });
    const { log, lines } = memoryLogger();
    const failed = deferred<unknown>();
    const app = testApp({ pool: {}, logger: log });
    app.get('/', async (ctx) => {
      try {
        return await ctx.sendRequest(upstream);
      } catch (error) {
        failed.resolve(error);
        throw error;
      }
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await reached.promise;
    raw.socket.destroy();
    await upstreamClosed.promise;
    expect(await failed.promise).toMatchObject({ code: 'HOTARU_CLIENT_GONE' });
    await new Promise(setImmediate);
    expect(
      lines.filter((line) => (line['level'] as number) > 30),
      'no error of ours',
    ).toEqual([]);
  });

  it('made after the client left fails at once', async () => {
    const reached = deferred();
    const gone = deferred();
    const failed = deferred<unknown>();
    let asked = 0;
    const upstream = await upstreamOf((_req, res) => {
      asked++;
      res.end();
    });
    const app = testApp({ pool: {} });
    app.get('/', async (ctx) => {
      reached.resolve();
      await gone.promise;
      await ctx.sendRequest(upstream).catch((error: unknown) => failed.resolve(error));
    });
    const { port } = await started(app);
    app.server.once('connection', (socket: Socket) =>
      socket.once('close', () => setImmediate(gone.resolve)),
    );
    const raw = new RawClient(port).write(GET);
    await reached.promise;
    raw.socket.destroy();
    expect(await failed.promise).toMatchObject({ code: 'HOTARU_CLIENT_GONE' });
    expect(asked).toBe(0);
  });

  it('has at most the time the inbound request has left: 504', async () => {
    const upstreamClosed = deferred();
    const upstream = await upstreamOf(
      (_req, res) => void res.once('close', () => upstreamClosed.resolve()),
    );
    const app = testApp({ pool: {}, safety: { requestTimeout: 50 } });
    app.get('/', (ctx) =>
      ctx.sendRequest(upstream, getRequest('/'), { timeout: '10s' }).then((res) => res.text()),
    );
    await app.pool.warm(upstream, 1); // the first dial of a process may take longer than the request has
    const res = await app.inject({ path: '/' });
    expect(res.status).toBe(504);
    expect(await res.json()).toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
    await upstreamClosed.promise;
  });

  it('hands the scope of the request, with its deadline, to the pool', async () => {
    const deadlines: unknown[] = [];
    const pool = {
      sendRequest: (_target: string, _request: object, _options: object, scope: RequestScope) => {
        deadlines.push(scope.deadlineMs, scope.signal);
        return Promise.resolve();
      },
    } as unknown as ConnectionPool;
    const app = testApp({ pool, safety: { requestTimeout: '5s' } });
    app.get('/', async (ctx) => {
      await ctx.sendRequest('http://a');
      await ctx.sendRequest('http://b');
      expect(deadlines).toEqual([ctx.deadline, ctx.signal, ctx.deadline, ctx.signal]);
    });
    expect((await app.inject({})).status).toBe(204);
  });

  it('gives up a body the handler left unread, says where in development, and frees the connection', async () => {
    const upstream = await upstreamOf((_req, res) => res.end(Buffer.alloc(1_000_000)));
    const { log, lines } = memoryLogger();
    const app = testApp({ pool: {}, mode: 'development', logger: log });
    app.get('/', async (ctx) => {
      const res = await ctx.sendRequest(upstream, getRequest('/thing?secret=1'));
      return `status ${res.status}`;
    });
    expect(await (await app.inject({ path: '/' })).text()).toBe('status 200');
    const warning = lines.find((line) => line['level'] === 40);
    expect(warning).toMatchObject({
      msg: 'the body of an upstream response was never read; read it, or call discard()',
      upstream: `${upstream}/thing`,
      method: 'GET',
      path: '/',
    });
    expect(warning?.['at']).toContain('outbound.test.ts');
    while ((app.pool.stats() as { active: number }).active > 0) await new Promise(setImmediate);
  });

  it.each([
    ['development', true],
    ['test', true],
    ['staging', false],
    [undefined, false],
  ])(
    'with NODE_ENV=%s it says where: %j, for that costs a stack trace for each call',
    async (env, saysWhere) => {
      vi.stubEnv('NODE_ENV', env);
      try {
        const upstream = await upstreamOf((_req, res) => res.end('x'));
        const { log, lines } = memoryLogger();
        const app = testApp({ pool: { reportLeaks: false }, mode: undefined, logger: log });
        app.get('/', async (ctx) => String((await ctx.sendRequest(upstream)).status));
        expect(await (await app.inject({})).text()).toBe('200');
        const [warning] = lines;
        expect(warning?.['msg']).toContain('was never read');
        expect(warning?.['at'] !== undefined).toBe(saysWhere);
      } finally {
        vi.unstubAllEnvs();
      }
    },
  );

  it('says nothing of it in production', async () => {
    const upstream = await upstreamOf((_req, res) => res.end('x'));
    const { log, lines } = memoryLogger();
    const app = testApp({ pool: {}, mode: 'production', logger: log });
    app.get('/ok', async (ctx) => String((await ctx.sendRequest(upstream)).status));
    expect(await (await app.inject({ path: '/ok' })).text()).toBe('200');
    expect(lines).toEqual([]);
  });
});

describe('a failed upstream call', () => {
  it.each([
    ['HOTARU_POOL_EXHAUSTED', 503],
    ['HOTARU_ACQUIRE_TIMEOUT', 503],
    ['HOTARU_POOL_CLOSED', 503],
    ['HOTARU_CONNECT_TIMEOUT', 504],
    ['HOTARU_HEADERS_TIMEOUT', 504],
    ['HOTARU_BODY_TIMEOUT', 504],
    ['HOTARU_DEADLINE_EXCEEDED', 504],
    ['HOTARU_INVALID_REQUEST', 500],
    ['HOTARU_INVALID_CONFIG', 500],
    ['HOTARU_CONNECT_FAILED', 502],
    ['HOTARU_TLS_FAILED', 502],
    ['HOTARU_PROTOCOL_ERROR', 502],
    ['HOTARU_CONNECTION_CLOSED', 502],
    ['HOTARU_RESPONSE_TOO_LARGE', 502],
  ] as const)(
    '%s is a %i with its code, and without its message in production',
    async (code, status) => {
      for (const mode of ['production', 'development'] as const) {
        const app = testApp({ mode });
        app.get('/', () => {
          throw new HotaruClientError(code, 'internal-host:8443 said no');
        });
        const res = await app.inject({ path: '/' });
        expect(res.status).toBe(status);
        expect(res.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
        const problem = await res.json<{ code: string; detail?: string }>();
        expect(problem.code).toBe(code);
        expect(problem.detail).toBe(
          mode === 'production' ? undefined : 'internal-host:8443 said no',
        );
      }
    },
  );

  it('is a 502 when nothing listens, and a 503 when the pool is full', async () => {
    const nowhere = await closedPort();
    const app = testApp({ pool: { maxPerHost: 1, maxPending: 0 } });
    const hang = deferred();
    const upstream = await upstreamOf((_req, res) => {
      void hang.promise.then(() => res.end('late'));
    });
    app.get('/nowhere', async (ctx) => (await ctx.sendRequest(nowhere)).text());
    app.get('/busy', async (ctx) => (await ctx.sendRequest(upstream)).text());
    expect((await app.inject({ path: '/nowhere' })).status).toBe(502);
    const first = app.inject({ path: '/busy' });
    while ((app.pool.stats() as { active: number }).active === 0) await new Promise(setImmediate);
    expect((await app.inject({ path: '/busy' })).status).toBe(503);
    hang.resolve();
    expect(await (await first).text()).toBe('late');
  });
});

describe('an upstream body through a handler', () => {
  const MIB = 1_048_576;
  const proxy = (upstream: string, pool: ConnectionPool | object = {}) => {
    const app = testApp({ pool });
    app.get('/', async (ctx) => {
      const res = await ctx.sendRequest(upstream);
      return stream(res.body, { status: res.status, headers: res.headers.toObject() });
    });
    app.post('/', async (ctx) => {
      const res = await ctx.sendRequest(upstream, { method: 'POST', body: ctx.stream });
      return stream(res.body, { status: res.status });
    });
    return app;
  };

  it('arrives as it was sent: 64 MiB for a slow reader, in bounded memory', async () => {
    const total = 64 * MIB;
    let sent = 0;
    const upstream = await upstreamOf((_req, res) => {
      res.writeHead(201, { 'content-length': total, 'x-up': '1', connection: 'keep-alive' });
      Readable.from(
        (function* () {
          for (; sent < total; sent += 65_536) yield Buffer.alloc(65_536, 'x');
        })(),
      ).pipe(res);
    });
    const { url } = await started(proxy(upstream));
    const res = await fetch(url);
    expect([res.status, res.headers.get('x-up'), res.headers.get('content-length')]).toEqual([
      201,
      '1',
      String(total),
    ]);
    const reader = (res.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    // While it is not read, what was sent stops growing: sockets and streams hold a bounded part.
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(32 * MIB);
    let ahead = 0;
    let received = 65_536;
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      received += step.value.length;
      ahead = Math.max(ahead, sent - received);
    }
    expect(sent).toBe(total);
    expect(ahead, 'bytes between the two ends, wherever they are').toBeLessThan(32 * MIB);
  });

  it('is aborted when the inbound client leaves in the middle', async () => {
    const upstreamClosed = deferred();
    const upstream = await upstreamOf((_req, res) => {
      res.once('close', () => upstreamClosed.resolve());
      res.write('begin');
    });
    const app = proxy(upstream);
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await raw.until(/begin/);
    raw.socket.destroy();
    await upstreamClosed.promise;
  });

  it('that is cut is cut for the client, too', async () => {
    const upstream = await upstreamOf((_req, res) => {
      res.write('part');
      setImmediate(() => res.destroy());
    });
    const { port } = await started(proxy(upstream));
    const received = await new RawClient(port).write(GET).all();
    expect(received).toContain('part');
    expect(received).not.toMatch(/0\r\n\r\n$/);
  });

  it('an upload passes through, and one that is too large is a 413 for the client', async () => {
    const upstream = await upstreamOf((req, res) => void req.pipe(res));
    const app = proxy(upstream);
    const small = await app.inject({ method: 'POST', body: 'hello' });
    expect(await small.text()).toBe('hello');
    const limited = testApp({ pool: {}, safety: { maxBodySize: 100_000 } });
    const counting = await upstreamOf((req, res) => {
      req.resume();
      req.once('end', () => res.end('never'));
    });
    limited.post('/', async (ctx) => {
      const res = await ctx.sendRequest(counting, { method: 'POST', body: ctx.stream });
      return res.text();
    });
    const large = await limited.inject({
      method: 'POST',
      body: Readable.from(Array.from({ length: 10 }, () => Buffer.alloc(50_000))),
    });
    expect(large.status).toBe(413);
  });
});
