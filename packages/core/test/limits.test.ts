import { describe, expect, it } from 'vitest';
import { HttpSafety } from '../src/index.js';
import { deferred, RawClient, started, testApp } from './helpers.js';

const MIB = 1_048_576;

async function rawApp(safety: object, options: { path?: object } = {}) {
  const app = testApp({ safety });
  app.get('/', () => 'ok');
  app.post('/', async (ctx) => `read ${(await ctx.bytes()).length}`);
  app.post('/unread', () => 'not read');
  app.endpoint(
    '/own',
    { methods: ['GET', 'POST'], safety: options.path ?? {} },
    async (ctx) => `read ${(await ctx.bytes()).length}`,
  );
  const { port } = await started(app);
  return (bytes: string) => new RawClient(port).write(bytes);
}

describe('HttpSafety', () => {
  it('overlay: the explicit value wins', () => {
    const base = new HttpSafety({ maxBodySize: 5, maxHeaders: 7 });
    const over = base.overlay({ maxBodySize: 9, allowedMethods: ['get'] });
    expect(over).toMatchObject({ maxBodySize: 9, maxHeaders: 7, allowedMethods: ['GET'] });
    expect(base.overlay(new HttpSafety()).maxBodySize).toBe(5);
  });

  it('merge: the stricter side wins, lists meet', () => {
    const a = new HttpSafety({
      maxBodySize: 5,
      allowedMethods: ['GET', 'POST'],
      allowedContentTypes: ['image/*', 'text/plain'],
      requestTimeout: '2s',
    });
    const b = new HttpSafety({
      maxBodySize: 9,
      maxHeaders: 3,
      allowedMethods: ['POST', 'PUT'],
      allowedContentTypes: ['image/png', 'text/html'],
    });
    for (const merged of [a.merge(b), b.merge(a)])
      expect(merged).toMatchObject({
        maxBodySize: 5,
        maxHeaders: 3,
        allowedMethods: ['POST'],
        allowedContentTypes: ['image/png'],
        requestTimeout: 2_000,
        bodyTimeout: 30_000,
      });
    expect(a.merge({}).allowedMethods).toEqual(['GET', 'POST']);
    expect(a.merge({ allowedMethods: ['DELETE'] }).allowsMethod('GET')).toBe(false);
  });

  it('takes sizes as text', () => {
    expect(new HttpSafety({ maxBodySize: '10mb', maxHeaderSize: '16 KiB' })).toMatchObject({
      maxBodySize: 10 * MIB,
      maxHeaderSize: 16_384,
    });
    for (const maxBodySize of ['10', '10m', 'mb', ''])
      expect(() => new HttpSafety({ maxBodySize })).toThrow(
        `safety.maxBodySize is "${maxBodySize}"; allowed: a whole number of bytes`,
      );
  });

  it('refuses what it does not know, naming key, value and what is allowed', () => {
    const bad = (options: object) => () => new HttpSafety(options);
    expect(bad({ maxBody: 1 })).toThrow(
      'safety.maxBody (1) is not an option; allowed: maxBodySize, maxHeaderSize',
    );
    expect(bad({ maxBodySize: -1 })).toThrow(
      "safety.maxBodySize is -1; allowed: a whole number of bytes, at least 0 (a number, or text like '10mb'), or Infinity for no limit",
    );
    expect(bad({ bodyTimeout: 'soon' })).toThrow(
      'safety.bodyTimeout is "soon"; allowed: a duration',
    );
    expect(bad({ requestTimeout: 0 })).toThrow('safety.requestTimeout is 0');
    expect(bad({ allowedMethods: 'GET' })).toThrow(
      'safety.allowedMethods is "GET"; allowed: a list',
    );
    expect(bad({ allowedContentTypes: ['json'] })).toThrow(
      'is "json"; allowed: a list of media types',
    );
  });
});

