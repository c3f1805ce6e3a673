/**
 * Calls that share a connection of HTTP/2, over real sockets, with an origin that says each frame: what ends one stream
 * ends no other, what the peer did not act on is sent again, and what it may have acted on is not.
 */
import { describe, expect, it } from 'vitest';
import { ConnectionPool, type ClientResponse, type PoolConfigInput } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { CONSTANTS } from '../src/config/constants.js';
import { CODE, data, FRAME, goaway, headers, rst, SETTING, settings } from './support/h2/frames.js';
import { H2Origin, type H2Script } from './support/h2/origin.js';
import type { H2Peer } from './support/h2/peer.js';
import type { H2Request } from './support/h2/request.js';
import { HandFed } from './support/hand-fed.js';
import { until } from './support/waiting.js';

const MAX_STREAM_ID = 0x7fff_ffff;

class Bench implements AsyncDisposable {
  constructor(
    readonly origin: H2Origin,
    readonly pool: ConnectionPool,
  ) {}

  get(path = '/'): Promise<ClientResponse> {
    return this.pool.sendRequest(this.origin.url, { path });
  }
  post(body: string | AsyncIterable<string | Uint8Array>, path = '/'): Promise<ClientResponse> {
    return this.pool.sendRequest(this.origin.url, { method: 'POST', path, body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pool.close();
    await this.origin.close();
  }
}

async function start(config: PoolConfigInput = {}): Promise<Bench> {
  const pool = new ConnectionPool({ http2: 'prior-knowledge', ...config });
  return new Bench(await H2Origin.start(), pool);
}

/** Deals with each request as it comes, from its head on. */
function serving(serve: (peer: H2Peer, request: H2Request) => Promise<void>): H2Script {
  return async (peer) => {
    for await (const request of peer.incoming()) void serve(peer, request).catch(() => undefined); // the client has left
  };
}

/** Answers each request with its own target. */
const echo = serving(async (peer, request) => {
  await peer.readBody(request);
  await peer.respond(request, 200, [], request.target);
});

describe('GOAWAY', () => {
  it('sends again what is above the last that was acted on, whatever its method; the rest comes through', async () => {
    await using bench = await start();
    bench.origin.script([
      async (peer) => {
        const first = await peer.readRequest();
        await peer.readRequest();
        await peer.readRequest();
        await peer.send(goaway(first.streamId, CODE.noError));
        await peer.respond(first, 200, [], 'first');
      },
      echo,
    ]);
    const calls = [bench.get('/0'), bench.post('one', '/1'), bench.get('/2')];
    const texts = await Promise.all(calls.map(async (call) => (await call).text()));
    expect(texts).toEqual(['first', '/1', '/2']);
    expect(bench.pool.stats().replays).toBe(2);
    expect(
      bench.origin.requests
        .filter(({ method }) => method === 'POST')
        .at(-1)
        ?.text(),
    ).toBe('one');
    expect((await calls[1]!).attempts).toMatchObject([{ code: 'HOTARU_CONNECTION_CLOSED' }]);
    await bench.origin.waitForOpen(1); // the last stream of the first has ended, and so has that
  });

  it('that is graceful loses no request of a steady load', async () => {
    await using bench = await start();
    const served = 20;
    bench.origin.onConnection(async (peer) => {
      for (let count = 1; ; count += 1) {
        const request = await peer.readRequest();
        if (count === served) await peer.send(goaway(MAX_STREAM_ID, CODE.noError));
        await peer.respond(request, 200, [], request.target);
        if (count < served) continue;
        // What was on its way comes through; then the real one, and the end.
        await turn();
        for (const late of peer.requests.slice(count)) {
          await peer.readBody(late);
          await peer.respond(late, 200, [], late.target);
        }
        await peer.send(goaway(peer.requests.at(-1)!.streamId, CODE.noError));
        return;
      }
    });
    let sent = 0;
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (sent < 300) {
          const path = `/${(sent += 1)}`;
          const method = sent % 2 === 0 ? 'POST' : 'GET';
          const body = method === 'POST' ? 'x' : undefined;
          const response = await bench.pool.sendRequest(bench.origin.url, { method, path, body });
          expect(await response.text()).toBe(path);
        }
      }),
    );
    expect(bench.origin.accepted).toBeGreaterThan(5);
    const targets = bench.origin.requests.map(({ target }) => target);
    expect(new Set(targets).size, 'none is acted on twice').toBe(targets.length);
  });
});

