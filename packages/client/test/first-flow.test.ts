/** What the first real flow promises, on real sockets and counted at the upstream. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ConnectionPool,
  formRequest,
  getRequest,
  HotaruClientError,
  jsonRequest,
} from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { Link } from '../src/pool/linked-list.js';
import { offAbort, onAbort, type Abortable } from '../src/send/abort-hub.js';

let pool: ConnectionPool;
const closers: (() => unknown)[] = [];

beforeEach(() => {
  pool = new ConnectionPool({ maxPerHost: 8, maxIdlePerHost: 8 });
});

afterEach(async () => {
  pool.close();
  for (const close of closers.splice(0)) await close();
});

async function scripted(): Promise<ScriptedUpstream> {
  const upstream = await ScriptedUpstream.start();
  closers.push(() => upstream.close());
  return upstream;
}

async function nodeServer(
  handler: http.RequestListener,
): Promise<{ url: string; sockets: () => number }> {
  let sockets = 0;
  const server = http.createServer(handler);
  server.on('connection', () => (sockets += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets: () => sockets,
  };
}

/** Rejects if the promise does not, and gives what it rejected with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${String(value)}`);
    },
    (error: unknown) => error,
  );
}

describe('reuse', () => {
  it('sends 50 requests in sequence over one connection', async () => {
    const upstream = await scripted();
    upstream.respondAlways({ body: 'hello' });
    for (let i = 0; i < 50; i += 1) {
      const res = await pool.sendRequest(upstream.url, getRequest(`/${i}`));
      expect(await res.text()).toBe('hello');
      expect(res.connection.reused).toBe(i > 0);
      expect(res.connection.requestCount).toBe(i + 1);
    }
    expect(upstream.accepted).toBe(1);
    expect(pool.stats()).toMatchObject({ hits: 49, misses: 1, created: 1, idle: 1, active: 0 });
  });

  it('sends 200 parallel requests over at most maxPerHost connections, each served once', async () => {
    const { url, sockets } = await nodeServer((req, res) => res.end(req.url));
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const res = await pool.sendRequest(url, getRequest(`/${i}`));
        return res.text();
      }),
    );
    expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => `/${i}`));
    expect(sockets()).toBeLessThanOrEqual(8);
    const stats = pool.stats();
    expect(stats.hits + stats.misses).toBe(200);
    expect(stats.misses).toBe(stats.created);
    expect(stats.wait.count).toBe(200);
  });

  it('hands a connection that was read to its end to the next request, before the body is read', async () => {
    const upstream = await scripted();
    upstream.respondAlways({ body: 'x'.repeat(100) });
    await pool.sendRequest(upstream.url); // its body is complete, and not read
    await pool.sendRequest(upstream.url);
    expect(upstream.accepted).toBe(1);
  });
});

describe('a reused connection that turns out dead', () => {
  async function dieOnSecond(): Promise<ScriptedUpstream> {
    const upstream = await scripted();
    upstream.script([
      async (peer) => {
        await peer.readRequest();
        await peer.reply({ body: 'first' });
        await peer.readRequest();
        peer.reset();
      },
      async (peer) => {
        for await (const request of peer.incoming()) await peer.reply({ body: request.method });
      },
    ]);
    await (await pool.sendRequest(upstream.url)).text();
    return upstream;
  }

  it('is replaced for a GET, without the caller noticing', async () => {
    const upstream = await dieOnSecond();
    const res = await pool.sendRequest(upstream.url);
    expect(await res.text()).toBe('GET');
    expect(res.attempts).toMatchObject([
      { reusedConnection: true, code: 'HOTARU_CONNECTION_CLOSED' },
    ]);
    expect(res.connection.reused).toBe(false);
    expect(pool.stats().replays).toBe(1);
  });

  it('is never replaced for a POST: the request is seen once', async () => {
    const upstream = await dieOnSecond();
    const error = await rejection(pool.sendRequest(upstream.url, jsonRequest('/', { pay: 1 })));
    expect(error).toMatchObject({
      code: 'HOTARU_CONNECTION_CLOSED',
      reusedConnection: true,
      responseStarted: false,
      retrySafe: false,
    });
    expect(upstream.requests.filter((request) => request.method === 'POST')).toHaveLength(1);
    expect(pool.stats().replays).toBe(0);
  });

  it('is replaced for a POST that carries an Idempotency-Key', async () => {
    const upstream = await dieOnSecond();
    const res = await pool.sendRequest(upstream.url, jsonRequest('/', { pay: 1 }), {
      idempotencyKey: 'k-1',
    });
    expect(await res.text()).toBe('POST');
    expect(upstream.requests.at(-1)?.headers['idempotency-key']).toBe('k-1');
  });
});

describe('an abort', () => {
  const reason = new Error('the caller has left');

  async function aborted(
    start: (signal: AbortSignal) => Promise<unknown>,
    when: Promise<unknown>,
  ): Promise<void> {
    const controller = new AbortController();
    const result = rejection(start(controller.signal));
    await when;
    controller.abort(reason);
    expect(await result).toBe(reason);
    const stats = pool.stats();
    expect(stats.active).toBe(0);
    expect(stats.waiting).toBe(0);
  }

  it('before the call sends nothing', async () => {
    const upstream = await scripted();
    expect(
      await rejection(pool.sendRequest(upstream.url, {}, { signal: AbortSignal.abort(reason) })),
    ).toBe(reason);
    expect(upstream.accepted).toBe(0);
  });

  it('in the same tick frees the slot', async () => {
    const upstream = await scripted();
    await aborted((signal) => pool.sendRequest(upstream.url, {}, { signal }), Promise.resolve());
  });

  it('while queued takes the waiter out and leaves the others', async () => {
    const small = new ConnectionPool({ maxPerHost: 1 });
    closers.push(() => small.close());
    const upstream = await scripted();
    const first = small.sendRequest(upstream.url);
    const peer = await upstream.connection(0);
    await peer.readRequest();
    const controller = new AbortController();
    const second = rejection(small.sendRequest(upstream.url, {}, { signal: controller.signal }));
    const third = small.sendRequest(upstream.url);
    expect(small.stats().waiting).toBe(2);
    controller.abort(reason);
    expect(await second).toBe(reason);
    expect(small.stats().waiting).toBe(1);
    await peer.reply({ body: '1' });
    await peer.readRequest();
    await peer.reply({ body: '3' });
    expect(await (await first).text()).toBe('1');
    expect(await (await third).text()).toBe('3');
  });

  it('while waiting for the head closes the connection and frees the slot', async () => {
    const upstream = await scripted();
    const arrived = upstream.connection(0).then((peer) => peer.readRequest());
    await aborted((signal) => pool.sendRequest(upstream.url, {}, { signal }), arrived);
    await (await upstream.connection(0)).waitForClose();
  });

  it('while the body comes in rejects the read and frees the slot', async () => {
    const upstream = await scripted();
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart');
    });
    await aborted(
      async (signal) => {
        const res = await pool.sendRequest(upstream.url, {}, { signal });
        return res.text();
      },
      upstream.connection(0).then(async (peer) => {
        await peer.readRequest().catch(() => undefined);
      }),
    );
  });

  it('while the request body goes out stops reading it', async () => {
    const upstream = await scripted();
    upstream.onConnection((peer) => peer.pauseReading());
    let isReturned = false;
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: Buffer.alloc(65_536) }),
        return: () => {
          isReturned = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    await aborted(
      (signal) => pool.sendRequest(upstream.url, { method: 'POST', body }, { signal }),
      upstream.connection(0),
    );
    expect(isReturned).toBe(true);
  });
});

describe('what one call does to others', () => {
  it('a bad option with redirect: follow rejects its call, and is no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', listen);
    const error = await rejection(
      pool.sendRequest('http://127.0.0.1:1', {}, { redirect: 'follow', timeout: 'soon' }),
    );
    expect(error).toMatchObject({ code: 'HOTARU_INVALID_REQUEST' });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  it('an abort reaches all who share a signal, also when ending one settles the next', () => {
    const controller = new AbortController();
    const told: string[] = [];
    const links: Link<Abortable>[] = [];
    for (const name of ['a', 'b', 'c'])
      links.push(
        new Link<Abortable>({
          abort: () => {
            told.push(name);
            for (const link of links.slice(0, 2)) offAbort(controller.signal, link);
          },
        }),
      );
    for (const link of links) onAbort(controller.signal, link);
    controller.abort();
    expect(told).toEqual(['a', 'b', 'c']);
  });
});

describe('bodies', () => {
  it('streams 64 MiB through, up and down, in bounded memory', async () => {
    const { url } = await nodeServer((req, res) => {
      res.writeHead(200);
      req.pipe(res);
    });
    const total = 64 * 1_048_576;
    let peakBuffered = 0;
    let made = 0;
    let received = 0;
    async function* produce(): AsyncGenerator<Uint8Array> {
      const piece = Buffer.alloc(65_536, 7);
      for (let sent = 0; sent < total; sent += piece.length) {
        made += piece.length;
        peakBuffered = Math.max(peakBuffered, made - received);
        yield piece;
        await Promise.resolve();
      }
    }
    const res = await pool.sendRequest(url, { method: 'POST', body: produce() });
    for await (const piece of res.body) received += piece.length;
    expect(received).toBe(total);
    // What is under way sits in the two kernels' socket buffers and a few pieces: never the whole.
    expect(peakBuffered).toBeLessThan(24 * 1_048_576);
  });

  it('pauses the peer while the body is not read', async () => {
    const upstream = await scripted();
    const size = 32 * 1_048_576;
    let written = 0;
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      for (; written < size; written += 65_536) await peer.write(Buffer.alloc(65_536));
    });
    const res = await pool.sendRequest(upstream.url);
    // Give the peer every chance to push on: it stalls once the socket buffers are full.
    for (let turns = 0; turns < 200; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(size);
    let received = 0;
    for await (const piece of res.body) received += piece.length;
    expect(received).toBe(size);
  });

  it('sends JSON, forms, text, bytes and streams with the framing each needs', async () => {
    const upstream = await scripted();
    upstream.respondAlways();
    async function* pieces(): AsyncGenerator<string> {
      yield 'ä';
      yield '';
      yield 'b';
    }
    await pool.sendRequest(upstream.url, jsonRequest('/', { name: 'Jörg' }));
    await pool.sendRequest(upstream.url, formRequest('/', { a: '1 2', b: ['x', 'y'] }));
    await pool.sendRequest(upstream.url, { method: 'PUT', body: new Uint8Array([1, 2, 3]) });
    await pool.sendRequest(upstream.url, { method: 'POST', body: pieces() });
    await pool.sendRequest(upstream.url, { method: 'POST' });
    const [json, form, bytes, stream, empty] = upstream.requests;
    expect(json?.body.toString()).toBe('{"name":"Jörg"}');
    expect(json?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '16',
    });
    expect(form?.body.toString()).toBe('a=1+2&b=x&b=y');
    expect([...(bytes?.body ?? [])]).toEqual([1, 2, 3]);
    expect(stream?.body.toString()).toBe('äb');
    expect(stream?.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    expect(empty?.headers).toMatchObject({ 'content-length': '0' });
  });

  it('gives the body as a web stream too', async () => {
    const upstream = await scripted();
    upstream.respondAlways({ body: 'web stream' });
    const res = await pool.sendRequest(upstream.url);
    expect(await new Response(res.body).text()).toBe('web stream');
  });

  it('is read once: a second reader gets HOTARU_BODY_USED', async () => {
    const upstream = await scripted();
    upstream.respondAlways({ body: '{}' });
    const res = await pool.sendRequest(upstream.url);
    await res.json();
    expect(await rejection(res.text())).toMatchObject({ code: 'HOTARU_BODY_USED' });
  });
});

describe('limits', () => {
  it('refuses beyond maxPending with a snapshot of the pool', async () => {
    const small = new ConnectionPool({ maxPerHost: 1, maxPending: 1 });
    closers.push(() => small.close());
    const upstream = await scripted();
    const first = small.sendRequest(upstream.url).catch(() => undefined);
    await (await upstream.connection(0)).readRequest();
    const second = small.sendRequest(upstream.url).catch(() => undefined);
    const error = await rejection(small.sendRequest(upstream.url));
    expect(error).toMatchObject({
      code: 'HOTARU_POOL_EXHAUSTED',
      phase: 'queue',
      retrySafe: true,
      snapshot: { active: 1, waiting: 1, maxPerHost: 1 },
    });
    expect((error as Error).message).toContain(upstream.url);
    small.close();
    await Promise.all([first, second]);
  });

  it('rejects after acquireTimeout and leaves no waiter behind', async () => {
    const small = new ConnectionPool({ maxPerHost: 1, acquireTimeout: 20 });
    closers.push(() => small.close());
    const upstream = await scripted();
    const first = small.sendRequest(upstream.url).catch(() => undefined);
    await (await upstream.connection(0)).readRequest();
    expect(await rejection(small.sendRequest(upstream.url))).toMatchObject({
      code: 'HOTARU_ACQUIRE_TIMEOUT',
    });
    expect(small.stats()).toMatchObject({ waiting: 0, timeouts: 1 });
    small.close();
    await first;
  });

  it.each([
    ['timeout', 'HOTARU_DEADLINE_EXCEEDED'],
    ['headersTimeout', 'HOTARU_HEADERS_TIMEOUT'],
  ])('ends a silent answer by %s with %s', async (option, code) => {
    const upstream = await scripted();
    const error = await rejection(pool.sendRequest(upstream.url, {}, { [option]: '25ms' }));
    expect(error).toBeInstanceOf(HotaruClientError);
    expect(error).toMatchObject({ code, phase: 'headers', retrySafe: true });
    expect(pool.stats()).toMatchObject({ active: 0, timeouts: 1 });
  });

  it('ends a body that stalls by bodyTimeout', async () => {
    const upstream = await scripted();
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    });
    const res = await pool.sendRequest(upstream.url, {}, { bodyTimeout: 25 });
    expect(await rejection(res.text())).toMatchObject({
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'body',
    });
  });

  it('says where a refused connection failed', async () => {
    const upstream = await ScriptedUpstream.start();
    const { url } = upstream;
    await upstream.close();
    expect(await rejection(pool.sendRequest(url))).toMatchObject({
      code: 'HOTARU_CONNECT_FAILED',
      phase: 'connect',
      bytesSent: 0,
      retrySafe: true,
    });
  });
});

describe('drain', () => {
  it('finishes what is in flight, refuses what is new, and leaves every gauge at zero', async () => {
    const upstream = await scripted();
    const inFlight = pool.sendRequest(upstream.url);
    const peer = await upstream.connection(0);
    await peer.readRequest();
    const drained = pool.drain();
    expect(await rejection(pool.sendRequest(upstream.url))).toMatchObject({
      code: 'HOTARU_POOL_CLOSED',
    });
    await peer.reply({ body: 'served' });
    expect(await (await inFlight).text()).toBe('served');
    await drained;
    expect(pool.stats()).toMatchObject({ idle: 0, active: 0, connecting: 0, waiting: 0 });
  });

  it('lets a call that has to be sent again finish too', async () => {
    const upstream = await scripted();
    upstream.script([
      async (peer) => {
        await peer.readRequest();
        await peer.reply();
        await peer.readRequest();
        void pool.drain(); // the connection dies while the pool drains
        peer.reset();
      },
      async (peer) => {
        await peer.readRequest();
        await peer.reply({ body: 'sent again' });
      },
    ]);
    await (await pool.sendRequest(upstream.url)).text();
    expect(await (await pool.sendRequest(upstream.url)).text()).toBe('sent again');
    await pool.drain();
    expect(pool.stats()).toMatchObject({ active: 0, connecting: 0, replays: 1 });
  });

  it('asked for twice, ends twice', async () => {
    const upstream = await scripted();
    const inFlight = pool.sendRequest(upstream.url);
    const peer = await upstream.connection(0);
    await peer.readRequest();
    const drains = Promise.all([
      pool.drain({ timeout: Infinity }),
      pool.drain({ timeout: Infinity }),
    ]);
    await peer.reply();
    await inFlight;
    await drains;
  });

  it('cuts off what takes longer than its timeout', async () => {
    const upstream = await scripted();
    const inFlight = rejection(pool.sendRequest(upstream.url));
    await (await upstream.connection(0)).readRequest();
    await pool.drain({ timeout: 20 });
    expect(await inFlight).toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
  });
});
