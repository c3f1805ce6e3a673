/**
 * An upload is on the clock only while the peer holds it up (pool.md, abort and "Facts measured"): never for
 * the time the connection took, never while the peer takes bytes, never while the caller's own body thinks.
 * Time is virtual, sockets are real, over TCP and over TLS.
 */
import { ConnectionPool, type PoolConfigInput, type SendOptions } from '@hotaru/client';
import { turn, VirtualClock } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { testCertificates } from '../certificates.js';
import { HandFed } from '../support/hand-fed.js';
import { until } from '../support/waiting.js';
import { answering, attempt, codeOf } from './support.js';
import { configOf, pass, PROTOCOLS, startUpstream, type Peer } from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const MIB = 1_048_576;
  const LONG_MS = 60_000;

  async function scene(
    transport: 'tcp' | 'tls',
    script: (peer: Peer) => unknown,
    config: PoolConfigInput = {},
  ) {
    const clock = new VirtualClock();
    const certificates = transport === 'tls' ? await testCertificates() : undefined;
    const upstream = await startUpstream(
      protocol,
      certificates === undefined ? {} : { tls: certificates.localhost },
    );
    upstream.onConnection(script);
    const pool = new ConnectionPool(configOf(protocol, config), { clock });
    const tls: SendOptions = certificates === undefined ? {} : { tls: { ca: certificates.ca } };
    return {
      clock,
      upstream,
      pool,
      send: (body: HandFed | Uint8Array | string, options: SendOptions = {}) =>
        attempt(pool, upstream.url, { method: 'POST', body }, { ...tls, ...options }),
      get: () => attempt(pool, upstream.url, { path: '/own' }, tls),
      [Symbol.asyncDispose]: async () => {
        pool.close();
        await upstream.close();
      },
    };
  }

  for (const transport of ['tcp', 'tls'] as const)
    describe(`over ${transport}`, () => {
      it('the clocks of the wait for a connection end when it is there', async () => {
        await using all = await scene(transport, answering, { acquireTimeout: 1_000 });
        const body = new HandFed();
        const sent = all.send(body, { connectTimeout: 500 });
        await until(() => body.asked === 1, 'the upload began on a fresh connection');
        await pass(all.clock, LONG_MS, all.upstream);
        body.give('slow');
        body.end();
        expect(await sent).toMatchObject({ status: 200 });
      });

      it('the same on a connection that was waited for', async () => {
        let answerFirst: () => void = () => undefined;
        const mayAnswer = new Promise<void>((resolve) => {
          answerFirst = resolve;
        });
        await using all = await scene(
          transport,
          async (peer) => {
            await peer.readRequest();
            await mayAnswer;
            await peer.respond(200, {}, 'first');
            await answering(peer);
          },
          { acquireTimeout: 1_000, maxPerHost: 1 },
        );
        const first = all.get();
        await all.upstream.waitForRequests(1);
        const body = new HandFed();
        const second = all.send(body);
        answerFirst();
        expect(await first).toMatchObject({ body: 'first' });
        await until(() => body.asked === 1, 'the upload began');
        await pass(all.clock, LONG_MS, all.upstream);
        body.end();
        expect(await second).toMatchObject({ status: 200 });
        expect(all.upstream.accepted).toBe(1);
      });

      const bodies: [string, () => Uint8Array | string | HandFed][] = [
        ['one large buffer', () => Buffer.alloc(32 * MIB, 'x')],
        ['one large text', () => 'é'.repeat(16 * MIB)],
        [
          'a stream of one large piece',
          () => {
            const body = new HandFed();
            body.give(Buffer.alloc(32 * MIB, 'x'));
            body.end();
            return body;
          },
        ],
      ];
      for (const [what, make] of bodies) {
        it(`${what} that is taken slowly but steadily is sent to its end`, async () => {
          await using all = await scene(transport, (peer) => {
            peer.pauseReading();
            return peer.stall();
          });
          let isOver = false;
          const sent = all.send(make(), { bodyTimeout: 1_000 }).finally(() => {
            isOver = true;
          });
          const peer = await all.upstream.connection(0);
          const takes = async (bytes: number): Promise<void> => {
            peer.resumeReading();
            await peer.readBytes(bytes);
            peer.pauseReading();
            await turn(); // the client sees that there is room, and fills it
            await turn();
          };
          peer.resumeReading();
          await peer.readHead();
          // In all far longer than bodyTimeout, and never as long without progress.
          for (let step = 0; step < 6; step += 1) {
            await takes(4 * MIB);
            all.clock.advance(700);
            expect(isOver).toBe(false);
          }
          await takes(8 * MIB);
          peer.resumeReading();
          await peer.respond(200, {}, 'all of it');
          expect(await sent).toMatchObject({ status: 200, body: 'all of it' });
          expect(all.pool.stats()).toMatchObject({ active: 0, timeouts: 0 });
        });

        it(`${what} that is no longer taken ends with bodyTimeout`, async () => {
          await using all = await scene(transport, (peer) => {
            peer.pauseReading();
            return peer.stall();
          });
          const sent = all.send(make(), { bodyTimeout: 1_000 });
          await all.upstream.connection(0);
          let bytesSent = -1;
          await until(() => {
            const before = bytesSent;
            bytesSent = all.pool.stats().bytesSent;
            return bytesSent > 0 && bytesSent === before;
          }, 'the socket is full');
          all.clock.advance(999);
          await turn();
          expect(all.pool.stats()).toMatchObject({ active: 1 });
          all.clock.advance(1);
          const outcome = await sent;
          expect(codeOf(outcome)).toBe('HOTARU_BODY_TIMEOUT');
          expect(outcome).toMatchObject({ error: { phase: 'send' } });
        });
      }

      it('a small streamed body is known to be out: its connection is used again', async () => {
        await using all = await scene(transport, answering);
        for (let call = 0; call < 3; call += 1) {
          const body = new HandFed();
          body.give('a', 'small', 'body');
          body.end();
          expect(await all.send(body)).toMatchObject({ status: 200 });
        }
        expect(all.upstream.requests.map((request) => request.text())).toEqual(
          Array<string>(3).fill('asmallbody'),
        );
        expect(all.upstream.accepted).toBe(1);
      });

      for (const kilobytes of [10, 20, 40, 64, 65, 200])
        it(`a body of ${kilobytes} KiB is known to be out: its connection is used again`, async () => {
          await using all = await scene(transport, answering);
          const bytes = Buffer.alloc(kilobytes * 1_024, 'x');
          for (const body of [bytes, bytes.toString(), bytes]) {
            expect(await all.send(body)).toMatchObject({ status: 200 });
            const stream = new HandFed();
            stream.give(body);
            stream.end();
            expect(await all.send(stream)).toMatchObject({ status: 200 });
          }
          expect(all.upstream.requests.map((request) => request.body.length)).toEqual(
            Array<number>(6).fill(bytes.length),
          );
          expect(all.upstream.accepted).toBe(1);
        });

      it('after a small streamed body headersTimeout runs, and bodyTimeout does not', async () => {
        await using all = await scene(transport, (peer) => peer.stall());
        const body = new HandFed();
        body.give('a', 'small', 'body');
        body.end();
        const sent = all.send(body, { bodyTimeout: 100, headersTimeout: 1_000 });
        const peer = await all.upstream.connection(0);
        await peer.readRequest();
        await turn();
        all.clock.advance(999);
        await turn();
        expect(all.pool.stats()).toMatchObject({ active: 1, timeouts: 0 });
        all.clock.advance(1);
        expect(codeOf(await sent)).toBe('HOTARU_HEADERS_TIMEOUT');
      });
    });
});
