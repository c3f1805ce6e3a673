/**
 * Which responses leave a connection that may serve again (docs/rules.md, rule 8; RFC 9112
 * §9.3, §9.6): a matrix, judged by the sockets the origin accepted. Both sides are promises: reuse
 * without proof poisons, no reuse with proof costs a handshake for every request.
 */
import { Readable } from 'node:stream';
import { ConnectionPool, type RequestInit, type SendOptions } from '@hotaru/client';
import { ScriptedUpstream, turn, VirtualClock } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { testCertificates } from '../certificates.js';
import {
  answering,
  attempt,
  chunked,
  HANG_GUARD_MS,
  ok,
  promises,
  thenFin,
  whole,
  type HostileCase,
} from './support.js';

const YES = { reuse: true } as const;
const NO = { reuse: false } as const;

/** A version, a `Connection` value, and whether the connection persists (RFC 9112 §9.3). */
const PERSISTENCE: [version: string, connection: string | undefined, reuse: boolean][] = [
  ['1.1', undefined, true],
  ['1.1', 'keep-alive', true],
  ['1.1', 'Keep-Alive', true],
  ['1.1', '', true],
  ['1.1', 'x-other', true],
  ['1.1', 'close', false],
  ['1.1', 'Close', false],
  ['1.1', 'CLOSE', false],
  ['1.1', ' close ', false],
  ['1.1', 'close, x-other', false],
  ['1.1', 'x-other, close', false],
  ['1.1', 'x-other ,\tclose', false],
  ['1.1', 'keep-alive, close', false],
  ['1.1', 'close, keep-alive', false],
  ['1.1', ',close,', false],
  ['1.1', 'closed', true],
  ['1.1', 'x-close', true],
  ['1.0', undefined, false],
  ['1.0', 'keep-alive', true],
  ['1.0', 'Keep-Alive', true],
  ['1.0', 'x-other, keep-alive', true],
  ['1.0', 'close', false],
  ['1.0', 'keep-alive, close', false],
  ['1.0', 'x-other', false],
];

/** Framings that end on their own, and one that does not. */
const FRAMINGS: [name: string, fields: string[], body: string][] = [
  ['by length', ['Content-Length: 5'], 'hello'],
  ['of length 0', ['Content-Length: 0'], ''],
];

promises('persistence', [
  ...PERSISTENCE.flatMap(([version, connection, reuse]) =>
    FRAMINGS.map(([framing, fields, body]): HostileCase => {
      const said =
        connection === undefined ? 'no Connection' : `Connection: ${JSON.stringify(connection)}`;
      const head = [
        `HTTP/${version} 200 OK`,
        ...fields,
        ...(connection === undefined ? [] : [`Connection: ${connection}`]),
      ];
      return {
        name: `HTTP/${version}, ${said}, a body ${framing}: ${reuse ? 'reused' : 'not reused'}`,
        origin: `${head.join('\r\n')}\r\n\r\n${body}`,
        expect: { body, reuse },
      };
    }),
  ),
  ...PERSISTENCE.filter(([version]) => version === '1.1').map(
    ([, connection, reuse]): HostileCase => ({
      name: `chunked, Connection: ${JSON.stringify(connection)}: ${reuse ? 'reused' : 'not reused'}`,
      origin: chunked(
        '5\r\nhello\r\n0\r\n\r\n',
        ...(connection === undefined ? [] : [`Connection: ${connection}`]),
      ),
      expect: { body: 'hello', reuse },
    }),
  ),
  {
    name: 'two Connection fields are one list: close in the second counts',
    origin: ok(['Connection: keep-alive', 'Connection: close', 'Content-Length: 5'], 'hello'),
    expect: NO,
  },
  {
    name: 'two Connection fields are one list: close in the first counts',
    origin: ok(['Connection: close', 'Connection: keep-alive', 'Content-Length: 5'], 'hello'),
    expect: NO,
  },
  {
    name: 'Proxy-Connection says nothing',
    origin: ok(['Proxy-Connection: close', 'Content-Length: 5'], 'hello'),
    expect: YES,
  },
  {
    name: 'Connection: close among the trailers comes too late to be relied on',
    origin: chunked('5\r\nhello\r\n0\r\nConnection: close\r\n\r\n'),
    expect: { body: 'hello', reuse: 'either' },
  },
  {
    name: 'FIN right behind a whole response: not reused',
    origin: thenFin(whole('hello')),
    expect: { body: 'hello', reuse: false },
  },
  {
    name: 'FIN right behind a chunked response: not reused',
    origin: thenFin(chunked('5\r\nhello\r\n0\r\n\r\n')),
    expect: { body: 'hello', reuse: false },
  },
  {
    name: 'FIN right behind a 204: not reused',
    origin: thenFin('HTTP/1.1 204 No Content\r\n\r\n'),
    expect: { status: 204, reuse: false },
  },
]);

