/** What the pool promises against `node:http`, the server most of its users have at the other end. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionPool, jsonRequest, type PoolConfigInput } from '@hotaru/client';
import { NodeServer } from './support/node-server.js';
import { rejection, until } from './support/waiting.js';

const pools: ConnectionPool[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

function poolOf(config: PoolConfigInput = {}): ConnectionPool {
  const pool = new ConnectionPool(config);
  pools.push(pool);
  return pool;
}

async function textOf(pool: ConnectionPool, url: string, path = '/'): Promise<string> {
  return (await pool.sendRequest(url, { path })).text();
}

const echo = (req: IncomingMessage, res: ServerResponse): unknown => res.end(req.url);

describe('a burst', () => {
  it('of 10 000 requests at once is served over at most 128 connections, each with its own answer', async () => {
    await using origin = await NodeServer.start(echo);
    const pool = poolOf({ maxPending: 10_000, acquireTimeout: '60s' });
    const answers = await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => textOf(pool, origin.url, `/${i}`)),
    );
    expect(answers).toEqual(Array.from({ length: 10_000 }, (_, i) => `/${i}`));
    expect(origin.sockets.length).toBeLessThanOrEqual(128);
    const stats = pool.stats();
    expect(stats.created).toBe(origin.sockets.length);
    expect(stats.hitRate).toBeGreaterThanOrEqual(0.98);
    expect(stats).toMatchObject({ requests: 10_000, replays: 0, failed: 0, exhausted: 0 });
    expect(stats).toMatchObject({ active: 0, waiting: 0, timeouts: 0, poisoned: 0 });
    // The burst leaves no more behind than a steady load needs.
    expect(stats.idle).toBeLessThanOrEqual(32);
    await until(() => origin.open.size === stats.idle, 'the server sees the others close');
  });
});

describe('a server that closes what is idle for 50 ms', () => {
  /** Node adds a second to `keepAliveTimeout`, and some versions can't be told not to: set it last. */
  function impatient(req: IncomingMessage, res: ServerResponse): void {
    res.on('finish', () => req.socket.setTimeout(50));
    res.end(req.url);
  }

  /** A burst; then, the moment the server closes the first idle socket, the next one. */
  async function hammer(pool: ConnectionPool, origin: NodeServer): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      const paths = Array.from({ length: 16 }, (_, i) => `/${round}/${i}`);
      const sent = Promise.all(paths.map((path) => textOf(pool, origin.url, path)));
      expect(await sent).toEqual(paths);
      if (origin.open.size > 0) await origin.nextClose();
    }
  }

  it('and does not say so costs no GET its answer', async () => {
    await using origin = await NodeServer.start((req, res) => {
      res.setHeader('connection', 'keep-alive'); // then node:http adds no Keep-Alive of its own
      impatient(req, res);
    });
    const pool = poolOf({ maxPerHost: 16 });
    await hammer(pool, origin);
    expect(pool.stats().hits).toBeGreaterThan(0);
    expect(pool.stats()).toMatchObject({ active: 0, waiting: 0, failed: 0 });
  });

  it('and says so is believed: its idle connections are not used again', async () => {
    await using origin = await NodeServer.start(impatient, { keepAliveTimeout: 50 });
    const pool = poolOf({ maxPerHost: 16 });
    await hammer(pool, origin);
    expect(pool.stats()).toMatchObject({ replays: 0, failed: 0, active: 0, waiting: 0 });
  });
});

describe('server.close()', () => {
  it('while connections are idle is noticed; what comes after is refused, and served once it is back', async () => {
    const pool = poolOf();
    let port: number;
    {
      await using origin = await NodeServer.start(echo);
      port = origin.port;
      await pool.warm(origin.url, 4);
      await Promise.all(['/1', '/2', '/3', '/4'].map((path) => textOf(pool, origin.url, path)));
      expect(pool.stats().idle).toBe(4);
      origin.server.close(); // ends idle connections
      await once(origin.server, 'close');
      await until(() => pool.stats().idle === 0, 'the pool notices');
      expect(await rejection(textOf(pool, `http://127.0.0.1:${port}`))).toMatchObject({
        code: 'HOTARU_CONNECT_FAILED',
        retrySafe: true,
        reusedConnection: false,
      });
    }
    await using again = await NodeServer.start(echo, { port });
    expect(await textOf(pool, again.url, '/back')).toBe('/back');
    expect(pool.stats()).toMatchObject({ replays: 0, created: 5, closed: 4, failed: 1 });
  });

  it('while requests are in flight lets each have its answer', async () => {
    const held: ServerResponse[] = [];
    await using origin = await NodeServer.start((_req, res) => void held.push(res));
    const pool = poolOf();
    const answers = Promise.all(['/1', '/2'].map((path) => textOf(pool, origin.url, path)));
    await until(() => held.length === 2, 'both requests arrive');
    origin.server.close();
    for (const res of held) res.end('last words');
    expect(await answers).toEqual(['last words', 'last words']);
    origin.server.closeIdleConnections(); // or it would wait for its keep-alive timeout
    await once(origin.server, 'close');
    await until(() => pool.stats().idle === 0, 'the pool notices');
    expect(pool.stats()).toMatchObject({ active: 0, closed: 2 });
  });
});

describe('Expect: 100-continue', () => {
  const headers = { expect: '100-continue' };

  it('holds the body back until the server asks for it', async () => {
    await using origin = await NodeServer.start(echo);
    const pool = poolOf();
    let isAsked = false;
    let wasAskedFirst: boolean | undefined;
    origin.server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
      const pieces: Buffer[] = [];
      req.on('data', (piece: Buffer) => pieces.push(piece));
      req.on('end', () => res.end(Buffer.concat(pieces)));
      isAsked = true;
      res.writeContinue();
    });
    async function* body(): AsyncGenerator<string> {
      wasAskedFirst = isAsked;
      yield 'the ';
      await Promise.resolve();
      yield 'body';
    }
    const informational: number[] = [];
    const res = await pool.sendRequest(
      origin.url,
      { method: 'PUT', headers, body: body() },
      { onInformational: (status) => void informational.push(status) },
    );
    expect(await res.text()).toBe('the body');
    expect(wasAskedFirst).toBe(true);
    expect(informational).toEqual([100]);
    expect(await textOf(pool, origin.url, '/next')).toBe('/next');
    expect(origin.sockets).toHaveLength(1);
  });

  it('sends no body at all when the server refuses at once', async () => {
    await using origin = await NodeServer.start(echo);
    const pool = poolOf();
    let received = 0;
    let isPulled = false;
    origin.server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
      req.on('data', (piece: Buffer) => (received += piece.length));
      res.writeHead(417, { connection: 'close' });
      res.end('no thanks');
    });
    async function* body(): AsyncGenerator<string> {
      isPulled = true;
      yield await Promise.resolve('x'.repeat(100_000));
    }
    const res = await pool.sendRequest(origin.url, { method: 'PUT', headers, body: body() });
    expect(res.status).toBe(417);
    expect(await res.text()).toBe('no thanks');
    expect(isPulled).toBe(false);
    expect(received).toBe(0);
    expect(await textOf(pool, origin.url, '/next')).toBe('/next');
    expect(origin.sockets).toHaveLength(2);
  });

  it('works for a server that answers 100 by itself', async () => {
    await using origin = await NodeServer.start((req, res) => {
      req.pipe(res);
    });
    const pool = poolOf();
    const res = await pool.sendRequest(origin.url, jsonRequest('/', { a: 1 }, { headers }));
    expect(await res.json()).toEqual({ a: 1 });
  });
});
