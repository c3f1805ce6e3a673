/**
 * Which protocol a call gets, and what that means for other calls, for connections by hand and for settings that change
 * meanwhile. Real servers of node:http2 and node:https, which count what reaches them.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ConnectionPool, type Lease, type PoolConfigInput } from '@hotaru/client';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testCertificates, type TestCertificates } from './certificates.js';
import { until } from './support/waiting.js';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await testCertificates();
});

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

type Answer = (res: http2.Http2ServerResponse, req: http2.Http2ServerRequest) => void;

interface OriginOptions {
  /** What it takes by ALPN, in its order. */
  readonly speaks?: readonly ('h2' | 'http/1.1')[];
  readonly tls?: object;
  readonly answer?: Answer;
}

/** Of node:http2, or node:https where it speaks HTTP/1.1 alone. Answers with the version it was asked by. */
class Origin {
  accepted = 0;
  readonly handshakes: TLSSocket[] = [];
  /** Of each handshake: did it resume a session? */
  readonly areResumed: boolean[] = [];
  /** Requests that wait for `answerAll()`. */
  readonly held: (() => void)[] = [];
  isHolding = false;
  readonly #server: Server;

  constructor({ speaks = ['h2', 'http/1.1'], tls = {}, answer }: OriginOptions) {
    const options = { ...certificates.localhost, ...tls };
    const isHttp2 = speaks.includes('h2');
    const server = isHttp2
      ? http2.createSecureServer({ ...options, allowHTTP1: speaks.includes('http/1.1') })
      : createHttpsServer({ ...options, ALPNProtocols: ['http/1.1'] });
    server.on('connection', () => (this.accepted += 1));
    server.on('secureConnection', (socket: TLSSocket) => {
      this.areResumed.push(socket.isSessionReused());
      this.handshakes.push(socket);
      socket.on('error', () => undefined);
    });
    server.on('sessionError', () => undefined);
    server.on('tlsClientError', () => undefined);
    server.on('request', (req: http2.Http2ServerRequest, res: http2.Http2ServerResponse) => {
      const reply = () => (answer === undefined ? res.end(req.httpVersion) : answer(res, req));
      if (this.isHolding) this.held.push(reply);
      else reply();
    });
    this.#server = server;
  }

  static async start(options: OriginOptions = {}): Promise<Origin> {
    const origin = new Origin(options);
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    endings.push(() => {
      for (const socket of origin.handshakes) socket.destroy();
      origin.#server.close();
    });
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get url(): string {
    return `https://localhost:${this.port}`;
  }

  answerAll(): void {
    this.isHolding = false;
    for (const reply of this.held.splice(0)) reply();
  }
}

function newPool(config: PoolConfigInput = {}): ConnectionPool {
  const pool = new ConnectionPool({
    ...config,
    hosts: { localhost: { tls: { ca: certificates.ca } }, ...config.hosts },
  });
  endings.push(() => pool.close());
  return pool;
}

async function versionOf(pool: ConnectionPool, url: string, options = {}): Promise<string> {
  return (await pool.sendRequest(url, {}, options)).text();
}

/** A request of HTTP/1.1, by hand. */
async function byHand(lease: Lease): Promise<string> {
  await lease.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  let heard = '';
  while (!heard.endsWith('1.1') && !heard.endsWith('0\r\n\r\n')) {
    const piece = await lease.read();
    if (piece === undefined) throw new Error(`the connection ended behind ${heard}`);
    heard += Buffer.from(piece).toString();
  }
  return heard.slice(0, 15);
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe('a cold origin', () => {
  it('that speaks HTTP/2 gets one connection for fifty calls', async () => {
    const origin = await Origin.start();
    const pool = newPool();
    const versions = await Promise.all(times(50, () => versionOf(pool, origin.url)));
    expect(new Set(versions)).toEqual(new Set(['2.0']));
    expect(origin.accepted).toBe(1);
    expect(pool.stats()).toMatchObject({ created: 1, misses: 1, hits: 49, requests: 50 });
  });

  it('that speaks HTTP/1.1 is asked by one dial; then the others follow at once', async () => {
    const origin = await Origin.start({ speaks: ['http/1.1'] });
    origin.isHolding = true;
    const pool = newPool({ maxPerHost: 6 });
    const calls = times(6, () => versionOf(pool, origin.url));
    expect(pool.stats()).toMatchObject({ connecting: 1, waiting: 6 });
    await until(() => origin.held.length === 6, 'six requests are there together');
    expect(origin.accepted).toBe(6);
    origin.answerAll();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['1.1']));
  });

  it('that speaks HTTP/1.1 is not asked again when its host was forgotten meanwhile', async () => {
    const origin = await Origin.start({ speaks: ['http/1.1'] });
    const pool = newPool({ maxPerHost: 6, enablePooling: false });
    await versionOf(pool, origin.url);
    pool.cleanup();
    expect(pool.stats().hosts).toEqual({});
    const calls = times(6, () => versionOf(pool, origin.url));
    expect(pool.stats()).toMatchObject({ connecting: 6, waiting: 6 });
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['1.1']));
  });

  it('that can’t be reached fails all that wait for the one dial, by a few dials', async () => {
    const origin = await Origin.start();
    const { url } = origin;
    for (const end of endings.splice(0)) await end();
    const pool = newPool();
    const ends = await Promise.allSettled(times(50, () => versionOf(pool, url)));
    for (const end of ends)
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'HOTARU_CONNECT_FAILED' } });
    expect(pool.stats()).toMatchObject({ failed: 3, waiting: 0, connecting: 0 });
  });
});

