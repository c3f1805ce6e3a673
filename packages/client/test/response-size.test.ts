/**
 * `maxResponseSize` and `maxBufferedSize` count what the caller gets: the body after its transfer and
 * content codings were undone; as it came where `decompress` is off. What a head announces ends a call
 * early only where it announces that.
 */
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionPool, type ClientResponse, type SendOptions } from '@hotaru/client';
import { chunkedBody } from '@hotaru/client/testing';
import { rejection } from './support/waiting.js';
import { configOf, PROTOCOLS, startUpstream, type Upstream } from './support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  /** Noise, which gzip makes longer: 1 000 bytes become more. */
  const NOISE = Buffer.from(Array.from({ length: 1_000 }, (_, i) => (i * i * 31 + i * 7) % 251));
  const NOISE_PACKED = gzipSync(NOISE, { level: 0 });
  const TEXT = Buffer.alloc(1_000, 'x');
  const TEXT_PACKED = gzipSync(TEXT);
  const TOO_LARGE = { code: 'HOTARU_RESPONSE_TOO_LARGE' };

  let upstream: Upstream;
  let pool: ConnectionPool;

  beforeEach(async () => {
    upstream = await startUpstream(protocol);
    pool = new ConnectionPool(configOf(protocol));
  });
  afterEach(async () => {
    pool.close();
    await upstream.close();
  });

  interface Shape {
    readonly fields: string;
    readonly wire: Buffer;
  }

  function answer({ fields, wire }: Shape): void {
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.write(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`), wire]));
      peer.end();
    });
  }

  const announced = (wire: Buffer, more = ''): Shape => ({
    fields: `${more}Content-Length: ${wire.length}\r\n`,
    wire,
  });
  const chunked = (wire: Buffer, more = ''): Shape => ({
    fields: `${more}Transfer-Encoding: chunked\r\n`,
    wire: chunkedBody(
      [wire.subarray(0, 300), wire.subarray(300)].filter((part) => part.length > 0),
    ),
  });
  const GZIP = 'Content-Encoding: gzip\r\n';

  const SHAPES: [string, Shape][] = [
    ['of an announced length', announced(TEXT)],
    ['in chunks', chunked(TEXT)],
    ['that ends with its connection', { fields: '', wire: TEXT }],
    ['in gzip, smaller on the wire, announced', announced(TEXT_PACKED, GZIP)],
    ['in gzip, smaller on the wire, in chunks', chunked(TEXT_PACKED, GZIP)],
    ['in gzip, larger on the wire, announced', announced(NOISE_PACKED, GZIP)],
    ['in gzip, larger on the wire, in chunks', chunked(NOISE_PACKED, GZIP)],
    [
      'in chunks, beside a Content-Length that is ignored',
      chunked(TEXT, 'Content-Length: 9999\r\n'),
    ],
  ];
  const READS: [string, (res: ClientResponse) => Promise<number>][] = [
    ['bytes()', async (res) => (await res.bytes()).length],
    ['text()', async (res) => Buffer.byteLength(await res.text(), 'latin1')],
    [
      'a loop',
      async (res) => {
        let bytes = 0;
        for await (const piece of res.body) bytes += piece.length;
        return bytes;
      },
    ],
  ];

  const send = (options: SendOptions) => pool.sendRequest(upstream.url, {}, options);

  describe('maxResponseSize', () => {
    it('is about bodies that gzip makes longer, too', () => {
      expect(NOISE_PACKED.length).toBeGreaterThan(NOISE.length);
    });

    describe.each(SHAPES)('of a body of 1000 bytes %s', (_shape, shape) => {
      it.each(READS.filter(([how]) => how !== 'text()'))(
        'lets 1000 pass to %s',
        async (_how, read) => {
          answer(shape);
          expect(await read(await send({ maxResponseSize: 1_000 }))).toBe(1_000);
        },
      );

      it.each(READS)('refuses 999 to %s', async (_how, read) => {
        answer(shape);
        expect(await rejection(send({ maxResponseSize: 999 }).then(read))).toMatchObject(TOO_LARGE);
      });
    });

    it('ends the call with the head when it announces more', async () => {
      answer(announced(TEXT));
      expect(await rejection(send({ maxResponseSize: 999 }))).toMatchObject(TOO_LARGE);
    });

    it('counts bytes as they came where decompress is off', async () => {
      answer(announced(NOISE_PACKED, GZIP));
      const { length } = NOISE_PACKED;
      const exact = await send({ decompress: false, maxResponseSize: length });
      expect(await exact.bytes()).toEqual(NOISE_PACKED);
      const less = send({ decompress: false, maxResponseSize: length - 1 });
      expect(await rejection(less)).toMatchObject(TOO_LARGE);
    });

    it('leaves answers without a body alone, whatever length they announce', async () => {
      answer({ fields: 'Content-Length: 5000\r\n', wire: Buffer.alloc(0) });
      const res = await pool.sendRequest(upstream.url, { method: 'HEAD' }, { maxResponseSize: 10 });
      expect(await res.text()).toBe('');
    });
  });

  describe.each(SHAPES)('maxBufferedSize of a body of 1000 bytes %s', (_shape, shape) => {
    it('is what may be collected, and no limit to a loop', async () => {
      for (const [maxBufferedSize, how, outcome] of [
        [1_000, 0, 1_000],
        [999, 0, 'HOTARU_RESPONSE_TOO_LARGE'],
        [999, 2, 1_000],
      ] as const) {
        pool.close();
        pool = new ConnectionPool(configOf(protocol, { maxBufferedSize }));
        answer(shape);
        const read = READS[how]?.[1] ?? (() => Promise.resolve(0));
        const result = await send({})
          .then(read)
          .catch((error: unknown) => (error as { code: string }).code);
        expect(result).toBe(outcome);
      }
    });
  });
});
