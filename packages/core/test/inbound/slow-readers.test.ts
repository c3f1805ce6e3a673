/**
 * A client that stops reading is cut off: after `writeTimeout` without a byte taken, once, with all that hangs on it.
 */
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { App, getRequest, stream } from '../../src/index.js';
import { deafClient, deferred, memoryLogger, RawClient, started, testApp } from '../helpers.js';

const MIB = 1_048_576;
/** More than the buffers of a loopback connection hold. */
const MUCH = 32 * MIB;
const LIMIT_MS = 150;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

function watchedApp(safety: object = { writeTimeout: LIMIT_MS }) {
  const { log, lines } = memoryLogger('warn');
  const app = testApp({ safety, logger: log, pool: {} });
  const closed = deferred();
  app.server.on('connection', (socket) => socket.once('close', () => closed.resolve()));
  return { app, lines, closed: closed.promise };
}

async function* endless(ended?: () => void): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(65_536);
  try {
    for (;;) {
      await Promise.resolve();
      yield piece;
    }
  } finally {
    ended?.();
  }
}

describe('a client that stops reading', () => {
  it('a stream: is cut off, its source ended, and logged once', async () => {
    const { app, lines, closed } = watchedApp();
    const ended = deferred();
    app.get('/', () => stream(endless(ended.resolve)));
    const { port } = await started(app);
    await deafClient(port, get('/'));
    await Promise.all([closed, ended.promise]);
    expect(lines).toEqual([
      expect.objectContaining({
        msg: 'the response was cut: its client stopped reading',
        method: 'GET',
        path: '/',
        writeTimeout: LIMIT_MS,
        unsentBytes: expect.any(Number),
      }),
    ]);
  });

  it.each(['text', 'bytes'])('a large body of %s: is cut off, and logged once', async (kind) => {
    const { app, lines, closed } = watchedApp();
    app.get('/', () => (kind === 'text' ? 'x'.repeat(MUCH) : Buffer.alloc(MUCH)));
    const { port } = await started(app);
    await deafClient(port, get('/'));
    await closed;
    expect(lines.map((line) => line['msg'])).toEqual([
      'the response was cut: its client stopped reading',
    ]);
  });

  it('the upstream of its response is let go, with the reason', async () => {
    const { app, lines, closed } = watchedApp();
    const upstreamClosed = deferred();
    const upstream = createServer((request, response) => {
      request.socket.once('close', () => upstreamClosed.resolve());
      const fill = (to: ServerResponse): void => {
        while (to.write(Buffer.alloc(65_536)));
      };
      response.on('drain', () => fill(response));
      fill(response);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      upstream.closeAllConnections();
      upstream.close();
    });
    await once(upstream, 'listening');
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    let reason: unknown;
    app.get('/', async (ctx) => {
      ctx.signal.addEventListener('abort', () => void (reason = ctx.signal.reason as unknown));
      const res = await ctx.sendRequest(url, getRequest('/'));
      return stream(res.body);
    });
    const { port } = await started(app);
    await deafClient(port, get('/'));
    await Promise.all([closed, upstreamClosed.promise]);
    expect(reason).toMatchObject({ code: 'HOTARU_WRITE_TIMEOUT' });
    expect(app.pool.stats()).toMatchObject({ active: 0, waiting: 0 });
    expect(lines.map((line) => line['msg'])).toEqual([
      'the response was cut: its client stopped reading',
    ]);
  });

  it('pipelined requests of it are all given up', async () => {
    const { app, closed } = watchedApp();
    const both = deferred();
    let ended = 0;
    app.get('/', () =>
      stream(
        endless(() => {
          if (++ended === 2) both.resolve();
        }),
      ),
    );
    const { port } = await started(app);
    await deafClient(port, get('/').repeat(2));
    await Promise.all([closed, both.promise]);
  });

  it('behind a slow request is cut off when its own turn has come', async () => {
    const { app, lines, closed } = watchedApp();
    const go = deferred();
    app.get('/slow', async () => {
      await go.promise;
      return 'slow';
    });
    app.get('/much', () => 'x'.repeat(MUCH));
    const { port } = await started(app);
    await deafClient(port, get('/slow') + get('/much'));
    await sleep(3 * LIMIT_MS);
    expect(lines).toEqual([]); // it waited for the response before it, not for the client
    go.resolve();
    await closed;
    expect(lines.map((line) => line['path'])).toEqual(['/much']);
  });

  it('has the limit of its endpoint', async () => {
    const { app, lines, closed } = watchedApp({ writeTimeout: '10m' });
    app.get('/', { safety: { writeTimeout: LIMIT_MS } }, () => stream(endless()));
    const { port } = await started(app);
    await deafClient(port, get('/'));
    await closed;
    expect(lines).toHaveLength(1);
  });
});

describe('a client that is no slower than it may be', () => {
  it('takes a little now and then: has the whole, however long it takes', async () => {
    const { app, lines } = watchedApp({ writeTimeout: 1_500 });
    app.get('/', () => Buffer.alloc(MUCH));
    const { port } = await started(app);
    const socket = await deafClient(
      port,
      get('/').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    let received = 0;
    socket.on('data', (chunk) => (received += chunk.length));
    const sinceMs = performance.now();
    while (performance.now() - sinceMs < 2_500) {
      // A MiB or so, then nothing for a while.
      const goal = received + MIB;
      socket.resume();
      while (received < goal && received < MUCH)
        await new Promise((resolve) => setImmediate(resolve));
      socket.pause();
      await sleep(200);
    }
    socket.resume();
    await once(socket, 'close');
    expect(received).toBeGreaterThan(MUCH);
    expect(lines).toEqual([]);
  });

  it('costs no timer when it takes what it gets', async () => {
    const { app } = watchedApp();
    app.get('/', () => 'hello');
    app.get('/stream', () =>
      stream(
        (async function* () {
          yield 'one';
          await Promise.resolve();
          yield 'two';
        })(),
      ),
    );
    const { port } = await started(app);
    const raw = new RawClient(port);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    onTestFinished(() => timers.mockRestore());
    for (let count = 0; count < 20; count++) {
      raw.received = '';
      raw.write(count % 2 === 0 ? get('/') : get('/stream'));
      await raw.until(/hello$|0\r\n\r\n$/);
    }
    expect(timers).not.toHaveBeenCalled();
  });

  it('waits for a source that has nothing to say: is not cut off', async () => {
    const { app, lines } = watchedApp({ writeTimeout: 50 });
    app.get('/', () =>
      stream(
        (async function* () {
          yield 'one ';
          await sleep(300);
          yield 'two';
        })(),
      ),
    );
    const { port } = await started(app);
    const raw = new RawClient(port).write(get('/'));
    await raw.until(/two\r\n0\r\n\r\n$/);
    expect(lines).toEqual([]);
  });

  it('is never cut off with Infinity', async () => {
    const { app, lines, closed } = watchedApp({ writeTimeout: Infinity });
    app.get('/', () => 'x'.repeat(MUCH));
    const { port } = await started(app);
    const socket = await deafClient(port, get('/'));
    expect(await Promise.race([closed.then(() => 'closed'), sleep(500, 'open')])).toBe('open');
    expect(lines).toEqual([]);
    socket.destroy();
  });
});

it('writeTimeout has a default, and a bad one is refused', () => {
  expect(new App({ logger: false }).safety.writeTimeout).toBe(30_000);
  expect(() => new App({ logger: false, safety: { writeTimeout: 0 } })).toThrow(
    'safety.writeTimeout is 0; allowed: a duration',
  );
});