describe('GOAWAY for an error', () => {
  it('is named by what runs out of time after it', async () => {
    await using bench = await start();
    bench.origin.onConnection(async (peer) => {
      const { streamId } = await peer.readRequest();
      await peer.send(goaway(streamId, CODE.noError, 'bye'));
    });
    await expect(
      bench.pool.sendRequest(bench.origin.url, {}, { headersTimeout: 100 }),
    ).rejects.toMatchObject({
      code: 'HOTARU_HEADERS_TIMEOUT',
      message: expect.stringContaining(
        'no answer within 100 ms (the peer had said GOAWAY: NO_ERROR "bye")',
      ),
    });
  });

  it('that asks for calm has each call sent once more, and no more', async () => {
    await using bench = await start();
    bench.origin.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.send(goaway(0, CODE.enhanceYourCalm, 'slow down'));
    });
    const calls = await Promise.allSettled([bench.get(), bench.get(), bench.post('x')]);
    for (const call of calls)
      expect(call).toMatchObject({
        reason: { code: 'HOTARU_CONNECTION_CLOSED', message: expect.stringContaining('slow down') },
      });
    expect(bench.origin.accepted).toBe(2);
    expect(bench.origin.requests).toHaveLength(6);
  });
});

describe('a stream that its peer resets', () => {
  it('is sent once more, as when its connection had died: its method allows it', async () => {
    await using bench = await start();
    let resets = 0;
    bench.origin.onConnection(async (peer) => {
      await peer.respond(await peer.readRequest());
      for await (const { streamId } of peer.incoming()) {
        resets += 1;
        await peer.send(rst(streamId, CODE.internalError));
      }
    });
    await (await bench.get()).text();
    await expect(bench.get()).rejects.toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
    const post = bench.pool.sendRequest(bench.origin.url, { method: 'POST', body: 'x' });
    await expect(post).rejects.toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
    const posts = bench.origin.requests.filter(({ method }) => method === 'POST');
    expect([resets, posts.length]).toEqual([3, 1]);
  });

  it.each(['enhanceYourCalm', 'http11Required', 'inadequateSecurity'] as const)(
    'is not sent again where that can’t help: %s',
    async (code) => {
      await using bench = await start();
      bench.origin.onConnection(async (peer) => {
        await peer.respond(await peer.readRequest());
        const { streamId } = await peer.readRequest();
        await peer.send(rst(streamId, CODE[code]));
      });
      await (await bench.get()).text();
      await expect(bench.get()).rejects.toMatchObject({
        code: 'HOTARU_CONNECTION_CLOSED',
        reusedConnection: true,
        retrySafe: true,
      });
      expect(bench.origin.requests).toHaveLength(2);
    },
  );
});

describe('a refused stream', () => {
  it('is sent on another connection, and those beside it go on', async () => {
    await using bench = await start();
    bench.origin.script([
      async (peer) => {
        const kept = await peer.readRequest();
        const refused = await peer.readRequest();
        await peer.send(rst(refused.streamId, CODE.refusedStream));
        await until(() => bench.origin.requests.length === 3, 'the third request comes');
        await peer.respond(kept, 200, [], 'kept');
      },
      echo,
    ]);
    const [kept, refused] = await Promise.all([bench.get('/kept'), bench.post('x', '/refused')]);
    expect([await kept.text(), await refused.text()]).toEqual(['kept', '/refused']);
    expect(refused.connection.id).not.toBe(kept.connection.id);
  });

  it('is not sent for ever', async () => {
    await using bench = await start();
    bench.origin.onConnection(
      serving(async (peer, { streamId }) => peer.send(rst(streamId, CODE.refusedStream))),
    );
    await expect(bench.post('x')).rejects.toMatchObject({
      code: 'HOTARU_CONNECTION_CLOSED',
      retrySafe: true,
      message: expect.stringContaining('REFUSED_STREAM'),
    });
    expect(bench.origin.requests).toHaveLength(CONSTANTS.maxRefusals + 1);
  });
});

