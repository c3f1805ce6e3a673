/** The end of a request scope: nothing that was called for a request outlives it, unless the scope is held. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConnectionPool, RequestScope, type CallReport } from '../src/index.js';
import { configOf, PROTOCOLS, startUpstream } from './support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const HELLO = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

  /** An upstream that answers `/now`, begins to answer `/part`, and is silent for `/never`. */
  async function setUp() {
    const upstream = await startUpstream(protocol, {
      script: async (peer) => {
        for (;;) {
          const { target } = await peer.readRequest();
          if (target === '/now') await peer.write(HELLO);
          else if (target === '/part')
            await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
          else if (target === '/away')
            await peer.write('HTTP/1.1 302 Found\r\nLocation: /never\r\nContent-Length: 0\r\n\r\n');
        }
      },
    });
    const pool = new ConnectionPool(configOf(protocol));
    onTestFinished(async () => {
      pool.close();
      await upstream.close();
    });
    return { pool, upstream };
  }

  async function until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise(setImmediate);
  }

  describe('a scope that has ended', () => {
    it('aborts calls that wait for an answer, and frees their connections', async () => {
      const { pool, upstream } = await setUp();
      const reports: CallReport[] = [];
      const scope = new RequestScope({
        captureCallSites: true,
        onOpenCall: (report) => reports.push(report),
      });
      const call = pool.sendRequest(upstream.url, { path: '/never' }, {}, scope);
      await until(() => pool.stats().active === 1);
      scope.end();
      await expect(call).rejects.toMatchObject({
        code: 'HOTARU_ABORTED',
        message: expect.stringContaining('the request that it was made for is over'),
      });
      expect(pool.stats().active).toBe(0);
      expect(reports).toMatchObject([{ method: 'GET', url: `${upstream.url}/never` }]);
      expect(reports[0]?.callSite).toContain('request-scope.test.ts');
    });

    it('aborts a body that is half read if told to', async () => {
      const { pool, upstream } = await setUp();
      const scope = new RequestScope();
      const response = await pool.sendRequest(upstream.url, { path: '/part' }, {}, scope);
      const text = response.text();
      scope.end('is aborted');
      await expect(text).rejects.toMatchObject({ code: 'HOTARU_ABORTED' });
      expect(pool.stats().active).toBe(0);
    });

    it('refuses calls that begin later: nothing is sent', async () => {
      const { pool, upstream } = await setUp();
      const scope = new RequestScope();
      scope.end();
      const call = pool.sendRequest(upstream.url, { path: '/now' }, {}, scope);
      await expect(call).rejects.toMatchObject({ code: 'HOTARU_ABORTED', bytesSent: 0 });
      expect(pool.stats()).toMatchObject({ active: 0, created: 0 });
    });

    it('keeps the connection of a body that was discarded just before', async () => {
      const { pool, upstream } = await setUp();
      const scope = new RequestScope();
      const response = await pool.sendRequest(upstream.url, { path: '/now' }, {}, scope);
      void response.discard();
      scope.end();
      await until(() => pool.stats().active === 0);
      expect(pool.stats().idle).toBe(1);
    });

    it.each(['ends', 'is aborted'] as const)(
      'leaves no unhandled rejection of calls that were never awaited when it %s',
      async (how) => {
        const unhandled: unknown[] = [];
        const onUnhandled = (error: unknown): void => void unhandled.push(error);
        process.on('unhandledRejection', onUnhandled);
        onTestFinished(() => void process.off('unhandledRejection', onUnhandled));
        const { pool, upstream } = await setUp();
        const scope = new RequestScope();
        void pool.sendRequest(upstream.url, { path: '/never' }, {}, scope);
        void pool.sendRequest(upstream.url, { path: '/away' }, { redirect: 'follow' }, scope);
        await upstream.waitForRequests(2);
        if (how === 'ends') scope.end();
        else scope.abort(new Error('the client left'));
        void pool.sendRequest(upstream.url, { path: '/now' }, {}, scope);
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(unhandled).toEqual([]);
        // An error of another kind is as unhandled as ever.
        const failed = pool.sendRequest(upstream.url, { path: 'no\npath' }, {}, new RequestScope());
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(unhandled).toHaveLength(1);
        await expect(failed).rejects.toMatchObject({ code: 'HOTARU_INVALID_REQUEST' });
      },
    );
  });

  describe('a scope that is held', () => {
    it('ends with the last hold: until then calls go on, and may be made', async () => {
      const { pool, upstream } = await setUp();
      const scope = new RequestScope();
      const releases = [scope.hold(), scope.hold()];
      const pending = pool.sendRequest(upstream.url, { path: '/never' }, {}, scope);
      scope.end();
      releases[0]?.();
      releases[0]?.(); // only the first call of it counts
      const made = await pool.sendRequest(upstream.url, { path: '/now' }, {}, scope);
      expect(await made.text()).toBe('hello');
      expect(scope.isOver).toBe(false);
      releases[1]?.();
      expect(scope.isOver).toBe(true);
      await expect(pending).rejects.toMatchObject({ code: 'HOTARU_ABORTED' });
    });

    it('and aborted: its signal aborts at once, its calls with the last hold', async () => {
      const { pool, upstream } = await setUp();
      const reason = new Error('the client left');
      const scope = new RequestScope({ deadlineMs: performance.now() - 1 });
      const { signal } = scope;
      const release = scope.hold();
      scope.abort(reason);
      expect([signal.aborted, signal.reason]).toEqual([true, reason]);
      expect(scope.deadlineMs, 'its work is not the request’s').toBe(Infinity);
      const made = await pool.sendRequest(upstream.url, { path: '/now' }, {}, scope);
      expect(await made.text()).toBe('hello');
      const pending = pool.sendRequest(upstream.url, { path: '/never' }, {}, scope);
      release();
      await expect(pending).rejects.toBe(reason);
    });

    it('and its deadline passes: calls under way end with the last hold', async () => {
      const { pool, upstream } = await setUp();
      const scope = new RequestScope({ deadlineMs: performance.now() + 50 });
      let isSettled = false;
      const pending = pool.sendRequest(upstream.url, { path: '/never' }, {}, scope);
      pending.catch(() => undefined).finally(() => (isSettled = true));
      const release = scope.hold();
      while (!scope.expired) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(isSettled).toBe(false);
      release();
      await expect(pending).rejects.toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
    });

    it('cannot be held once it is over', () => {
      const scope = new RequestScope();
      scope.end();
      scope.hold()();
      expect(scope.isOver).toBe(true);
    });
  });

  describe('a scope whose deadline passes', () => {
    it.each([
      ['waits for its answer', '/never', {}],
      ['follows a redirect', '/away', { redirect: 'follow' }],
    ] as const)(
      'leaves the line of a caller in the stack, also where none was recorded: it %s',
      async (_what, path, options) => {
        const { pool, upstream } = await setUp();
        const scope = new RequestScope({ deadlineMs: performance.now() + 100 });
        pool.reconfigure({ reportLeaks: false });
        const readUser = async (call: () => Promise<unknown>) => await call();
        const call = () => pool.sendRequest(upstream.url, { path }, options, scope);
        await expect(readUser(call)).rejects.toMatchObject({
          code: 'HOTARU_DEADLINE_EXCEEDED',
          stack: expect.stringContaining('readUser'),
        });
      },
    );

    it('fails each call with an error that names it, and knows which calls were open', async () => {
      const { pool, upstream } = await setUp();
      const scope = new RequestScope({ deadlineMs: performance.now() + 500 });
      const calls = ['/never?secret=1', '/never/two'].map((path) =>
        pool.sendRequest(upstream.url, { path }, {}, scope),
      );
      const part = await pool.sendRequest(upstream.url, { path: '/part' }, {}, scope);
      const outcomes = await Promise.allSettled([...calls, part.text()]);
      const { url } = upstream;
      const after = ': the deadline of the request that it was made for has passed, ';
      expect(outcomes).toMatchObject(
        ['/never', '/never/two', '/part'].map((path) => ({
          reason: {
            code: 'HOTARU_DEADLINE_EXCEEDED',
            message: expect.stringContaining(`GET ${url}${path}${after}`),
            path,
          },
        })),
      );
      expect(scope.expired).toBe(true);
      expect(scope.callsAtDeadline).toEqual(
        [
          ['/never', 'headers'],
          ['/never/two', 'headers'],
          ['/part', 'body'],
        ].map(([path, phase]) => ({
          method: 'GET',
          origin: url,
          path,
          phase,
          ms: expect.any(Number),
        })),
      );
      expect(scope.openCalls()).toEqual([]);
      await expect(pool.sendRequest(url, { path: '/late' }, {}, scope)).rejects.toMatchObject({
        code: 'HOTARU_DEADLINE_EXCEEDED',
        message: `GET ${url}/late: the deadline of the request that it was made for has passed`,
      });
    });

    it('is told by expire() as well: pending calls reject with errors of the client', async () => {
      const { pool, upstream } = await setUp();
      const scope = new RequestScope();
      const call = pool.sendRequest(upstream.url, { path: '/never' }, {}, scope);
      const { signal } = scope;
      await upstream.waitForRequests(1);
      scope.expire();
      await expect(call).rejects.toMatchObject({
        code: 'HOTARU_DEADLINE_EXCEEDED',
        path: '/never',
      });
      expect(signal.reason).toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
      expect(pool.stats()).toMatchObject({ active: 0, timeouts: 1 });
    });
  });

  it('the fields of a scope go with each of its requests, unless the caller gave some of that name', async () => {
    const { pool, upstream } = await setUp();
    let asked = 0;
    const scope = new RequestScope({
      fields: () => [
        ['x-request-id', 'r1'],
        ['traceparent', `t${++asked}`],
      ],
    });
    const send = async (headers: Record<string, string>, inScope = true): Promise<void> => {
      const request = { path: '/now', headers };
      await (await pool.sendRequest(upstream.url, request, {}, inScope ? scope : undefined)).text();
    };
    await send({});
    await send({ 'X-Request-ID': 'mine', accept: 'x-request-id: no' });
    await send({}, false);
    const sent = upstream.requests.map(({ rawHeaders }) =>
      rawHeaders
        .filter(([name]) => /^(?:x-request-id|traceparent)$/i.test(name))
        .map(([name, value]) => `${name.toLowerCase()}: ${value}`),
    );
    expect(sent).toEqual([
      ['x-request-id: r1', 'traceparent: t1'],
      ['x-request-id: mine', 'traceparent: t2'],
      [],
    ]);
  });
});
