/**
 * A stream given as request body is the call's to end: whatever comes between, at whatever moment, a call that
 * does not send it to its end gives it up, so that the file, socket or cursor behind it is let go
 * (pool.md, early final response, abort at any moment, validation).
 */
import { createReadStream } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import {
  ConnectionPool,
  HotaruClientError,
  RequestScope,
  type PoolConfigInput,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { until } from '../support/waiting.js';
import { answering, attempt, codeOf, HANG_GUARD_MS, type Outcome } from './support.js';
import {
  configOf,
  PROTOCOLS,
  startUpstream,
  type Script,
  type Upstream,
} from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  /** A body that never gives anything (or gives one piece first), and tells when it was given up. */
  interface Watched {
    readonly body: NonNullable<RequestInit['body']>;
    readonly isGivenUp: () => boolean;
  }

  const KINDS: Record<string, (first?: string) => Watched> = {
    'a Node stream': (first) => {
      const body = new Readable({ read: () => undefined });
      if (first !== undefined) body.push(first);
      return { body, isGivenUp: () => body.destroyed };
    },
    'a file': () => {
      const body = createReadStream(import.meta.filename);
      return { body, isGivenUp: () => body.closed };
    },
    'a web stream': (first) => {
      let isGivenUp = false;
      const body = new ReadableStream<string>({
        start: (controller) => {
          if (first !== undefined) controller.enqueue(first);
        },
        cancel: () => {
          isGivenUp = true;
        },
      });
      return { body, isGivenUp: () => isGivenUp };
    },
    'an iterator': (first) => {
      let isGivenUp = false;
      const pieces = first === undefined ? [] : [first];
      const body: AsyncIterable<string> = {
        [Symbol.asyncIterator]: () => ({
          next: () => {
            const value = pieces.shift();
            return value === undefined
              ? new Promise(() => undefined)
              : Promise.resolve({ done: false, value });
          },
          return: () => {
            isGivenUp = true;
            return Promise.resolve({ done: true, value: undefined });
          },
        }),
      };
      return { body, isGivenUp: () => isGivenUp };
    },
  };

  /** What a way out needs: where it is tried, and how the call is made. */
  interface Scene {
    readonly pool: ConnectionPool;
    readonly upstream: Upstream;
    readonly send: (request?: RequestInit, options?: SendOptions, scope?: RequestScope) => Sent;
  }
  type Sent = Promise<Outcome>;

  interface WayOut {
    readonly script?: Script;
    readonly config?: PoolConfigInput;
    readonly run: (scene: Scene) => Sent | Promise<Sent>;
    readonly code?: string;
    readonly status?: number;
    /** The body gives this before it falls silent. */
    readonly first?: string;
  }

  const EXPECT = { headers: { expect: '100-continue' } };
  const reason = new Error('the caller left');
  const stalling: Script = (peer) => peer.stall();
  const readingHead: Script = async (peer) => {
    await peer.readHead();
    await peer.stall();
  };
  const answeringEarly =
    (status: number): Script =>
    async (peer) => {
      await peer.readHead();
      await peer.respond(status, {}, 'enough');
      await peer.waitForClose();
    };
  /** Aborts once the origin has read the head. */
  const abortedLater =
    (request: RequestInit): WayOut['run'] =>
    async ({ send, upstream }) => {
      const controller = new AbortController();
      const sent = send(request, { signal: controller.signal });
      await upstream.waitForRequests(1);
      controller.abort(reason);
      return sent;
    };

  const WAYS: Record<string, WayOut> = {
    'a header that can’t be sent': {
      run: ({ send }) => send({ headers: { 'x-a': 'b\r\nc: d' } }),
      code: 'HOTARU_INVALID_REQUEST',
    },
    'a header that can’t be sent, and redirects to follow': {
      run: ({ send }) => send({ headers: { 'x-a': 'b\r\nc: d' } }, { redirect: 'follow' }),
      code: 'HOTARU_INVALID_REQUEST',
    },
    'an unknown field of the request': {
      run: ({ send }) => send({ headrs: {} } as RequestInit),
      code: 'HOTARU_INVALID_REQUEST',
    },
    'an option that is wrong': {
      run: ({ send }) => send({}, { timeout: 'soon' }),
      code: 'HOTARU_INVALID_REQUEST',
    },
    'a length that can’t be': {
      run: ({ send }) => send({ headers: { 'content-length': '-1' } }),
      code: 'HOTARU_INVALID_REQUEST',
    },
    'a pool that is closed': {
      run: ({ pool, send }) => {
        pool.close();
        return send();
      },
      code: 'HOTARU_POOL_CLOSED',
    },
    'a signal that was aborted before': {
      run: ({ send }) => send({}, { signal: AbortSignal.abort(reason) }),
    },
    'a scope that was aborted before': {
      run: ({ send }) => {
        const scope = new RequestScope();
        scope.abort(reason);
        return send({}, {}, scope);
      },
    },
    'a scope whose time is over': {
      run: ({ send }) => send({}, {}, new RequestScope({ deadlineMs: performance.now() - 1 })),
      code: 'HOTARU_DEADLINE_EXCEEDED',
    },
    'a queue that is full': {
      config: { maxPerHost: 1, maxPending: 0 },
      script: stalling,
      run: async ({ pool, upstream, send }) => {
        void attempt(pool, upstream.url);
        await upstream.connection(0);
        return send();
      },
      code: 'HOTARU_POOL_EXHAUSTED',
    },
    'a wait for a connection that takes too long': {
      config: { maxPerHost: 1 },
      script: readingHead,
      run: async ({ pool, upstream, send }) => {
        void attempt(pool, upstream.url);
        await upstream.waitForRequests(1);
        pool.reconfigure({ acquireTimeout: 20 });
        return send();
      },
      code: 'HOTARU_ACQUIRE_TIMEOUT',
    },
    'a host that refuses': {
      run: async ({ upstream, send }) => {
        await upstream.close();
        return send();
      },
      code: 'HOTARU_CONNECT_FAILED',
    },
    'an abort while it is sent': { script: readingHead, run: abortedLater({}) },
    'an abort after a first piece': { script: readingHead, run: abortedLater({}), first: 'piece' },
    'a deadline while it is sent': {
      script: readingHead,
      run: ({ send }) => send({}, { timeout: 20 }),
      code: 'HOTARU_DEADLINE_EXCEEDED',
    },
    'a 413 while it is sent': {
      script: answeringEarly(413),
      run: ({ send }) => send(),
      status: 413,
      first: 'piece',
    },
    'a 200 while it is sent': {
      script: answeringEarly(200),
      run: ({ send }) => send(),
      status: 200,
    },
    'a connection that breaks while it is sent': {
      script: async (peer) => {
        await peer.readHead();
        peer.reset();
      },
      run: ({ send }) => send(),
      code: 'HOTARU_CONNECTION_CLOSED',
    },
    'an answer that is no HTTP while it is sent': {
      script: async (peer) => {
        await peer.readHead();
        await peer.write(protocol === 'h2' ? 'HTTP/1.1 NO OK\r\n\r\n' : 'SSH-2.0-OpenSSH_9.2\r\n');
        await peer.stall();
      },
      run: ({ send }) => send(),
      code: 'HOTARU_PROTOCOL_ERROR',
    },
    'a pool that closes while it is sent': {
      script: readingHead,
      run: async ({ pool, upstream, send }) => {
        const sent = send();
        await upstream.waitForRequests(1);
        pool.close();
        return sent;
      },
      code: 'HOTARU_CONNECTION_CLOSED',
    },
    'a 413 in place of 100': {
      script: answeringEarly(413),
      run: ({ send }) => send(EXPECT),
      status: 413,
    },
    'a 200 in place of 100': {
      script: answeringEarly(200),
      run: ({ send }) => send(EXPECT),
      status: 200,
    },
    'a redirect in place of 100': {
      script: answeringEarly(303),
      run: ({ send }) => send(EXPECT),
      status: 303,
    },
    'an abort in the wait for 100': { script: readingHead, run: abortedLater(EXPECT) },
    'a deadline in the wait for 100': {
      script: readingHead,
      run: ({ send }) => send(EXPECT, { timeout: 20 }),
      code: 'HOTARU_DEADLINE_EXCEEDED',
    },
    'a connection that closes in the wait for 100': {
      script: async (peer) => {
        await peer.readHead();
        peer.end();
      },
      run: ({ send }) => send(EXPECT),
      code: 'HOTARU_CONNECTION_CLOSED',
    },
    'a hook that throws in the wait for 100': {
      script: async (peer) => {
        await peer.readHead();
        await peer.write('HTTP/1.1 103 Early Hints\r\n\r\n');
        await peer.stall();
      },
      run: ({ send }) =>
        send(EXPECT, {
          onInformational: () => {
            throw reason;
          },
        }),
    },
  };

  describe('a stream as request body is given up', () => {
    for (const [
      way,
      { script = answering, config = {}, run, code, status, first },
    ] of Object.entries(WAYS))
      for (const [kind, make] of Object.entries(KINDS))
        it(`${way}: ${kind}`, async () => {
          await using upstream = await startUpstream(protocol);
          upstream.onConnection(script);
          const pool = new ConnectionPool(configOf(protocol, config));
          const { body, isGivenUp } = make(first);
          const { url } = upstream;
          const outcome = await run({
            pool,
            upstream,
            send: async (request = {}, options = {}, scope?: RequestScope) => {
              try {
                const all = { method: 'POST', body, ...request };
                const bounded = { timeout: HANG_GUARD_MS, ...options };
                const response = await pool.sendRequest(url, all, bounded, scope);
                const text = await response.text();
                const { statusText } = response;
                return {
                  status: response.status,
                  statusText,
                  headers: {},
                  body: text,
                  trailers: {},
                };
              } catch (error) {
                return { code: error instanceof HotaruClientError ? error.code : undefined, error };
              }
            },
          });
          if (status !== undefined) expect(outcome).toMatchObject({ status });
          else if (code !== undefined) expect(codeOf(outcome)).toBe(code);
          else expect(outcome).toMatchObject({ error: reason });
          await until(isGivenUp, 'it was given up');
          pool.close();
        });

    it('but an inbound request of node:http is left alone: its answer goes out on the same socket', async () => {
      const pool = new ConnectionPool(configOf(protocol));
      pool.close();
      const body = new IncomingMessage(new Socket());
      const outcome = await attempt(pool, 'http://127.0.0.1:1', { method: 'POST', body });
      expect(codeOf(outcome)).toBe('HOTARU_POOL_CLOSED');
      await turn();
      expect(body.destroyed).toBe(false);
    });

    it('also when it fails as it is given up: the process hears nothing of it', async () => {
      const pool = new ConnectionPool(configOf(protocol));
      const body = createReadStream('/does/not/exist');
      const outcome = await attempt(
        pool,
        'http://127.0.0.1:1',
        { method: 'POST', body },
        { timeout: 'soon' },
      );
      expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
      await new Promise((resolve) => body.once('close', () => resolve(undefined)));
      pool.close();
    });
  });

  describe('a stream that fails while it is sent', () => {
    const failure = new Error('disk gone');
    const failing: Record<string, () => RequestInit['body']> = {
      'a Node stream': () =>
        new Readable({
          read(this: Readable) {
            this.destroy(failure);
          },
        }),
      'a web stream': () =>
        new ReadableStream({
          pull: (controller) => {
            controller.error(failure);
          },
        }),
      'a generator': () =>
        (async function* () {
          yield 'part';
          await turn();
          throw failure;
        })(),
      'an iterable that can’t be opened': () => ({
        [Symbol.asyncIterator]: () => {
          throw failure;
        },
      }),
    };
    for (const [kind, make] of Object.entries(failing))
      it(`ends the call with a code and its own error as cause: ${kind}`, async () => {
        await using upstream = await startUpstream(protocol);
        upstream.script([readingHead, answering]);
        const pool = new ConnectionPool(configOf(protocol));
        const request = { method: 'PUT', body: make() };
        const outcome = await attempt(pool, upstream.url, request, { timeout: HANG_GUARD_MS });
        expect(codeOf(outcome)).toBe('HOTARU_REQUEST_BODY_FAILED');
        expect(outcome).toMatchObject({
          error: { name: 'RequestError', cause: failure, phase: 'send', retrySafe: false },
        });
        expect((outcome as { error: Error }).error.message).toContain('disk gone');
        await upstream.waitForOpen(0);
        expect(await attempt(pool, upstream.url)).toMatchObject({ status: 200 });
        pool.close();
      });

    it('is refused with its own error when it had failed before', async () => {
      const pool = new ConnectionPool(configOf(protocol));
      const body = new Readable();
      body.on('error', () => undefined);
      body.destroy(failure);
      const outcome = await attempt(pool, 'http://127.0.0.1:1', { method: 'POST', body });
      expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
      expect(outcome).toMatchObject({ error: { cause: failure } });
      pool.close();
    });

    it('does so with anything that was thrown', async () => {
      await using upstream = await startUpstream(protocol);
      upstream.onConnection(readingHead);
      const pool = new ConnectionPool(configOf(protocol));
      const body: AsyncIterable<string> = {
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(undefined) }),
      };
      const outcome = await attempt(pool, upstream.url, { method: 'POST', body });
      expect(codeOf(outcome)).toBe('HOTARU_REQUEST_BODY_FAILED');
      pool.close();
    });
  });
});
