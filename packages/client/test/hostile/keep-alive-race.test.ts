/**
 * A reused connection that turns out dead (docs/rules.md, rule 1; RFC 9110 §9.2.2, RFC 9112 §9.3.1):
 * what is idempotent is sent once more, on a fresh connection; a POST never reaches a server twice.
 */
import { ConnectionPool, HotaruClientError, type RequestInit } from '@hotaru/client';
import { ScriptedUpstream, turn, type PeerScript, type ScriptedPeer } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { answering, attempt, codeOf, HANG_GUARD_MS, whole } from './support.js';

/** How the second request on a connection is met. */
const DEATHS = {
  'FIN as it arrives': async (peer: ScriptedPeer) => {
    await peer.readRequest();
    peer.end();
  },
  'RST as it arrives': async (peer: ScriptedPeer) => {
    await peer.readRequest();
    peer.reset();
  },
  'RST at its first byte': async (peer: ScriptedPeer) => {
    await peer.readBytes(1);
    peer.reset();
  },
  'FIN without reading it': async (peer: ScriptedPeer) => {
    peer.pauseReading();
    await turn();
    peer.end();
  },
} satisfies Record<string, (peer: ScriptedPeer) => Promise<void>>;

function onceThen(death: (peer: ScriptedPeer) => Promise<unknown>): PeerScript {
  return async (peer) => {
    const request = await peer.readRequest();
    await peer.respond(200, { 'x-answers': request.target }, 'first');
    await death(peer);
  };
}

interface Scene extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly pool: ConnectionPool;
  send(request: RequestInit): ReturnType<typeof attempt>;
}

/** One connection that has answered once and will die at the second request. */
async function sceneWith(...scripts: PeerScript[]): Promise<Scene> {
  const upstream = await ScriptedUpstream.start();
  upstream.script(scripts);
  const pool = new ConnectionPool();
  const send = (request: RequestInit) =>
    attempt(pool, upstream.url, request, { timeout: HANG_GUARD_MS });
  expect(await send({ path: '/first' })).toMatchObject({ body: 'first' });
  const dispose = async () => {
    pool.close();
    await upstream.close();
  };
  return { upstream, pool, send, [Symbol.asyncDispose]: dispose };
}

describe('a reused connection that dies before the first byte of the answer', () => {
  const idempotent: RequestInit[] = [
    { method: 'GET' },
    { method: 'HEAD' },
    { method: 'OPTIONS' },
    { method: 'TRACE' },
    { method: 'DELETE' },
    { method: 'PUT', body: 'data' },
    { method: 'PUT', body: Buffer.from('data') },
    { method: 'DELETE', body: 'data' },
    { method: 'GET', body: 'data' },
    { method: 'POST', body: 'data', headers: { 'Idempotency-Key': '"1"' } },
    { method: 'PATCH', body: 'data', headers: { 'idempotency-key': '"1"' } },
  ];
  for (const [death, die] of Object.entries(DEATHS))
    for (const request of idempotent) {
      const keyed = request.headers === undefined ? '' : ' with an Idempotency-Key';
      const bodied = request.body === undefined ? '' : ` (${typeof request.body} body)`;
      it(`${request.method ?? ''}${keyed}${bodied} is sent once more and answered: ${death}`, async () => {
        await using scene = await sceneWith(onceThen(die), answering);
        const outcome = await scene.send({ ...request, path: '/again' });
        expect(outcome).toMatchObject({ status: 200, headers: { 'x-answers': '/again' } });
        expect(scene.upstream.accepted).toBe(2);
        if (request.body !== undefined) expect(scene.upstream.requests.at(-1)?.text()).toBe('data');
      });
    }

  it('counts the replay, and the response tells of it', async () => {
    await using scene = await sceneWith(onceThen(DEATHS['RST as it arrives']), answering);
    const response = await scene.pool.sendRequest(scene.upstream.url, { path: '/again' });
    await response.text();
    expect(scene.pool.stats()).toMatchObject({ replays: 1 });
    expect(response.attempts).toHaveLength(1);
    expect(response.attempts[0]).toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
    expect(response.connection).toMatchObject({ reused: false });
  });

  for (const [death, die] of Object.entries(DEATHS).slice(0, 3))
    for (const method of ['POST', 'PATCH', 'LOCK'])
      it(`${method} is never sent twice: ${death}`, async () => {
        await using scene = await sceneWith(onceThen(die), answering);
        const outcome = await scene.send({ method, path: '/once', body: 'data' });
        expect(codeOf(outcome)).toBe('HOTARU_CONNECTION_CLOSED');
        expect(scene.upstream.accepted).toBe(1);
        expect(scene.upstream.requests.filter((one) => one.target === '/once').length).toBeLessThan(
          2,
        );
      });

  it('a POST’s error says that it is not safe to send again', async () => {
    await using scene = await sceneWith(onceThen(DEATHS['FIN as it arrives']), answering);
    const outcome = await scene.send({ method: 'POST', body: 'data' });
    expect(outcome).toHaveProperty('error');
    const { error } = outcome as { error: HotaruClientError };
    expect(error).toMatchObject({
      retrySafe: false,
      responseStarted: false,
      reusedConnection: true,
    });
    expect(error.bytesSent).toBeGreaterThan(0);
  });

  it('a PUT whose body is a stream that was read is not sent again', async () => {
    await using scene = await sceneWith(onceThen(DEATHS['FIN as it arrives']), answering);
    async function* body() {
      yield 'da';
      yield 'ta';
    }
    const outcome = await scene.send({ method: 'PUT', path: '/once', body: body() });
    expect(codeOf(outcome)).toBe('HOTARU_CONNECTION_CLOSED');
    expect(scene.upstream.accepted).toBe(1);
  });
});

