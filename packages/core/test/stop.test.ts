/** `app.stop()` in each state of an app, with each kind of thing that may be under way: nothing is lost. */
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { status, stream, type App, type AppOptions } from '../src/index.js';
import { deferred, memoryLogger, RawClient, testApp } from './helpers.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const UPGRADE = 'GET /echo HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';
/** Several times the silence that ends an idle connection. */
const LONGER_THAN_SILENCE_MS = 300;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A host that accepts connections and never says a word: a dial with TLS hangs there. */
async function silentHost(): Promise<{ origin: string; reached: Promise<void> }> {
  const reached = deferred();
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    reached.resolve();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reached: reached.promise,
  };
}

/** An app with one endpoint for each kind; `go` lets what is under way come to its end. */
function everyKind(options: AppOptions = {}) {
  const go = deferred();
  const reached = deferred();
  const app = testApp({ drainTimeout: '1m', ...options });
  app.get('/now', () => 'now');
  app.get('/slow', async () => {
    reached.resolve();
    await go.promise;
    return 'slow';
  });
  app.get('/events', (ctx) =>
    stream(
      (async function* () {
        yield 'begin ';
        reached.resolve();
        await once(ctx.draining, 'abort');
        yield 'bye';
      })(),
    ),
  );
  app.get('/work', (ctx) => {
    ctx.waitUntil(go.promise.then(() => void (work.isDone = true)));
    return 'answered';
  });
  const work = { isDone: false };
  return { app, go, reached, work };
}

type Setup = ReturnType<typeof everyKind>;

/** What is under way when the app is stopped: begun, and, after `stop()` was called, seen to its end. */
interface Kind {
  begin(setup: Setup, port: number): Promise<(stopped: Promise<unknown>) => Promise<void>>;
}

const KINDS: Record<string, Kind> = {
  'an idle connection': {
    async begin(_setup, port) {
      const raw = new RawClient(port).write(get('/now'));
      await raw.until(/now$/);
      return async (stopped) => {
        await stopped;
        expect(await raw.closed).toBe('end');
      };
    },
  },
  'pipelined requests': {
    async begin({ go, reached }, port) {
      const raw = new RawClient(port).write(get('/slow') + get('/now') + get('/now'));
      await reached.promise;
      return async (stopped) => {
        go.resolve();
        await stopped;
        const received = await raw.all();
        expect(received.match(/HTTP\/1.1 200/g)).toHaveLength(3);
        expect(received).toMatch(/slow[^]*now[^]*now$/);
      };
    },
  },
  'a stream without an end that hears of it': {
    async begin({ reached }, port) {
      const raw = new RawClient(port).write(get('/events'));
      await reached.promise;
      return async (stopped) => {
        await stopped;
        expect(await raw.all()).toMatch(/bye\r\n0\r\n\r\n$/);
      };
    },
  },
  'an upgraded connection': {
    async begin({ app }, port) {
      const raw = new RawClient(port).write(UPGRADE);
      await raw.until(/hello/);
      return async (stopped) => {
        if (!app.draining.aborted) await once(app.draining, 'abort');
        await sleep(LONGER_THAN_SILENCE_MS);
        raw.write('still there?');
        await raw.until(/still there\?/);
        raw.socket.end();
        await stopped;
        expect(await raw.closed).toBe('end');
      };
    },
  },
  'work of waitUntil()': {
    async begin({ go, work }, port) {
      const raw = new RawClient(port).write(get('/work'));
      await raw.until(/answered$/);
      return async (stopped) => {
        let isStopped = false;
        void stopped.then(() => (isStopped = true));
        await sleep(LONGER_THAN_SILENCE_MS);
        expect(isStopped).toBe(false);
        go.resolve();
        await stopped;
        expect(work.isDone).toBe(true);
      };
    },
  },
};

function echoUpgrades(app: App): void {
  app.server.on('upgrade', (_request, socket) => {
    socket.on('error', () => undefined);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello',
    );
    socket.pipe(socket);
  });
}

describe.each(['running', 'draining'])('stop() of an app that is %s', (state) => {
  it.each(Object.entries(KINDS))('with %s', async (_what, kind) => {
    const setup = everyKind();
    echoUpgrades(setup.app);
    const { port } = await setup.app.start();
    const finish = await kind.begin(setup, port);
    let stopped = setup.app.stop();
    if (state === 'draining') {
      while (setup.app.server.listening) await new Promise(setImmediate);
      stopped = setup.app.stop();
    }
    expect(setup.app.state).toBe('draining');
    await finish(stopped);
    expect(setup.app.state).toBe('stopped');
  });
});

