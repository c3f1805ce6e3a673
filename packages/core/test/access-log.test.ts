/** The access log: one line for each request, with nothing of it but what the documents say. */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { html, status, stream, type AppOptions } from '../src/index.js';
import { prettyLine } from '../src/log/pretty.js';
import { toLogger } from '../src/log/logger.js';
import { memoryLogger, RawClient, started, testApp } from './helpers.js';

const FIELDS = ['requestId', 'method', 'path', 'pattern', 'status', 'ms', 'bytes', 'outcome'];

function loggedApp(options: AppOptions = {}) {
  const { log, lines } = memoryLogger('info');
  return { app: testApp({ mode: 'production', accessLog: true, logger: log, ...options }), lines };
}

describe('the access log', () => {
  it('says of each request what it was and how it ended, and nothing else of it', async () => {
    const { app, lines } = loggedApp();
    app.post('/users/<int:id>', async (ctx) => {
      await ctx.json();
      return { ok: true };
    });
    await app.inject({
      method: 'POST',
      path: '/users/7?token=hunter2',
      headers: { authorization: 'hunter2', cookie: 'hunter2' },
      body: { password: 'hunter2' },
    });
    expect(lines).toHaveLength(1);
    const [line] = lines;
    expect(line).toEqual({
      level: 30,
      time: expect.any(Number),
      pid: process.pid,
      hostname: expect.any(String),
      requestId: expect.any(String),
      method: 'POST',
      path: '/users/7',
      pattern: '/users/<int:id>',
      status: 200,
      ms: expect.any(Number),
      bytes: 11,
      outcome: 'sent',
      msg: 'request',
    });
    expect(JSON.stringify(line)).not.toContain('hunter2');
  });

  it('has a line for what is refused, fails, or has no body', async () => {
    const { app, lines } = loggedApp();
    app.get('/page', () => html('<p>'));
    app.get('/empty', () => status(204));
    app.get('/fails', () => {
      throw new Error('no');
    });
    const requests = [
      ['GET', '/nowhere'],
      ['DELETE', '/page'],
      ['GET', '/%'],
      ['OPTIONS', '/page'],
      ['HEAD', '/page'],
      ['GET', '/empty'],
      ['GET', '/fails'],
    ] as const;
    for (const [method, path] of requests) await app.inject({ method, path });
    const logged = lines.filter((line) => line['msg'] === 'request');
    expect(
      logged.map((line) => [line['method'], line['path'], line['status'], line['pattern']]),
    ).toEqual([
      ['GET', '/nowhere', 404, undefined],
      ['DELETE', '/page', 405, undefined],
      ['GET', expect.any(String), 400, undefined],
      ['OPTIONS', '/page', 204, undefined],
      ['HEAD', '/page', 200, '/page'],
      ['GET', '/empty', 204, '/empty'],
      ['GET', '/fails', 500, '/fails'],
    ]);
    expect(logged.slice(3, 6).map((line) => line['bytes'])).toEqual([0, 0, 0]);
  });

  it('counts a stream, and says when it was cut or its client left', async () => {
    const { app, lines } = loggedApp();
    app.get('/whole', () => stream(Readable.from(['ab', 'cde'])));
    app.get('/broken', () =>
      stream(
        (async function* () {
          yield 'abc';
          await new Promise((resolve) => setTimeout(resolve, 20));
          throw new Error('broken');
        })(),
      ),
    );
    app.get('/endless', () =>
      stream(
        (async function* () {
          for (;;) {
            yield 'tick';
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        })(),
      ),
    );
    await (await app.inject({ path: '/whole' })).text();
    await (await app.inject({ path: '/broken' })).text().catch(() => undefined);
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
    await raw.until(/tick/);
    raw.socket.destroy();
    const logged = () => lines.filter((line) => line['msg'] === 'request');
    while (logged().length < 3) await new Promise(setImmediate);
    expect(logged()).toMatchObject([
      { path: '/whole', bytes: 5, outcome: 'sent' },
      { path: '/broken', bytes: 3, outcome: 'cut', status: 200 },
      { path: '/endless', outcome: 'client-left', status: 200 },
    ]);
  });

  it.each(['text', 'a stream'])('says of a large response, %s, how it ended', async (kind) => {
    const { app, lines } = loggedApp({ safety: { writeTimeout: 200 } });
    const body = 'x'.repeat(20 * 1_048_576);
    app.get('/', () => (kind === 'text' ? body : stream(Readable.from([body]))));
    const { port } = await started(app);
    const outcomes = async (count: number): Promise<unknown[]> => {
      const found = (): unknown[] => lines.map(({ outcome }) => outcome).filter(Boolean);
      while (found().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
      return found();
    };
    const ask = (): RawClient => new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const leaves = ask();
    await leaves.until(/x/);
    leaves.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 50));
    leaves.socket.destroy();
    expect(await outcomes(1)).toEqual(['client-left']);
    const stops = ask();
    await stops.until(/x/);
    stops.socket.pause();
    expect(await outcomes(2)).toEqual(['client-left', 'cut']);
    const takes = ask();
    while (takes.received.length < body.length)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await outcomes(3)).toEqual(['client-left', 'cut', 'sent']);
  });

  it('is on by default, and off with accessLog: false', async () => {
    for (const [accessLog, count] of [
      [undefined, 1],
      [false, 0],
    ] as const) {
      const { app, lines } = loggedApp({ accessLog });
      app.get('/', () => 'x');
      await app.inject({ path: '/' });
      expect(lines.filter((line) => line['msg'] === 'request')).toHaveLength(count);
    }
  });
});

