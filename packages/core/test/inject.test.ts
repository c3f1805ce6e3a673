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
      cookies: ctx.headers.cookie,
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

  it('refuses unknown options', async () => {
    // @ts-expect-error an option there is not
    await expect(testApp().inject({ query: {} })).rejects.toThrow(
      'inject.query (an object) is not an option; allowed: method, path, url, headers, body, signal',
    );
  });
});
