/**
 * Decompression (docs/rules.md, rule 15; RFC 9110 §8.4): what is cut, damaged or a bomb is an error, never
 * a short or an endless success.
 */
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { ConnectionPool, type SendOptions } from '@hotaru/client';
import { describe, expect, it, vi } from 'vitest';
import { answering, attempt, codeOf, HANG_GUARD_MS } from './support.js';
import { configOf, PROTOCOLS, startUpstream } from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const DECOMPRESS: SendOptions = { decompress: true, timeout: HANG_GUARD_MS };
  const MIB = 1_048_576;

  const TEXT = 'hello hello hello, and something that is not quite so regular: 8f3a61';
  /** The best of brotli takes seconds for a bomb. */
  const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } };
  const CODINGS: Record<string, (data: Uint8Array) => Buffer> = {
    gzip: (data) => gzipSync(data),
    'x-gzip': (data) => gzipSync(data),
    GZIP: (data) => gzipSync(data),
    deflate: (data) => deflateSync(data),
    br: (data) => brotliCompressSync(data, FAST),
  };

  /** One response with this coding and body, then answers; resolves with the outcome and the origin. */
  async function decoded(
    coding: string | undefined,
    body: Uint8Array,
    options: SendOptions = DECOMPRESS,
    how: 'length' | 'chunked' = 'length',
    request: { method?: string } = {},
  ) {
    await using upstream = await startUpstream(protocol);
    const headers = coding === undefined ? {} : { 'content-encoding': coding };
    upstream.script([
      async (peer) => {
        await peer.readRequest();
        await peer.reply({
          headers,
          body: how === 'chunked' ? [body.subarray(0, 10), body.subarray(10)] : body,
          ...(request.method === undefined ? {} : { method: request.method }),
        });
        await answering(peer);
      },
      answering,
    ]);
    const pool = new ConnectionPool(configOf(protocol));
    const outcome = await attempt(pool, upstream.url, request, options);
    const next = await attempt(pool, upstream.url, { path: '/own' }, { timeout: HANG_GUARD_MS });
    expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
    pool.close();
    return { outcome, accepted: upstream.accepted, first: upstream.requests[0]! };
  }

  describe('a compressed body', () => {
    for (const [coding, compress] of Object.entries(CODINGS))
      for (const how of ['length', 'chunked'] as const)
        it(`in ${coding}, ${how}, is unpacked, and its connection is reused`, async () => {
          const { outcome, accepted } = await decoded(
            coding,
            compress(Buffer.from(TEXT)),
            DECOMPRESS,
            how,
          );
          expect(outcome).toMatchObject({ status: 200, body: TEXT });
          expect(accepted).toBe(1);
        });

    it('in raw deflate, which some servers send by that name, is unpacked or refused', async () => {
      const { outcome } = await decoded('deflate', deflateRawSync(TEXT));
      if ('error' in outcome) expect(codeOf(outcome)).toBe('HOTARU_DECODE_FAILED');
      else expect(outcome.body).toBe(TEXT);
    });

    it('in two codings is unpacked in their order, or handed out, or refused: never half', async () => {
      const twice = brotliCompressSync(gzipSync(TEXT));
      const { outcome } = await decoded('gzip, br', twice);
      if ('error' in outcome) expect(codeOf(outcome)).toBe('HOTARU_DECODE_FAILED');
      else expect([TEXT, twice.toString('latin1')]).toContain(outcome.body);
    });

    it.each(['identity', 'x-unknown', undefined])(
      'in %s is handed out as it is',
      async (coding) => {
        const { outcome } = await decoded(coding, Buffer.from(TEXT));
        expect(outcome).toMatchObject({ body: TEXT });
      },
    );

    it('is asked for with Accept-Encoding, unless the caller asked for something', async () => {
      const { first } = await decoded(undefined, Buffer.from(TEXT));
      expect(first.headers['accept-encoding']).toMatch(/gzip/);
    });

    it('is left as it is without the option', async () => {
      const packed = gzipSync(TEXT);
      const { outcome } = await decoded('gzip', packed, {
        decompress: false,
        timeout: HANG_GUARD_MS,
      });
      expect(outcome).toMatchObject({ body: packed.toString('latin1') });
    });

    for (const [coding, compress] of Object.entries(CODINGS)) {
      const packed = compress(Buffer.from(TEXT));
      it(`in ${coding} that is cut, though its framing is whole, is an error at every position`, async () => {
        for (let length = 1; length < packed.length; length += 5) {
          const { outcome } = await decoded(coding, packed.subarray(0, length));
          expect(codeOf(outcome), `cut after ${length} of ${packed.length}`).toBe(
            'HOTARU_DECODE_FAILED',
          );
        }
      });

      it(`in ${coding} that is damaged is an error`, async () => {
        const damaged = Buffer.from(packed);
        damaged.fill(0xff, 2, 12);
        const { outcome } = await decoded(coding, damaged);
        expect(codeOf(outcome)).toBe('HOTARU_DECODE_FAILED');
      });

      it(`in ${coding} that is no such thing is an error`, async () => {
        const { outcome } = await decoded(coding, Buffer.from('plain text, after all'));
        expect(codeOf(outcome)).toBe('HOTARU_DECODE_FAILED');
      });

      it(`in ${coding} that is a bomb ends at maxResponseSize, decoded`, async () => {
        const bomb = compress(Buffer.alloc(64 * MIB));
        const options = { ...DECOMPRESS, maxResponseSize: MIB };
        const { outcome } = await decoded(coding, bomb, options);
        expect(codeOf(outcome)).toBe('HOTARU_RESPONSE_TOO_LARGE');
      });
    }

    it('with bytes behind its end is an error, or they are not part of it', async () => {
      const packed = Buffer.concat([gzipSync(TEXT), Buffer.from('trailing garbage')]);
      const { outcome } = await decoded('gzip', packed);
      if ('error' in outcome) expect(codeOf(outcome)).toBe('HOTARU_DECODE_FAILED');
      else expect(outcome.body).toBe(TEXT);
    });

    it('of two gzip members is both (RFC 1952 §2.2)', async () => {
      const { outcome } = await decoded(
        'gzip',
        Buffer.concat([gzipSync('hello '), gzipSync('world')]),
      );
      expect(outcome).toMatchObject({ body: 'hello world' });
    });

    it('that is empty is empty', async () => {
      const { outcome } = await decoded('gzip', gzipSync(''));
      expect(outcome).toMatchObject({ body: '' });
    });

    it('of a HEAD is not waited for', async () => {
      const { outcome } = await decoded('gzip', gzipSync(TEXT), DECOMPRESS, 'length', {
        method: 'HEAD',
      });
      expect(outcome).toMatchObject({ status: 200, body: '' });
    });

    it('of no byte at all is empty, or an error: it does not hang', async () => {
      const { outcome } = await decoded('gzip', Buffer.alloc(0));
      if ('error' in outcome) expect(codeOf(outcome)).toBe('HOTARU_DECODE_FAILED');
      else expect(outcome.body).toBe('');
    });

    it('that is cut by the connection is an error of the connection', async () => {
      await using upstream = await startUpstream(protocol);
      const packed = gzipSync(TEXT);
      upstream.onConnection(async (peer) => {
        await peer.readRequest();
        await peer.write(
          `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
        );
        await peer.endAfter(packed, 20);
      });
      const pool = new ConnectionPool(configOf(protocol));
      const outcome = await attempt(pool, upstream.url, {}, DECOMPRESS);
      expect(codeOf(outcome)).toMatch(/CONNECTION_CLOSED|DECODE_FAILED/);
      pool.close();
    });
  });

  it('zeros that follow a packed body without end do not hold its connection', async () => {
    await using upstream = await startUpstream(protocol);
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      const packed = gzipSync(TEXT);
      await peer.write(
        'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      await peer.write(
        Buffer.concat([
          Buffer.from(`${packed.length.toString(16)}\r\n`),
          packed,
          Buffer.from('\r\n'),
        ]),
      );
      for (let i = 0; i < 500; i += 1) {
        await peer.write('1\r\n\0\r\n');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    const pool = new ConnectionPool(configOf(protocol));
    const res = await pool.sendRequest(upstream.url);
    expect(await res.text()).toBe(TEXT);
    await vi.waitFor(() => expect(pool.stats().active).toBe(0), 2_000);
    pool.close();
  });
});
