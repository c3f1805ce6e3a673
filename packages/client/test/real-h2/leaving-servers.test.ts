/** Real servers that leave, under load: reloads, restarts, GOAWAY after so many requests, and idle timeouts. */
import { expect, it } from 'vitest';
import { ConnectionPool, getRequest } from '@hotaru/client';
import { describeWith } from '../../../wire/test/support/programs.js';
import { Nghttpd, Nghttpx } from '../support/nghttp2.js';
import { Nginx } from '../support/nginx.js';
import { NodeServer } from '../support/node-server.js';
import { until } from '../support/waiting.js';
import { echoServer, HELLO, poolOf, proxyTo, post } from './support.js';

/** Callers that each send one request behind the other until they are stopped, by the end of the test at the latest. */
class Load implements AsyncDisposable {
  /** Calls that were answered as they should be. */
  answered = 0;
  readonly failures: unknown[] = [];
  #isOver = false;
  readonly #callers: Promise<unknown>;

  constructor(count: number, call: (index: number) => Promise<void>) {
    let next = 0;
    const caller = async (): Promise<void> => {
      while (!this.#isOver) {
        try {
          await call(next++);
          this.answered += 1;
        } catch (error) {
          this.failures.push(error);
          await new Promise((resolve) => setImmediate(resolve)); // what fails at once leaves room for the rest
        }
      }
    };
    this.#callers = Promise.all(Array.from({ length: count }, caller));
  }

  /** In small steps: a busy machine may take long for all of them, and for a few only where something is stuck. */
  async answersMore(count: number): Promise<void> {
    const wanted = this.answered + count;
    while (this.answered < wanted && this.failures.length === 0) {
      const before = this.answered;
      await until(
        () => this.answered >= before + 20 || this.failures.length > 0,
        `20 more calls are answered behind ${before}`,
      );
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#callers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** GETs and POSTs in turn; each POST has a body of its own, which comes back. */
function mixed(pool: ConnectionPool, url: string): (index: number) => Promise<void> {
  return async (index) => {
    const text = `body of ${index}`;
    const isPost = index % 2 === 1;
    const res = await pool.sendRequest(url, isPost ? post('/echo', text) : getRequest('/hello'));
    expect(res.status).toBe(200);
    expect(await res.text()).toBe(isPost ? text : HELLO);
  };
}

/** A backend that counts how often each body was posted. */
class CountingEcho implements AsyncDisposable {
  readonly #posts = new Map<string, number>();
  #server: NodeServer | undefined = undefined;

  static async start(): Promise<CountingEcho> {
    const made = new CountingEcho();
    made.#server = await NodeServer.start((req, res) => {
      const pieces: Buffer[] = [];
      req.on('data', (piece: Buffer) => pieces.push(piece));
      req.on('end', () => {
        const body = Buffer.concat(pieces).toString();
        made.#posts.set(body, (made.#posts.get(body) ?? 0) + 1);
        res.end(body);
      });
    });
    return made;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  get postedTwice(): string[] {
    return [...this.#posts].filter(([, times]) => times > 1).map(([body]) => body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

describeWith(['nginx'], 'nginx', () => {
  it('reloads four times under load: no call fails, and no POST comes twice', async () => {
    await using backend = await CountingEcho.start();
    await using nginx = await Nginx.start({
      server: proxyTo(backend.port),
      files: { hello: HELLO },
      http2: true,
    });
    const pool = await poolOf({ maxPerHost: 2 });
    await using load = new Load(40, mixed(pool, nginx.url));
    for (let reloads = 0; reloads < 4; reloads += 1) {
      await load.answersMore(100);
      const before = nginx.connectionCount;
      await nginx.reload();
      // New workers, new connections: the old ones say GOAWAY in their own time.
      while (nginx.connectionCount === before) await load.answersMore(20);
    }
    await load.answersMore(100);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(backend.postedTwice).toEqual([]);
    expect(pool.stats()).toMatchObject({ active: 0, waiting: 0, failed: 0 });
  });

  it('sends GOAWAY every 25 requests (keepalive_requests): no call fails, no POST comes twice', async () => {
    await using backend = await CountingEcho.start();
    await using nginx = await Nginx.start({
      server: `keepalive_requests 25; ${proxyTo(backend.port)}`,
      files: { hello: HELLO },
      http2: true,
    });
    const pool = await poolOf({ maxPerHost: 2 });
    await using load = new Load(40, mixed(pool, nginx.url));
    await load.answersMore(600);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(backend.postedTwice).toEqual([]);
    expect(nginx.connectionCount).toBeGreaterThanOrEqual(600 / 26);
    expect(pool.stats()).toMatchObject({ active: 0, waiting: 0, failed: 0 });
  });

  it('closes an idle connection: the next call goes over another one', async () => {
    await using nginx = await Nginx.start({
      server: 'keepalive_timeout 1s; location / { return 200 ok; }',
      http2: true,
    });
    const pool = await poolOf();
    for (let round = 1; round <= 2; round += 1) {
      const texts = await Promise.all(
        Array.from({ length: 10 }, async () => (await pool.sendRequest(nginx.url)).text()),
      );
      expect(texts).toEqual(Array(10).fill('ok'));
      await until(() => pool.stats().closed === round, 'nginx closes the idle connection');
      expect(pool.stats()).toMatchObject({ idle: 0, failed: 0, poisoned: 0 });
    }
    expect(nginx.connectionCount).toBe(2);
  });
});

describeWith(['nghttpx'], 'nghttpx', () => {
  it('sends GOAWAY every 20 requests under load: no call fails', async () => {
    await using backend = await echoServer();
    await using proxy = await Nghttpx.start({
      backendPort: backend.port,
      backendProtocol: 'http/1.1',
      args: ['--frontend-max-requests=20'],
    });
    const pool = await poolOf({ maxPerHost: 2 });
    await using load = new Load(20, mixed(pool, proxy.url));
    await load.answersMore(300);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(proxy.connectionCount).toBeGreaterThanOrEqual(300 / 20 - 2);
    expect(pool.stats()).toMatchObject({ active: 0, waiting: 0, failed: 0 });
  });
});

describeWith(['nghttpd'], 'nghttpd', () => {
  it('is killed and started again under load: calls fail with what happened, and what follows is served', async () => {
    let nghttpd = await Nghttpd.start({ files: { hello: HELLO } });
    try {
      const { port, url } = nghttpd;
      const pool = await poolOf({ maxPerHost: 2 });
      await using load = new Load(20, async () => {
        const res = await pool.sendRequest(url, getRequest('/hello'));
        expect(await res.text()).toBe(HELLO);
      });
      for (let restarts = 0; restarts < 3; restarts += 1) {
        await load.answersMore(100);
        await nghttpd[Symbol.asyncDispose]();
        await until(() => load.failures.length > 0, 'a call finds no server');
        nghttpd = await Nghttpd.start({ files: { hello: HELLO }, port });
        for (const error of load.failures.splice(0))
          expect(error).toMatchObject({
            code: expect.stringMatching(/^HOTARU_(?:CONNECT_FAILED|CONNECTION_CLOSED)$/) as string,
          });
      }
      await load.stop();
      expect(pool.stats()).toMatchObject({ active: 0, waiting: 0 });
      const last = await pool.sendRequest(url, getRequest('/hello'));
      expect(await last.text()).toBe(HELLO);
    } finally {
      await nghttpd[Symbol.asyncDispose]();
    }
  });
});
