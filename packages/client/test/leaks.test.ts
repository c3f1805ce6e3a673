/**
 * What callers forget does not cost the process: unread bodies, leases not given back,
 * listeners on signals that live for ever, deadlines whose signal is not kept.
 */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ConnectionPool,
  jsonRequest,
  RequestScope,
  type ClientResponse,
  type PoolConfigInput,
  type SendOptions,
  type UnreadBodyReport,
} from '@hotaru/client';
import { collectGarbage, rejection, until } from './support/waiting.js';
import {
  configOf,
  idleAfterCut,
  PROTOCOLS,
  startUpstream,
  type Upstream,
} from './support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  interface LeakWarning extends Error {
    code?: string;
  }

  const pools: ConnectionPool[] = [];
  const upstreams: Upstream[] = [];
  let warnings: LeakWarning[] = [];
  const note = (warning: Error): void => void warnings.push(warning);

  beforeEach(() => {
    warnings = [];
    process.on('warning', note);
  });

  afterEach(async () => {
    process.off('warning', note);
    for (const pool of pools.splice(0)) pool.close();
    for (const upstream of upstreams.splice(0)) await upstream.close();
  });

  function poolOf(config: PoolConfigInput = {}): ConnectionPool {
    const pool = new ConnectionPool(configOf(protocol, config));
    pools.push(pool);
    return pool;
  }

  async function upstreamOf(): Promise<Upstream> {
    const upstream = await startUpstream(protocol);
    upstreams.push(upstream);
    return upstream;
  }

  /** An upstream that sends as much as the client takes, and never comes to an end of it. */
  async function endless(): Promise<Upstream> {
    return (await upstreamOf()).onConnection(async (peer) => {
      await peer.readRequest();
      await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n');
      await peer.endless('x'.repeat(1_000), 1_000_000_000);
    });
  }

  /** An upstream whose answers stay unfinished until the test ends them. */
  async function unfinished(): Promise<Upstream> {
    return (await upstreamOf()).onConnection(async (peer) => {
      await peer.readRequest();
      await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello');
    });
  }

  /** `file:line` of the line that calls this. */
  function here(): string {
    const [, , caller = ''] = (new Error().stack ?? '').split('\n');
    const place = /([^/]+\.ts:\d+):\d+\)?$/.exec(caller)?.[1];
    if (place === undefined) throw new Error(`no place in ${caller}`);
    return place;
  }

  /** The place one line further down. */
  function nextLine(place: string): string {
    return place.replace(/\d+$/, (line) => String(Number(line) + 1));
  }

  const leaks = (): LeakWarning[] => warnings.filter(({ code }) => code === 'HOTARU_LEAK');

  describe('a response that was dropped with a large body unread', () => {
    /** In a function of its own, so that nothing of it stays on the stack. */
    async function drop(pool: ConnectionPool, url: string): Promise<string> {
      const place = here();
      const res = await pool.sendRequest(url, { path: '/report' });
      expect(res.status).toBe(200);
      return nextLine(place);
    }

    it('is reported with the line that made the call, and its slot comes back', async () => {
      const pool = poolOf({ reportLeaks: true, maxPerHost: 1 });
      const upstream = await endless();
      const place = await drop(pool, upstream.url);
      expect(pool.stats()).toMatchObject({ active: 1 });
      await collectGarbage(() => leaks().length > 0);
      const [leak] = leaks();
      expect(leak).toMatchObject({ name: 'HotaruLeakWarning', code: 'HOTARU_LEAK' });
      expect(leak?.message).toContain(`GET ${upstream.url}/report`);
      expect(leak?.message).toContain(place);
      expect(place).toMatch(/^leaks\.test\.ts:\d+$/);
      await upstream.waitForOpen(0);
      expect(pool.stats()).toMatchObject({ active: 0, idle: idleAfterCut(protocol), waiting: 0 });
      expect(leaks()).toHaveLength(1);
    });

    it('gives its slot to the next waiter', async () => {
      const pool = poolOf({ reportLeaks: true, maxPerHost: 1 });
      const upstream = await endless();
      await drop(pool, upstream.url);
      upstream.respondAlways({ body: 'served' });
      let answer: string | undefined;
      void pool.sendRequest(upstream.url).then(async (res) => (answer = await res.text()));
      expect(pool.stats()).toMatchObject({ active: 1, waiting: 1 });
      await collectGarbage(() => answer !== undefined);
      expect(answer).toBe('served');
    });

    it('without reportLeaks says nothing, and its slot comes back all the same', async () => {
      const pool = poolOf({ reportLeaks: false, maxPerHost: 1 });
      const upstream = await endless();
      await drop(pool, upstream.url);
      await collectGarbage(() => pool.stats().active === 0);
      expect(pool.stats()).toMatchObject({ active: 0, idle: idleAfterCut(protocol) });
      await upstream.waitForOpen(0);
      expect(leaks()).toEqual([]);
    });

    it('keeps its connection when the body had come whole', async () => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = (await upstreamOf()).respondAlways({ body: 'small' });
      for (let i = 0; i < 5; i += 1) await drop(pool, upstream.url);
      await collectGarbage(() => leaks().length === 5);
      expect(upstream.accepted).toBe(1);
      expect(pool.stats()).toMatchObject({ idle: 1, active: 0 });
    });
  });

  describe('a body that came whole and was never read', () => {
    type Send = () => Promise<ClientResponse>;

    async function failed(send: Send): Promise<void> {
      const res = await send();
      if (!res.ok) throw new Error(`status ${res.status}`);
    }

    it.each<[string, { status?: number; body?: string }, (send: Send) => Promise<unknown>]>([
      [
        'by a caller that looks at its status only',
        { body: 'small' },
        (send) => send().then(() => 0),
      ],
      ['by `if (!res.ok) throw`', { status: 500, body: 'why' }, (send) => rejection(failed(send))],
    ])('is reported with the line that made the call, once: %s', async (_who, answer, use) => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = (await upstreamOf()).respondAlways(answer);
      const place = nextLine(here());
      const send = () => pool.sendRequest(upstream.url, { path: '/status?token=1' });
      await use(send);
      await collectGarbage(() => leaks().length > 0);
      await collectGarbage(undefined, 5);
      expect(leaks()).toHaveLength(1);
      expect(leaks()[0]?.message).toContain(`GET ${upstream.url}/status`);
      expect(leaks()[0]?.message).toContain('was never read');
      expect(leaks()[0]?.message).toContain(place);
      expect(leaks()[0]?.message).not.toContain('token=1');
      expect(upstream.accepted).toBe(1);
    });

    it.each<[string, { status?: number; body?: string }, (res: ClientResponse) => unknown]>([
      ['was read', { body: 'small' }, (res) => res.text()],
      ['was read as a stream', { body: 'small' }, (res) => new Response(res.body).text()],
      ['was discarded', { body: 'small' }, (res) => res.discard()],
      ['was empty', { body: '' }, (res) => res.status],
      ['could not be', { status: 204 }, (res) => res.status],
    ])('is not reported when it %s', async (_what, answer, use) => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = (await upstreamOf()).respondAlways(answer);
      await (async () => {
        await use(await pool.sendRequest(upstream.url));
      })();
      await collectGarbage(undefined, 5);
      expect(leaks()).toEqual([]);
    });

    it('is not reported twice when its scope has told of it', async () => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = (await upstreamOf()).respondAlways({ body: 'small' });
      const reports: UnreadBodyReport[] = [];
      const scope = new RequestScope({ onUnreadBody: (report) => void reports.push(report) });
      await (async () => {
        await pool.sendRequest(upstream.url, {}, {}, scope);
      })();
      scope.end();
      await collectGarbage(undefined, 5);
      expect(reports).toHaveLength(1);
      expect(leaks()).toEqual([]);
    });

    it('is not reported without reportLeaks', async () => {
      const pool = poolOf({ reportLeaks: false });
      const upstream = (await upstreamOf()).respondAlways({ body: 'small' });
      await (async () => {
        await pool.sendRequest(upstream.url);
      })();
      await collectGarbage(undefined, 5);
      expect(leaks()).toEqual([]);
    });
  });

  describe('a body that was read in part and then dropped', () => {
    it.each<[string, string, (res: ClientResponse) => Promise<unknown>]>([
      [
        'the reader of its stream released',
        'read in part',
        async (res) => {
          const reader = res.body.getReader();
          await reader.read();
          reader.releaseLock();
        },
      ],
      [
        'the reader of its stream dropped',
        'read in part',
        async (res) => (await res.body.getReader().read()).done,
      ],
      [
        'its iterator dropped',
        'read in part',
        async (res) => (await res.body[Symbol.asyncIterator]().next()).done,
      ],
      [
        'a Node stream made and dropped',
        'never read',
        (res) => Promise.resolve(void res.readable()),
      ],
    ])('is reported, and its slot comes back: %s', async (_how, what, leave) => {
      const pool = poolOf({ reportLeaks: true, maxPerHost: 1 });
      const upstream = await unfinished();
      await (async () => leave(await pool.sendRequest(upstream.url)))();
      expect(pool.stats()).toMatchObject({ active: 1 });
      await collectGarbage(() => pool.stats().active === 0 && leaks().length > 0, 200);
      expect(pool.stats()).toMatchObject({ active: 0, idle: idleAfterCut(protocol) });
      expect(leaks()).toHaveLength(1);
      expect(leaks()[0]?.message).toContain(what);
      await upstream.waitForOpen(0);
    });

    it('is left alone while an iterator of it is held', async () => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = await unfinished();
      const iterator = await (async () =>
        (await pool.sendRequest(upstream.url)).body[Symbol.asyncIterator]())();
      await iterator.next();
      await collectGarbage(undefined, 5);
      await (await upstream.connection(0)).write('world');
      expect(Buffer.from((await iterator.next()).value ?? []).toString()).toBe('world');
      expect((await iterator.next()).done).toBe(true);
      expect(leaks()).toEqual([]);
    });

    it('is left alone while its Node stream is held', async () => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = await unfinished();
      const readable = await (async () => (await pool.sendRequest(upstream.url)).readable())();
      await collectGarbage(undefined, 5);
      await (await upstream.connection(0)).write('world');
      let text = '';
      for await (const piece of readable) text += String(piece);
      expect(text).toBe('helloworld');
      expect(leaks()).toEqual([]);
    });

    it('is left alone while one piece of it is waited for, and nothing else is held', async () => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = await upstreamOf();
      upstream.onConnection(async (peer) => {
        await peer.readRequest();
        await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n');
      });
      const piece = await (async () => ({
        got: (await pool.sendRequest(upstream.url)).body[Symbol.asyncIterator]().next(),
      }))();
      await collectGarbage(undefined, 5);
      await (await upstream.connection(0)).write('world');
      expect(Buffer.from((await piece.got).value ?? []).toString()).toBe('world');
    });
  });

  describe.skipIf(protocol === 'h2')('a lease that was dropped', () => {
    async function drop(pool: ConnectionPool, port: number): Promise<string> {
      const place = here();
      const lease = await pool.acquire('127.0.0.1', port);
      await lease.write('PING\r\n');
      return nextLine(place);
    }

    it('is reported with the line that acquired it, and its slot comes back', async () => {
      const pool = poolOf({ reportLeaks: true, maxPerHost: 1 });
      const upstream = await upstreamOf();
      const place = await drop(pool, upstream.port);
      await collectGarbage(() => leaks().length > 0);
      expect(leaks()).toHaveLength(1);
      expect(leaks()[0]?.message).toContain(place);
      expect(leaks()[0]?.message).toContain(upstream.url);
      await upstream.waitForOpen(0);
      expect(pool.stats()).toMatchObject({ active: 0, idle: 0 });
    });

    it('without reportLeaks says nothing, and its slot comes back all the same', async () => {
      const pool = poolOf({ reportLeaks: false, maxPerHost: 1 });
      const upstream = await upstreamOf();
      await drop(pool, upstream.port);
      await collectGarbage(() => pool.stats().active === 0);
      expect(pool.stats()).toMatchObject({ active: 0, idle: 0 });
      await upstream.waitForOpen(0);
      expect(leaks()).toEqual([]);
    });

    it('is no leak once it was released or discarded', async () => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = await upstreamOf();
      await (async () => {
        (await pool.acquire('127.0.0.1', upstream.port)).release();
        (await pool.acquire('127.0.0.1', upstream.port)).discard();
        using lease = await pool.acquire('127.0.0.1', upstream.port);
        expect(lease.connection.isOpen).toBe(true);
      })();
      await collectGarbage(undefined, 5);
      expect(leaks()).toEqual([]);
    });
  });

  describe('a body that is still referenced', () => {
    const rest = 'world';

    async function finish(upstream: Upstream): Promise<void> {
      await (await upstream.connection(0)).write(rest);
    }

    it('only as res.body is never taken away', async () => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = await unfinished();
      const body = await (async () => (await pool.sendRequest(upstream.url)).body)();
      await collectGarbage(undefined, 5);
      expect(pool.stats().active).toBe(1);
      await finish(upstream);
      let text = '';
      for await (const piece of body) text += Buffer.from(piece).toString();
      expect(text).toBe('helloworld');
      expect(leaks()).toEqual([]);
    });

    it('only as a reader of res.body is never taken away', async () => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = await unfinished();
      const reader = await (async () => (await pool.sendRequest(upstream.url)).body.getReader())();
      await collectGarbage(undefined, 5);
      await finish(upstream);
      let text = '';
      for (let piece = await reader.read(); !piece.done; piece = await reader.read())
        text += Buffer.from(piece.value).toString();
      expect(text).toBe('helloworld');
      expect(leaks()).toEqual([]);
    });

    it.each<[string, (res: ClientResponse) => Promise<string>]>([
      ['text()', (res) => res.text()],
      [
        'a loop over res.body',
        async (res) => {
          let text = '';
          for await (const piece of res.body) text += Buffer.from(piece).toString();
          return text;
        },
      ],
      [
        'a Node stream',
        async (res) => {
          let text = '';
          for await (const piece of res.readable()) text += String(piece);
          return text;
        },
      ],
      ['a web stream handed on', (res) => new Response(res.body).text()],
    ])('and reads with %s is never taken away', async (_how, read) => {
      const pool = poolOf({ reportLeaks: true });
      const upstream = await unfinished();
      // Nothing but the read itself holds on to the response.
      const text = (async () => read(await pool.sendRequest(upstream.url)))();
      await until(() => pool.stats().active === 1, 'the call is under way');
      await upstream.waitForRequests(1);
      await collectGarbage(undefined, 5);
      await finish(upstream);
      expect(await text).toBe('helloworld');
      expect(leaks()).toEqual([]);
    });
  });

  describe('the end of a request scope', () => {
    it('gives up every unread body, and reports each with the line of its call', async () => {
      const pool = poolOf();
      const upstream = await endless();
      const reports: UnreadBodyReport[] = [];
      const scope = new RequestScope({
        captureCallSites: true,
        onUnreadBody: (report) => void reports.push(report),
      });
      const place = nextLine(here());
      const unread = await pool.sendRequest(upstream.url, jsonRequest('/unread', {}), {}, scope);
      const read = await pool.sendRequest(upstream.url, { path: '/read' }, {}, scope);
      const reader = read.body[Symbol.asyncIterator]();
      await reader.next();
      scope.end();
      expect(reports).toMatchObject([{ method: 'POST', url: `${upstream.url}/unread` }]);
      expect(reports[0]?.callSite).toContain(place);
      expect(unread.bodyUsed).toBe(true);
      await upstream.waitForOpen(1); // a body that is being read is read on
      expect((await reader.next()).done).toBe(false);
      await reader.return?.();
      await upstream.waitForOpen(0);
      expect(pool.stats().active).toBe(0);
    });
  });

  describe('a signal that lives as long as the process', () => {
    const CALLS = 1_000;
    /** Of calls that cost a connection each. */
    const COSTLY_CALLS = 300;
    /** At the same time, so that several calls share the signal at any moment. */
    const AT_ONCE = 100;

    async function callOften(
      once: (index: number) => Promise<unknown>,
      calls = CALLS,
    ): Promise<void> {
      let next = 0;
      const caller = async (): Promise<void> => {
        for (let i = next++; i < calls; i = next++) await once(i);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, caller));
    }

    function expectNoListeners(signal: AbortSignal): void {
      expect(getEventListeners(signal, 'abort')).toEqual([]);
      expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
    }

    type Case = [
      calls: number,
      outcome: string,
      answer: string | undefined,
      options: SendOptions,
      after: (sent: Promise<ClientResponse>) => Promise<unknown>,
    ];

    const hello = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';
    const part = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart';

    it.each<Case>([
      [CALLS, 'answers', hello, {}, async (sent) => (await sent).text()],
      [CALLS, 'unread answers', hello, {}, (sent) => sent],
      [COSTLY_CALLS, 'discarded bodies', part, {}, async (sent) => (await sent).discard()],
      [COSTLY_CALLS, 'protocol errors', 'nonsense\r\n\r\n', {}, rejection],
      [COSTLY_CALLS, 'head timeouts', undefined, { headersTimeout: 5 }, rejection],
      [CALLS, 'deadlines', undefined, { timeout: 5 }, rejection],
      [
        COSTLY_CALLS,
        'body timeouts',
        part,
        { bodyTimeout: 5 },
        async (sent) => rejection((await sent).text()),
      ],
      [COSTLY_CALLS, 'answers that are too large', part, { maxResponseSize: 1 }, rejection],
      [
        COSTLY_CALLS,
        'hooks that throw',
        `HTTP/1.1 103 Early Hints\r\n\r\n${hello}`,
        {
          onInformational: () => {
            throw new Error('the hook');
          },
        },
        rejection,
      ],
      [CALLS, 'invalid requests', hello, { idempotencyKey: 'line\r\nbreak' }, rejection],
    ])(
      'keeps no listener of %i calls that end in: %s',
      async (calls, _what, answer, options, after) => {
        const pool = poolOf({ maxPerHost: AT_ONCE, reportLeaks: false });
        const upstream = await upstreamOf();
        upstream.onConnection(async (peer) => {
          for (;;) {
            await peer.readRequest();
            if (answer !== undefined) await peer.write(answer);
          }
        });
        const { signal } = new AbortController();
        let peak = 0;
        await callOften(async () => {
          const sent = pool.sendRequest(upstream.url, {}, { ...options, signal });
          peak = Math.max(peak, getEventListeners(signal, 'abort').length);
          await after(sent);
        }, calls);
        expect(peak).toBeLessThanOrEqual(1);
        expectNoListeners(signal);
        expect(pool.stats()).toMatchObject({ active: 0, waiting: 0 });
      },
    );

    it('keeps none of the calls to a host that refuses, in a full queue, or in a closed pool', async () => {
      const closed = await startUpstream(protocol);
      const { url } = closed;
      await closed.close();
      const { signal } = new AbortController();
      const refusing = poolOf();
      await callOften(() => rejection(refusing.sendRequest(url, {}, { signal })), COSTLY_CALLS);
      expectNoListeners(signal);

      const silent = await upstreamOf();
      const full = poolOf({ maxPerHost: 1, maxPending: 1, acquireTimeout: 50 });
      await Promise.all(
        Array.from({ length: CALLS }, () =>
          rejection(full.sendRequest(silent.url, {}, { signal, timeout: 100 })),
        ),
      );
      expectNoListeners(signal);

      full.close();
      await callOften(() => rejection(full.sendRequest(silent.url, {}, { signal })));
      expectNoListeners(signal);
    });

    it('keeps none of 1000 calls that it aborts itself', async () => {
      const pool = poolOf({ maxPerHost: 8 });
      const upstream = await upstreamOf();
      const controller = new AbortController();
      const reason = new Error('shutdown');
      const calls = Array.from({ length: CALLS }, () =>
        rejection(pool.sendRequest(upstream.url, {}, { signal: controller.signal })),
      );
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
      await upstream.connection(0);
      controller.abort(reason);
      for (const error of await Promise.all(calls)) expect(error).toBe(reason);
      expectNoListeners(controller.signal);
      expect(pool.stats()).toMatchObject({ active: 0, waiting: 0 });
    });

    it('keeps none of 1000 leases, given back, discarded or timed out', async () => {
      const pool = poolOf({ maxPerHost: 4 });
      const upstream = await upstreamOf();
      const { signal } = new AbortController();
      await callOften(async (index) => {
        const lease = await pool.acquire('127.0.0.1', upstream.port, { signal });
        if (index % 10 === 0) lease.discard();
        else lease.release();
      });
      expectNoListeners(signal);
      const busy = poolOf({ maxPerHost: 1 });
      using held = await busy.acquire('127.0.0.1', upstream.port);
      await Promise.all(
        Array.from({ length: 100 }, () =>
          rejection(busy.acquire('127.0.0.1', upstream.port, { signal, timeout: 5 })),
        ),
      );
      expect(held.connection.isOpen).toBe(true);
      expectNoListeners(signal);
    });
  });

  describe('a deadline by AbortSignal.timeout() whose signal is not kept', () => {
    it.each([
      ['in the queue', { maxPerHost: 1 }, 2],
      ['waiting for the answer', {}, 1],
    ])('fires after any number of collections: %s', async (_where, config, calls) => {
      const pool = poolOf(config);
      const upstream = await upstreamOf();
      const outcomes: unknown[] = [];
      for (let i = 0; i < calls; i += 1)
        void rejection(
          pool.sendRequest(upstream.url, {}, { signal: AbortSignal.timeout(100) }),
        ).then((error) => outcomes.push(error));
      await collectGarbage(() => outcomes.length === calls, 1_000);
      expect(outcomes).toHaveLength(calls);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ name: 'TimeoutError' });
      expect(pool.stats()).toMatchObject({ active: 0, waiting: 0 });
    });

    it('fires after any number of collections: reading the body', async () => {
      const pool = poolOf();
      const upstream = await unfinished();
      let outcome: unknown;
      void (async () => {
        const signal = AbortSignal.timeout(100);
        const res = await pool.sendRequest(upstream.url, {}, { signal });
        await res.text();
      })().catch((error: unknown) => (outcome = error));
      await collectGarbage(() => outcome !== undefined, 1_000);
      expect(outcome).toMatchObject({ name: 'TimeoutError' });
      expect(pool.stats()).toMatchObject({ active: 0, waiting: 0 });
    });

    it.skipIf(protocol === 'h2')(
      'fires after any number of collections: in the TLS handshake',
      async () => {
        const pool = poolOf();
        const mute = await upstreamOf();
        let outcome: unknown;
        void rejection(
          pool.sendRequest(
            mute.url.replace('http:', 'https:'),
            {},
            {
              signal: AbortSignal.timeout(100),
            },
          ),
        ).then((error) => (outcome = error));
        await collectGarbage(() => outcome !== undefined, 1_000);
        expect(outcome).toMatchObject({ name: 'TimeoutError' });
      },
    );
  });

  describe('a response that is kept', () => {
    const kept: ClientResponse[] = [];
    afterEach(() => void kept.splice(0));

    /** Sends bytes that only the request holds; whether they were collected is told by what it returns. */
    async function sendLarge(pool: ConnectionPool, url: string, options: SendOptions = {}) {
      let body: Buffer | undefined = Buffer.alloc(1_000_000, 'x');
      const sent = new WeakRef(body);
      kept.push(await pool.sendRequest(url, { method: 'POST', body }, options));
      body = undefined;
      return () => sent.deref() === undefined;
    }

    it('does not hold the body of its request: one that came whole', async () => {
      const upstream = await upstreamOf();
      upstream.respondAlways({ body: 'thanks' });
      const pool = poolOf();
      const isCollected = await sendLarge(pool, upstream.url);
      await collectGarbage(undefined, 5); // asking meanwhile would keep it alive
      expect(isCollected()).toBe(true);
      expect(await kept[0]?.text()).toBe('thanks');
    });

    it('does not hold the body of its request: one that was redirected', async () => {
      const upstream = await upstreamOf();
      upstream.respondAlways(({ target }) =>
        target === '/' ? { status: 303, headers: { location: '/done' } } : { body: 'thanks' },
      );
      const isCollected = await sendLarge(poolOf(), upstream.url, { redirect: 'follow' });
      await collectGarbage(undefined, 5); // asking meanwhile would keep it alive
      expect(isCollected()).toBe(true);
      expect(await kept[0]?.text()).toBe('thanks');
    });

    it('does not hold the body of its request: one whose own body is still to come', async () => {
      const upstream = await unfinished();
      const pool = poolOf();
      const isCollected = await sendLarge(pool, upstream.url);
      await collectGarbage(undefined, 5); // asking meanwhile would keep it alive
      expect(isCollected()).toBe(true);
      expect(pool.stats().active).toBe(1);
      expect(kept).toHaveLength(1);
    });
  });
});