describe('a lost connection', () => {
  it('settles every stream at once; what may have been acted on is sent again only if that is safe', async () => {
    await using bench = await start();
    bench.origin.script([
      async (peer) => {
        await peer.respond(await peer.readRequest());
        for (let i = 0; i < 6; i += 1) await peer.readRequest();
        peer.socket.reset();
      },
      echo,
    ]);
    await (await bench.get()).text(); // it was used before
    const calls = await Promise.allSettled(
      Array.from({ length: 6 }, async (_, i) =>
        (await (i < 3 ? bench.get(`/${i}`) : bench.post('x', `/${i}`))).text(),
      ),
    );
    expect(calls.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'],
    ]);
    for (const call of calls.slice(3))
      expect(call).toMatchObject({
        reason: { code: 'HOTARU_CONNECTION_CLOSED', retrySafe: false },
      });
    expect(bench.origin.requests.filter(({ method }) => method === 'POST')).toHaveLength(3);
    expect(bench.pool.stats()).toMatchObject({ replays: 3, active: 0 });
    expect(bench.origin.accepted, 'one fresh connection for all of them').toBe(2);
  });

  it('that never answered sends none of its streams again, the first as the others', async () => {
    await using bench = await start();
    bench.origin.onConnection(async (peer) => {
      for (let i = 0; i < 4; i += 1) await peer.readRequest();
      peer.socket.reset();
    });
    const calls = await Promise.allSettled(Array.from({ length: 4 }, async () => bench.get()));
    expect(calls.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    expect([bench.origin.accepted, bench.pool.stats().replays]).toEqual([1, 0]);
  });

  it('that has answered one sends the others again, the first as the others', async () => {
    await using bench = await start();
    bench.origin.script([
      async (peer) => {
        await peer.readRequest();
        await peer.readRequest();
        await peer.respond(await peer.readRequest(), 200, [], 'last');
        peer.socket.end();
      },
      echo,
    ]);
    const texts = ['/0', '/1', '/2'].map(async (path) => (await bench.get(path)).text());
    expect(await Promise.all(texts)).toEqual(['/0', '/1', 'last']);
  });

  it.each([
    ['FIN', (peer: H2Peer): unknown => peer.socket.end()],
    ['RST_STREAM', (peer: H2Peer): unknown => peer.send(rst(1, CODE.cancel))],
  ])('half-way through a body is an error, never a short body: %s', async (_what, cut) => {
    await using bench = await start();
    bench.origin.onConnection(async (peer) => {
      const request = await peer.readRequest();
      await peer.head(request, 200);
      await peer.body(request, 'half');
      await until(() => isRead, 'the head was read');
      await cut(peer);
    });
    let isRead = false;
    const response = await bench.get();
    isRead = true;
    await expect(response.text()).rejects.toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
  });
});

describe('a connection that the network has swallowed', () => {
  it('costs the calls under way, and those that come soon after go to another one', async () => {
    await using bench = await start();
    bench.origin.script([
      async (peer) => {
        await peer.respond(await peer.readRequest());
        peer.manners.answersPings = false;
      },
      echo,
    ]);
    await (await bench.get()).text();
    const options = { timeout: CONSTANTS.askEarlyAfterMs + 50 };
    await expect(bench.pool.sendRequest(bench.origin.url, {}, options)).rejects.toMatchObject({
      code: 'HOTARU_DEADLINE_EXCEEDED',
    });
    const texts = [bench.get('/a'), bench.post('b', '/b')].map(async (call) => (await call).text());
    expect(await Promise.all(texts)).toEqual(['/a', '/b']);
    expect(bench.origin.accepted).toBe(2);
    expect(bench.pool.stats().replays).toBe(2);
    await bench.origin.waitForOpen(1);
  });
});