describe('log lines on a terminal', () => {
  const time = Date.UTC(2026, 0, 1, 12, 1, 2, 345);
  const pretty = (entry: object, level = 30) =>
    prettyLine(JSON.stringify({ level, time, pid: 1, hostname: 'h', name: 'hotaru', ...entry }));

  it('are text: a request', () => {
    const request = {
      requestId: 'r7',
      method: 'GET',
      path: '/users/7',
      pattern: '/users/<id>',
      status: 200,
      ms: 3.1,
      bytes: 512,
      outcome: 'sent',
      msg: 'request',
    };
    expect(Object.keys(request)).toEqual([...FIELDS, 'msg']);
    expect(pretty(request)).toBe('12:01:02.345  GET /users/7 200 3.1 ms 512 B  r7');
    expect(pretty({ ...request, outcome: 'client-left' })).toContain('512 B (client-left)');
  });

  it('are text: an error, with where', () => {
    const err = {
      type: 'TimeoutError',
      code: 'HOTARU_HEADERS_TIMEOUT',
      message: 'GET http://a/x: no answer within 300 ms',
      phase: 'headers',
      ms: 302,
      at: 'handler (src/main.ts:12:9)',
    };
    expect(pretty({ err, status: 504, msg: 'an upstream call failed' }, 40).split('\n')).toEqual([
      '12:01:02.345  WARN an upstream call failed  status=504',
      '              HOTARU_HEADERS_TIMEOUT GET http://a/x: no answer within 300 ms (phase headers, after 302 ms)',
      '              at handler (src/main.ts:12:9)',
    ]);
  });

  it('says the code of an error of Node once: its message begins with it', () => {
    const err = { type: 'Error', code: 'ENOENT', message: "ENOENT: no such file, open '/a'" };
    expect(pretty({ err, msg: 'the request failed' }, 50).split('\n').at(-1)?.trim()).toBe(
      "ENOENT: no such file, open '/a'",
    );
  });

  it('are left alone when they are not JSON', () => {
    expect(prettyLine('as it is\n')).toBe('as it is');
  });

  it('are chosen by HOTARU_LOG', () => {
    const written: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    const before = process.env['HOTARU_LOG'];
    process.env['HOTARU_LOG'] = 'pretty';
    process.stdout.write = (text: string | Uint8Array) => written.push(String(text)) > 0;
    try {
      toLogger(undefined, false).info({ url: 'http://x' }, 'listening');
    } finally {
      process.stdout.write = write;
      if (before === undefined) delete process.env['HOTARU_LOG'];
      else process.env['HOTARU_LOG'] = before;
    }
    expect(written.join('')).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}listening {2}url=http:\/\/x\n$/);
  });
});
