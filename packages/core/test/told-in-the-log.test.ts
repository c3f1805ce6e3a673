/** What would otherwise go unseen is told in the log, with its cause, at the level it deserves. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ScriptedUpstream, type PeerScript } from '@hotaru/client/testing';
import { App, getRequest, HttpError, status, stream, type AppOptions } from '../src/index.js';
import { toLogger } from '../src/log/logger.js';
import { deferred, memoryLogger, RawClient, testApp } from './helpers.js';

type Line = Record<string, unknown>;

function loggedApp(options: AppOptions = {}) {
  const { log, lines } = memoryLogger('info');
  const app = testApp({ logger: log, accessLog: true, pool: {}, ...options });
  const alarms = (): Line[] => lines.filter((line) => (line['level'] as number) > 30);
  return { app, lines, alarms };
}

async function upstreamOf(script: PeerScript): Promise<string> {
  const upstream = await ScriptedUpstream.start({ script });
  onTestFinished(() => upstream.close());
  return upstream.url;
}

const silent: PeerScript = async (peer) => {
  await peer.readRequest();
};

describe('what is refused before it is a request', () => {
  it.each([
    ['a head that is too large', `GET / HTTP/1.1\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 431, ''],
    ['bytes that are no HTTP', 'garbage\r\n\r\n', 400, ''],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'the method is not known'],
    [
      'TLS',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      400,
      'it is TLS, and this port is for plain',
    ],
    ['a bad header', 'GET / HTTP/1.1\r\nbad header: 1\r\n\r\n', 400, 'a header field'],
  ])('%s has one line', async (_what, bytes, code, why) => {
    const { app, lines } = loggedApp();
    const { port } = await app.start();
    const raw = new RawClient(port).write(Buffer.from(bytes, 'latin1'));
    expect(await raw.all()).toMatch(new RegExp(`^HTTP/1.1 ${code} `));
    const refused = lines.filter((line) => line['outcome'] === 'refused');
    expect(refused).toMatchObject([
      {
        level: 30,
        msg: 'a request was refused',
        status: code,
        code: code === 431 ? 'HOTARU_HEADERS_TOO_LARGE' : 'HOTARU_BAD_REQUEST',
        detail: expect.stringContaining(why),
        reason: expect.stringMatching(/^HPE_/),
      },
    ]);
  });
});

it('the access log has the code of an error', async () => {
  const { app, lines } = loggedApp();
  app.post('/json', (ctx) => ctx.json());
  app.get('/own', () => {
    throw new HttpError(409, { code: 'TAKEN' });
  });
  await app.inject({ method: 'POST', path: '/json', body: '{' });
  await app.inject({ path: '/own' });
  await app.inject({ path: '/none' });
  expect(lines.map((line) => [line['status'], line['code']])).toEqual([
    [400, 'HOTARU_BAD_JSON'],
    [409, 'TAKEN'],
    [404, 'HOTARU_ROUTE_NOT_FOUND'],
  ]);
});

describe('time that ran out', () => {
  it('of one call is an upstream that failed', async () => {
    const { app, alarms } = loggedApp({ safety: { requestTimeout: '1m' } });
    const url = await upstreamOf(silent);
    app.get('/', (ctx) => ctx.sendRequest(url, getRequest('/'), { timeout: 50 }));
    expect((await app.inject({})).status).toBe(504);
    expect(alarms()).toMatchObject([
      {
        level: 40,
        msg: 'an upstream call failed',
        err: { code: 'HOTARU_DEADLINE_EXCEEDED' },
        status: 504,
      },
    ]);
  });

  it('of the request names its limit, and says when no call was open', async () => {
    for (const mode of ['development', 'production'] as const) {
      const { app, alarms } = loggedApp({ mode, safety: { requestTimeout: 50 } });
      app.get('/', () => new Promise(() => undefined));
      const answer = await (await app.inject({})).text();
      const message =
        'not answered within safety.requestTimeout (50 ms); it was waiting for no upstream call';
      expect(alarms()).toMatchObject([
        { level: 50, msg: 'the request was not answered in time', err: { message } },
      ]);
      expect(answer.includes(message), 'production keeps it for the log').toBe(
        mode === 'development',
      );
    }
  });
});

it('a body that an upstream broke is a warning, with status and pattern', async () => {
  const { app, alarms } = loggedApp();
  const url = await upstreamOf(async (peer) => {
    await peer.readRequest();
    await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
    await new Promise((resolve) => setTimeout(resolve, 30));
    peer.reset();
  });
  app.get('/page', (ctx) => ctx.sendRequest(url, getRequest('/')));
  await (await app.inject({ path: '/page' })).text().catch(() => undefined);
  await vi.waitFor(() =>
    expect(alarms()).toMatchObject([
      { level: 40, msg: 'the response was cut: its body failed', status: 200, pattern: '/page' },
    ]),
  );
});

it('a failed Promise.all is one line: its sibling had no chance to read', async () => {
  const { app, alarms } = loggedApp({ mode: 'development' });
  const answered = deferred();
  const url = await upstreamOf(async (peer) => {
    const { target } = await peer.readRequest();
    if (target !== '/good') return;
    await peer.write(`HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1`);
    answered.resolve();
  });
  app.get('/', async (ctx) => {
    const [good] = await Promise.all([
      ctx.sendRequest(url, getRequest('/good')),
      ctx.sendRequest(url, getRequest('/hangs'), { timeout: 200 }),
    ]);
    return good.text();
  });
  expect((await app.inject({})).status).toBe(504);
  await answered.promise;
  expect(alarms().map((line) => line['msg'])).toEqual(['an upstream call failed']);
});

describe('a request without an answer', () => {
  it('is mentioned once after 30 s', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { app, alarms } = loggedApp();
    const reached = deferred();
    app.get('/never', () => (reached.resolve(), new Promise(() => undefined)));
    app.get('/events', () =>
      stream(
        (async function* () {
          yield 'x';
          await new Promise(() => undefined);
        })(),
      ),
    );
    const controller = new AbortController();
    const asked = app.inject({ path: '/never', signal: controller.signal });
    asked.catch(() => undefined);
    await app.inject({ path: '/events', signal: controller.signal });
    await reached.promise;
    vi.advanceTimersByTime(29_000);
    expect(alarms()).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(alarms()).toMatchObject([
      { level: 40, msg: 'a request is still unanswered', path: '/never', pattern: '/never' },
    ]);
    controller.abort();
  });
});

describe('a middleware that neither answers nor calls next()', () => {
  it.each([
    [
      'async',
      async function guard() {
        await Promise.resolve();
      },
    ],
    [
      'sync',
      function guard() {
        return undefined;
      },
    ],
  ])('is named in development: %s', async (_kind, guard) => {
    const { app, alarms } = loggedApp({ mode: 'development' });
    app.use(guard);
    app.get('/', () => 'secret');
    expect((await app.inject({})).status).toBe(204);
    expect(alarms()).toMatchObject([
      { level: 40, msg: expect.stringContaining('the middleware guard called no next()') },
    ]);
  });

  it('is not when it means it, nor in production', async () => {
    for (const [mode, answer] of [
      ['production', undefined],
      ['development', status(204)],
    ] as const) {
      const { app, alarms } = loggedApp({ mode });
      app.use(() => answer);
      app.get('/', () => 'x');
      expect((await app.inject({})).status).toBe(204);
      expect(alarms()).toEqual([]);
    }
  });
});

describe('what is given wrongly is refused at once', () => {
  it('a logger that is none, a format that is none', () => {
    expect(() => new App({ logger: console as never })).toThrow(
      'app.logger is an object; allowed: a pino',
    );
    vi.stubEnv('HOTARU_LOG', 'prety');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(() => toLogger(undefined, true)).toThrow(
      'HOTARU_LOG is "prety"; allowed: "pretty" or "json"',
    );
  });

  it('a guard before the handler, as Express has it; no handler at all', () => {
    const app = testApp();
    const add = app.get.bind(app) as (...args: unknown[]) => unknown;
    expect(() =>
      add(
        '/admin',
        () => 'guard',
        () => 'x',
      ),
    ).toThrow(/^\/admin has two functions; middleware is an option/);
    expect(() => add('/x')).toThrow('the handler of /x is undefined; allowed: a function');
  });
});