describe('a replay', () => {
  const dieAtOnce: PeerScript = async (peer) => {
    await peer.readRequest();
    peer.reset();
  };

  it('happens once: when the fresh connection dies too, the call fails', async () => {
    await using scene = await sceneWith(onceThen(DEATHS['RST as it arrives']), dieAtOnce);
    expect(codeOf(await scene.send({ path: '/again' }))).toBe('HOTARU_CONNECTION_CLOSED');
    expect(scene.upstream.accepted).toBe(2);
    expect(scene.upstream.requests.filter((one) => one.target === '/again')).toHaveLength(2);
  });

  it('goes to a fresh connection, not to another idle one that may be as dead', async () => {
    await using upstream = await ScriptedUpstream.start();
    const first = onceThen(DEATHS['RST as it arrives']);
    upstream.script([first, first, first, answering]);
    const pool = new ConnectionPool();
    const options = { timeout: HANG_GUARD_MS };
    await Promise.all(
      ['/a', '/b', '/c'].map(async (path) => {
        const response = await pool.sendRequest(upstream.url, { path }, options);
        await upstream.waitForRequests(3); // so that each has a connection of its own
        await response.text();
      }),
    );
    expect(upstream.accepted).toBe(3);
    const outcome = await attempt(pool, upstream.url, { path: '/again' }, options);
    expect(outcome).toMatchObject({ headers: { 'x-answers': '/again' } });
    expect(upstream.accepted).toBe(4);
    pool.close();
  });

  it('is not made for a fresh connection: the server has refused, not forgotten', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.script([dieAtOnce, answering]);
    const pool = new ConnectionPool();
    expect(codeOf(await attempt(pool, upstream.url))).toBe('HOTARU_CONNECTION_CLOSED');
    expect(upstream.accepted).toBe(1);
    pool.close();
  });

  const starts: Record<string, string> = {
    'one byte': 'H',
    'half a status line': 'HTTP/1.1 20',
    'half a head': 'HTTP/1.1 200 OK\r\nContent-Le',
    'a 100': 'HTTP/1.1 100 Continue\r\n\r\n',
    'a 103': 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
    'a head': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    'half a body': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe',
  };
  for (const [what, bytes] of Object.entries(starts))
    for (const how of ['FIN', 'RST'])
      it(`is not made once the answer has begun: ${what}, then ${how}`, async () => {
        const script = onceThen(async (peer) => {
          await peer.readRequest();
          if (how === 'FIN') await peer.endAfter(bytes, bytes.length);
          else await peer.resetAfter(bytes, bytes.length);
        });
        await using scene = await sceneWith(script, answering);
        expect(codeOf(await scene.send({ path: '/again' }))).toBe('HOTARU_CONNECTION_CLOSED');
        expect(scene.upstream.accepted).toBe(1);
      });

  it('keeps to the deadline of its call', async () => {
    await using scene = await sceneWith(onceThen(DEATHS['RST as it arrives']), (peer) =>
      peer.stall(),
    );
    const outcome = await attempt(scene.pool, scene.upstream.url, {}, { timeout: 60 });
    expect(codeOf(outcome)).toBe('HOTARU_DEADLINE_EXCEEDED');
    expect(scene.upstream.accepted).toBe(2);
  });

  it('can be aborted while it is under way', async () => {
    await using scene = await sceneWith(onceThen(DEATHS['RST as it arrives']), (peer) =>
      peer.stall(),
    );
    const abort = new AbortController();
    const call = attempt(scene.pool, scene.upstream.url, {}, { signal: abort.signal });
    await scene.upstream.connection(1);
    abort.abort(new Error('enough'));
    expect(await call).toMatchObject({ error: new Error('enough') });
  });
});

