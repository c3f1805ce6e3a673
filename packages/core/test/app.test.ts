import { createServer } from 'node:http';
import { once } from 'node:events';
import { createConnection, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { App, ConnectionPool } from '../src/index.js';
import { parseBinding } from '../src/binding.js';
import { deferred, memoryLogger, RawClient, started, testApp } from './helpers.js';

/** A pool that counts what an app asks of it. */
function countingPool(warmed: number | Error = 0) {
  const calls: string[] = [];
  const pool = {
    sendRequest: () => Promise.reject(new Error('not asked for')),
    startCleanupTask: () => {
      calls.push('start cleanup');
      return () => calls.push('stop cleanup');
    },
    warm: (origin: string, count: number) => {
      calls.push(`warm ${origin} ${count}`);
      return warmed instanceof Error ? Promise.reject(warmed) : Promise.resolve(warmed);
    },
    drain: () => (calls.push('drain'), Promise.resolve()),
    close: () => calls.push('close'),
  };
  return { calls, pool: pool as unknown as ConnectionPool };
}

describe('parseBinding', () => {
  it.each([
    ['127.0.0.1:3003', { host: '127.0.0.1', port: 3003 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    [':80', { host: undefined, port: 80 }],
    ['8080', { host: undefined, port: 8080 }],
    ['[::1]:1', { host: '::1', port: 1 }],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
  ])('reads %s', (text, binding) => expect(parseBinding(text)).toEqual(binding));

  it.each([
    '',
    'localhost',
    '::1:80',
    'a:65536',
    'a:b',
    'http://a:80',
    'a b:80',
    '1.2.3.4:',
    ':-1',
  ])('refuses %j, saying what is allowed', (text) =>
    expect(() => parseBinding(text)).toThrow(/app\.binding is .*; allowed: 'host:port'/),
  );
});

describe('new App()', () => {
  it('refuses unknown options and bad values, naming key, value and what is allowed', () => {
    const bad = (options: object) => () => new App({ logger: false, ...options });
    expect(bad({ port: 3000 })).toThrow(
      'app.port (3000) is not an option; allowed: binding, mode, safety',
    );
    expect(bad({ mode: 'prod' })).toThrow(
      'app.mode is "prod"; allowed: "development" or "production"',
    );
    expect(bad({ binding: 3000 })).toThrow('app.binding is 3000');
    expect(bad({ logger: true })).toThrow('app.logger is true; allowed: a pino logger');
    expect(bad({ pool: 5 })).toThrow('app.pool is 5; allowed: a ConnectionPool');
    expect(bad({ pool: { maxPerHosts: 5 } })).toThrow('maxPerHosts');
    expect(bad({ warm: { 'api.example.com': 1 } })).toThrow(
      'app.warm is "api.example.com"; allowed: URLs',
    );
    expect(bad({ warm: { 'http://a': 0 } })).toThrow(
      'app.warm["http://a"] is 0; allowed: a whole number',
    );
    expect(bad({ drainTimeout: -1 })).toThrow('app.drainTimeout is -1; allowed: a duration');
    expect(bad({ safety: { x: 1 } })).toThrow('safety.x (1) is not an option');
  });

  it('uses the global pool unless told otherwise, also one configured later', () => {
    expect(testApp().pool).toBe(ConnectionPool.global());
    const pool = new ConnectionPool();
    expect(testApp({ pool }).pool).toBe(pool);
    pool.close();
  });
  it('is what a handler has as ctx.app, with the type of it', async () => {
    const app = testApp();
    app.get('/', (ctx) => {
      const whole: App = ctx.app;
      return { isSame: whole === app, state: whole.state };
    });
    expect(await (await app.inject({})).json()).toEqual({ isSame: true, state: 'idle' });
  });
});

describe('start and stop', () => {
  it('says where it listens, on a free port when asked for 0', async () => {
    const app = testApp();
    app.get('/', () => 'hi');
    const { url, port, host } = await app.start();
    expect([host, url]).toEqual(['127.0.0.1', `http://127.0.0.1:${port}`]);
    expect(await (await fetch(url)).text()).toBe('hi');
    expect(app.state).toBe('running');
    await app.stop();
    expect(app.state).toBe('stopped');
    await expect(fetch(url)).rejects.toThrow();
  });

  it('listens on every interface, and on IPv6, and says a URL that works', async () => {
    for (const binding of [':0', '[::1]:0']) {
      const app = testApp({ binding });
      app.get('/', () => 'hi');
      const { url } = await app.start();
      expect(await (await fetch(url)).text()).toBe('hi');
    }
  });

  it('warms, then listens; starts the cleanup task and stops it', async () => {
    const { calls, pool } = countingPool(4);
    const app = testApp({ pool, warm: { 'https://api.example.com': 4 } });
    await app.start();
    expect(calls).toEqual(['start cleanup', 'warm https://api.example.com 4']);
    await app.stop();
    expect(calls.slice(2), 'a shared pool is not closed').toEqual(['stop cleanup']);
  });

  it('starts although an upstream cannot be warmed, and says so', async () => {
    const { pool } = countingPool(new Error('refused'));
    const { log, lines } = memoryLogger();
    await testApp({ pool, logger: log, warm: { 'http://a': 1 } }).start();
    expect(lines.find((line) => line['level'] === 40)).toMatchObject({
      origin: 'http://a',
      msg: 'could not warm connections',
    });
  });

  it('says why an upstream could not be warmed', async () => {
    const { log, lines } = memoryLogger();
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await testApp({ pool: {}, logger: log, warm: { [`http://127.0.0.1:${port}`]: 2 } }).start();
    expect(lines.find((line) => line['level'] === 40)).toMatchObject({
      msg: 'ready for fewer calls at once: the last connection could not be opened, or takes no calls',
      ready: 0,
      count: 2,
      err: { code: 'HOTARU_CONNECT_FAILED', message: expect.stringContaining('refused') },
    });
  });

  it('listens after 5 s although an upstream hangs, says so, and goes on warming', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const go = deferred<number>();
    const asked = deferred();
    const { pool } = countingPool();
    Object.assign(pool, { warm: () => (asked.resolve(), go.promise) });
    const { log, lines } = memoryLogger();
    const app = testApp({ pool, logger: log, warm: { 'http://hangs.test': 2 } });
    const starting = app.start();
    await asked.promise;
    const said = () =>
      lines.map(({ level, msg, origins, origin }) => [level, msg, origins ?? origin]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said()).toEqual([[30, 'warming connections', ['http://hangs.test']]]);
    await vi.advanceTimersByTimeAsync(4_000);
    await starting;
    expect(said()[1]).toEqual([
      40,
      'not all connections are warm after 5000 ms: the app listens, and goes on warming',
      ['http://hangs.test'],
    ]);
    go.resolve(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(said().at(-1)).toEqual([
      40,
      'ready for fewer calls at once: maxIdlePerHost, maxPerHost or maxTotal allow no more',
      'http://hangs.test',
    ]);
  });

  it('drains and closes a pool of its own', async () => {
    const app = testApp({ pool: { maxPerHost: 2 } });
    await app.start();
    expect(app.pool.closed).toBe(false);
    await app.stop();
    expect(app.pool.closed).toBe(true);
    const never = testApp({ pool: {} });
    await never.stop();
    expect(never.pool.closed).toBe(true);
  });

  it('names the binding when it is taken, and can try again', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { calls, pool } = countingPool();
    const app = testApp({ binding: `127.0.0.1:${port}`, pool });
    const error = await app.start().catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'HOTARU_BINDING_FAILED',
      message: `cannot listen on http://127.0.0.1:${port}: something is listening there already (EADDRINUSE)`,
    });
    expect(calls).toEqual(['start cleanup', 'stop cleanup']);
    expect(app.state).toBe('idle');
    other.close();
    await once(other, 'close');
    await app.start();
    expect(app.state).toBe('running');
  });

  it('starts once, and not after it was stopped', async () => {
    const app = testApp();
    await app.start();
    await expect(app.start()).rejects.toThrow('the app is running already');
    await Promise.all([app.stop(), app.stop()]);
    await expect(app.start()).rejects.toThrow('an app that was stopped does not start again');
  });

  it('is disposed of with await using', async () => {
    let kept: App;
    {
      await using app = new App({ binding: '127.0.0.1:0', logger: false });
      kept = app;
      await app.start();
    }
    expect(kept.state).toBe('stopped');
  });

  it('logs start and stop, and nothing of a request that went well', async () => {
    const { log, lines } = memoryLogger();
    const app = testApp({ logger: log });
    app.get('/', () => 'hi');
    const { url } = await app.start();
    await (await fetch(`${url}/?secret`)).text();
    await app.stop();
    expect(lines.map((line) => line['msg'])).toEqual(['listening', 'draining', 'stopped']);
  });
});

