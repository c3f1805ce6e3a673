/**
 * Bodies that are not read to the end (docs/rules.md, rule 6; undici#4364, hyper#1353): a little is drained
 * and the connection kept, more than that or a stall closes it; none pins a connection for ever.
 */
import { ConnectionPool, RequestScope, type ClientResponse } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answering, attempt, codeOf, HANG_GUARD_MS, ok } from './support.js';
import {
  configOf,
  PROTOCOLS,
  startUpstream,
  type Peer,
  type Script,
} from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const MIB = 1_048_576;
  const options = { timeout: HANG_GUARD_MS };

  /** How a caller can leave a body. */
  const LEAVINGS: Record<string, (response: ClientResponse, scope: RequestScope) => unknown> = {
    'discard()': (response) => response.discard(),
    'discard() after a reader was released': async (response) => {
      const reader = response.body.getReader();
      await reader.read();
      reader.releaseLock();
      await response.discard();
    },
    'discard() after an iterator was dropped': async (response) => {
      await response.body[Symbol.asyncIterator]().next();
      await response.discard();
    },
    'discard() of a Node stream that was not read': async (response) => {
      response.readable().on('error', () => undefined);
      await response.discard();
    },
    'the end of its scope': (_response, scope) => scope.end(),
    'the end of its scope, a Node stream made and not read': (response, scope) => {
      response.readable().on('error', () => undefined);
      scope.end();
    },
    'cancelling the stream': (response) => response.body.cancel(),
    'leaving the loop': async (response) => {
      for await (const chunk of response.body) if (chunk.length > 0) break;
    },
    'cancelling a reader': async (response) => {
      const reader = response.body.getReader();
      await reader.read();
      await reader.cancel();
    },
    'destroying the Node stream': async (response) => {
      const readable = response.readable();
      readable.once('data', () => readable.destroy());
      await new Promise((resolve) => readable.once('close', resolve));
    },
  };

  async function scene(script: (peer: Peer) => Promise<unknown>, maxPerHost = 1) {
    const upstream = await startUpstream(protocol);
    const first: Script = async (peer) => {
      await peer.readRequest();
      await script(peer);
      await answering(peer);
    };
    upstream.script([first, answering]);
    const pool = new ConnectionPool(configOf(protocol, { maxPerHost }));
    const dispose = async () => {
      pool.close();
      await upstream.close();
    };
    return { upstream, pool, [Symbol.asyncDispose]: dispose };
  }

  /** Sends, leaves the body, and sends again: `maxPerHost` is 1, so a pinned connection would show. */
  async function leaveAndGoOn(
    all: Awaited<ReturnType<typeof scene>>,
    leave: (response: ClientResponse, scope: RequestScope) => unknown,
  ): Promise<void> {
    const scope = new RequestScope();
    const response = await all.pool.sendRequest(all.upstream.url, {}, options, scope);
    await leave(response, scope);
    const next = await attempt(all.pool, all.upstream.url, { path: '/own' }, options);
    expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
    scope.end();
  }

  for (const [how, leave] of Object.entries(LEAVINGS))
    describe(`a body left by ${how}`, () => {
      it('keeps its connection when what is left is little and there', async () => {
        await using all = await scene((peer) => peer.respond(200, {}, 'x'.repeat(10_000)));
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(1);
      });

      it('keeps its connection when it is chunked and little', async () => {
        await using all = await scene((peer) =>
          peer.respond(200, {}, ['x'.repeat(5_000), 'y'.repeat(5_000)]),
        );
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(1);
      });

      it('keeps its connection when it is packed and little', async () => {
        const packed = gzipSync('hello '.repeat(2_000));
        await using all = await scene((peer) =>
          peer.respond(200, { 'content-encoding': 'gzip' }, packed),
        );
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(1);
      });

      it('closes its connection when it is packed and stalls', async () => {
        const packed = gzipSync('hello '.repeat(2_000));
        await using all = await scene(async (peer) => {
          const head = ok(['Content-Encoding: gzip', `Content-Length: ${packed.length}`]);
          await peer.write(head);
          await peer.write(packed.subarray(0, packed.length - 9));
          await peer.waitForClose();
        });
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(2);
      });

      it('closes its connection when its length is known to be much', async () => {
        await using all = await scene(async (peer) => {
          await peer.write(ok([`Content-Length: ${100 * MIB}`], 'x'.repeat(1_000)));
          await peer.waitForClose();
        });
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(2);
      });

      it('closes its connection when it has no end', async () => {
        let written = 0;
        await using all = await scene(async (peer) => {
          await peer.write(ok(['Transfer-Encoding: chunked']));
          const report = await peer.endless(`400\r\n${'x'.repeat(1_024)}\r\n`);
          written = report.bytesWritten;
          expect(report.closed).toBe(true);
        });
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(2);
        expect(written).toBeLessThan(32 * MIB);
      });

      it('closes its connection when it stalls: the wait is 50 ms, not a timeout', async () => {
        await using all = await scene(async (peer) => {
          await peer.write(ok(['Content-Length: 10'], 'hello'));
          await peer.waitForClose();
        });
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(2);
      });

      it('closes its connection when it is delimited by the close', async () => {
        await using all = await scene(async (peer) => {
          await peer.write(ok([], 'hello'));
          await peer.waitForClose();
        });
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(2);
      });

      it('closes its connection when what was left turns out malformed', async () => {
        await using all = await scene(async (peer) => {
          await peer.write(ok(['Transfer-Encoding: chunked'], '5\r\nhello\r\n'));
          await turn();
          await peer.write('zz\r\n').catch(() => undefined);
          await peer.waitForClose();
        });
        await leaveAndGoOn(all, leave);
        expect(all.upstream.accepted).toBe(2);
      });
    });

  describe('a body that was given up', () => {
    it('cannot be read afterwards', async () => {
      await using all = await scene((peer) => peer.respond(200, {}, 'hello'));
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      await response.discard();
      await expect(response.text()).rejects.toMatchObject({ code: 'HOTARU_BODY_USED' });
    });

    it('can be given up twice, and after it was read', async () => {
      await using all = await scene((peer) => peer.respond(200, {}, 'hello'));
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      expect(await response.text()).toBe('hello');
      await response.discard();
      await response.discard();
    });

    it('frees the place for a request that was waiting for it', async () => {
      await using all = await scene(async (peer) => {
        await peer.write(ok(['Content-Length: 10'], 'hello'));
        await peer.waitForClose();
      });
      const first = await all.pool.sendRequest(all.upstream.url, {}, options);
      const waiting = attempt(all.pool, all.upstream.url, { path: '/waiting' }, options);
      await turn();
      expect(all.pool.stats()).toMatchObject({ waiting: 1 });
      void first.discard();
      expect(await waiting).toMatchObject({ headers: { 'x-answers': '/waiting' } });
    });
  });

  describe('a body read in part', () => {
    const endless = (peer: Peer) =>
      peer.write(ok(['Transfer-Encoding: chunked'], '5\r\nhello\r\n'));

    it('goes on through its stream when the reader was released', async () => {
      await using all = await scene(async (peer) => {
        await peer.write(ok(['Transfer-Encoding: chunked'], '5\r\nhello\r\n'));
        await turn();
        await peer.write('5\r\nworld\r\n0\r\n\r\n');
      });
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      const reader = response.body.getReader();
      let text = Buffer.from((await reader.read()).value ?? []).toString();
      reader.releaseLock();
      for await (const piece of response.body) text += Buffer.from(piece).toString();
      expect(text).toBe('helloworld');
    });

    it('tells a stream that still reads that it was given up', async () => {
      await using all = await scene(endless);
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      const reader = response.body.getReader();
      await reader.read();
      const waiting = reader.read().catch((error: unknown) => error);
      await response.discard();
      expect(await waiting).toMatchObject({ code: 'HOTARU_BODY_USED' });
    });

    it('tells a Node stream that still reads that it was given up', async () => {
      await using all = await scene(endless);
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      const readable = response.readable();
      const failed = new Promise((resolve) => readable.once('error', resolve));
      await new Promise((resolve) => readable.once('data', resolve));
      await response.discard();
      expect(await failed).toMatchObject({ code: 'HOTARU_BODY_USED' });
    });
  });

  describe('a body read twice', () => {
    it.each(['text', 'json', 'bytes'] as const)('fails the second time: %s()', async (verb) => {
      await using all = await scene((peer) => peer.respond(200, {}, '"hello"'));
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      await response.text();
      await expect(response[verb]()).rejects.toMatchObject({ code: 'HOTARU_BODY_USED' });
    });
  });

  describe('a scope that ends', () => {
    const unread: Record<string, (peer: Peer) => Promise<unknown>> = {
      'still coming': async (peer) => {
        await peer.write(ok(['Content-Length: 10'], 'hello'));
        await peer.waitForClose();
      },
      'small and come whole': (peer) => peer.respond(200, {}, 'hello'),
      'large and come whole': (peer) => peer.respond(200, {}, 'x'.repeat(100_000)),
    };
    for (const [what, script] of Object.entries(unread))
      it(`reports each unread body, with its method and URL: one ${what}`, async () => {
        await using all = await scene(script, 2);
        const reports: unknown[] = [];
        const scope = new RequestScope({ onUnreadBody: (report) => reports.push(report) });
        const url = `${all.upstream.url}/left`;
        await all.pool.sendRequest(url, {}, options, scope);
        const read = await all.pool.sendRequest(
          all.upstream.url,
          { path: '/read' },
          options,
          scope,
        );
        await read.text();
        scope.end();
        expect(reports).toHaveLength(1);
        expect(reports[0]).toMatchObject({ method: 'GET', url });
      });

    it('gives every body up, though the one who is told of them throws', async () => {
      await using all = await scene(async (peer) => {
        await peer.write(ok(['Content-Length: 10'], 'hello'));
        await peer.waitForClose();
      }, 2);
      all.upstream.onConnection(1, async (peer) => {
        await peer.readRequest();
        await peer.write(ok(['Content-Length: 10'], 'hello'));
        await peer.waitForClose();
      });
      const scope = new RequestScope({
        onUnreadBody: () => {
          throw new Error('a bug of the caller');
        },
      });
      await all.pool.sendRequest(all.upstream.url, {}, {}, scope);
      await all.pool.sendRequest(all.upstream.url, {}, {}, scope);
      try {
        scope.end();
      } catch (error) {
        expect(error).toEqual(new Error('a bug of the caller'));
      }
      await all.upstream.waitForOpen(0, HANG_GUARD_MS);
    });

    it('is cheap and silent when everything was read', async () => {
      await using all = await scene((peer) => peer.respond(200, {}, 'hello'));
      const reports: unknown[] = [];
      const scope = new RequestScope({ onUnreadBody: (report) => reports.push(report) });
      await (await all.pool.sendRequest(all.upstream.url, {}, options, scope)).text();
      scope.end();
      scope.end();
      expect(reports).toEqual([]);
      await attempt(all.pool, all.upstream.url, {}, options);
      expect(all.upstream.accepted).toBe(1);
    });

    it('lets a body be read that is being read', async () => {
      await using all = await scene(async (peer) => {
        await peer.write(ok(['Content-Length: 10'], 'hello'));
        await turn();
        await peer.write('world');
      });
      const scope = new RequestScope();
      const response = await all.pool.sendRequest(all.upstream.url, {}, options, scope);
      const text = response.text().catch((error: unknown) => error);
      scope.end();
      const outcome = await text; // whole, or an error: never half
      if (typeof outcome === 'string') expect(outcome).toBe('helloworld');
      else expect(outcome).toBeInstanceOf(Error);
    });

    it('makes a call refuse that is made in it afterwards, or serves it: never hangs', async () => {
      await using all = await scene((peer) => peer.respond(200, {}, 'hello'));
      const scope = new RequestScope();
      scope.end();
      const outcome = await all.pool.sendRequest(all.upstream.url, {}, options, scope).then(
        (response) => response.discard(),
        (error: unknown) => error,
      );
      expect([undefined, 'HOTARU_INVALID_STATE', 'HOTARU_ABORTED']).toContain(
        (outcome as { code?: string } | undefined)?.code,
      );
    });
  });

  describe('a slow reader', () => {
    it('slows the origin down instead of filling memory', async () => {
      let written = 0;
      await using all = await scene(async (peer) => {
        await peer.write(ok(['Transfer-Encoding: chunked']));
        const report = await peer.endless(`400\r\n${'x'.repeat(1_024)}\r\n`, 256 * MIB);
        written = report.bytesWritten;
      });
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      const reader = response.body.getReader();
      await reader.read();
      for (let turns = 0; turns < 200; turns += 1) await turn();
      const { length } = all.upstream.connections;
      expect(length).toBe(1);
      await reader.cancel();
      await all.upstream.waitForOpen(0);
      await turn();
      expect(written).toBeLessThan(32 * MIB);
    });

    it('of a packed body gets every byte in order', async () => {
      const whole = Array.from({ length: 300_000 }, (_, n) => String(n)).join(',');
      await using all = await scene((peer) =>
        peer.respond(200, { 'content-encoding': 'gzip' }, gzipSync(whole)),
      );
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      let text = '';
      for await (const chunk of response.body) {
        text += Buffer.from(chunk).toString();
        await turn();
      }
      expect(text === whole).toBe(true);
      await attempt(all.pool, all.upstream.url, {}, options);
      expect(all.upstream.accepted).toBe(1);
    });

    it('gets every byte in order', async () => {
      const whole = Array.from({ length: 200_000 }, (_, n) => String(n)).join(',');
      await using all = await scene((peer) => peer.respond(200, {}, whole));
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      let text = '';
      for await (const chunk of response.body) {
        text += Buffer.from(chunk).toString();
        await turn();
      }
      expect(text === whole).toBe(true);
    });

    it('gets what had come, and then the error, when the body is cut', async () => {
      await using all = await scene((peer) =>
        peer.endAfter(ok(['Content-Length: 10'], 'hello'), 1_000),
      );
      const response = await all.pool.sendRequest(all.upstream.url, {}, options);
      let text = '';
      let error: unknown;
      try {
        for await (const chunk of response.body) text += Buffer.from(chunk).toString();
      } catch (caught) {
        error = caught;
      }
      expect(text).toBe('hello');
      expect(codeOf({ code: (error as { code: 'HOTARU_CONNECTION_CLOSED' }).code, error })).toBe(
        'HOTARU_CONNECTION_CLOSED',
      );
    });
  });
});