describe('connections by hand, to an origin that speaks both', () => {
  it.each(['the call', 'the lease'])(
    'are apart from those of calls: %s comes first',
    async (first) => {
      const origin = await Origin.start();
      const pool = newPool();
      if (first === 'the call') await versionOf(pool, origin.url);
      using lease = await pool.acquire(origin.url);
      const call = versionOf(pool, origin.url);
      expect(await byHand(lease)).toBe('HTTP/1.1 200 OK');
      expect(await call).toBe('2.0');
      expect(lease.connection.protocol).toBe('http/1.1');
      expect(lease.release()).toBe(true);
      expect(await versionOf(pool, origin.url)).toBe('2.0');
      expect(origin.accepted).toBe(2);
      expect(
        Object.keys(pool.stats().hosts)
          .map((id) => /#raw$/.test(id))
          .sort(),
      ).toEqual([false, true]);
    },
  );

  it('are never shared, however many there are at once', async () => {
    const origin = await Origin.start();
    const pool = newPool();
    const work = await Promise.all(
      times(10, async (i) => {
        if (i % 2 === 0) return versionOf(pool, origin.url);
        using lease = await pool.acquire(origin.url);
        return await byHand(lease);
      }),
    );
    expect(new Set(work)).toEqual(new Set(['2.0', 'HTTP/1.1 200 OK']));
    expect(origin.accepted).toBe(6);
    expect(pool.stats().protocols).toMatchObject({
      'http/1.1': { created: 5, inUse: 0 },
      h2: { created: 1, requests: 5, inUse: 0 },
    });
  });

  it('are found by get() once they were given back, and an HTTP/2 connection is not', async () => {
    const origin = await Origin.start();
    const pool = newPool();
    await versionOf(pool, origin.url);
    expect(pool.get(origin.url)).toBe(undefined);
    const lease = await pool.acquire(origin.url);
    const { id } = lease.connection;
    expect(lease.release()).toBe(true);
    const found = pool.get(origin.url);
    expect(found?.id).toBe(id);
    expect(found !== undefined && pool.put(found)).toBe(true);
    expect(await versionOf(pool, origin.url)).toBe('2.0');
  });

  it('offer h2 where they are asked to, and its bytes are their user’s', async () => {
    const origin = await Origin.start();
    const pool = newPool();
    const alpn = ['h2'];
    expect(await versionOf(pool, origin.url, { tls: { alpn } })).toBe('2.0');
    using lease = await pool.acquireTls('localhost', origin.port, { alpn });
    expect(lease.connection.protocol).toBe('h2');
    await lease.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    expect((await lease.read())?.[3]).toBe(4); // SETTINGS
    expect(await versionOf(pool, origin.url, { tls: { alpn } })).toBe('2.0');
    expect(origin.accepted).toBe(2);
  });

  it('share those of calls where the origin chose HTTP/1.1, or nothing else was offered', async () => {
    for (const [speaks, http2] of [
      [['http/1.1'], true],
      [['h2', 'http/1.1'], false],
    ] as const) {
      const origin = await Origin.start({ speaks });
      const pool = newPool({ http2 });
      expect(await versionOf(pool, origin.url)).toBe('1.1');
      const lease = await pool.acquire(origin.url);
      expect(await byHand(lease)).toBe('HTTP/1.1 200 OK');
      expect(lease.release()).toBe(true);
      expect(await versionOf(pool, origin.url)).toBe('1.1');
      expect(origin.accepted).toBe(1);
    }
  });

  it('that wait while the origin begins to speak HTTP/2 are served all the same', async () => {
    let chosen = 'http/1.1';
    const origin = await Origin.start({
      tls: {
        ALPNCallback: ({ protocols }: { protocols: string[] }) =>
          protocols.includes(chosen) ? chosen : 'http/1.1',
      },
    });
    const pool = newPool({ maxPerHost: 1 });
    origin.isHolding = true;
    const held = versionOf(pool, origin.url);
    await until(() => origin.held.length === 1, 'a call is under way');
    const waiting = pool.acquire(origin.url);
    const behind = versionOf(pool, origin.url);
    chosen = 'h2';
    origin.handshakes[0]?.destroy();
    origin.answerAll();
    await held.catch(() => undefined);
    using lease = await waiting;
    expect(await byHand(lease)).toBe('HTTP/1.1 200 OK');
    expect(await behind).toBe('2.0');
  });
});

describe('an origin whose servers differ', () => {
  it.each([
    ['is in use, with room', 2],
    ['is idle', 1],
  ])('lends connections by hand of HTTP/1.1, where one of HTTP/2 %s', async (_, maxStreams) => {
    let chosen = 'h2';
    const origin = await Origin.start({
      tls: {
        ALPNCallback: ({ protocols }: { protocols: string[] }) =>
          protocols.includes(chosen) ? chosen : 'http/1.1',
      },
    });
    const pool = newPool({ maxStreams, order: 'lifo' });
    origin.isHolding = true;
    const held = times(maxStreams, () => versionOf(pool, origin.url));
    await until(() => origin.held.length === maxStreams, 'the connection of HTTP/2 is full');
    origin.isHolding = false;
    chosen = 'http/1.1';
    expect(await versionOf(pool, origin.url)).toBe('1.1');
    origin.held.shift()?.();
    expect(await Promise.race(held)).toBe('2.0');
    using lease = await pool.acquire(origin.url, { timeout: 1000 });
    expect(await byHand(lease)).toBe('HTTP/1.1 200 OK');
    expect(lease.release()).toBe(true);
    origin.answerAll();
    expect(new Set(await Promise.all(held))).toEqual(new Set(['2.0']));
  });
});

describe('http2, changed while the pool is in use', () => {
  it('lets calls under way finish, and gives the next ones what is spoken now', async () => {
    const origin = await Origin.start();
    const pool = newPool();
    expect(await versionOf(pool, origin.url)).toBe('2.0');
    origin.isHolding = true;
    const underWay = times(3, () => versionOf(pool, origin.url));
    await until(() => origin.held.length === 3, 'three streams are open');
    pool.reconfigure({ http2: false });
    const later = times(2, () => versionOf(pool, origin.url));
    await until(() => origin.held.length === 5, 'two more requests');
    origin.answerAll();
    expect(await Promise.all(underWay)).toEqual(['2.0', '2.0', '2.0']);
    expect(await Promise.all(later)).toEqual(['1.1', '1.1']);
    await until(() => pool.stats().protocols.h2.connections === 0, 'the old one is closed');
    pool.reconfigure({ http2: true });
    expect(pool.stats()).toMatchObject({ idle: 0, active: 0 });
    expect(await versionOf(pool, origin.url)).toBe('2.0');
    expect(pool.stats().protocols).toMatchObject({
      'http/1.1': { created: 2, closed: 2, requests: 2 },
      h2: { created: 2, closed: 1, requests: 5 },
    });
  });

  it('moves those that wait for a dial of the old kind to one of the new', async () => {
    const origin = await Origin.start();
    const pool = newPool();
    const calls = times(3, () => versionOf(pool, origin.url));
    expect(pool.stats()).toMatchObject({ connecting: 1, waiting: 3 });
    pool.reconfigure({ http2: false });
    expect(await Promise.all(calls)).toEqual(['1.1', '1.1', '1.1']);
    expect(pool.stats().protocols.h2.created).toBe(0);
  });

  it('can be of one host, and leaves the others alone', async () => {
    const [origin, other] = [await Origin.start(), await Origin.start()];
    const pool = newPool();
    await versionOf(pool, other.url);
    await versionOf(pool, origin.url);
    const { ca } = certificates;
    pool.reconfigure({ hosts: { [`localhost:${origin.port}`]: { http2: false, tls: { ca } } } });
    expect(await versionOf(pool, origin.url)).toBe('1.1');
    expect(await versionOf(pool, other.url)).toBe('2.0');
    expect(other.accepted).toBe(1);
  });
});

describe('maxStreams', () => {
  it('is what one connection carries; what is above it gets another one, and a change counts at once', async () => {
    const origin = await Origin.start();
    origin.isHolding = true;
    const pool = newPool({ maxStreams: 2, maxPerHost: 2 });
    const calls = times(6, () => versionOf(pool, origin.url));
    await until(() => origin.held.length === 4, 'two on each of two connections');
    expect(pool.stats()).toMatchObject({ active: 2, waiting: 2, protocols: { h2: { inUse: 4 } } });
    pool.reconfigure({ maxStreams: 3 });
    await until(() => origin.held.length === 6, 'the others, too');
    expect(origin.accepted).toBe(2);
    origin.answerAll();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['2.0']));
  });
});

