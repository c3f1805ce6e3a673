/**
 * An abort in every state a call can be in (docs/rules.md, rule 7; node#46525, undici#3157): it settles the call
 * once, with the signal's own reason, frees the place, harms no other call and leaves no listener.
 */
import { getEventListeners } from 'node:events';
import { ConnectionPool, RequestScope, type RequestInit, type SendOptions } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { answering, attempt, HANG_GUARD_MS, ok, whole } from './support.js';
import {
  configOf,
  PROTOCOLS,
  startUpstream,
  type Peer,
  type Script,
  type Upstream,
} from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  interface Scene extends AsyncDisposable {
    readonly upstream: Upstream;
    readonly pool: ConnectionPool;
  }

  /** `maxPerHost` is 1, so that a place that was not given back shows. */
  async function scene(script: Script, maxPerHost = 1): Promise<Scene> {
    const upstream = await startUpstream(protocol);
    upstream.script([script, answering]);
    const pool = new ConnectionPool(configOf(protocol, { maxPerHost }));
    const dispose = async () => {
      pool.close();
      await upstream.close();
    };
    return { upstream, pool, [Symbol.asyncDispose]: dispose };
  }

  /** Answers nothing but `/own`: what is aborted first may leave a good connection behind. */
  const silent: Script = async (peer) => {
    for await (const request of peer.incoming())
      if (request.target === '/own') await peer.respond(200, { 'x-answers': '/own' });
  };
  const stallAfterRequest: Script = async (peer) => {
    await peer.readRequest();
    await peer.stall();
  };
  /** Sends this and then nothing. */
  const stallAfter =
    (bytes: string): Script =>
    async (peer) => {
      await peer.readRequest();
      await peer.write(bytes);
      await peer.stall();
    };

  async function* endlessBody(): AsyncGenerator<string, void, undefined> {
    for (;;) {
      yield 'x'.repeat(10_000);
      await turn();
    }
  }

  /** A state: the origin that leads to it, and how the test knows that it is reached. */
  interface Stage {
    readonly name: string;
    readonly script: Script;
    readonly request?: RequestInit;
    /** Default: at once. */
    reached?(all: Scene): Promise<unknown>;
  }

  const STAGES: Stage[] = [
    { name: 'in the tick of the call', script: silent },
    { name: 'a microtask later', script: silent, reached: () => Promise.resolve() },
    {
      name: 'a nextTick later',
      script: silent,
      reached: () => new Promise((resolve) => process.nextTick(resolve)),
    },
    {
      name: 'an immediate later',
      script: silent,
      reached: () => new Promise((resolve) => setImmediate(resolve)),
    },
    { name: 'once connected', script: silent, reached: (all) => all.upstream.connection(0) },
    {
      name: 'waiting for the head',
      script: stallAfterRequest,
      reached: (all) => all.upstream.waitForRequests(1),
    },
    {
      name: 'after a 100',
      script: stallAfter('HTTP/1.1 100 Continue\r\n\r\n'),
      reached: async (all) => {
        await all.upstream.waitForRequests(1);
        await turn();
      },
    },
    {
      name: 'in the middle of the head',
      script: stallAfter('HTTP/1.1 200 OK\r\nContent-Le'),
      reached: async (all) => {
        await all.upstream.waitForRequests(1);
        await turn();
      },
    },
    {
      name: 'in the middle of the body',
      script: stallAfter(ok(['Content-Length: 10'], 'hello')),
      reached: async (all) => {
        await all.upstream.waitForRequests(1);
        await turn();
      },
    },
    {
      name: 'in the middle of a chunk',
      script: stallAfter(ok(['Transfer-Encoding: chunked'], 'a\r\nhello')),
      reached: async (all) => {
        await all.upstream.waitForRequests(1);
        await turn();
      },
    },
    {
      name: 'in a body delimited by the close',
      script: stallAfter(ok([], 'hello')),
      reached: async (all) => {
        await all.upstream.waitForRequests(1);
        await turn();
      },
    },
    {
      name: 'in the middle of an upload',
      script: (peer) => peer.waitForClose(),
      request: { method: 'POST', body: endlessBody() },
      reached: async (all) => {
        const peer = await all.upstream.connection(0);
        while (peer.bytesReceived < 30_000) await turn();
      },
    },
    {
      name: 'in an upload against backpressure',
      script: (peer) => {
        peer.pauseReading();
        return peer.stall();
      },
      request: { method: 'POST', body: Buffer.alloc(16 * 1_048_576) },
      reached: async (all) => {
        await all.upstream.connection(0);
        while (all.pool.stats().bytesSent === 0) await turn();
      },
    },
    {
      name: 'waiting for a 100',
      script: (peer) => peer.readHead().then(() => peer.stall()),
      request: { method: 'POST', body: 'x', headers: { expect: '100-continue' } },
      reached: (all) => all.upstream.waitForRequests(1),
    },
  ];

  describe('an abort', () => {
    for (const stage of STAGES)
      it(`${stage.name} rejects with the reason itself, frees the place, leaves no listener`, async () => {
        await using all = await scene(stage.script);
        const abort = new AbortController();
        const reason = new Error('enough');
        const options: SendOptions = { signal: abort.signal, timeout: HANG_GUARD_MS };
        const request = stage.request ?? {};
        const call = attempt(all.pool, all.upstream.url, request, options);
        if (stage.reached !== undefined) await stage.reached(all);
        abort.abort(reason);
        const outcome = await call;
        expect((outcome as { error?: unknown }).error).toBe(reason);
        expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
        const next = await attempt(
          all.pool,
          all.upstream.url,
          { path: '/own' },
          { timeout: HANG_GUARD_MS },
        );
        expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
        expect(all.pool.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
      });

    it('that came before the call opens no socket and rejects with the reason', async () => {
      await using all = await scene(answering);
      const reason = { not: 'even an error' };
      const signal = AbortSignal.abort(reason);
      const outcome = await attempt(all.pool, all.upstream.url, {}, { signal });
      expect((outcome as { error?: unknown }).error).toBe(reason);
      await turn();
      expect(all.upstream.accepted).toBe(0);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });

    it('without a reason rejects with the AbortError the platform made', async () => {
      await using all = await scene(silent);
      const abort = new AbortController();
      const call = attempt(all.pool, all.upstream.url, {}, { signal: abort.signal });
      await all.upstream.connection(0);
      abort.abort();
      const outcome = (await call) as { error: Error };
      expect(outcome.error).toBe(abort.signal.reason);
      expect(outcome.error.name).toBe('AbortError');
    });

    it('by AbortSignal.timeout rejects with its TimeoutError', async () => {
      await using all = await scene(stallAfterRequest);
      const signal = AbortSignal.timeout(20);
      const outcome = await attempt(all.pool, all.upstream.url, {}, { signal });
      expect((outcome as { error: Error }).error.name).toBe('TimeoutError');
    });

    it('of one that is waiting takes it out of the queue, and the queue goes on', async () => {
      const held: Peer[] = [];
      await using all = await scene(async (peer) => {
        await peer.readRequest();
        held.push(peer);
        await answering(peer);
      });
      const first = all.pool.sendRequest(all.upstream.url);
      const abort = new AbortController();
      const second = attempt(all.pool, all.upstream.url, {}, { signal: abort.signal });
      const third = attempt(
        all.pool,
        all.upstream.url,
        { path: '/third' },
        { timeout: HANG_GUARD_MS },
      );
      await all.upstream.waitForRequests(1);
      expect(all.pool.stats()).toMatchObject({ waiting: 2, active: 1 });
      abort.abort(new Error('enough'));
      expect(await second).toMatchObject({ error: new Error('enough') });
      expect(all.pool.stats()).toMatchObject({ waiting: 1 });
      await turn();
      await held[0]?.write(whole('first'));
      expect(await (await first).text()).toBe('first');
      expect(await third).toMatchObject({ headers: { 'x-answers': '/third' } });
      expect(all.upstream.accepted).toBe(1);
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    });

    it('in the tick in which a connection is handed over loses neither', async () => {
      await using all = await scene(answering);
      const first = await all.pool.sendRequest(all.upstream.url);
      const abort = new AbortController();
      const second = attempt(all.pool, all.upstream.url, {}, { signal: abort.signal });
      await first.text();
      abort.abort(new Error('enough'));
      const outcome = await second;
      if ('error' in outcome) expect(outcome.error).toEqual(new Error('enough'));
      const third = await attempt(
        all.pool,
        all.upstream.url,
        { path: '/third' },
        { timeout: HANG_GUARD_MS },
      );
      expect(third).toMatchObject({ headers: { 'x-answers': '/third' } });
    });

    const moments: Record<string, () => Promise<unknown>> = {
      'a microtask': () => Promise.resolve(),
      'an immediate': () => new Promise((resolve) => setImmediate(resolve)),
      'two immediates': () => turn(),
    };
    for (const [moment, wait] of Object.entries(moments))
      it(`of a call that was given an idle connection, ${moment} later, harms no other call`, async () => {
        await using all = await scene(silent);
        await attempt(all.pool, all.upstream.url, { path: '/own' });
        const abort = new AbortController();
        const call = attempt(all.pool, all.upstream.url, {}, { signal: abort.signal });
        await wait();
        abort.abort(new Error('enough'));
        expect(await call).toMatchObject({ error: new Error('enough') });
        const next = await attempt(
          all.pool,
          all.upstream.url,
          { path: '/own' },
          { timeout: HANG_GUARD_MS },
        );
        expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
        expect(all.pool.stats()).toMatchObject({ active: 0, waiting: 0 });
      });

    it('from within a hook of the call itself settles it once', async () => {
      await using all = await scene(stallAfter('HTTP/1.1 103 Early Hints\r\n\r\n'));
      const abort = new AbortController();
      const outcome = await attempt(
        all.pool,
        all.upstream.url,
        {},
        { signal: abort.signal, onInformational: () => abort.abort(new Error('enough')) },
      );
      expect(outcome).toMatchObject({ error: new Error('enough') });
      await all.upstream.waitForOpen(0);
    });

    it('after the answer was read does nothing, and the connection stays', async () => {
      await using all = await scene(answering);
      const abort = new AbortController();
      await attempt(all.pool, all.upstream.url, {}, { signal: abort.signal });
      abort.abort(new Error('late'));
      const next = await attempt(all.pool, all.upstream.url, { path: '/own' });
      expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
      expect(all.upstream.accepted).toBe(1);
    });

    it('of one call ends that call alone', async () => {
      await using all = await scene(stallAfterRequest, 2);
      const abort = new AbortController();
      const first = attempt(all.pool, all.upstream.url, {}, { signal: abort.signal });
      await all.upstream.waitForRequests(1);
      const second = attempt(all.pool, all.upstream.url, { path: '/own' });
      abort.abort(new Error('enough'));
      expect(await first).toHaveProperty('error');
      expect(await second).toMatchObject({ headers: { 'x-answers': '/own' } });
    });

    it('of the caller whose dial it was leaves the connection to the next waiter', async () => {
      await using all = await scene(answering);
      const abort = new AbortController();
      const first = attempt(all.pool, all.upstream.url, {}, { signal: abort.signal });
      const second = attempt(
        all.pool,
        all.upstream.url,
        { path: '/own' },
        { timeout: HANG_GUARD_MS },
      );
      abort.abort(new Error('enough'));
      expect(await first).toHaveProperty('error');
      expect(await second).toMatchObject({ headers: { 'x-answers': '/own' } });
      expect(all.upstream.accepted).toBe(1);
    });

    it('while the body is read rejects the reader with the reason', async () => {
      await using all = await scene(stallAfter(ok(['Content-Length: 10'], 'hello')));
      const abort = new AbortController();
      const response = await all.pool.sendRequest(all.upstream.url, {}, { signal: abort.signal });
      const reason = new Error('enough');
      const read = (async () => {
        for await (const chunk of response.body) if (chunk.length > 0) abort.abort(reason);
      })();
      await expect(read).rejects.toBe(reason);
      await all.upstream.waitForOpen(0);
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    });

    it('while the body is not read closes the connection, and the reader hears of it later', async () => {
      await using all = await scene(stallAfter(ok(['Content-Length: 10'], 'hello')));
      const abort = new AbortController();
      const response = await all.pool.sendRequest(all.upstream.url, {}, { signal: abort.signal });
      abort.abort(new Error('enough'));
      await all.upstream.waitForOpen(0);
      await expect(response.text()).rejects.toThrow('enough');
    });

    it('tells the caller’s body source that it is not wanted any more', async () => {
      await using all = await scene((peer) => peer.waitForClose());
      let isReturned = false;
      async function* body() {
        try {
          for (;;) {
            yield 'x';
            await turn();
          }
        } finally {
          isReturned = true;
        }
      }
      const abort = new AbortController();
      const options = { signal: abort.signal };
      const call = attempt(all.pool, all.upstream.url, { method: 'POST', body: body() }, options);
      const peer = await all.upstream.connection(0);
      while (peer.bytesReceived === 0) await turn();
      abort.abort(new Error('enough'));
      expect(await call).toHaveProperty('error');
      await all.upstream.waitForOpen(0);
      await turn();
      expect(isReturned).toBe(true);
    });

    it('of a thousand calls on one signal leaves no listener and no warning', async () => {
      await using all = await scene(answering, 10);
      const abort = new AbortController();
      const warnings: Error[] = [];
      const note = (warning: Error) => warnings.push(warning);
      process.on('warning', note);
      for (let round = 0; round < 20; round += 1)
        await Promise.all(
          Array.from({ length: 50 }, () =>
            attempt(all.pool, all.upstream.url, {}, { signal: abort.signal }),
          ),
        );
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
      await turn();
      process.off('warning', note);
      expect(warnings.map((warning) => warning.name)).not.toContain('MaxListenersExceededWarning');
    });
  });

  describe('a scope', () => {
    it('aborts every call made in it, and every later one, with its reason', async () => {
      await using all = await scene(stallAfterRequest, 5);
      all.upstream.onConnection(1, stallAfterRequest).onConnection(2, stallAfterRequest);
      const scope = new RequestScope();
      const calls = [1, 2, 3].map(() => all.pool.sendRequest(all.upstream.url, {}, {}, scope));
      await all.upstream.waitForRequests(3);
      const reason = new Error('the caller left');
      scope.abort(reason);
      for (const call of calls) await expect(call).rejects.toBe(reason);
      await expect(all.pool.sendRequest(all.upstream.url, {}, {}, scope)).rejects.toBe(reason);
      expect([scope.aborted, scope.reason]).toEqual([true, reason]);
      await all.upstream.waitForOpen(0);
    });

    it('aborts a body that is being read', async () => {
      await using all = await scene(stallAfter(ok(['Content-Length: 10'], 'hello')));
      const scope = new RequestScope();
      const response = await all.pool.sendRequest(all.upstream.url, {}, {}, scope);
      const text = response.text();
      const reason = new Error('the caller left');
      scope.abort(reason);
      await expect(text).rejects.toBe(reason);
    });

    it('with a deadline ends its calls at it', async () => {
      await using all = await scene(stallAfterRequest);
      const scope = new RequestScope({ deadlineMs: performance.now() + 30 });
      const call = all.pool.sendRequest(all.upstream.url, {}, { timeout: '1m' }, scope);
      await expect(call).rejects.toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
    });

    it('whose deadline has passed sends nothing', async () => {
      await using all = await scene(answering);
      const scope = new RequestScope({ deadlineMs: performance.now() - 1 });
      const call = all.pool.sendRequest(all.upstream.url, {}, {}, scope);
      await expect(call).rejects.toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
      await turn();
      expect(all.upstream.requests).toHaveLength(0);
    });

    it('gives a signal that aborts with it, and with the deadline', async () => {
      const scope = new RequestScope();
      const { signal } = scope;
      scope.abort(new Error('the caller left'));
      expect(signal.aborted).toBe(true);
      const late = new RequestScope({ deadlineMs: performance.now() + 10 });
      await new Promise((resolve) => late.signal.addEventListener('abort', resolve));
      expect(late.signal.reason).toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
    });
  });

  describe('the end of a pool', () => {
    it('rejects what is in flight, waiting and dialling, each once', async () => {
      await using all = await scene(stallAfterRequest);
      const calls = [1, 2, 3].map(() => attempt(all.pool, all.upstream.url));
      await all.upstream.waitForRequests(1);
      all.pool.close();
      for (const call of calls)
        expect(['HOTARU_POOL_CLOSED', 'HOTARU_CONNECTION_CLOSED']).toContain(
          ((await call) as { code?: string }).code,
        );
      await all.upstream.waitForOpen(0);
      const late = await attempt(all.pool, all.upstream.url);
      expect(late).toMatchObject({ code: 'HOTARU_POOL_CLOSED' });
    });

    it('by drain lets what is in flight finish, and closes idle connections at once', async () => {
      let finish: () => void = () => undefined;
      const finished = new Promise<void>((resolve) => {
        finish = resolve;
      });
      await using all = await scene(async (peer) => {
        await peer.readRequest();
        await finished;
        await peer.respond(200, {}, 'done');
      }, 2);
      const inFlight = attempt(all.pool, all.upstream.url);
      await all.upstream.waitForRequests(1);
      await attempt(all.pool, all.upstream.url, { path: '/idle' });
      const drained = all.pool.drain({ timeout: HANG_GUARD_MS });
      if (protocol === 'http/1.1') await all.upstream.waitForOpen(1); // of the idle connection

      expect(await attempt(all.pool, all.upstream.url)).toMatchObject({
        code: 'HOTARU_POOL_CLOSED',
      });
      finish();
      expect(await inFlight).toMatchObject({ body: 'done' });
      await drained;
      expect(all.pool.closed).toBe(true);
      await all.upstream.waitForOpen(0);
    });

    it('by drain cuts off what does not finish in time', async () => {
      await using all = await scene(stallAfterRequest);
      const call = attempt(all.pool, all.upstream.url);
      await all.upstream.waitForRequests(1);
      await all.pool.drain({ timeout: 20 });
      expect(await call).toHaveProperty('error');
      await all.upstream.waitForOpen(0);
    });
  });
});