describe('a request body', () => {
  it('larger than maxBodySize is a 413 before a byte of it is read, and no desync', async () => {
    const send = await rawApp({ maxBodySize: 10 });
    const raw = send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n');
    expect((await raw.until(/^HTTP\/1.1 (\d+)[^]*\}/))[1]).toBe('413');
    // The rest of the body looks like a request. It is small, so it is read as what it is: a body.
    raw.write('GET / HTTP\n');
    raw.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const text = await raw.all();
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });

  it('much larger: the 413 arrives whole although the client goes on sending', async () => {
    const send = await rawApp({ maxBodySize: 10 });
    const raw = send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
    const chunk = Buffer.alloc(MIB, 'x');
    for (let sent = 0; sent < 8; sent++) raw.write(chunk);
    const text = await raw.all();
    expect(text).toMatch(/^HTTP\/1.1 413 [^]*connection: close[^]*HOTARU_BODY_TOO_LARGE/i);
  });

  it('chunked, is a 413 as soon as it is too large', async () => {
    const send = await rawApp({ maxBodySize: 10 });
    const raw = send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    raw.write('8\r\n12345678\r\n');
    raw.write('8\r\n12345678\r\n');
    expect(await raw.all()).toMatch(/^HTTP\/1.1 413 [^]*connection: close/i);
  });

  it('of exactly maxBodySize passes', async () => {
    const send = await rawApp({ maxBodySize: 10 });
    const raw = send(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789',
    );
    expect(await raw.all()).toMatch(/read 10$/);
  });

  it('has the limit of its endpoint, larger or smaller than the app’s', async () => {
    const send = await rawApp({ maxBodySize: 10 }, { path: { maxBodySize: 20 } });
    const body = 'x'.repeat(15);
    const ask = (path: string) =>
      send(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\nConnection: close\r\n\r\n${body}`,
      ).all();
    expect(await ask('/own')).toMatch(/^HTTP\/1.1 200/);
    expect(await ask('/')).toMatch(/^HTTP\/1.1 413/);
  });

  it('that stalls is a 408, and the connection closes', async () => {
    const send = await rawApp({ bodyTimeout: 50 });
    const raw = send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234');
    expect(await raw.all()).toMatch(/^HTTP\/1.1 408 [^]*HOTARU_REQUEST_BODY_TIMEOUT/);
  });

  it('that comes slowly but steadily passes', async () => {
    const send = await rawApp({ bodyTimeout: 400 });
    const raw = send(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nConnection: close\r\n\r\n',
    );
    for (let sent = 0; sent < 6; sent++) {
      await new Promise((resolve) => setTimeout(resolve, 100)); // 600 ms in all, never 400 ms of silence
      raw.write('x');
    }
    expect(await raw.all()).toMatch(/read 6$/);
  });

  it('that is not read does not keep the connection from going on when it is small', async () => {
    const send = await rawApp({});
    const raw = send('POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab');
    await raw.until(/not read/);
    raw.write('cdGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect((await raw.all()).match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
  });

  it('that is not read closes the connection when it is large or of unknown length', async () => {
    const send = await rawApp({});
    for (const framing of [`Content-Length: ${MIB}`, 'Transfer-Encoding: chunked']) {
      const raw = send(`POST /unread HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`);
      expect(await raw.all()).toMatch(/^HTTP\/1.1 200 [^]*connection: close[^]*not read$/i);
    }
  });

  it('of a type that is not allowed is a 415 with Accept', async () => {
    const send = await rawApp({ allowedContentTypes: ['application/json', 'image/*'] });
    const post = (type: string) =>
      send(
        `POST / HTTP/1.1\r\nHost: x\r\n${type}Content-Length: 2\r\nConnection: close\r\n\r\n{}`,
      ).all();
    expect(await post('Content-Type: text/xml\r\n')).toMatch(
      /^HTTP\/1.1 415 [^]*accept: application\/json, image\/\*/,
    );
    expect(await post('')).toMatch(/^HTTP\/1.1 415/);
    expect(await post('Content-Type: Application/JSON; charset=utf-8\r\n')).toMatch(
      /^HTTP\/1.1 200/,
    );
    expect(await post('Content-Type: image/png\r\n')).toMatch(/^HTTP\/1.1 200/);
    const get = send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await get.all()).toMatch(/^HTTP\/1.1 200/);
  });
});

describe('Expect: 100-continue', () => {
  const head = (length: number, rest = '') =>
    `POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n${rest}\r\n`;

  it('is answered with 100 when the body is read', async () => {
    const send = await rawApp({});
    const raw = send(head(2, 'Connection: close\r\n'));
    await raw.until(/^HTTP\/1.1 100 Continue\r\n\r\n/);
    raw.write('ab');
    expect(await raw.all()).toMatch(/read 2$/);
  });

  it('is answered with 413 or 415 before the body is sent', async () => {
    const tooLarge = await rawApp({ maxBodySize: 1 });
    expect(await tooLarge(head(2)).all()).toMatch(/^HTTP\/1.1 413 [^]*connection: close/i);
    const wrongType = await rawApp({ allowedContentTypes: ['image/png'] });
    expect(await wrongType(head(2)).all()).toMatch(/^HTTP\/1.1 415 [^]*connection: close/i);
  });

  it('is answered by the response alone when the body is not read', async () => {
    const send = await rawApp({});
    const raw = send(head(2).replace('POST /', 'POST /unread'));
    expect(await raw.all()).toMatch(/^HTTP\/1.1 200 [^]*connection: close/i);
  });

  it('of something else is a 417', async () => {
    const send = await rawApp({});
    const raw = send('POST / HTTP/1.1\r\nHost: x\r\nExpect: a-pony\r\nContent-Length: 2\r\n\r\n');
    expect(await raw.all()).toMatch(/^HTTP\/1.1 417 [^]*HOTARU_EXPECTATION_FAILED/);
  });
});

describe('a request head', () => {
  it.each([
    ['more header fields than maxHeaders', 'X: 1\r\n'.repeat(6), 431],
    ['as many as maxHeaders', 'X: 1\r\n'.repeat(3), 200],
    ['two Host fields', 'Host: y\r\n', 400],
    ['a Host that is none', null, 400],
  ])('%s', async (_what, extra, code) => {
    const send = await rawApp({ maxHeaders: 5 });
    const host = extra === null ? 'Host: a b\r\n' : 'Host: x\r\n';
    const raw = send(`GET / HTTP/1.1\r\n${host}${extra ?? ''}Connection: close\r\n\r\n`);
    expect(await raw.all()).toMatch(new RegExp(`^HTTP/1.1 ${code} `));
  });

  it.each([
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
    ['a Host with a path', 'GET / HTTP/1.1\r\nHost: x/y\r\n\r\n', 400],
    ['a Host with a user', 'GET / HTTP/1.1\r\nHost: a@x\r\n\r\n', 400],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 400],
    [
      'HTTP/1.0 with Transfer-Encoding',
      'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['garbage', 'HELO mail\r\n\r\n', 400],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    ['a bad chunk', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
    ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
    [
      'a head that is too large',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`,
      431,
    ],
    ['a target that is too large', `GET /${'x'.repeat(9_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ])('with %s is answered and closed', async (_what, bytes, code) => {
    const send = await rawApp({ maxHeaderSize: 8_192 });
    const raw = send(bytes);
    await raw.until(/\r\n\r\n\{[^]*\}/);
    if (!raw.received.toLowerCase().includes('connection: close')) raw.socket.end();
    const text = await raw.all();
    expect(text).toMatch(
      new RegExp(`^HTTP/1.1 ${code} [^]*application/problem\\+json[^]*"status":${code}`),
    );
  });

  it.each(['[::1]:80', 'x', 'a.b-c_d:8080', 'x:'])('with Host %s is fine', async (host) => {
    const send = await rawApp({});
    const raw = send(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(await raw.all()).toMatch(/^HTTP\/1.1 200/);
  });

  it('of HTTP/1.0 needs no Host', async () => {
    const send = await rawApp({});
    expect(await send('GET / HTTP/1.0\r\n\r\n').all()).toMatch(/^HTTP\/1.1 200/);
  });

  it('of thousands of fields is read whole when it may be: none is dropped in silence', async () => {
    const app = testApp({ safety: { maxHeaders: 5_000 } });
    app.get('/', (ctx) => String([...ctx.headers].filter(([name]) => name.startsWith('x')).length));
    const { port } = await started(app);
    const fields = Array.from({ length: 2_500 }, (_, index) => `x${index}: 1\r\n`).join('');
    const raw = new RawClient(port).write(
      `GET / HTTP/1.1\r\nHost: x\r\n${fields}Connection: close\r\n\r\n`,
    );
    expect(await raw.all()).toMatch(/2500$/);
  });

  it('that takes too long is a 408', async () => {
    const send = await rawApp({ headersTimeout: 50 });
    expect(await send('GET / HTTP/1.1\r\nHos').all()).toMatch(
      /^HTTP\/1.1 408 [^]*HOTARU_HEAD_TIMEOUT/,
    );
  });

  it('has the stricter limits of its endpoint', async () => {
    const send = await rawApp({}, { path: { maxHeaders: 2, maxHeaderSize: 200 } });
    const ask = (extra: string) =>
      send(`GET /own HTTP/1.1\r\nHost: x\r\n${extra}Connection: close\r\n\r\n`).all();
    expect(await ask('')).toMatch(/^HTTP\/1.1 200/);
    expect(await ask('A: b\r\n')).toMatch(/^HTTP\/1.1 431 [^]*HOTARU_TOO_MANY_HEADERS/);
    const long = send(
      `GET /own?${'x'.repeat(200)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(await long.all()).toMatch(/^HTTP\/1.1 431 [^]*HOTARU_HEADERS_TOO_LARGE/);
  });

  it('with a method that is not allowed is a 405 with Allow', async () => {
    const app = testApp({ safety: { allowedMethods: ['GET', 'POST'] } });
    app.any('/', () => 'x');
    app.endpoint(
      '/own',
      { methods: ['GET', 'POST'], safety: { allowedMethods: ['POST'] } },
      () => 'x',
    );
    const put = await app.inject({ method: 'PUT', path: '/' });
    expect([put.status, put.headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
    const get = await app.inject({ path: '/own' });
    expect([get.status, get.headers['allow']]).toEqual([405, 'POST']);
    expect((await app.inject({ method: 'HEAD', path: '/' })).status).toBe(200);
  });
});

describe('requestTimeout', () => {
  it('answers 504 and aborts ctx.signal; what the handler does later is discarded', async () => {
    const aborted = deferred<unknown>();
    const late = deferred();
    const destroyed = deferred();
    const app = testApp({ safety: { requestTimeout: 30 } });
    app.get('/', async (ctx) => {
      expect(ctx.deadline - performance.now()).toBeLessThanOrEqual(30);
      ctx.signal.addEventListener('abort', () => aborted.resolve(ctx.signal.reason));
      await late.promise;
      return new (await import('node:stream')).Readable({
        read: () => undefined,
        destroy: (_error, done) => {
          destroyed.resolve();
          done(null);
        },
      });
    });
    const res = await app.inject({ path: '/' });
    expect(res.status).toBe(504);
    expect(await res.json()).toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
    expect(await aborted.promise).toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
    late.resolve();
    await destroyed.promise;
  });

  it('bounds a request that is refused, too: middleware runs for it', async () => {
    const app = testApp({ safety: { requestTimeout: 30, maxBodySize: 1 } });
    app.use(() => new Promise<string>(() => undefined));
    app.post('/', () => 'never');
    for (const options of [{ path: '/nowhere' }, { path: '/' }, { method: 'POST', body: 'ab' }])
      expect((await app.inject(options)).status).toBe(504);
  });

  it('is none by default, and can be set per endpoint', async () => {
    const app = testApp();
    app.get('/none', (ctx) => String(ctx.deadline));
    app.get(
      '/some',
      { safety: { requestTimeout: '20ms' } },
      () => new Promise<string>(() => undefined),
    );
    expect(await (await app.inject({ path: '/none' })).text()).toBe('Infinity');
    expect((await app.inject({ path: '/some' })).status).toBe(504);
  });
});
