/** The end of a request: what was called for it ends with its answer, unless it was handed to waitUntil(). */
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getRequest, stream, type App } from '../src/index.js';
import { deferred, memoryLogger, RawClient, started, testApp } from './helpers.js';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const turn = () => new Promise(setImmediate);

async function upstreamOf(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers `/now`; for all else it says when a call came and when it was dropped. */
async function silentUpstream() {
  const reached = deferred();
  const dropped = deferred();
  let answer: (() => void) | undefined;
  const url = await upstreamOf((req, res) => {
    if (req.url === '/now') {
      res.end('now');
      return;
    }
    answer = () => void res.end('late');
    res.once('close', () => dropped.resolve());
    reached.resolve();
  });
  return { url, reached: reached.promise, dropped: dropped.promise, answer: () => answer?.() };
}

const active = (app: App): number => app.pool.stats().active;

describe('when a request is answered', () => {
  it('the siblings of a failed Promise.all are aborted', async () => {
    const upstream = await silentUpstream();
    const app = testApp({ pool: {}, drainTimeout: '1m' });
    app.get('/', async (ctx) => {
      await Promise.all([
        ctx.sendRequest(upstream.url, getRequest('/slow')).then((res) => res.text()),
        upstream.reached.then(() => Promise.reject(new Error('the other one failed'))),
      ]);
    });
    const { url } = await started(app);
    expect((await fetch(url)).status).toBe(500);
    await upstream.dropped;
    expect(active(app)).toBe(0);
    await app.stop(); // would wait a minute for the call
  });

  it('a call that was not awaited is aborted, and said in development, with its line', async () => {
    const upstream = await silentUpstream();
    const { log, lines } = memoryLogger();
    const app = testApp({ pool: {}, logger: log, mode: 'development' });
    app.get('/', async (ctx) => {
      void ctx.sendRequest(upstream.url, getRequest('/audit?secret=1'));
      await upstream.reached;
      return 'done';
    });
    expect(await (await app.inject({ path: '/' })).text()).toBe('done');
    await upstream.dropped;
    const warning = lines.find((line) => line['level'] === 40);
    expect(warning).toMatchObject({ upstream: `${upstream.url}/audit`, upstreamMethod: 'GET' });
    expect(warning?.['msg']).toContain('await it, or hand it to ctx.waitUntil()');
    expect(warning?.['at']).toContain('request-end.test.ts');
  });

  it('a call made after it is refused: nothing is sent', async () => {
    let asked = 0;
    const upstream = await upstreamOf((_req, res) => {
      asked++;
      res.end();
    });
    const over = deferred();
    const failed = deferred<unknown>();
    const app = testApp({ pool: {} });
    app.get('/', (ctx) => {
      void over.promise.then(() => ctx.sendRequest(upstream)).catch(failed.resolve);
      return 'done';
    });
    await (await app.inject({ path: '/' })).text();
    over.resolve();
    expect(await failed.promise).toMatchObject({
      code: 'HOTARU_ABORTED',
      message: expect.stringContaining('the request that it was made for is over'),
    });
    expect(asked).toBe(0);
  });

  it('a body that is still being read is aborted, but not one that is being sent', async () => {
    const more = deferred();
    const upstream = await upstreamOf((req, res) => {
      res.write('begin');
      if (req.url === '/sent') void more.promise.then(() => res.end('end'));
    });
    const aside = deferred<unknown>();
    const app = testApp({ pool: {} });
    app.get('/', async (ctx) => {
      const read = await ctx.sendRequest(upstream, getRequest('/read'));
      read.text().catch(aside.resolve);
      const sent = await ctx.sendRequest(upstream, getRequest('/sent'));
      return stream(sent.body);
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await raw.until(/begin/);
    for (let i = 0; i < 20; i++) await turn();
    expect(active(app)).toBe(2);
    more.resolve();
    await raw.until(/end\r\n0\r\n\r\n/);
    expect(await aside.promise).toMatchObject({ code: 'HOTARU_ABORTED' });
    while (active(app) > 0) await turn();
  });
});

describe('ctx.waitUntil()', () => {
  it('lets its promise and its calls go on after the answer', async () => {
    const upstream = await silentUpstream();
    const done = deferred<string>();
    const app = testApp({ pool: {} });
    app.get('/', (ctx) => {
      const audit = async (): Promise<void> => {
        const first = await ctx.sendRequest(upstream.url, getRequest('/audit'));
        await first.text();
        const second = await ctx.sendRequest(upstream.url, getRequest('/now'));
        done.resolve(await second.text());
      };
      ctx.waitUntil(audit());
      return 'answered';
    });
    expect(await (await app.inject({ path: '/' })).text()).toBe('answered');
    await upstream.reached;
    upstream.answer();
    expect(await done.promise).toBe('now');
  });

  it('lets a call go on that had begun before it was handed over, when the deadline passes', async () => {
    const upstream = await silentUpstream();
    const done = deferred<string>();
    const app = testApp({ pool: {}, safety: { requestTimeout: 50 } });
    app.get('/', async (ctx) => {
      const entry = ctx.sendRequest(upstream.url, getRequest('/audit')).then((res) => res.text());
      ctx.waitUntil(entry.then(done.resolve, (error: unknown) => done.resolve(String(error))));
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
    });
    expect((await app.inject({ path: '/' })).status).toBe(504);
    await upstream.reached;
    upstream.answer();
    expect(await done.promise).toBe('late');
  });

  it('what else was left open is aborted when its promise is settled', async () => {
    const upstream = await silentUpstream();
    const work = deferred();
    const app = testApp({ pool: {} });
    app.get('/', async (ctx) => {
      ctx.waitUntil(work.promise);
      void ctx.sendRequest(upstream.url, getRequest('/left'));
      await upstream.reached;
      return 'answered';
    });
    await (await app.inject({ path: '/' })).text();
    expect(active(app)).toBe(1);
    work.resolve();
    await upstream.dropped;
    expect(active(app)).toBe(0);
  });

  it.each(['the client leaves', 'the deadline passes'])('goes on when %s', async (what) => {
    const upstream = await silentUpstream();
    const done = deferred<string>();
    const aborted = deferred();
    const app = testApp({
      pool: {},
      safety: { requestTimeout: what === 'the deadline passes' ? 50 : '1m' },
    });
    app.get('/', async (ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.resolve());
      const usage = async (): Promise<void> => {
        await aborted.promise;
        const res = await ctx.sendRequest(upstream.url, getRequest('/now'));
        done.resolve(await res.text());
      };
      ctx.waitUntil(usage());
      await ctx.sendRequest(upstream.url, getRequest('/slow'));
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await upstream.reached;
    if (what === 'the client leaves') raw.socket.destroy();
    expect(await done.promise).toBe('now');
    await upstream.dropped; // the call of the handler, with the last of the work
  });

  it('is waited for by stop(), and what it makes meanwhile', async () => {
    const work = deferred();
    const steps: string[] = [];
    const app = testApp({ drainTimeout: '1m' });
    app.get('/', (ctx) => {
      ctx.waitUntil(
        work.promise.then(() => {
          ctx.waitUntil(turn().then(() => steps.push('second')));
          steps.push('first');
        }),
      );
      return 'answered';
    });
    const { url } = await started(app);
    await (await fetch(url)).text();
    const stopped = app.stop().then(() => steps.push('stopped'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    work.resolve();
    await stopped;
    expect(steps).toEqual(['first', 'second', 'stopped']);
  });

  it('is cut after drainTimeout, with its calls, and that is said', async () => {
    const upstream = await silentUpstream();
    const { log, lines } = memoryLogger();
    const app = testApp({ pool: {}, drainTimeout: 50, logger: log });
    app.get('/', (ctx) => {
      ctx.waitUntil(ctx.sendRequest(upstream.url, getRequest('/audit')));
      return 'answered';
    });
    await (await app.inject({ path: '/' })).text();
    await upstream.reached;
    await app.stop();
    await upstream.dropped;
    expect(lines.find((line) => line['work'] === 1)?.['msg']).toContain('waitUntil');
  });

  it('logs what its promise rejects with', async () => {
    const { log, lines } = memoryLogger();
    const app = testApp({ logger: log });
    app.get('/', (ctx) => {
      ctx.waitUntil(Promise.reject(new Error('no disk')));
      return 'answered';
    });
    await (await app.inject({ path: '/' })).text();
    await turn();
    expect(lines).toMatchObject([
      { level: 50, msg: 'work that was handed to ctx.waitUntil() failed', path: '/' },
    ]);
  });

  it.each([
    ['a function', async () => undefined],
    ['undefined', undefined],
  ])('refuses %s, and says what it takes', async (_what, value) => {
    const app = testApp({ mode: 'development' });
    app.get('/', (ctx) => ctx.waitUntil(value as never));
    const res = await app.inject({ path: '/' });
    expect(res.status).toBe(500);
    expect(await res.text()).toContain('allowed: a promise');
  });
});