describe('one stream of many', () => {
  it('that is aborted sends nothing if it was not written, and else ends alone', async () => {
    await using bench = await start();
    const peers: H2Peer[] = [];
    bench.origin.onConnection(async (peer) => {
      peers.push(peer);
      await peer.respond(await peer.readRequest());
      const kept = await peer.readRequest();
      const aborted = await peer.readRequest();
      await peer.until(() => aborted.resetCode !== undefined, 'the reset comes');
      await peer.respond(kept, 200, [], 'kept');
    });
    await (await bench.get()).text();
    const [unsent, sent] = [new AbortController(), new AbortController()];
    const options = (signal: AbortSignal) => ({ signal });
    const first = bench.pool.sendRequest(bench.origin.url, {}, options(unsent.signal));
    unsent.abort('too early');
    await expect(first).rejects.toBe('too early');
    const kept = bench.get('/kept');
    const second = bench.pool.sendRequest(
      bench.origin.url,
      { path: '/sent' },
      options(sent.signal),
    );
    await bench.origin.waitForRequests(3);
    sent.abort('in the middle');
    await expect(second).rejects.toBe('in the middle');
    expect(await (await kept).text()).toBe('kept');
    expect(peers[0]?.requests.map(({ target }) => target)).toEqual(['/', '/kept', '/sent']);
    expect(peers[0]?.requests[2]?.resetCode).toBe(CODE.cancel);
    expect([bench.origin.accepted, bench.pool.stats().active]).toEqual([1, 0]);
  });

  it('that is not read holds back itself alone', async () => {
    await using bench = await start();
    const size = 3_000_000;
    bench.origin.onConnection(
      serving(async (peer, request) => {
        const isSlow = request.target === '/slow';
        await peer.respond(request, 200, [], isSlow ? Buffer.alloc(size, 'x') : 'quick');
      }),
    );
    const slow = await bench.get('/slow');
    for (let i = 0; i < 20; i += 1) expect(await (await bench.get()).text()).toBe('quick');
    expect((await slow.bytes()).length).toBe(size);
    expect(bench.origin.accepted).toBe(1);
  });

  it('that stalls is noticed though others flow', async () => {
    await using bench = await start({ bodyTimeout: 300 });
    bench.origin.onConnection(
      serving(async (peer, request) => {
        if (request.target !== '/stalls') return peer.respond(request, 200, [], 'flows');
        await peer.head(request, 200);
        return peer.send(data(request.streamId, 'a'));
      }),
    );
    const stalls = (await bench.get('/stalls')).text();
    let isOver = false;
    const flow = (async () => {
      while (!isOver) await (await bench.get('/flows')).text();
    })();
    await expect(stalls).rejects.toMatchObject({ code: 'HOTARU_BODY_TIMEOUT' });
    isOver = true;
    await flow;
    expect(bench.origin.accepted).toBe(1);
  });

  it('whose answer comes early stops its upload, and the connection goes on', async () => {
    await using bench = await start();
    bench.origin.onConnection(
      serving(async (peer, request) => {
        if (request.method === 'GET') return peer.respond(request);
        await peer.until(() => request.bodyBytes > 0, 'some of the body comes');
        await peer.respond(request, 413, [], 'too large');
        return peer.send(rst(request.streamId, CODE.noError));
      }),
    );
    const source = new HandFed();
    source.give('a');
    const response = await bench.post(source);
    expect([response.status, await response.text()]).toEqual([413, 'too large']);
    expect((await bench.get()).status).toBe(200);
    expect(bench.origin.accepted).toBe(1);
  });

  it('whose body is given up is drained if little is left, and else reset; the connection goes on', async () => {
    await using bench = await start();
    bench.origin.onConnection(
      serving(async (peer, request) => {
        const size = request.target === '/large' ? 1_000_000 : 1_000;
        await peer.head(request, 200);
        await peer.body(request, Buffer.alloc(size), true).catch(() => undefined);
      }),
    );
    for (const path of ['/small', '/large', '/small']) {
      const response = await bench.get(path);
      await response.discard();
    }
    const [, large] = bench.origin.requests;
    await until(() => large?.resetCode !== undefined, 'the reset comes');
    expect(bench.origin.requests.map(({ resetCode }) => resetCode)).toEqual([
      ...[undefined, CODE.cancel, undefined],
    ]);
    expect(bench.origin.accepted).toBe(1);
  });
});

