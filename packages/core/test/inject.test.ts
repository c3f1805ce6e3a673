import { describe, expect, it } from 'vitest';
import { stream } from '../src/index.js';
import { deferred, testApp } from './helpers.js';

describe('app.inject()', () => {
  it('needs no start, and is a whole request with a whole response', async () => {
    const app = testApp();
    app.endpoint('/a', { methods: ['POST'] }, async (ctx) => ({
      method: ctx.method,
      url: ctx.url.href,
      ip: ctx.ip,
      type: ctx.header('Content-Type'),
      cookies: ctx.headers.get('cookie'),
      body: await ctx.json(),
    }));
    const res = await app.inject({
      method: 'POST',
      path: '/a?b=c',
      headers: { cookie: 'x=y' },
      body: { z: 1 },
    });
    expect(res.status).toBe(200);
    expect(res.headers['content-type']).toBe('application/json');
    expect(await res.json()).toEqual({
      method: 'POST',
      url: 'http://localhost/a?b=c',
      ip: '127.0.0.1',
      type: 'application/json',
      cookies: 'x=y',
      body: { z: 1 },
    });
    expect(await res.text(), 'again').toContain('"z":1');
    expect((await res.bytes()).length).toBeGreaterThan(0);
    expect(app.state).toBe('idle');
  });

  it('streams: the response is there with the head, and its body as it comes', async () => {
    const more = deferred();
    const app = testApp();
    app.get('/', () =>
      stream(
        (async function* () {
          yield 'one';
          await more.promise;
          yield 'two';
        })(),
      ),
    );
    const res = await app.inject({ path: '/' });
    const chunks = res.body[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('one');
    more.resolve();
    expect(String((await chunks.next()).value)).toBe('two');
    expect((await chunks.next()).done).toBe(true);
  });

  it('passes large bodies both ways', async () => {
    const app = testApp();
    app.post('/', (ctx) => stream(ctx.stream));
    const body = Buffer.alloc(3_000_000, 'abc');
    const res = await app.inject({ method: 'POST', body });
    expect(Buffer.compare(Buffer.from(await res.bytes()), body)).toBe(0);
  });

  it('aborts as a client that leaves does', async () => {
    const aborted = deferred<unknown>();
    const reached = deferred();
    const app = testApp();
    app.get('/', async (ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.resolve(ctx.signal.reason));
      reached.resolve();
      await aborted.promise;
    });
    const controller = new AbortController();
    const response = app.inject({ path: '/', signal: controller.signal });
    await reached.promise;
    controller.abort(new Error('enough'));
    await expect(response).rejects.toThrow('enough');
    expect(await aborted.promise).toMatchObject({ code: 'HOTARU_CLIENT_GONE' });
    await expect(app.inject({ path: '/', signal: controller.signal })).rejects.toThrow('enough');
  });

  it('rejects the body of a response that is cut', async () => {
    const app = testApp();
    app.get('/', () =>
      stream(
        (async function* () {
          yield 'part';
          await new Promise(setImmediate);
          throw new Error('broke');
        })(),
      ),
    );
    const res = await app.inject({ path: '/' });
    await expect(res.text()).rejects.toThrow();
  });

  const echo = (app = testApp()) =>
    app.post('/', async (ctx) => ({
      type: ctx.header('content-type')?.replace(/boundary=.*/, 'boundary=…'),
      text: await ctx.text(),
    }));
  const form = new FormData();
  form.set('name', 'Ada');

  it.each([
    [
      new URLSearchParams({ a: '1', b: 'x y' }),
      /^application\/x-www-form-urlencoded/,
      /^a=1&b=x\+y$/,
    ],
    [form, /^multipart\/form-data; boundary=…/, /name="name"\r\n\r\nAda\r\n/],
    [new Blob(['<p>'], { type: 'text/html' }), /^text\/html/, '<p>'],
    [new TextEncoder().encode('abc').buffer, undefined, 'abc'],
    [new DataView(new TextEncoder().encode('abc').buffer, 1), undefined, 'bc'],
    [new Blob(['ab', 'c']).stream(), undefined, 'abc'],
    [[1, 2], /^application\/json/, '[1,2]'],
    [{ a: 1 }, /^application\/json/, '{"a":1}'],
  ])('sends %o as what it is', async (body, type, text) => {
    const res = await echo().inject({ method: 'POST', body });
    const got = await res.json<{ type?: string; text: string }>();
    expect(got).toEqual({
      ...(type !== undefined && { type: expect.stringMatching(type) }),
      text: expect.stringMatching(text),
    });
  });

  it('keeps the content type that the caller says', async () => {
    const res = await echo().inject({
      method: 'POST',
      body: { a: 1 },
      headers: { 'Content-Type': 'application/vnd.a+json' },
    });
    expect(await res.json()).toMatchObject({ type: 'application/vnd.a+json' });
  });

  it.each([[new Map([['a', 1]])], [new Set([1])], [null], [1]])(
    'refuses %o: it has no obvious form',
    async (body) => {
      await expect(echo().inject({ method: 'POST', body: body as object })).rejects.toThrow(
        /^inject\.body is .*; allowed: text, bytes, a plain object or list/,
      );
    },
  );

  it('says nothing about the connection unless told to', async () => {
    const app = testApp();
    app.get('/', (ctx) => ({ said: ctx.header('connection') ?? null }));
    const res = await app.inject({});
    expect([await res.json(), res.headers['connection']]).toEqual([{ said: null }, 'keep-alive']);
    const closing = await app.inject({ headers: { Connection: 'close' } });
    expect([await closing.json(), closing.headers['connection']]).toEqual([
      { said: 'close' },
      'close',
    ]);
  });

  it('writes a stream as fast as the app reads it, and no faster', async () => {
    const go = deferred();
    const app = testApp({ safety: { maxBodySize: Infinity } });
    app.post('/', async (ctx) => {
      await go.promise;
      return { size: (await ctx.bytes()).length };
    });
    let made = 0;
    const response = app.inject({
      method: 'POST',
      body: (async function* () {
        for (; made < 64; made++) yield Buffer.alloc(262_144);
      })(),
    });
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBeLessThan(8);
    go.resolve();
    expect(await (await response).json()).toEqual({ size: 64 * 262_144 });
  });

  it('gives the source of a body up when the response is there without it', async () => {
    const ended = deferred();
    const app = testApp({ safety: { maxBodySize: 10 } });
    app.post('/', (ctx) => ctx.text());
    const res = await app.inject({
      method: 'POST',
      body: (async function* () {
        try {
          for (;;) yield Buffer.alloc(65_536);
        } finally {
          ended.resolve();
        }
      })(),
    });
    expect(res.status).toBe(413);
    await res.text();
    await ended.promise;
  });

  it('refuses unknown options', async () => {
    // @ts-expect-error an option there is not
    await expect(testApp().inject({ query: {} })).rejects.toThrow(
      'inject.query (an object) is not an option; allowed: method, path, url, headers, body, signal',
    );
  });
});