describe('TLS under HTTP/2', () => {
  it('resumes sessions', async () => {
    const origin = await Origin.start({ tls: { maxVersion: 'TLSv1.2' } });
    const pool = newPool({ maxRequestsPerConnection: 1 });
    for (let i = 0; i < 3; i += 1) expect(await versionOf(pool, origin.url)).toBe('2.0');
    expect(origin.areResumed).toEqual([false, true, true]);
  });

  it('is never shared by two identities', async () => {
    const { ca, client, otherClient, localhost } = certificates;
    const origin = await Origin.start({
      tls: { ...localhost, ca, requestCert: true },
      answer: (res, req) =>
        res.end(String((req.stream.session?.socket as TLSSocket).getPeerCertificate().subject.CN)),
    });
    const pool = newPool();
    const call = (tls: object) => versionOf(pool, origin.url, { tls: { ca, ...tls } });
    const names = await Promise.all(times(10, (i) => call(i % 2 === 0 ? client : otherClient)));
    expect(names).toEqual(times(10, (i) => (i % 2 === 0 ? 'client' : 'other client')));
    expect(origin.accepted).toBe(2);
  });

  it('checks the certificate, and the name in it, before a byte of HTTP/2 goes out', async () => {
    const origin = await Origin.start();
    const bad: [string, object][] = [
      [`https://localhost:${origin.port}`, { ca: [] }],
      [`https://localhost:${origin.port}`, { servername: 'other.example' }],
    ];
    for (const [url, tls] of bad)
      await expect(newPool().sendRequest(url, {}, { tls })).rejects.toMatchObject({
        code: 'HOTARU_TLS_FAILED',
        phase: 'tls',
      });
  });
});