describe('a connection that died while it was idle', () => {
  const farewells = {
    FIN: (peer: ScriptedPeer) => peer.end(),
    RST: (peer: ScriptedPeer) => peer.reset(),
  };
  for (const [how, leave] of Object.entries(farewells)) {
    it(`is not offered again: ${how}, noticed before the next request`, async () => {
      await using scene = await sceneWith(
        onceThen(async (peer) => leave(peer)),
        answering,
      );
      await scene.upstream.waitForOpen(0);
      await turn(); // the client has seen it
      const outcome = await scene.send({ method: 'POST', path: '/post', body: 'data' });
      expect(outcome).toMatchObject({ headers: { 'x-answers': '/post' } });
      expect(scene.pool.stats()).toMatchObject({ replays: 0 });
    });

    it(`costs a POST nothing when ${how} comes in the tick of the request`, async () => {
      await using scene = await sceneWith(
        onceThen((peer) => peer.stall()),
        answering,
      );
      const peer = await scene.upstream.connection(0);
      await turn();
      leave(peer);
      const outcome = await scene.send({ method: 'POST', path: '/post', body: 'data' });
      expect(outcome).toMatchObject({ headers: { 'x-answers': '/post' } });
      expect(scene.upstream.requests.filter((one) => one.method === 'POST')).toHaveLength(1);
    });
  }

  it('an origin that closes after each answer gives a hundred answers to a hundred GETs', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      const request = await peer.readRequest();
      await peer.respond(200, { 'x-answers': request.target });
      peer.end(); // without having said so
    });
    const pool = new ConnectionPool();
    for (let asked = 0; asked < 100; asked += 1) {
      const outcome = await attempt(pool, upstream.url, { path: `/${asked}` });
      expect(outcome).toMatchObject({ headers: { 'x-answers': `/${asked}` } });
    }
    pool.close();
  });

  it('an origin that closes after each answer gets each POST exactly once', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      const request = await peer.readRequest();
      await peer.write(whole('', `X-Answers: ${request.target}`));
      peer.end();
    });
    const pool = new ConnectionPool();
    for (let asked = 0; asked < 30; asked += 1) {
      const request = { method: 'POST', path: `/${asked}`, body: 'x' };
      const outcome = await attempt(pool, upstream.url, request);
      if ('error' in outcome) expect(codeOf(outcome)).toBe('HOTARU_CONNECTION_CLOSED');
      await turn();
    }
    const targets = upstream.requests.map((request) => request.target);
    expect(new Set(targets).size).toBe(targets.length);
    pool.close();
  });

  it('an origin that resets every connection at once fails every call, and is not dialled for ever', async () => {
    await using upstream = await ScriptedUpstream.start({ script: (peer) => peer.reset() });
    const pool = new ConnectionPool({ maxPerHost: 10 });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        attempt(pool, upstream.url, { path: `/${n}` }, { timeout: HANG_GUARD_MS }),
      ),
    );
    for (const outcome of outcomes)
      expect(['HOTARU_CONNECTION_CLOSED', 'HOTARU_CONNECT_FAILED']).toContain(codeOf(outcome));
    expect(upstream.accepted).toBeLessThanOrEqual(80);
    expect(pool.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0, idle: 0 });
    pool.close();
  });

  it('fifty concurrent GETs on fifty dying connections are all answered', async () => {
    await using upstream = await ScriptedUpstream.start();
    let isDying = false;
    upstream.onConnection(async (peer) => {
      for await (const request of peer.incoming()) {
        if (isDying && peer.requests.length > 1) peer.reset();
        else await peer.respond(200, { 'x-answers': request.target });
      }
    });
    const pool = new ConnectionPool({ maxIdlePerHost: 50 });
    const all = () =>
      Promise.all(
        Array.from({ length: 50 }, (_, n) => attempt(pool, upstream.url, { path: `/${n}` })),
      );
    await all();
    isDying = true;
    const outcomes = await all();
    outcomes.forEach((outcome, n) =>
      expect(outcome).toMatchObject({ headers: { 'x-answers': `/${n}` } }),
    );
    pool.close();
  });
});
