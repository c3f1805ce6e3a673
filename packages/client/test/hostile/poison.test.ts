/**
 * Bytes that were not asked for never answer a request (docs/rules.md, rule 2; GHSA-35p6-xmwp-9g52,
 * CVE-2026-48931): not when they come with the response before, not while the connection is idle, and
 * not when they arrive in the very tick in which the next request is made.
 */
import { stat } from 'node:fs';
import { ConnectionPool, type RequestInit } from '@hotaru/client';
import { ScriptedUpstream, turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { testCertificates } from '../certificates.js';
import {
  answering,
  attempt,
  chunked,
  HANG_GUARD_MS,
  ok,
  promises,
  whole,
  type HostileCase,
} from './support.js';

const EVIL = whole('evil');

const HELLO = { body: 'hello', reuse: false } as const;

promises('bytes that follow a response at once', [
  ...(
    [
      ['a second response', EVIL],
      ['one byte', 'x'],
      ['NUL', '\0'],
      ['an empty line', '\r\n'],
      ['LF', '\n'],
      ['a blank', ' '],
      ['half a status line', 'HTTP/1.1 2'],
      ['a 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
      ['a 408', 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'],
      ['a request', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'],
      ['a hundred responses', EVIL.repeat(100)],
      ['64 KiB of zeros', '\0'.repeat(65_536)],
    ] as const
  ).map(([what, after]): HostileCase => ({
    name: `${what} after a body by length never answers the next request`,
    origin: whole('hello') + after,
    expect: HELLO,
  })),
  ...(
    [
      ['a chunked body', {}, chunked('5\r\nhello\r\n0\r\n\r\n'), { body: 'hello', reuse: false }],
      [
        'trailers',
        {},
        chunked('5\r\nhello\r\n0\r\nX-A: b\r\n\r\n'),
        { body: 'hello', reuse: false },
      ],
      ['an empty body', {}, ok(['Content-Length: 0']), { body: '', reuse: false }],
      ['a 204', {}, 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '', reuse: false }],
      [
        'a 304',
        {},
        'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
        { status: 304, body: '', reuse: false },
      ],
      [
        'the answer to a HEAD',
        { method: 'HEAD' },
        ok(['Content-Length: 5']),
        { body: '', reuse: false },
      ],
      [
        'an HTTP/1.0 keep-alive response',
        {},
        'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello',
        { body: 'hello', reuse: false },
      ],
      [
        'the answer to a POST',
        { method: 'POST', body: 'data' },
        whole('hello'),
        { body: 'hello', reuse: false },
      ],
    ] as const satisfies readonly (readonly [string, RequestInit, string, HostileCase['expect']])[]
  ).flatMap(([what, request, response, accepted]): HostileCase[] => [
    {
      name: `a response after ${what} in one segment never answers the next request`,
      request,
      origin: response + EVIL,
      expect: accepted,
    },
    {
      name: `a response after ${what} in the next segment never answers the next request`,
      request,
      origin: async (peer) => {
        await peer.write(response);
        await peer.write(EVIL);
      },
      // It may come before or after the connection counts as idle, but before the next request.
      expect: { ...accepted, reuse: 'either' },
    },
  ]),
  {
    name: 'the body of a HEAD is not read as the next response',
    request: { method: 'HEAD' },
    origin: whole(EVIL),
    expect: { body: '', reuse: false },
  },
  {
    name: 'the body of a 204 is not read as the next response',
    origin: `HTTP/1.1 204 No Content\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
    expect: { status: 204, body: '', reuse: false },
  },
  {
    name: 'the body of a 304 is not read as the next response',
    origin: `HTTP/1.1 304 Not Modified\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
    expect: { status: 304, body: '', reuse: false },
  },
  {
    name: 'a body longer than its length is cut at the length, and the rest goes nowhere',
    origin: ok(['Content-Length: 5'], 'hello world'),
    expect: HELLO,
  },
]);

type Phase = 'timers' | 'check' | 'poll' | 'microtask' | 'nextTick';

/** Continues in a given phase of the event loop: when a request is made must not matter. */
async function inPhase(phase: Phase): Promise<void> {
  if (phase === 'timers') await new Promise((resolve) => setTimeout(resolve, 1));
  else if (phase === 'check') await new Promise(setImmediate);
  else if (phase === 'nextTick')
    await new Promise<void>((resolve) => process.nextTick(() => resolve()));
  else if (phase === 'microtask') await Promise.resolve();
  else await new Promise((resolve) => stat('.', resolve)); // completions are handled in the poll phase
}

describe('bytes on an idle connection', () => {
  const idle = async (secure = false) => {
    const certificates = await testCertificates();
    const upstream = await ScriptedUpstream.start(secure ? { tls: certificates.localhost } : {});
    upstream.onConnection(answering);
    const pool = new ConnectionPool();
    const options = {
      timeout: HANG_GUARD_MS,
      ...(secure ? { tls: { ca: certificates.ca } } : {}),
    };
    const first = await attempt(pool, upstream.url, { path: '/first' }, options);
    expect(first).toMatchObject({ headers: { 'x-answers': '/first' } });
    const peer = await upstream.connection(0);
    const dispose = async () => {
      pool.close();
      await upstream.close();
    };
    return { upstream, pool, peer, options, [Symbol.asyncDispose]: dispose };
  };

  const bytes = {
    'a whole response': EVIL,
    'one byte': 'x',
    'half a response': 'HTTP/1.1 200 OK\r\nContent-Le',
    'a 100': 'HTTP/1.1 100 Continue\r\n\r\n',
    'an empty line': '\r\n',
  };

  for (const secure of [false, true])
    for (const [what, evil] of Object.entries(bytes))
      it(`${what}${secure ? ' over TLS' : ''} closes it, counted as poisoned, before the next request`, async () => {
        await using scene = await idle(secure);
        await scene.peer.sendUnsolicited(evil);
        await scene.peer.waitForClose();
        expect(scene.pool.stats()).toMatchObject({ poisoned: 1, idle: 0 });
        const next = await attempt(scene.pool, scene.upstream.url, { path: '/own' }, scene.options);
        expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
        expect(scene.upstream.accepted).toBe(2);
      });

  it('in pieces, each its own segment, closes it at the first', async () => {
    await using scene = await idle();
    await scene.peer.drip(EVIL.slice(0, 3)).catch(() => undefined);
    await scene.peer.waitForClose();
    expect(scene.pool.stats()).toMatchObject({ poisoned: 1 });
  });

  it('followed by FIN does not answer the next request', async () => {
    await using scene = await idle();
    await scene.peer.write(EVIL);
    scene.peer.end();
    const next = await attempt(scene.pool, scene.upstream.url, { path: '/own' }, scene.options);
    expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
  });

  for (const phase of ['timers', 'check', 'poll', 'microtask', 'nextTick'] as const)
    for (const secure of [false, true])
      it(`sent in the tick of the next request${secure ? ' over TLS' : ''}, made in ${phase}, do not answer it`, async () => {
        await using scene = await idle(secure);
        await inPhase(phase);
        void scene.peer.write(EVIL); // in the client's receive buffer when this returns
        const next = await attempt(scene.pool, scene.upstream.url, { path: '/own' }, scene.options);
        expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
        expect(scene.upstream.accepted).toBe(2);
        expect(scene.pool.stats()).toMatchObject({ poisoned: 1 });
      });

  it('sent in the tick of a POST do not answer it, and the POST goes out once', async () => {
    await using scene = await idle();
    await turn();
    void scene.peer.write(EVIL);
    const request = { path: '/post', method: 'POST', body: 'once' };
    const next = await attempt(scene.pool, scene.upstream.url, request, scene.options);
    expect(next).toMatchObject({ headers: { 'x-answers': '/post' } });
    expect(scene.upstream.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('on one of several idle connections closes that one alone', async () => {
    await using scene = await idle();
    const { pool, upstream, options } = scene;
    const path = '/side-by-side';
    await Promise.all([1, 2, 3].map(() => attempt(pool, upstream.url, { path }, options)));
    const before = upstream.accepted;
    expect(before).toBeGreaterThan(1);
    await scene.peer.sendUnsolicited(EVIL);
    await scene.peer.waitForClose();
    expect(upstream.open).toBe(before - 1);
    const next = await attempt(pool, upstream.url, { path: '/own' }, options);
    expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
    expect(upstream.accepted).toBe(before);
  });

  it('on a connection that was warmed and never used close it', async () => {
    await using upstream = await ScriptedUpstream.start();
    const pool = new ConnectionPool();
    expect(await pool.warm(upstream.url, 1)).toBe(1);
    const peer = await upstream.connection(0);
    await peer.sendUnsolicited(EVIL);
    await peer.waitForClose();
    upstream.onConnection(answering);
    const next = await attempt(pool, upstream.url, { path: '/own' }, { timeout: HANG_GUARD_MS });
    expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
    expect(pool.stats()).toMatchObject({ poisoned: 1 });
    pool.close();
  });

  it('in the buffer of a connection warmed a moment ago do not answer its first request', async () => {
    await using upstream = await ScriptedUpstream.start();
    const pool = new ConnectionPool();
    await pool.warm(upstream.url, 1);
    const peer = await upstream.connection(0);
    upstream.onConnection(answering);
    void peer.write(EVIL);
    const next = await attempt(pool, upstream.url, { path: '/own' }, { timeout: HANG_GUARD_MS });
    expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
    pool.close();
  });

  for (const how of ['in its segment', 'in the next segment', 'a turn later'])
    it(`behind the answer, ${how}, do not answer the request that waits for the connection`, async () => {
      await using upstream = await ScriptedUpstream.start();
      upstream.script([
        async (peer) => {
          const request = await peer.readRequest();
          const answer = ok([`X-Answers: ${request.target}`, 'Content-Length: 5'], 'hello');
          await peer.write(how === 'in its segment' ? answer + EVIL : answer);
          if (how === 'a turn later') await peer.sendUnsolicited(EVIL);
          else if (how === 'in the next segment') await peer.write(EVIL);
        },
        answering,
      ]);
      const pool = new ConnectionPool({ maxPerHost: 1 });
      const paths = ['/first', '/second', '/third'];
      const outcomes = await Promise.all(
        paths.map((path) => attempt(pool, upstream.url, { path }, { timeout: HANG_GUARD_MS })),
      );
      // Behind a turn, the bytes may come when the second request is out: there is no way to tell them apart.
      if (how !== 'a turn later')
        outcomes.forEach((outcome, n) =>
          expect(outcome).toMatchObject({ headers: { 'x-answers': paths[n] } }),
        );
      expect(outcomes[2]).toMatchObject({ headers: { 'x-answers': '/third' } });
      pool.close();
    });

  it('a 408 is a plain close: not poison, and the next request does not see it', async () => {
    await using scene = await idle();
    await scene.peer.send408OnIdle();
    await scene.peer.waitForClose();
    expect(scene.pool.stats()).toMatchObject({ poisoned: 0, idle: 0 });
    const next = await attempt(scene.pool, scene.upstream.url, { path: '/own' }, scene.options);
    expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
  });

  it('a 408 in the tick of the next request does not answer it', async () => {
    await using scene = await idle();
    await turn();
    void scene.peer.send408OnIdle();
    await turn();
    const next = await attempt(scene.pool, scene.upstream.url, { path: '/own' }, scene.options);
    expect(next).toMatchObject({ status: 200, headers: { 'x-answers': '/own' } });
  });

  it('a flood on an idle connection ends in a close, not in memory', async () => {
    await using scene = await idle();
    const report = await scene.peer.endless('HTTP/1.1 200 OK\r\n', 32 * 1_048_576);
    expect(report.closed).toBe(true);
    expect(report.bytesWritten).toBeLessThan(16 * 1_048_576);
  });

  it('a hundred poisoned connections in a row give a hundred right answers', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      for await (const request of peer.incoming()) {
        await peer.respond(200, { 'x-answers': request.target });
        void peer.write(EVIL);
      }
    });
    const pool = new ConnectionPool();
    for (let asked = 0; asked < 100; asked += 1) {
      const path = `/${asked}`;
      const outcome = await attempt(pool, upstream.url, { path }, { timeout: HANG_GUARD_MS });
      expect(outcome).toMatchObject({ status: 200, headers: { 'x-answers': path } });
    }
    expect(upstream.requests.length).toBeGreaterThanOrEqual(100);
    pool.close();
  });
});