describe('a connection that is shared', () => {
  it('takes no more callers after a request that says close, and the field is not sent', async () => {
    await using bench = await start();
    bench.origin.onConnection(echo);
    const { url } = bench.origin;
    const request = { path: '/close', headers: { connection: 'close' } };
    await (await bench.pool.sendRequest(url, request)).text();
    await (await bench.get('/next')).text();
    expect(bench.origin.requests.map(({ connection }) => connection)).toEqual([0, 1]);
    expect(bench.origin.requests[0]?.headers).not.toHaveProperty('connection');
  });

  it('takes as many requests as it is allowed, and no more', async () => {
    await using bench = await start({ maxRequestsPerConnection: 3 });
    bench.origin.onConnection(echo);
    for (let i = 0; i < 7; i += 1) await (await bench.get(`/${i}`)).text();
    expect(bench.origin.requests.map(({ connection }) => connection)).toEqual([
      0, 0, 0, 1, 1, 1, 2,
    ]);
  });

  it('writes what is asked for in a turn at once', async () => {
    await using bench = await start();
    let received = 0;
    bench.origin.onConnection(async (peer) => {
      await peer.respond(await peer.readRequest());
      peer.received.length = 0;
      for (let i = 0; i < 50; i += 1) await peer.readRequest();
      received = peer.framesOf(FRAME.headers).length;
      for (const request of peer.requests.slice(1)) await peer.respond(request, 200, [], 'x');
    });
    await (await bench.get()).text();
    await Promise.all(Array.from({ length: 50 }, async () => (await bench.get()).text()));
    expect([received, bench.origin.accepted]).toEqual([50, 1]);
  });

  it('waits where the peer takes fewer than before, and goes on when it takes more', async () => {
    await using bench = await start({ maxPerHost: 1 });
    bench.origin.onConnection({
      greeting: [settings([SETTING.maxConcurrentStreams, 1])],
      run: async (peer) => {
        const first = await peer.readRequest();
        await turn();
        expect(peer.requests).toHaveLength(1);
        await peer.send(settings([SETTING.maxConcurrentStreams, 3]));
        await peer.readRequest();
        await peer.readRequest();
        for (const request of [first, ...peer.requests.slice(1)])
          await peer.respond(request, 200, [], request.target);
      },
    });
    const texts = ['/0', '/1', '/2'].map(async (path) => (await bench.get(path)).text());
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2']);
    expect(bench.origin.accepted).toBe(1);
  });

  it('keeps its table of fields in step when heads come for streams that have ended', async () => {
    await using bench = await start();
    bench.origin.onConnection(async (peer) => {
      const aborted = await peer.readRequest();
      await peer.until(() => aborted.resetCode !== undefined, 'the reset comes');
      await peer.send(
        headers(
          aborted.streamId,
          [
            [':status', '200'],
            ['x-late', 'value'],
          ],
          { end: true },
        ),
      );
      const next = await peer.readRequest();
      await peer.respond(next, 200, [['x-late', 'value']], 'next');
    });
    const controller = new AbortController();
    const call = bench.pool.sendRequest(bench.origin.url, {}, { signal: controller.signal });
    await bench.origin.waitForRequests(1);
    controller.abort('gone');
    await expect(call).rejects.toBe('gone');
    const response = await bench.get();
    expect([response.headers.get('x-late'), await response.text()]).toEqual(['value', 'next']);
    expect(bench.origin.accepted).toBe(1);
  });
});
