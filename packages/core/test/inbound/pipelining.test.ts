/**
 * What comes behind a request: other requests, garbage, half a head, the end of the connection.
 */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { stream, type HttpContext } from '../../src/index.js';
import { deferred, RawClient, started, testApp } from '../helpers.js';

const get = (path: string, rest = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${rest}\r\n`;
const STATUS = /HTTP\/1\.1 \d+/g;
const statuses = (received: string) =>
  [...(received.match(STATUS) ?? [])].map((line) => Number(line.slice(-3)));
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** An app whose `/slow` answers when told to, and which counts what it has run. */
async function slowApp(options = {}) {
  const go = deferred();
  const reached = deferred<HttpContext>();
  const ran: string[] = [];
  const app = testApp(options);
  app.use(async (ctx, next) => {
    ran.push(`${ctx.method} ${ctx.path}`);
    await turn(); // async middleware: whatever is in the socket is parsed before this one answers
    return next();
  });
  app.get('/slow', async (ctx) => {
    reached.resolve(ctx);
    await go.promise;
    return 'slow';
  });
  app.get('/', () => 'quick');
  app.post('/', async (ctx) => `read ${(await ctx.bytes()).length}`);
  app.post('/unread', async () => {
    await turn();
    return 'not read';
  });
  const { port } = await started(app);
  return { app, go, reached, ran, raw: (bytes: string) => new RawClient(port).write(bytes) };
}

describe('a client that leaves', () => {
  it.each(['destroy', 'resetAndDestroy'] as const)(
    'is heard of by every pipelined request, not by the first alone (%s)',
    async (how) => {
      const contexts: HttpContext[] = [];
      const all = deferred();
      const app = testApp();
      app.get('/', async (ctx) => {
        const aborted = new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
        contexts.push(ctx);
        if (contexts.length === 3) all.resolve();
        await aborted;
      });
      const { port } = await started(app);
      const raw = new RawClient(port).write(get('/').repeat(3));
      await all.promise;
      const aborts = contexts.map(
        (ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', resolve)),
      );
      raw.socket[how]();
      await Promise.all(aborts);
      expect(contexts.map((ctx) => (ctx.signal.reason as { code: string }).code)).toEqual(
        Array(3).fill('HOTARU_CLIENT_GONE'),
      );
    },
  );

  it('ends the stream of a pipelined request that waits for its turn', async () => {
    const destroyed = deferred();
    const { app, raw } = await slowApp();
    const begun = deferred();
    app.get('/stream', () =>
      stream(
        new Readable({
          read() {
            begun.resolve();
          },
          destroy(_error, done) {
            destroyed.resolve();
            done(null);
          },
        }),
      ),
    );
    const client = raw(get('/slow') + get('/stream'));
    await begun.promise;
    client.socket.destroy();
    await destroyed.promise;
  });

  it('ends an endless stream of a pipelined request: nothing goes on being made', async () => {
    const { app, raw } = await slowApp();
    const begun = deferred();
    const ended = deferred();
    app.get('/endless', () =>
      stream(
        (async function* () {
          try {
            for (;;) {
              await turn();
              begun.resolve();
              yield 'x';
            }
          } finally {
            ended.resolve();
          }
        })(),
      ),
    );
    const client = raw(get('/slow') + get('/endless'));
    await begun.promise;
    client.socket.destroy();
    await ended.promise;
  });
});

describe('garbage behind a request', () => {
  it.each([
    ['bytes that are no HTTP', 'GARBAGE\r\n\r\n', 400],
    ['binary bytes', '\x16\x03\x01\x02\x00', 400],
    ['a head with a bad field', 'GET / HTTP/1.1\r\nHost x\r\n\r\n', 400],
    ['a head that is too large', `GET / HTTP/1.1\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`, 431],
    ['a length that is none', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n', 400],
    ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
  ])('%s: the request has its own answer, then comes the refusal', async (_what, garbage, code) => {
    const { go, reached, raw } = await slowApp({ safety: { maxHeaderSize: 8_192 } });
    const client = raw(get('/slow') + garbage);
    await reached.promise;
    for (let count = 0; count < 20; count++) await turn();
    expect(client.received).toBe('');
    go.resolve();
    const received = await client.all();
    expect(statuses(received)).toEqual([200, code]);
    expect(received).toMatch(/^HTTP\/1\.1 200 [^]*slowHTTP\/1\.1/);
    expect(received).toMatch(/Connection: close\r\n[^]*\{[^]*\}$/);
    expect(await client.closed).toBe('end');
  });

  it('is refused behind several requests, each with its own answer', async () => {
    const { go, raw, ran } = await slowApp();
    const client = raw(`${get('/slow')}${get('/')}${get('/')}GARBAGE\r\n\r\n`);
    go.resolve();
    expect(statuses(await client.all())).toEqual([200, 200, 200, 400]);
    expect(ran).toEqual(['GET /slow', 'GET /', 'GET /']);
  });

  it('that goes on and on is not read, and the answers arrive', async () => {
    const { go, reached, raw } = await slowApp();
    const client = raw(get('/slow'));
    await reached.promise;
    for (let count = 0; count < 20; count++) client.write('GARBAGE\r\n'.repeat(1_000));
    for (let count = 0; count < 20; count++) await turn();
    go.resolve();
    client.write('GARBAGE\r\n'.repeat(1_000));
    expect(statuses(await client.all())).toEqual([200, 400]);
  });

  it('and an end: the client that has left is heard of, and so is its end', async () => {
    const { reached, raw } = await slowApp();
    const client = raw(`${get('/slow')}GARBAGE\r\n\r\n`);
    const ctx = await reached.promise;
    const aborted = new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
    client.socket.resetAndDestroy();
    await aborted;
  });

  it('half a head that takes too long is a 408 behind the answer, not instead of it', async () => {
    const { go, reached, raw } = await slowApp({ safety: { headersTimeout: 50 } });
    const client = raw(`${get('/slow')}GET / HT`);
    await reached.promise;
    await new Promise((resolve) => setTimeout(resolve, 300)); // several times the limit
    expect(client.received).toBe('');
    go.resolve();
    expect(statuses(await client.all())).toEqual([200, 408]);
  });

  it('behind Connection: close is not looked at', async () => {
    const { go, reached, raw, ran } = await slowApp();
    const client = raw(get('/slow', 'Connection: close\r\n') + get('/') + 'GARBAGE');
    await reached.promise;
    go.resolve();
    expect(statuses(await client.all())).toEqual([200]);
    expect(ran).toEqual(['GET /slow']);
  });
});

describe('a body that is broken', () => {
  const chunked = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

  it('is its own request’s 400, behind the answers before it', async () => {
    const { go, raw, ran } = await slowApp();
    const client = raw(`${get('/slow')}${chunked}2\r\nab\r\nzz\r\n`);
    go.resolve();
    const received = await client.all();
    expect(statuses(received)).toEqual([200, 400]);
    expect(received).toContain('HOTARU_BAD_REQUEST');
    expect(ran).toEqual(['GET /slow', 'POST /']); // the middleware sees it
  });

  it('leaves the answer to a handler that does not read it, and closes', async () => {
    const { raw } = await slowApp();
    const client = raw(`${chunked.replace('/', '/unread')}zz\r\n`);
    expect(statuses(await client.all())).toEqual([200]);
    expect(client.received).toMatch(/connection: close/i);
  });

  it('closes after a response that has begun', async () => {
    const { app, raw } = await slowApp();
    const more = deferred();
    app.post('/echo', () =>
      stream(
        (async function* () {
          yield 'begun';
          await more.promise;
          yield 'done';
        })(),
      ),
    );
    const client = raw(chunked.replace('/', '/echo'));
    await client.until(/begun/);
    client.write('zz\r\n');
    for (let count = 0; count < 20; count++) await turn();
    more.resolve();
    expect(await client.all()).toMatch(/done\r\n0\r\n\r\n$/);
    expect(await client.closed).toBe('end');
  });

  it('cut off by the client: the handler hears of it, and a client that half-closed has a 400', async () => {
    const failed = deferred<unknown>();
    const { app, raw } = await slowApp();
    app.post('/heard', async (ctx) => {
      await ctx.bytes().catch((error: unknown) => failed.resolve(error));
    });
    const client = raw('POST /heard HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab');
    await client.until(/^/);
    client.socket.end();
    expect(await failed.promise).toMatchObject({ code: 'HOTARU_CLIENT_GONE' });
    expect(statuses(await client.all())).toEqual([400]);
  });
});

describe('a malformed head', () => {
  it.each([
    [
      'HTTP/1.0 with Transfer-Encoding',
      'POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Host fields', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['an invalid Host', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'],
    ['no Host and a bad path', 'GET /%zz HTTP/1.1\r\n\r\n'],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n'],
    ['HTTP/0.9', 'GET / HTTP/0.9\r\nHost: x\r\n\r\n'],
  ])('(%s) is a 400, and what follows is not run', async (_what, bytes) => {
    const { raw, ran } = await slowApp();
    const client = raw(bytes + get('/') + get('/'));
    const received = await client.all();
    expect(statuses(received)).toEqual([400]);
    expect(received).toMatch(/connection: close/i);
    expect(ran).toHaveLength(1); // the refused one itself, which the middleware sees
  });

  it.each(['gzip, chunked', 'deflate,chunked', 'chunked\r\nTransfer-Encoding: gzip, chunked'])(
    'with Transfer-Encoding: %s is refused, and what follows is not run',
    async (coding) => {
      const { raw, ran } = await slowApp();
      const client = raw(
        `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n${get('/')}`,
      );
      const received = await client.all();
      expect(statuses(received)).toEqual([coding.startsWith('chunked') ? 400 : 501]);
      expect(received).toMatch(/connection: close/i);
      expect(ran.length).toBeLessThanOrEqual(1);
    },
  );

  it.each(['chunked', 'Chunked', ' chunked ', 'CHUNKED'])(
    'is not one with Transfer-Encoding: %s',
    async (coding) => {
      const { raw } = await slowApp();
      const client = raw(
        `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ${coding}\r\nConnection: close\r\n\r\n` +
          '3\r\nabc\r\n0\r\n\r\n',
      );
      expect(await client.all()).toMatch(/^HTTP\/1\.1 200 [^]*read 3$/);
    },
  );

  it('behind a valid request leaves that one its answer', async () => {
    const { go, raw } = await slowApp();
    const client = raw(`${get('/slow')}GET / HTTP/1.1\r\n\r\n${get('/')}`);
    go.resolve();
    expect(statuses(await client.all())).toEqual([200, 400]);
  });
});

it('the preface of HTTP/2 closes the connection', async () => {
  const { raw } = await slowApp();
  await raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').closed;
});
