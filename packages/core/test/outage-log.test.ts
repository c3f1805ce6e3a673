/**
 * What someone who is woken at night reads: every way in which an upstream fails, and the one log line that says
 * which call it was (method, origin, path), how it failed (code, phase, in words) and after how long.
 */
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ScriptedUpstream, type PeerScript } from '@hotaru/client/testing';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { testCertificates, type TestCertificates } from '../../client/test/certificates.js';
import {
  ConnectionPool,
  getRequest,
  HttpError,
  isClientGone,
  isRequestOver,
  type AppOptions,
  type HttpContext,
  type Logger,
  type SendOptions,
} from '../src/index.js';
import { memoryLogger, RawClient, started, testApp } from './helpers.js';

const GET = 'GET /page?token=hunter2 HTTP/1.1\r\nHost: x\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const DURATION: unknown = expect.any(Number);

type Line = Record<string, unknown>;

async function upstreamOf(script: PeerScript, tls?: object): Promise<string> {
  const upstream = await ScriptedUpstream.start({ script, ...(tls && { tls, host: 'localhost' }) });
  onTestFinished(() => upstream.close());
  return upstream.url;
}

async function nodeUpstream(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const silent: PeerScript = async (peer) => {
  await peer.readRequest();
};

const says =
  (bytes: string): PeerScript =>
  async (peer) => {
    await peer.readRequest();
    await peer.write(bytes);
  };

const turns = async (count = 5): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

/** What is logged above level info: the failures. */
const alarms = (lines: Line[]): Line[] => lines.filter((line) => (line['level'] as number) > 30);

/** An app whose one page calls the upstream, without a word of its own about failures. */
function pageApp(
  call: (ctx: HttpContext) => Promise<unknown>,
  log: Logger,
  options: AppOptions = {},
): ReturnType<typeof testApp> {
  const app = testApp({
    mode: 'production',
    accessLog: true,
    pool: { reportLeaks: false, ...(options.pool as object) },
    ...options,
    logger: log,
  });
  app.get('/page', async (ctx) => String(await call(ctx)));
  return app;
}

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await testCertificates();
});

