/**
 * An answer that comes while the request is still going out (docs/rules.md, rule 5; RFC 9112
 * §9.3): it is delivered, the caller's body is no longer read, and the connection is used again only
 * if the upload was complete.
 */
import { ConnectionPool, type SendOptions } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { answering, attempt, codeOf, HANG_GUARD_MS } from './support.js';
import {
  configOf,
  PROTOCOLS,
  startUpstream,
  type Peer,
  type Script,
} from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const MIB = 1_048_576;
  const options: SendOptions = { timeout: HANG_GUARD_MS };

  /** A body without end that tells whether it was given up, and how much was taken. */
  class EndlessBody implements AsyncIterable<Uint8Array> {
    taken = 0;
    readonly ended: Promise<void>;
    private end!: () => void;

    constructor(private readonly pieceSize = 65_536) {
      this.ended = new Promise((resolve) => {
        this.end = resolve;
      });
    }

    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        for (;;) {
          this.taken += this.pieceSize;
          yield Buffer.alloc(this.pieceSize);
          await new Promise(setImmediate);
        }
      } finally {
        this.end();
      }
    }
  }

  async function scene(...scripts: Script[]) {
    const upstream = await startUpstream(protocol);
    upstream.script([...scripts, answering]);
    const pool = new ConnectionPool(configOf(protocol));
    const dispose = async () => {
      pool.close();
      await upstream.close();
    };
    return { upstream, pool, [Symbol.asyncDispose]: dispose };
  }

  describe('an answer to half a request', () => {
    const refusals: Record<string, (peer: Peer) => Promise<unknown>> = {
      'the connection stays open': (peer) => peer.respond(413, {}, 'too large'),
      'it says close': (peer) => peer.respond(413, { connection: 'close' }, 'too large'),
      'it says close, then FIN': async (peer) => {
        await peer.respond(413, { connection: 'close' }, 'too large');
        peer.end();
      },
      'FIN without close': async (peer) => {
        await peer.respond(413, {}, 'too large');
        peer.end();
      },
      'it is chunked': (peer) => peer.respond(413, {}, ['too ', 'large']),
      'it is delimited by the close': async (peer) => {
        await peer.write('HTTP/1.1 413 Too Large\r\n\r\ntoo large');
        peer.end();
      },
      'it comes in pieces': async (peer) => {
        await peer.drip('HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large', 7);
      },
    };
    for (const [what, refuse] of Object.entries(refusals))
      for (const reading of ['reads on', 'reads nothing more'])
        it(`is delivered and ends the upload: ${what}, the origin ${reading}`, async () => {
          await using all = await scene(async (peer) => {
            await peer.readHead();
            await peer.readBytes(1);
            if (reading === 'reads nothing more') peer.pauseReading();
            await refuse(peer);
            if (reading === 'reads on') await peer.waitForClose();
          });
          const body = new EndlessBody();
          const request = { method: 'POST', body };
          const outcome = await attempt(all.pool, all.upstream.url, request, options);
          expect(outcome).toMatchObject({ status: 413, body: 'too large' });
          await body.ended;
          const next = await attempt(all.pool, all.upstream.url, { path: '/own' }, options);
          expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
          expect(all.upstream.accepted).toBe(2);
        });

    it('is delivered when it comes with RST behind it: the answer may be in the buffer', async () => {
      await using all = await scene(async (peer) => {
        await peer.readHead();
        await peer.respond(413, { connection: 'close' }, 'too large');
        await turn();
        peer.reset();
      });
      const body = new EndlessBody();
      const outcome = await attempt(all.pool, all.upstream.url, { method: 'POST', body }, options);
      expect(outcome).toMatchObject({ status: 413, body: 'too large' });
      await body.ended;
    });

    it('is delivered for a large body of known length', async () => {
      await using all = await scene(async (peer) => {
        await peer.readHead();
        peer.pauseReading();
        await peer.respond(401, {}, 'who?');
      });
      const request = { method: 'PUT', body: Buffer.alloc(32 * MIB) };
      const outcome = await attempt(all.pool, all.upstream.url, request, options);
      expect(outcome).toMatchObject({ status: 401, body: 'who?' });
      expect(await attempt(all.pool, all.upstream.url, {}, options)).toMatchObject({ status: 200 });
      expect(all.upstream.accepted).toBe(2);
    });

    it('is delivered for a small body that is written at once, and the connection is reused', async () => {
      await using all = await scene(async (peer) => {
        const request = await peer.readHead();
        await peer.respond(200, { 'x-answers': request.target }, 'early');
        await peer.readBody();
        await answering(peer);
      });
      const request = { method: 'POST', body: 'x'.repeat(1_000) };
      const outcome = await attempt(all.pool, all.upstream.url, request, options);
      expect(outcome).toMatchObject({ status: 200, body: 'early' });
      const next = await attempt(all.pool, all.upstream.url, { path: '/own' }, options);
      expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
      expect(all.upstream.accepted).toBe(1);
    });

    it('that is a success is delivered too, and the unfinished connection is not used again', async () => {
      await using all = await scene(async (peer) => {
        await peer.readHead();
        await peer.respond(200, {}, 'fine already');
        await peer.waitForClose();
      });
      const body = new EndlessBody();
      const outcome = await attempt(all.pool, all.upstream.url, { method: 'POST', body }, options);
      expect(outcome).toMatchObject({ status: 200, body: 'fine already' });
      await attempt(all.pool, all.upstream.url, {}, options);
      expect(all.upstream.accepted).toBe(2);
    });

    it('does not wait for a body that gives nothing', async () => {
      await using all = await scene(async (peer) => {
        await peer.readHead();
        await peer.respond(403, {}, 'no');
        await peer.waitForClose();
      });
      let returned = false;
      const body: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => undefined),
          return: async () => {
            returned = true;
            return { done: true, value: undefined };
          },
        }),
      };
      const outcome = await attempt(all.pool, all.upstream.url, { method: 'POST', body }, options);
      expect(outcome).toMatchObject({ status: 403, body: 'no' });
      await all.upstream.waitForOpen(0);
      expect(returned).toBe(true);
    });

    it('is the answer when only the upload’s last piece was missing', async () => {
      await using all = await scene(async (peer) => {
        await peer.readHead();
        await peer.readBytes(4);
        await peer.respond(200, {}, 'enough');
        await peer.waitForClose();
      });
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      async function* body() {
        yield 'part';
        await held;
        yield 'rest';
      }
      const request = { method: 'PUT', body: body() };
      const outcome = await attempt(all.pool, all.upstream.url, request, options);
      expect(outcome).toMatchObject({ status: 200, body: 'enough' });
      release();
      await attempt(all.pool, all.upstream.url, {}, options);
      expect(all.upstream.accepted).toBe(2);
    });

    it('streams both ways: an answer that begins early may go on while the upload does', async () => {
      await using all = await scene(async (peer) => {
        await peer.readHead();
        await peer.readBytes(5);
        await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
        await peer.drip('0123456789', 3);
        await peer.waitForClose();
      });
      const body = new EndlessBody(1_024);
      const outcome = await attempt(all.pool, all.upstream.url, { method: 'POST', body }, options);
      expect(outcome).toMatchObject({ status: 200, body: '0123456789' });
      await body.ended;
    });
  });

  describe('an upload that meets a dead end', () => {
    for (const how of ['end', 'reset'] as const)
      it(`is an error when the origin closes (${how}) without an answer, and the body is given up`, async () => {
        await using all = await scene(async (peer) => {
          await peer.readHead();
          await peer.readBytes(1);
          peer[how]();
          await peer.waitForClose();
        });
        const body = new EndlessBody();
        const outcome = await attempt(
          all.pool,
          all.upstream.url,
          { method: 'POST', body },
          options,
        );
        expect(codeOf(outcome)).toBe('HOTARU_CONNECTION_CLOSED');
        await body.ended;
      });

    it('respects backpressure: an origin that does not read is not fed from memory', async () => {
      await using all = await scene((peer) => {
        peer.pauseReading();
        return peer.stall();
      });
      const body = new EndlessBody();
      const outcome = await attempt(
        all.pool,
        all.upstream.url,
        { method: 'POST', body },
        { timeout: 150 },
      );
      expect(codeOf(outcome)).toBe('HOTARU_DEADLINE_EXCEEDED');
      await body.ended;
      expect(body.taken).toBeLessThan(16 * MIB); // what the kernel takes, and a piece or two
    });

    it('is an error when the caller’s body fails, and the connection goes', async () => {
      await using all = await scene(async (peer) => {
        await peer.readHead();
        await peer.waitForClose();
      });
      const failure = new Error('disk gone');
      async function* body() {
        yield 'part';
        await turn();
        throw failure;
      }
      const request = { method: 'POST', body: body() };
      const outcome = await attempt(all.pool, all.upstream.url, request, options);
      expect(outcome).toHaveProperty('error');
      const { error } = outcome as { error: Error };
      expect(error === failure || error.cause === failure).toBe(true);
      await all.upstream.waitForOpen(0);
      expect(await attempt(all.pool, all.upstream.url, {}, options)).toMatchObject({ status: 200 });
    });
  });
});