describe('the drain', () => {
  it('finishes what is in flight, and tells the client that the connection ends', async () => {
    const go = deferred();
    const reached = deferred();
    const app = testApp({ drainTimeout: 10_000 });
    app.get('/', async () => {
      reached.resolve();
      await go.promise;
      return 'done';
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await reached.promise;
    const stopped = app.stop();
    expect(app.state).toBe('draining');
    while (app.server.listening) await new Promise(setImmediate);
    go.resolve();
    expect(await raw.all()).toMatch(/^HTTP\/1.1 200 [^]*connection: close[^]*done$/i);
    await stopped;
  });

  it('answers a request that arrives on an open connection meanwhile', async () => {
    const app = testApp({ drainTimeout: 10_000 });
    app.get('/', () => 'hi');
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await raw.until(/hi/);
    const stopped = app.stop();
    await new Promise((resolve) => setTimeout(resolve, 50)); // half of the silence that ends a connection
    raw.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect((await raw.all()).match(/HTTP\/1.1 200/g)).toHaveLength(2);
    expect(raw.received.toLowerCase()).toContain('connection: close');
    await stopped;
  });

  it('accepts clients that are connected already, and none after', async () => {
    const app = testApp({ drainTimeout: 10_000 });
    app.get('/', () => 'hi');
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    // The system has connected it, but no turn of the event loop has accepted it.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const stopped = app.stop();
    expect(await raw.all()).toMatch(/^HTTP\/1.1 200/);
    await stopped;
    await expect(once(createConnection(port, '127.0.0.1'), 'connect')).rejects.toThrow();
  });

  it('closes connections that are silent, also those that never said anything', async () => {
    const app = testApp({ drainTimeout: 60_000 });
    app.get('/', () => 'hi');
    const { port } = await started(app);
    const idle = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await idle.until(/hi/);
    const mute = new RawClient(port);
    await once(mute.socket, 'connect');
    await app.stop();
    expect([await idle.closed, await mute.closed]).toEqual(['end', 'end']);
  });

  it('ends keep-alive after a response whose head was out before', async () => {
    const go = deferred();
    const app = testApp({ drainTimeout: 60_000 });
    app.get('/', () =>
      (async function* () {
        yield 'a';
        await go.promise;
        yield 'b';
      })(),
    );
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await raw.until(/a\r\n/);
    const stopped = app.stop();
    go.resolve();
    expect(await raw.all()).toMatch(/b\r\n0\r\n\r\n$/);
    await stopped;
  });

  it('cuts what is not done after drainTimeout, and says how many', async () => {
    const { log, lines } = memoryLogger();
    const aborted = deferred();
    const app = testApp({ drainTimeout: 50, logger: log });
    const reached = deferred();
    app.get('/', async (ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.resolve());
      reached.resolve();
      await new Promise(() => undefined);
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await reached.promise;
    await app.stop();
    expect(await raw.all()).toMatch(/^HTTP\/1\.1 503 /);
    await aborted.promise;
    expect(lines.find((line) => line['level'] === 40)).toMatchObject({ responses: 1 });
  });
});

describe('run()', () => {
  it('ends with its signal, and leaves no listener behind', async () => {
    const before = [process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')];
    const controller = new AbortController();
    const app = testApp();
    const running = app.run({ signal: controller.signal });
    expect(process.listenerCount('SIGTERM')).toBe(before[1]! + 1);
    await once(app.server, 'listening');
    controller.abort();
    await running;
    expect(app.state).toBe('stopped');
    expect([process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]).toEqual(before);
  });

  it('ends when stop() is called', async () => {
    const app = testApp();
    const running = app.run();
    await once(app.server, 'listening');
    await app.stop();
    await running;
  });

  it('takes over an app that start() has started', async () => {
    const app = testApp();
    await app.start();
    const running = app.run();
    expect(app.state).toBe('running');
    await app.stop();
    await running;
    await expect(app.run()).rejects.toThrow('does not start again');
  });

  it('called twice rejects the second time, and the first goes on', async () => {
    const app = testApp();
    const running = app.run();
    await expect(app.run()).rejects.toThrow('the app is starting already');
    await once(app.server, 'listening');
    await app.stop();
    await running;
  });

  it('ends while it is still starting', async () => {
    const go = deferred<number>();
    const { pool } = countingPool();
    Object.assign(pool, { warm: () => go.promise });
    const controller = new AbortController();
    const app = testApp({ pool, warm: { 'http://a': 1 } });
    const running = app.run({ signal: controller.signal });
    controller.abort();
    go.resolve(1);
    await running;
    expect(app.state).toBe('stopped');
  });

  it('does not start with a signal that is aborted', async () => {
    const app = testApp();
    await app.run({ signal: AbortSignal.abort() });
    expect(app.state).toBe('stopped');
    expect(app.server.listening).toBe(false);
  });

  it('rejects when it cannot listen, and leaves no listener behind', async () => {
    const taken = testApp();
    const { port } = await taken.start();
    const before = process.listenerCount('SIGTERM');
    await expect(testApp({ binding: `127.0.0.1:${port}` }).run()).rejects.toThrow(
      'listening there already',
    );
    expect(process.listenerCount('SIGTERM')).toBe(before);
    // @ts-expect-error an option there is not
    await expect(testApp().run({ timeout: 1 })).rejects.toThrow('run.timeout (1) is not an option');
  });
});