describe('one line says what failed', () => {
  interface Outage {
    readonly name: string;
    readonly upstream: () => Promise<string>;
    readonly options?: SendOptions;
    readonly pool?: ConnectionPool;
    readonly status?: number;
    readonly code: string;
    readonly phase: string;
    readonly says: RegExp;
  }
  const nowhere = new ConnectionPool(
    {},
    {
      resolve: () =>
        Promise.reject(
          Object.assign(new Error('getaddrinfo ENOTFOUND users.internal'), { code: 'ENOTFOUND' }),
        ),
    },
  );
  const outages: Outage[] = [
    {
      name: 'a host name that does not exist',
      upstream: () => Promise.resolve('http://users.internal'),
      pool: nowhere,
      code: 'HOTARU_CONNECT_FAILED',
      phase: 'dns',
      says: /^there is no such host name: users\.internal \(ENOTFOUND\)$/,
    },
    {
      name: 'a port where nothing listens',
      upstream: async () => {
        const upstream = await ScriptedUpstream.start();
        const { url } = upstream;
        await upstream.close();
        return url;
      },
      code: 'HOTARU_CONNECT_FAILED',
      phase: 'connect',
      says: /^the connection was refused: nothing listens there \(ECONNREFUSED 127\.0\.0\.1:\d+\)$/,
    },
    {
      name: 'a self-signed certificate',
      upstream: () => upstreamOf(silent, certificates.selfSigned),
      code: 'HOTARU_TLS_FAILED',
      phase: 'tls',
      says: /^the certificate of localhost is self-signed: if you trust it, give it as tls\.ca/,
    },
    {
      name: 'a reset',
      upstream: () =>
        upstreamOf(async (peer) => {
          await peer.readRequest();
          peer.reset();
        }),
      code: 'HOTARU_CONNECTION_CLOSED',
      phase: 'headers',
      says: /^the connection broke before it answered: the peer reset the connection \(ECONNRESET\)$/,
    },
    {
      name: 'garbage',
      upstream: () => upstreamOf(says('SSH-2.0-OpenSSH_9.2\r\n\r\n')),
      code: 'HOTARU_PROTOCOL_ERROR',
      phase: 'headers',
      says: /RFC 9112/,
    },
    {
      name: 'a response that is too large',
      upstream: () => upstreamOf(says(`HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789`)),
      options: { maxResponseSize: 4 },
      code: 'HOTARU_RESPONSE_TOO_LARGE',
      phase: 'body',
      says: /^the response body is larger than maxResponseSize \(4 bytes\)$/,
    },
    {
      name: 'an answer that does not come',
      upstream: () => upstreamOf(silent),
      options: { headersTimeout: 40 },
      status: 504,
      code: 'HOTARU_HEADERS_TIMEOUT',
      phase: 'headers',
      says: /^no answer within 40 ms$/,
    },
    {
      name: 'a body that stalls',
      upstream: () => upstreamOf(says('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123')),
      options: { bodyTimeout: 40 },
      status: 504,
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'body',
      says: /^nothing of the response body came for 40 ms$/,
    },
  ];

  it.each(outages)('$name', async ({ upstream, options, pool, status = 502, ...expected }) => {
    const { log, lines } = memoryLogger('info');
    const url = await upstream();
    const app = pageApp(
      async (ctx) => {
        const res = await ctx.sendRequest(url, getRequest('/users/7?token=hunter2'), options);
        return res.text();
      },
      log,
      pool === undefined ? {} : { pool },
    );
    const response = await app.inject({ path: '/page?token=hunter2' });
    expect(response.status).toBe(status);
    const [line, ...others] = alarms(lines);
    expect(others, 'one line for one failure').toEqual([]);
    expect(line).toMatchObject({
      level: 40,
      msg: 'an upstream call failed',
      requestId: response.headers['x-request-id'],
      method: 'GET',
      path: '/page',
      pattern: '/page',
      status,
      err: {
        code: expected.code,
        phase: expected.phase,
        method: 'GET',
        origin: url,
        path: '/users/7',
        ms: DURATION,
        at: expect.stringContaining('outage-log.test.ts'),
      },
    });
    const { message, ...rest } = line?.['err'] as { message: string; stack?: string };
    const lead = `GET ${url}/users/7: `;
    expect(message.slice(0, lead.length)).toBe(lead);
    expect(message.slice(lead.length)).toMatch(expected.says);
    expect(rest, 'stacks are for level debug').not.toHaveProperty('stack');
    expect(rest, 'the message has it already').not.toHaveProperty('cause');
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines.at(-1)).toMatchObject({ msg: 'request', status, outcome: 'sent' });
  });

  it('a stack, with those of the causes, at level debug', async () => {
    const { log, lines } = memoryLogger('debug');
    const upstream = await ScriptedUpstream.start();
    const { url } = upstream;
    await upstream.close();
    const app = pageApp((ctx) => ctx.sendRequest(url), log);
    await app.inject({ path: '/page' });
    const { stack } = alarms(lines)[0]?.['err'] as { stack: string };
    expect(stack).toMatch(
      /^ConnectError: GET http.*\n {4}at [\s\S]*\ncaused by: Error: connect ECONN/,
    );
  });

  it('exhaustion: two places, eight callers', async () => {
    const { log, lines } = memoryLogger('info');
    const url = await upstreamOf(silent);
    const pool = { maxPerHost: 2, maxPending: 2, acquireTimeout: 700, headersTimeout: 1_500 };
    const app = pageApp((ctx) => ctx.sendRequest(url, getRequest('/users/7')), log, { pool });
    const pages = await Promise.all(Array.from({ length: 8 }, () => app.inject({ path: '/page' })));
    const statuses = pages.map((page) => page.status).sort();
    expect(statuses).toEqual([503, 503, 503, 503, 503, 503, 504, 504]);
    const failures = alarms(lines);
    expect(failures).toHaveLength(8);
    const codes = failures.map((line) => (line['err'] as { code: string }).code);
    expect(codes.filter((code) => code === 'HOTARU_POOL_EXHAUSTED')).toHaveLength(4);
    expect(codes.filter((code) => code === 'HOTARU_ACQUIRE_TIMEOUT')).toHaveLength(2);
    const exhausted = failures.find((line) => line['status'] === 503);
    expect((exhausted?.['err'] as { message: string }).message).toMatch(
      /^GET http:\/\/127\.0\.0\.1:\d+\/users\/7: no more requests may wait for a connection \(.* of at most 2 \(maxPerHost\); 4 waiting: 2 for the dials, 2 in line of at most 2 \(maxPending\)/,
    );
    expect(exhausted).toMatchObject({
      err: { method: 'GET', origin: url, path: '/users/7', phase: 'queue', ms: DURATION },
    });
  });

  it('an upstream that hangs under requestTimeout: the calls that were open', async () => {
    const { log, lines } = memoryLogger('info');
    const url = await upstreamOf(async (peer) => {
      const { target } = await peer.readRequest();
      if (target === '/part') await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1');
    });
    const rejected: unknown[] = [];
    const app = pageApp(
      async (ctx) => {
        const calls = ['/slow?token=hunter2', '/part'].map(async (path) =>
          (await ctx.sendRequest(url, getRequest(path))).text(),
        );
        for (const { reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[])
          rejected.push(reason);
        throw rejected[0];
      },
      log,
      { safety: { requestTimeout: 400 } },
    );
    expect((await app.inject({ path: '/page' })).status).toBe(504);
    await turns();
    expect(rejected).toMatchObject([
      { name: 'TimeoutError', code: 'HOTARU_DEADLINE_EXCEEDED', origin: url, path: '/slow' },
      { name: 'TimeoutError', code: 'HOTARU_DEADLINE_EXCEEDED', origin: url, path: '/part' },
    ]);
    expect(alarms(lines)).toMatchObject([
      {
        level: 50,
        msg: 'the request was not answered in time',
        method: 'GET',
        path: '/page',
        status: 504,
        err: { code: 'HOTARU_DEADLINE_EXCEEDED' },
        calls: [
          { method: 'GET', origin: url, path: '/slow', phase: 'headers', ms: DURATION },
          { method: 'GET', origin: url, path: '/part', phase: 'body', ms: DURATION },
        ],
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('a body that is left unread: where, in development', async () => {
    const { log, lines } = memoryLogger('info');
    const url = await nodeUpstream((_req, res) => res.end(Buffer.alloc(1_000_000)));
    const app = pageApp(
      async (ctx) => (await ctx.sendRequest(url, getRequest('/big?token=hunter2'))).status,
      log,
      { mode: 'development' },
    );
    expect((await app.inject({ path: '/page' })).status).toBe(200);
    expect(alarms(lines)).toMatchObject([
      // Written as in an error: no `file://`, no folder of the program.
      {
        level: 40,
        upstream: `${url}/big`,
        at: expect.stringMatching(
          /^(?:\S+ \()?packages\/core\/test\/outage-log\.test\.ts:\d+:\d+\)?$/,
        ),
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('a body that is no JSON, and is handed on unread: where it was asked for, in development', async () => {
    const { log, lines } = memoryLogger('info');
    const url = await nodeUpstream((_req, res) => res.end('<no>'));
    const app = pageApp(
      async (ctx) => (await ctx.sendRequest(url, getRequest('/users/7'))).json(),
      log,
      { mode: 'development' },
    );
    expect((await app.inject({ path: '/page' })).status).toBe(502);
    const at: unknown = expect.stringContaining('outage-log.test.ts');
    expect(alarms(lines)).toMatchObject([
      { err: { code: 'HOTARU_DECODE_FAILED', at, ms: DURATION } },
    ]);
  });

  it('a handler that fails by itself: where, and what caused it, once', async () => {
    const { log, lines } = memoryLogger('info');
    const app = pageApp(() => {
      const cause = Object.assign(new Error('disk is full'), { code: 'ENOSPC' });
      return Promise.reject(new Error('cannot save', { cause }));
    }, log);
    expect((await app.inject({ path: '/page' })).status).toBe(500);
    expect(alarms(lines)).toMatchObject([
      {
        level: 50,
        msg: 'the request failed',
        err: {
          type: 'Error',
          message: 'cannot save',
          cause: 'Error: disk is full (ENOSPC)',
          at: expect.stringContaining('outage-log.test.ts'),
        },
      },
    ]);
  });
});

describe('a client that leaves', () => {
  /** A page that hangs, and the raw client that asked for it. */
  async function leave(
    handler: (ctx: HttpContext) => Promise<unknown>,
    options: AppOptions = {},
  ): Promise<{ lines: Line[]; until: (isThere: () => boolean) => Promise<void> }> {
    const { log, lines } = memoryLogger('info');
    let enter: () => void = () => undefined;
    const entered = new Promise<void>((resolve) => (enter = resolve));
    const app = pageApp(
      (ctx) => {
        const outcome = handler(ctx);
        enter();
        return outcome;
      },
      log,
      options,
    );
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await entered;
    raw.socket.destroy();
    const until = async (isThere: () => boolean): Promise<void> => {
      while (!isThere()) await turns(1);
    };
    return { lines, until };
  }

  it('before a handler that never answers is in the access log, with how long it waited', async () => {
    const { lines, until } = await leave(() => new Promise(() => undefined));
    await until(() => lines.some((line) => line['msg'] === 'request'));
    expect(lines.filter((line) => line['outcome'] !== undefined)).toMatchObject([
      {
        level: 30,
        msg: 'request',
        method: 'GET',
        path: '/page',
        status: 499,
        outcome: 'client-left',
        ms: DURATION,
      },
    ]);
  });

  it('is logged without an access log, too, with the calls it waited for', async () => {
    let reach: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const url = await nodeUpstream(() => reach());
    const { log, lines } = memoryLogger('info');
    const app = pageApp((ctx) => ctx.sendRequest(url, getRequest('/slow')), log, {
      accessLog: false,
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await reached;
    raw.socket.destroy();
    while (!lines.some((line) => line['outcome'] === 'client-left')) await turns(1);
    await turns();
    expect(lines.filter(({ msg }) => msg !== 'listening')).toMatchObject([
      {
        level: 30,
        msg: 'the client left before its request was answered',
        path: '/page',
        calls: [{ method: 'GET', origin: url, path: '/slow', phase: 'headers', ms: DURATION }],
      },
    ]);
  });

  it('and calls whose request was answered meanwhile are told from failures by isRequestOver()', async () => {
    const url = await nodeUpstream(() => undefined);
    const seen: unknown[] = [];
    const { log, lines } = memoryLogger('info');
    const app = pageApp((ctx) => {
      ctx.sendRequest(url).catch((error: unknown) => seen.push(error));
      return Promise.resolve('answered');
    }, log);
    await app.inject({ path: '/page' });
    while (seen.length === 0) await turns(1);
    expect(isRequestOver(seen[0])).toBe(true);
    expect(isRequestOver(new Error('wrapped', { cause: seen[0] }))).toBe(true);
    expect(isClientGone(seen[0])).toBe(false);
    expect(isRequestOver(new Error('other'))).toBe(false);
    expect(alarms(lines)).toEqual([]);
  });

  it('is told from a failed upstream by isClientGone(), also as a cause', async () => {
    let reach: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const url = await nodeUpstream(() => reach());
    const seen: unknown[] = [];
    const { log, lines } = memoryLogger('info');
    const app = pageApp(async (ctx) => {
      try {
        return await ctx.sendRequest(url);
      } catch (error) {
        seen.push(error);
        throw new HttpError(502, { cause: error });
      }
    }, log);
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await reached;
    raw.socket.destroy();
    while (seen.length === 0) await turns(1);
    await turns();
    expect(isClientGone(seen[0])).toBe(true);
    expect(isRequestOver(seen[0])).toBe(true);
    expect(isClientGone(new Error('wrapped', { cause: seen[0] }))).toBe(true);
    expect(isClientGone(new Error('other', { cause: new HttpError(502) }))).toBe(false);
    expect(isClientGone(undefined)).toBe(false);
    expect(alarms(lines), 'no failure of ours, nor of the upstream').toEqual([]);
  });
});

it('a shutdown names the requests it had to cut, and what they waited for', async () => {
  let reach: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const url = await nodeUpstream(() => reach());
  const { log, lines } = memoryLogger('info');
  const app = pageApp((ctx) => ctx.sendRequest(url, getRequest('/slow')), log, {
    drainTimeout: 50,
  });
  app.get('/stuck', () => new Promise<never>(() => undefined));
  const { port } = await started(app);
  new RawClient(port).write(GET.replace('/page?token=hunter2', '/stuck'));
  new RawClient(port).write(GET);
  await reached;
  await app.stop();
  expect(lines.find((line) => line['msg'] === 'draining')).toMatchObject({ requests: 2 });
  const warning = alarms(lines).find((line) => line['responses'] === 2);
  const requests = warning?.['requests'] as Line[];
  expect(requests).toHaveLength(2);
  expect(requests.find(({ path }) => path === '/stuck')).toMatchObject({
    method: 'GET',
    ms: DURATION,
    requestId: expect.any(String),
  });
  expect(requests.find(({ path }) => path === '/page')).toMatchObject({
    calls: [{ method: 'GET', origin: url, path: '/slow', phase: 'headers' }],
  });
});

it('an upstream that answers leaves one line: that of the request', async () => {
  const { log, lines } = memoryLogger('debug');
  const url = await upstreamOf(says(OK));
  const app = pageApp(async (ctx) => (await ctx.sendRequest(url)).text(), log);
  expect(await (await app.inject({ path: '/page' })).text()).toBe('ok');
  expect(lines).toMatchObject([{ msg: 'request', status: 200, bytes: 2, outcome: 'sent' }]);
});