promises('methods and statuses', [
  ...[
    200, 201, 202, 206, 299, 300, 301, 302, 307, 400, 401, 404, 407, 409, 418, 421, 429, 499, 500,
    503, 511, 599,
  ].map((status): HostileCase => ({
    name: `a ${status} with a body leaves its connection usable`,
    origin: `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\nhello`,
    expect: { status, body: 'hello', reuse: true },
  })),
  ...(
    [
      { method: 'GET' },
      { method: 'DELETE' },
      { method: 'OPTIONS' },
      { method: 'POST', body: 'x' },
      { method: 'PUT', body: 'x' },
      { method: 'PATCH', body: 'x' },
      { method: 'GET', body: 'x' },
      { method: 'PURGE' },
      { method: 'POST', body: '' },
      { method: 'POST' },
    ] as RequestInit[]
  ).map((request): HostileCase => ({
    name: `a ${request.method ?? ''} ${request.body === undefined ? 'without' : `with ${JSON.stringify(request.body)} as`} body leaves its connection usable`,
    request,
    origin: whole('hello'),
    expect: { body: 'hello', reuse: true },
  })),
  {
    name: 'a 408 as the answer to a request is an answer, and the connection goes with its close',
    origin: 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno',
    expect: { status: 408, body: 'no', reuse: false },
  },
]);

promises('Keep-Alive hints', [
  ...(
    [
      ['timeout=60', true],
      ['timeout=5, max=100', true],
      ['max=1', true],
      ['max=0', false],
      ['timeout=0', false],
      ['timeout=1', false],
      ['timeout=5,max=0', false],
      ['TIMEOUT=60', true],
      ['timeout="60"', true],
      ['timeout = 60', true],
      ['timeout=abc', true],
      ['timeout=-1', 'either'],
      ['nonsense', true],
      ['', true],
      ['timeout=99999999999999999999', true],
      ['x-timeout=0', true],
    ] as [string, boolean | 'either'][]
  ).map(([hint, reuse]): HostileCase => ({
    name: `Keep-Alive: ${JSON.stringify(hint)} — ${reuse === 'either' ? 'safe either way' : reuse ? 'reused' : 'not reused'}`,
    origin: ok([`Keep-Alive: ${hint}`, 'Content-Length: 5'], 'hello'),
    expect: { body: 'hello', reuse },
  })),
]);

interface Scene extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly pool: ConnectionPool;
  readonly clock: VirtualClock;
  get(path?: string, options?: SendOptions): ReturnType<typeof attempt>;
}

async function scene(
  settings: ConstructorParameters<typeof ConnectionPool>[0],
  headers: Record<string, string> = {},
): Promise<Scene> {
  const upstream = await ScriptedUpstream.start();
  upstream.respondAlways((request) => ({ headers: { 'x-answers': request.target, ...headers } }));
  const clock = new VirtualClock();
  const pool = new ConnectionPool(settings, { clock, random: () => 0.5 });
  const dispose = async () => {
    pool.close();
    await upstream.close();
  };
  return {
    upstream,
    pool,
    clock,
    get: (path = '/', options = {}) => attempt(pool, upstream.url, { path }, options),
    [Symbol.asyncDispose]: dispose,
  };
}

