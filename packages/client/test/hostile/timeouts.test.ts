/**
 * Every wait has a clock, and each clock its code (docs/rules.md, rule 7; undici#1987, #5604):
 * queue, dial, TLS, upload, head, body, and the whole. Time is virtual, sockets are real.
 */
import { createServer } from 'node:net';
import { PassThrough, type Transform } from 'node:stream';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import {
  ConnectionPool,
  RequestScope,
  type ErrorCode,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
import { turn, VirtualClock } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { until } from '../support/waiting.js';
import { answering, attempt, chunked, codeOf, ok, whole, type Outcome } from './support.js';
import { configOf, PROTOCOLS, startUpstream, type Script } from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const SOON = 40;

  interface TimeoutCase {
    readonly name: string;
    readonly script: Script;
    readonly request?: RequestInit;
    readonly options: SendOptions;
    readonly code: ErrorCode;
    readonly phase: string;
  }

  const stall: Script = (peer) => peer.stall();
  const afterRequest =
    (bytes: string): Script =>
    async (peer) => {
      await peer.readRequest();
      await peer.write(bytes);
      await peer.stall();
    };
  const dripping =
    (start: string, unit: string): Script =>
    async (peer) => {
      await peer.readRequest();
      await peer.write(start);
      while ((await Promise.race([peer.closed, turn()])) === undefined) await peer.write(unit);
    };
  const notReading: Script = (peer) => {
    peer.pauseReading();
    return peer.stall();
  };
  const large = { method: 'POST', body: Buffer.alloc(16 * 1_048_576) };

  const CASES: TimeoutCase[] = [
    {
      name: 'no answer: headersTimeout',
      script: stall,
      options: { headersTimeout: SOON },
      code: 'HOTARU_HEADERS_TIMEOUT',
      phase: 'headers',
    },
    {
      name: 'half a head: headersTimeout',
      script: afterRequest('HTTP/1.1 200 OK\r\nX'),
      options: { headersTimeout: SOON },
      code: 'HOTARU_HEADERS_TIMEOUT',
      phase: 'headers',
    },
    {
      name: 'a head that is dripped for ever: headersTimeout, progress is no excuse',
      script: dripping('HTTP/1.1 200 OK\r\nX: ', 'y'),
      options: { headersTimeout: SOON },
      code: 'HOTARU_HEADERS_TIMEOUT',
      phase: 'headers',
    },
    {
      name: 'a 100 and nothing more: headersTimeout',
      script: afterRequest('HTTP/1.1 100 Continue\r\n\r\n'),
      options: { headersTimeout: SOON },
      code: 'HOTARU_HEADERS_TIMEOUT',
      phase: 'headers',
    },
    {
      name: 'a body by length that stalls: bodyTimeout',
      script: afterRequest(ok(['Content-Length: 10'], 'hello')),
      options: { bodyTimeout: SOON },
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'body',
    },
    {
      name: 'a body that never starts: bodyTimeout',
      script: afterRequest(ok(['Content-Length: 10'])),
      options: { bodyTimeout: SOON },
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'body',
    },
    {
      name: 'a chunked body that stalls: bodyTimeout',
      script: afterRequest(chunked('5\r\nhello\r\n')),
      options: { bodyTimeout: SOON },
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'body',
    },
    {
      name: 'a chunked body that stalls before its last line: bodyTimeout',
      script: afterRequest(chunked('5\r\nhello\r\n0\r\n')),
      options: { bodyTimeout: SOON },
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'body',
    },
    {
      name: 'a packed body that stalls: bodyTimeout',
      script: afterRequest(ok(['Content-Encoding: gzip', 'Content-Length: 99'], '\x1f\x8b\x08')),
      options: { bodyTimeout: SOON },
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'body',
    },
    {
      name: 'a body delimited by the close that stalls: bodyTimeout',
      script: afterRequest(ok([], 'hello')),
      options: { bodyTimeout: SOON },
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'body',
    },
    {
      name: 'an upload that the peer does not take: bodyTimeout',
      script: notReading,
      request: large,
      options: { bodyTimeout: SOON },
      code: 'HOTARU_BODY_TIMEOUT',
      phase: 'send',
    },
    {
      name: 'no answer: timeout',
      script: stall,
      options: { timeout: SOON },
      code: 'HOTARU_DEADLINE_EXCEEDED',
      phase: 'headers',
    },
    {
      name: 'a body that is dripped for ever: timeout',
      script: dripping(chunked(''), '1\r\nx\r\n'),
      options: { timeout: SOON, bodyTimeout: '1m' },
      code: 'HOTARU_DEADLINE_EXCEEDED',
      phase: 'body',
    },
    {
      name: 'an upload that the peer does not take: timeout',
      script: notReading,
      request: large,
      options: { timeout: SOON },
      code: 'HOTARU_DEADLINE_EXCEEDED',
      phase: 'send',
    },
    {
      name: 'a 100 that never comes: timeout',
      script: (peer) => peer.readHead().then(() => peer.stall()),
      request: { method: 'POST', body: 'x', headers: { expect: '100-continue' } },
      options: { timeout: SOON },
      code: 'HOTARU_DEADLINE_EXCEEDED',
      phase: 'send',
    },
  ];

  /** Moves time on, a timeout at a time, until the call has settled: what comes meanwhile may start a clock anew. */
  async function inTime(clock: VirtualClock, call: Promise<Outcome>): Promise<Outcome> {
    let isSettled = false;
    void call.then(() => (isSettled = true));
    while (!isSettled) {
      await turn();
      clock.advance(SOON);
      await turn();
    }
    return call;
  }

  describe('what takes too long ends with its own code and phase', () => {
    for (const one of CASES)
      it(one.name, async () => {
        await using upstream = await startUpstream(protocol);
        upstream.script([one.script, answering]);
        const clock = new VirtualClock();
        const scope = new RequestScope();
        const pool = new ConnectionPool(configOf(protocol, { maxPerHost: 1 }), { clock });
        const call = attempt(pool, upstream.url, one.request, one.options, scope);
        await until(
          () => scope.openCalls().some(({ phase }) => phase === one.phase),
          `it gets to ${one.phase}`,
        );
        clock.advance(SOON - 1);
        expect(scope.openCalls()).toHaveLength(1);
        const outcome = await inTime(clock, call);
        expect(codeOf(outcome)).toBe(one.code);
        expect((outcome as { error: unknown }).error).toMatchObject({ phase: one.phase });
        upstream.connections[0]?.resumeReading(); // an origin that does not read does not see the close
        await upstream.waitForOpen(0);
        const next = await attempt(pool, upstream.url, { path: '/own' });
        expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
        expect(pool.stats()).toMatchObject({ timeouts: 1, active: 0, waiting: 0 });
        pool.close();
      });
  });

  describe('a wait in the queue', () => {
    const busy = async (config: object, options: SendOptions) => {
      await using upstream = await startUpstream(protocol);
      upstream.onConnection(async (peer) => {
        await peer.readRequest();
        await peer.stall();
      });
      const clock = new VirtualClock();
      const pool = new ConnectionPool(configOf(protocol, { maxPerHost: 1, ...config }), { clock });
      const first = attempt(pool, upstream.url);
      await upstream.waitForRequests(1);
      const outcome = await inTime(clock, attempt(pool, upstream.url, {}, options));
      expect(pool.stats()).toMatchObject({ waiting: 0, active: 1 });
      pool.close();
      await first;
      return outcome as { error: Error & { snapshot?: unknown; phase?: string }; code: ErrorCode };
    };

    it('ends with acquireTimeout, and a snapshot of the pool', async () => {
      const { code, error } = await busy({ acquireTimeout: SOON }, {});
      expect(code).toBe('HOTARU_ACQUIRE_TIMEOUT');
      expect(error.snapshot).toMatchObject({ active: 1, maxPerHost: 1 });
      expect(error).toMatchObject({ phase: 'queue', retrySafe: true, bytesSent: 0 });
    });

    it('ends with the deadline of the call, when that is sooner', async () => {
      const { code, error } = await busy({}, { timeout: SOON });
      expect(code).toBe('HOTARU_DEADLINE_EXCEEDED');
      expect(error).toMatchObject({ phase: 'queue' });
    });

    it('is not made at all with maxPending 0', async () => {
      expect((await busy({ maxPending: 0 }, {})).code).toBe('HOTARU_POOL_EXHAUSTED');
    });

    it('is not cut by headersTimeout or bodyTimeout: those clocks have not started', async () => {
      const { code } = await busy({ acquireTimeout: 80 }, { headersTimeout: 5, bodyTimeout: 5 });
      expect(code).toBe('HOTARU_ACQUIRE_TIMEOUT');
    });
  });

  describe('a dial', () => {
    it('to a port where nothing listens fails at once, with nothing sent', async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      await new Promise((resolve) => server.close(resolve));
      const pool = new ConnectionPool(configOf(protocol, { maxPerHost: 2 }));
      for (let tried = 0; tried < 10; tried += 1) {
        const outcome = await attempt(pool, `http://127.0.0.1:${port}`, {
          method: 'POST',
          body: 'x',
        });
        expect(codeOf(outcome)).toBe('HOTARU_CONNECT_FAILED');
        expect((outcome as { error: unknown }).error).toMatchObject({
          retrySafe: true,
          bytesSent: 0,
        });
      }
      expect(pool.stats()).toMatchObject({ connecting: 0, active: 0, waiting: 0 });
      pool.close();
    });

    it('to a name that does not exist fails, and gives its place back', async () => {
      const pool = new ConnectionPool(configOf(protocol, { maxPerHost: 1 }));
      for (let tried = 0; tried < 3; tried += 1)
        expect(codeOf(await attempt(pool, 'http://does-not-exist.invalid/'))).toBe(
          'HOTARU_CONNECT_FAILED',
        );
      expect(pool.stats()).toMatchObject({ connecting: 0, active: 0, waiting: 0 });
      pool.close();
    });

    it.skipIf(protocol === 'h2').each<[string, object, SendOptions, ErrorCode]>([
      ['connectTimeout', {}, { connectTimeout: SOON }, 'HOTARU_CONNECT_TIMEOUT'],
      ['connectTimeout of the pool', { connectTimeout: SOON }, {}, 'HOTARU_CONNECT_TIMEOUT'],
      ['the deadline of the call', {}, { timeout: SOON }, 'HOTARU_DEADLINE_EXCEEDED'],
    ])('whose TLS handshake stalls ends with %s', async (_what, config, options, code) => {
      await using upstream = await startUpstream(protocol); // plain: it never answers the ClientHello
      const clock = new VirtualClock();
      const scope = new RequestScope();
      const pool = new ConnectionPool(configOf(protocol, { maxPerHost: 1, ...config }), { clock });
      const url = upstream.url.replace('http:', 'https:');
      const call = attempt(pool, url, {}, options, scope);
      await until(() => scope.openCalls().some(({ phase }) => phase === 'tls'), 'the handshake');
      const outcome = await inTime(clock, call);
      expect(codeOf(outcome)).toBe(code);
      expect((outcome as { error: unknown }).error).toMatchObject({ phase: 'tls', bytesSent: 0 });
      pool.close();
      await upstream.waitForOpen(0);
    });
  });

  describe('a clock that must not strike', () => {
    it('headersTimeout does not run while the caller’s own body takes its time', async () => {
      await using upstream = await startUpstream(protocol);
      upstream.onConnection(answering);
      const clock = new VirtualClock();
      async function* body() {
        yield 'x';
        await turn(); // it is written
        clock.advance(3 * SOON);
        yield 'y';
      }
      const pool = new ConnectionPool(configOf(protocol, {}), { clock });
      const request = { method: 'POST', body: body() };
      const options = { headersTimeout: SOON, bodyTimeout: SOON };
      expect(await attempt(pool, upstream.url, request, options)).toMatchObject({ status: 200 });
      pool.close();
    });

    it('headersTimeout does not cut a body that takes longer', async () => {
      await using upstream = await startUpstream(protocol);
      const clock = new VirtualClock();
      const pool = new ConnectionPool(configOf(protocol, {}), { clock });
      const sent = pool.sendRequest(upstream.url, {}, { headersTimeout: SOON });
      const peer = await upstream.connection(0);
      await peer.readRequest();
      await peer.write(ok(['Content-Length: 5'], 'he'));
      const text = (await sent).text();
      clock.advance(2 * SOON);
      await peer.write('llo');
      expect(await text).toBe('hello');
      pool.close();
    });

    it('bodyTimeout does not run while the body is not read', async () => {
      await using upstream = await startUpstream(protocol);
      const clock = new VirtualClock();
      const pool = new ConnectionPool(configOf(protocol, {}), { clock });
      const sent = pool.sendRequest(upstream.url, {}, { bodyTimeout: SOON });
      const peer = await upstream.connection(0);
      await peer.readRequest();
      await peer.write(ok(['Content-Length: 10'], 'hello'));
      const response = await sent;
      clock.advance(3 * SOON);
      await peer.write('world');
      clock.advance(3 * SOON);
      expect(await response.text()).toBe('helloworld');
      pool.close();
    });

    it('bodyTimeout starts anew with every piece', async () => {
      await using upstream = await startUpstream(protocol);
      const clock = new VirtualClock();
      const pool = new ConnectionPool(configOf(protocol, {}), { clock });
      const sent = pool.sendRequest(upstream.url, {}, { bodyTimeout: SOON });
      const peer = await upstream.connection(0);
      await peer.readRequest();
      await peer.write(ok(['Content-Length: 5']));
      const text = (await sent).text();
      for (const letter of 'hello') {
        clock.advance(SOON - 1);
        const before = pool.stats().bytesReceived;
        await peer.write(letter);
        await until(() => pool.stats().bytesReceived > before, 'the letter has come');
      }
      expect(await text).toBe('hello');
      pool.close();
    });

    it('the deadline of one call does not strike in the next on its connection', async () => {
      await using upstream = await startUpstream(protocol);
      const clock = new VirtualClock();
      upstream.onConnection(async (peer) => {
        await peer.readRequest();
        await peer.write(whole('first'));
        await peer.readRequest();
        clock.advance(2 * SOON);
        await peer.write(whole('second'));
      });
      const pool = new ConnectionPool(configOf(protocol, {}), { clock });
      const options = { timeout: SOON, headersTimeout: SOON, bodyTimeout: SOON };
      expect(await attempt(pool, upstream.url, {}, options)).toMatchObject({ body: 'first' });
      expect(await attempt(pool, upstream.url)).toMatchObject({ body: 'second' });
      expect(upstream.accepted).toBe(1);
      pool.close();
    });

    it('Infinity sets none', async () => {
      await using upstream = await startUpstream(protocol);
      upstream.onConnection(answering);
      const pool = new ConnectionPool(configOf(protocol));
      const options = { timeout: Infinity, headersTimeout: Infinity, bodyTimeout: Infinity };
      expect(await attempt(pool, upstream.url, {}, options)).toMatchObject({ status: 200 });
      pool.close();
    });
  });

  describe('a body read piece by piece, with pauses of the reader', () => {
    /** What packs a piece and sends it on at once, as a server that streams does. */
    const PACKERS: Record<string, () => Transform> = {
      identity: () => new PassThrough(),
      gzip: () => createGzip({ flush: constants.Z_SYNC_FLUSH }),
      deflate: () => createDeflate({ flush: constants.Z_SYNC_FLUSH }),
      br: () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH }),
    };

    const scene = async (coding: string) => {
      const clock = new VirtualClock();
      const upstream = await startUpstream(protocol);
      const packer = (PACKERS[coding] as () => Transform)();
      const pool = new ConnectionPool(configOf(protocol, {}), { clock });
      const field = coding === 'identity' ? '' : `Content-Encoding: ${coding}\r\n`;
      upstream.onConnection(async (peer) => {
        await peer.readRequest();
        await peer.write(`HTTP/1.1 200 OK\r\n${field}\r\n`);
        packer.on('data', (bytes: Buffer) => void peer.write(bytes));
        packer.on('end', () => {
          peer.end();
        });
        await peer.stall();
      });
      const response = await pool.sendRequest(upstream.url, {}, { bodyTimeout: 300 });
      return {
        clock,
        packer,
        pieces: response.body[Symbol.asyncIterator](),
        [Symbol.asyncDispose]: async () => {
          pool.close();
          await upstream.close();
        },
      };
    };
    const textOf = ({ value }: IteratorResult<Uint8Array>) => Buffer.from(value ?? '').toString();

    for (const coding of Object.keys(PACKERS)) {
      it(`has no clock while nothing is asked for: ${coding}`, async () => {
        await using all = await scene(coding);
        for (const piece of ['one', 'two', 'three']) {
          const read = all.pieces.next();
          all.packer.write(piece);
          expect(textOf(await read)).toBe(piece);
          await turn();
          all.clock.advance(1_000); // the reader has other things to do
          await turn();
        }
        all.packer.end();
        expect(await all.pieces.next()).toMatchObject({ done: true });
      });

      it(`has a clock while a piece is waited for: ${coding}`, async () => {
        await using all = await scene(coding);
        const first = all.pieces.next();
        all.packer.write('one');
        expect(textOf(await first)).toBe('one');
        await turn();
        all.clock.advance(1_000);
        const second = all.pieces.next();
        let isSettled = false;
        const settled = second.catch((error: unknown) => {
          isSettled = true;
          return error;
        });
        await turn();
        all.clock.advance(299);
        await turn();
        expect(isSettled).toBe(false);
        all.clock.advance(1);
        expect(await settled).toMatchObject({ code: 'HOTARU_BODY_TIMEOUT', phase: 'body' });
      });
    }
  });
});