describe.each(['idle', 'starting', 'warming'])('stop() of an app that is %s', (state) => {
  async function inState() {
    const host = await silentHost();
    const setup = everyKind({
      pool: {},
      ...(state === 'warming' && { warm: { [host.origin]: 1 } }),
    });
    const starting = state === 'idle' ? undefined : setup.app.start();
    starting?.catch(() => undefined);
    if (state === 'warming') await host.reached;
    expect(setup.app.state).toBe(state === 'idle' ? 'idle' : 'starting');
    return { ...setup, starting };
  }

  it('with nothing under way ends at once, and never listens', async () => {
    const { app, starting } = await inState();
    await app.stop();
    expect([app.state, app.server.listening, app.pool.closed]).toEqual(['stopped', false, true]);
    if (starting !== undefined)
      await expect(starting).rejects.toMatchObject({
        code: 'HOTARU_INVALID_STATE',
        message: 'the app was stopped before it listened',
      });
    await expect(app.start()).rejects.toThrow('does not start again');
  });

  it('with a stream that hears of it', async () => {
    const { app } = await inState();
    const res = await app.inject({ path: '/events' });
    const text = res.text();
    await app.stop();
    expect(await text).toBe('begin bye');
  });

  it('with a request in progress', async () => {
    const { app, go, reached } = await inState();
    const res = app.inject({ path: '/slow' });
    await reached.promise;
    const stopped = app.stop();
    go.resolve();
    expect(await (await res).text()).toBe('slow');
    await stopped;
  });

  it('with work of waitUntil()', async () => {
    const { app, go, work } = await inState();
    await (await app.inject({ path: '/work' })).text();
    const stopped = app.stop();
    go.resolve();
    await stopped;
    expect(work.isDone).toBe(true);
  });
});

describe('what does not end by itself is cut after drainTimeout', () => {
  it('an upgraded connection, and it is said', async () => {
    const { log, lines } = memoryLogger();
    const { app } = everyKind({ drainTimeout: LONGER_THAN_SILENCE_MS, logger: log });
    echoUpgrades(app);
    const { port } = await app.start();
    const raw = new RawClient(port).write(UPGRADE);
    await raw.until(/hello/);
    await app.stop();
    await raw.closed;
    expect(lines.find((line) => line['level'] === 40)).toMatchObject({ responses: 0, upgraded: 1 });
  });
});

describe('what drainTimeout cuts is not taken for a client that has left', () => {
  const logged = (lines: Record<string, unknown>[]) =>
    lines.filter((line) => line['msg'] === 'request');

  it('a request that waits for its answer gets a 503, and the connection closes', async () => {
    const { log, lines } = memoryLogger();
    const { app, reached } = everyKind({ drainTimeout: 50, logger: log, accessLog: true });
    const { port } = await app.start();
    const raw = new RawClient(port).write(get('/slow'));
    await reached.promise;
    await app.stop();
    const answer = await raw.all();
    expect(answer).toMatch(/^HTTP\/1.1 503 [^]*connection: close\r\n/i);
    expect(answer).toMatch(/retry-after: 1\r\n[^]*"code":"HOTARU_DRAIN_TIMEOUT"/i);
    expect(await raw.closed).toBe('end');
    expect(logged(lines)).toMatchObject([{ path: '/slow', status: 503, outcome: 'drain-cut' }]);
    expect(lines.find((line) => line['level'] === 40)).toMatchObject({
      responses: 1,
      requests: [{ path: '/slow' }],
    });
    expect(lines.filter((line) => (line['level'] as number) > 30)).toHaveLength(1);
  });

  it('pipelined ones, too, in their order', async () => {
    const { app, reached } = everyKind({ drainTimeout: 50 });
    const { port } = await app.start();
    const raw = new RawClient(port).write(get('/slow') + get('/now') + get('/slow'));
    await reached.promise;
    await app.stop();
    const statuses = (await raw.all()).match(/HTTP\/1.1 \d+/g);
    expect(statuses).toEqual(['HTTP/1.1 503', 'HTTP/1.1 200', 'HTTP/1.1 503']);
  });

  it('a stream is cut', async () => {
    const { log, lines } = memoryLogger();
    const { app } = everyKind({ drainTimeout: 50, logger: log, accessLog: true });
    app.get('/endless', () =>
      stream(
        (async function* () {
          yield 'tick';
          await new Promise(() => undefined);
        })(),
      ),
    );
    const { port } = await app.start();
    const raw = new RawClient(port).write(get('/endless'));
    await raw.until(/tick/);
    await app.stop();
    expect(await raw.all()).not.toMatch(/0\r\n\r\n$/);
    expect(logged(lines)).toMatchObject([{ path: '/endless', status: 200, outcome: 'drain-cut' }]);
  });
});