describe('an idle connection', () => {
  it('is reused up to idleTimeout, and not after it', async () => {
    await using all = await scene({ idleTimeout: 1_000 });
    await all.get();
    all.clock.advance(999);
    await all.get();
    expect(all.upstream.accepted).toBe(1);
    all.clock.advance(1_001);
    await all.get();
    expect(all.upstream.accepted).toBe(2);
  });

  it('is reused up to the peer’s hint less its margin, and not after it', async () => {
    await using all = await scene({ idleTimeout: '90s' }, { 'keep-alive': 'timeout=5' });
    await all.get();
    all.clock.advance(3_900);
    await all.get();
    expect(all.upstream.accepted).toBe(1);
    all.clock.advance(4_100);
    await all.get();
    expect(all.upstream.accepted).toBe(2);
  });

  it('keeps a margin of a tenth for long hints', async () => {
    await using all = await scene({ idleTimeout: '90s' }, { 'keep-alive': 'timeout=60' });
    await all.get();
    all.clock.advance(53_000);
    await all.get();
    expect(all.upstream.accepted).toBe(1);
    all.clock.advance(55_000);
    await all.get();
    expect(all.upstream.accepted).toBe(2);
  });

  it('is never kept longer for a long hint than idleTimeout says', async () => {
    await using all = await scene({ idleTimeout: 1_000 }, { 'keep-alive': 'timeout=3600' });
    await all.get();
    all.clock.advance(1_001);
    await all.get();
    expect(all.upstream.accepted).toBe(2);
  });

  it('is not reused after the machine was frozen: the wall clock counts', async () => {
    await using all = await scene({ idleTimeout: '90s' });
    await all.get();
    all.clock.advanceWall(91_000);
    await all.get();
    expect(all.upstream.accepted).toBe(2);
  });

  it('is reused when the wall clock was set back', async () => {
    await using all = await scene({ idleTimeout: '90s' });
    await all.get();
    all.clock.advanceWall(-3_600_000);
    await all.get();
    expect(all.upstream.accepted).toBe(1);
  });

  it('is not reused past maxLifetime, however busy it was', async () => {
    await using all = await scene({ maxLifetime: 1_000, idleTimeout: '90s' });
    for (let sent = 0; sent < 8; sent += 1) {
      await all.get();
      all.clock.advance(100);
    }
    expect(all.upstream.accepted).toBe(1);
    all.clock.advance(400);
    await all.get();
    expect(all.upstream.accepted).toBe(2);
  });

  it('is not reused past maxRequestsPerConnection', async () => {
    await using all = await scene({ maxRequestsPerConnection: 3 });
    for (let sent = 0; sent < 7; sent += 1) await all.get();
    expect(all.upstream.accepted).toBe(3);
  });

  it('is not reused past the peer’s own max', async () => {
    await using all = await scene({}, { 'keep-alive': 'timeout=60, max=0' });
    for (let sent = 0; sent < 3; sent += 1) await all.get();
    expect(all.upstream.accepted).toBe(3);
  });

  it('is not kept when pooling is off', async () => {
    await using all = await scene({ enablePooling: false });
    for (let sent = 0; sent < 3; sent += 1) await all.get();
    expect(all.upstream.accepted).toBe(3);
    await all.upstream.waitForOpen(0);
  });

  it('above maxIdlePerHost is closed', async () => {
    await using all = await scene({ maxIdlePerHost: 2 });
    await Promise.all(Array.from({ length: 6 }, (_, n) => all.get(`/${n}`)));
    await all.upstream.waitForOpen(2);
  });

  it('the hint of its last response does not cut off a long request that follows', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.respond(200, { 'keep-alive': 'timeout=2' });
      await peer.readRequest();
      await peer.write(ok(['Content-Length: 5'], 'he'));
      await turn();
      clock.advance(10_000);
      await turn();
      await peer.write('llo');
    });
    const clock = new VirtualClock();
    const pool = new ConnectionPool({}, { clock });
    await attempt(pool, upstream.url);
    expect(await attempt(pool, upstream.url)).toMatchObject({ body: 'hello' });
    expect(upstream.accepted).toBe(1);
    pool.close();
  });
});

describe('the last request on a connection says close, so that the peer does not keep it either', () => {
  const closes = (all: Scene) =>
    all.upstream.requests.map((request) => request.headers.connection ?? '–');

  it('each one when pooling is off', async () => {
    await using all = await scene({ enablePooling: false });
    for (let i = 0; i < 2; i += 1) expect(await all.get()).toMatchObject({ status: 200 });
    expect(closes(all)).toEqual(['close', 'close']);
  });

  it('the last one under maxRequestsPerConnection', async () => {
    await using all = await scene({ maxRequestsPerConnection: 2 });
    for (let i = 0; i < 5; i += 1) expect(await all.get()).toMatchObject({ status: 200 });
    expect(closes(all)).toEqual(['–', 'close', '–', 'close', '–']);
    expect(all.upstream.accepted).toBe(3);
  });

  it('the only one under a maxRequestsPerConnection of 1, with a body too', async () => {
    await using all = await scene({ maxRequestsPerConnection: 1 });
    for (const body of ['text', 'é', Buffer.alloc(100_000), Readable.from(['a', 'stream'])]) {
      const request = { method: 'POST', body };
      expect(await attempt(all.pool, all.upstream.url, request)).toMatchObject({ status: 200 });
    }
    expect(closes(all)).toEqual(Array(4).fill('close'));
    expect(all.upstream.requests.map((request) => request.body.length)).toEqual([4, 2, 100_000, 7]);
  });

  it('the last one that the peer’s own max allows', async () => {
    await using all = await scene({}, { 'keep-alive': 'timeout=60, max=1' });
    for (let i = 0; i < 3; i += 1) expect(await all.get()).toMatchObject({ status: 200 });
    expect(closes(all)).toEqual(['–', 'close', '–']);
  });

  it('once, when the caller says it as well', async () => {
    await using all = await scene({ enablePooling: false });
    await attempt(all.pool, all.upstream.url, { headers: { connection: 'close' } });
    expect(all.upstream.requests[0]?.rawHead.toString().match(/connection: close/gi)).toHaveLength(
      1,
    );
  });
});