describe('what is known of it', () => {
  it('is in the response: the connection, and what its dial took, once', async () => {
    const origin = await Origin.start();
    const pool = newPool();
    const first = await pool.sendRequest(origin.url);
    expect(first.connection).toMatchObject({ protocol: 'h2', reused: false, requestCount: 1 });
    expect(first.timing.tls).toBeGreaterThan(0);
    const [second, third] = await Promise.all([
      pool.sendRequest(origin.url),
      pool.sendRequest(origin.url),
    ]);
    const { id } = first.connection;
    expect(second.connection).toMatchObject({ id, protocol: 'h2', reused: true });
    expect(third.connection).toMatchObject({ id, reused: true, requestCount: 3 });
    expect(third.timing).toMatchObject({ dns: 0, connect: 0, tls: 0 });
    for (const response of [first, second, third]) await response.text();
  });

  it('is in the statistics of the pool and of each host, and JSON-safe', async () => {
    const origin = await Origin.start();
    const pool = newPool();
    const response = await pool.sendRequest(origin.url);
    const h2 = { connections: 1, created: 1, closed: 0, requests: 1 };
    const stats = pool.stats();
    expect(stats.protocols.h2).toMatchObject(h2);
    for (const host of Object.values(stats.hosts)) expect(host.protocols.h2).toMatchObject(h2);
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats);
    await response.text();
  });
});

it('warm() opens a connection of HTTP/2, and the first calls share it', async () => {
  const origin = await Origin.start();
  const pool = newPool();
  expect(await pool.warm(origin.url, 1)).toBe(1);
  await Promise.all(times(20, () => versionOf(pool, origin.url)));
  expect(origin.accepted).toBe(1);
  expect(pool.stats()).toMatchObject({ misses: 0, hits: 20 });
});