describe('while clients are at work', () => {
  it('a quiet connection is kept for the request that it may bring next', async () => {
    const { app } = everyKind();
    const { port } = await app.start();
    const quiet = new RawClient(port).write(get('/now'));
    await quiet.until(/now$/);
    const clients = Array.from({ length: 12 }, () => new RawClient(port).write(get('/now')));
    await Promise.all(clients.map((client) => client.until(/now$/)));
    const stopped = app.stop();
    for (const client of clients) {
      await sleep(25);
      client.write(get('/now'));
    }
    quiet.write('POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await stopped;
    expect(await quiet.all()).toMatch(/405[^]*connection: close/i);
  });

  it('those in the backlog are accepted and answered', async () => {
    const { app } = everyKind();
    const { port } = await app.start();
    const first = new RawClient(port);
    let stopped: Promise<void> | undefined;
    const late: RawClient[] = [];
    // In the poll phase: they are connected, and no turn has accepted them, when the drain begins.
    first.socket.once('data', () => {
      for (let i = 0; i < 40; i++) late.push(new RawClient(port).write(get('/now')));
      process.nextTick(() => (stopped = app.stop()));
    });
    first.write(get('/now'));
    await first.all();
    const answers = await Promise.all(late.map((client) => client.all()));
    expect(answers.filter((answer) => answer.endsWith('now'))).toHaveLength(40);
    await stopped;
  });
});

describe('drainDelay', () => {
  it('goes on accepting while readiness fails, and only then closes', async () => {
    const { app } = everyKind({ drainDelay: 200 });
    app.get('/ready', (ctx) => (ctx.draining.aborted ? status(503) : 'ready'));
    const { port } = await app.start();
    const health = new RawClient(port).write(get('/ready'));
    await health.until(/ready$/);
    const stopped = app.stop();
    expect([app.state, app.draining.aborted]).toEqual(['draining', true]);
    health.write(get('/ready'));
    await health.until(/503/);
    expect(health.received, 'its clients need not reconnect yet').not.toMatch(/connection: close/i);
    const late = new RawClient(port).write(get('/now'));
    await late.until(/now$/);
    await stopped;
    expect(app.server.listening).toBe(false);
  });

  it('is 0 by default, and takes no nonsense', () => {
    expect(() => testApp({ drainDelay: -1 })).toThrow(
      'app.drainDelay is -1; allowed: a duration of 0 to',
    );
  });
});

describe('ctx.draining', () => {
  it('is aborted for a request that comes during the drain, with a reason', async () => {
    const { app, go, reached } = everyKind();
    const seen = deferred<AbortSignal>();
    app.get('/late', (ctx) => {
      seen.resolve(ctx.draining);
      return 'late';
    });
    const { port } = await app.start();
    const raw = new RawClient(port).write(get('/slow'));
    await reached.promise;
    const stopped = app.stop();
    await once(app.draining, 'abort');
    raw.write(get('/late'));
    const signal = await seen.promise;
    expect([signal.aborted, (signal.reason as Error).message]).toEqual([
      true,
      'the app is stopping',
    ]);
    go.resolve();
    await stopped;
    expect(await raw.all()).toMatch(/slow[^]*late$/);
  });

  it('costs the app nothing once its request is over', async () => {
    const { app } = everyKind();
    const signals = new Set<AbortSignal>();
    let aborts = 0;
    app.get('/', (ctx) => {
      signals.add(ctx.draining);
      ctx.draining.addEventListener('abort', () => aborts++);
      return signals.has(ctx.draining) ? 'same' : 'other';
    });
    for (let i = 0; i < 20; i++)
      expect(await (await app.inject({ path: '/' })).text()).toBe('same');
    expect(signals.size).toBe(20);
    await app.stop();
    expect(aborts).toBe(0);
  });
});

describe('an app without upgrades', () => {
  it('still answers a request that asks for one, also after a listener came and went', async () => {
    const { app } = everyKind();
    const { port } = await app.start();
    const ask = async (): Promise<string> => {
      const raw = new RawClient(port).write(UPGRADE.replace('/echo', '/now'));
      await raw.until(/now$/);
      return raw.received;
    };
    expect(await ask()).toContain('200 OK');
    const listener = (): void => undefined;
    app.server.on('upgrade', listener).off('upgrade', listener);
    expect(app.server.listenerCount('upgrade')).toBe(0);
    expect(await ask()).toContain('200 OK');
  });
});