describe('a body that had come whole before it was read', () => {
  const sizes = [1, 1_000, 65_535, 65_536, 65_537, 100_000, 131_072, 200_000, 1_000_000];
  for (const secure of [false, true])
    for (const size of sizes)
      for (const how of ['by length', 'chunked', 'read late'])
        it(`of ${size} bytes, ${how}${secure ? ', over TLS' : ''}, leaves a connection that reads`, async () => {
          const { ca, localhost } = await testCertificates();
          await using upstream = await ScriptedUpstream.start(secure ? { tls: localhost } : {});
          const body = 'x'.repeat(size);
          upstream.onConnection(async (peer) => {
            await peer.readRequest();
            await peer.respond(200, {}, how === 'chunked' ? [body] : body);
            await answering(peer);
          });
          const pool = new ConnectionPool({ maxPerHost: 2 });
          const options = { timeout: HANG_GUARD_MS, ...(secure ? { tls: { ca } } : {}) };
          const first = await pool.sendRequest(upstream.url, {}, options);
          for (let turns = 0; turns < 10; turns += 1) await turn();
          if (how === 'read late') expect((await first.text()).length).toBe(size);
          for (const path of ['/a', '/b']) {
            const outcome = await attempt(pool, upstream.url, { path }, options);
            expect(outcome).toMatchObject({ status: 200 });
          }
          if (how !== 'read late') expect((await first.text()).length).toBe(size);
          pool.close();
        });

  it('is noticed to be poisoned afterwards', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.respond(200, {}, 'x'.repeat(100_000));
    });
    const pool = new ConnectionPool();
    const response = await pool.sendRequest(upstream.url, {}, { timeout: HANG_GUARD_MS });
    for (let turns = 0; turns < 10; turns += 1) await turn();
    const peer = await upstream.connection(0);
    await peer.sendUnsolicited('x');
    await peer.waitForClose(1_000);
    expect((await response.text()).length).toBe(100_000);
    pool.close();
  });
});

describe('concurrent calls', () => {
  it('never share a connection at the same time', async () => {
    await using upstream = await ScriptedUpstream.start();
    let busiest = 0;
    let busy = 0;
    upstream.onConnection(async (peer) => {
      let isBusy = false;
      for await (const request of peer.incoming()) {
        expect(isBusy).toBe(false);
        isBusy = true;
        busy += 1;
        busiest = Math.max(busiest, busy);
        await turn();
        busy -= 1;
        isBusy = false;
        await peer.respond(200, { 'x-answers': request.target });
      }
    });
    const pool = new ConnectionPool({ maxPerHost: 7 });
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, n) => attempt(pool, upstream.url, { path: `/${n}` })),
    );
    outcomes.forEach((outcome, n) =>
      expect(outcome).toMatchObject({ headers: { 'x-answers': `/${n}` } }),
    );
    expect(busiest).toBeLessThanOrEqual(7);
    expect(upstream.accepted).toBeLessThanOrEqual(7);
    pool.close();
  });

  it('to hosts that differ in name or port never share a connection', async () => {
    await using one = await ScriptedUpstream.start();
    await using two = await ScriptedUpstream.start();
    one.respondAlways({ body: 'one' });
    two.respondAlways({ body: 'two' });
    const pool = new ConnectionPool();
    for (let round = 0; round < 3; round += 1) {
      expect(await attempt(pool, one.url)).toMatchObject({ body: 'one' });
      expect(await attempt(pool, two.url)).toMatchObject({ body: 'two' });
      expect(await attempt(pool, `http://localhost:${one.port}`)).toMatchObject({ body: 'one' });
    }
    expect([one.accepted, two.accepted]).toEqual([2, 1]);
    pool.close();
  });

  it('beyond the limits are refused with a snapshot, and those admitted are served', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(answering);
    const pool = new ConnectionPool({ maxPerHost: 1, maxPending: 2 });
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, (_, n) => attempt(pool, upstream.url, { path: `/${n}` })),
    );
    const codes = outcomes.map((outcome) => ('error' in outcome ? outcome.code : outcome.status));
    expect(codes.filter((code) => code === 200).length).toBeGreaterThanOrEqual(2);
    expect(codes.filter((code) => code !== 200)).toContain('HOTARU_POOL_EXHAUSTED');
    expect(upstream.accepted).toBe(1);
    pool.close();
  });
});
