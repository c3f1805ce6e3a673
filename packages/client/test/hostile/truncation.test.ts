/**
 * A response that is cut is an error, wherever it is cut and however (docs/rules.md, rule 3: a truncated body is
 * always an error, never a short success; RFC 9112 §8). And one that arrives in pieces is none, wherever
 * the pieces part.
 */
import { ConnectionPool } from '@hotaru/client';
import { cannedResponse, ScriptedUpstream, type ScriptedPeer } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { testCertificates } from '../certificates.js';
import { configOf, PROTOCOLS, startUpstream, type Peer } from '../support/protocols.js';
import {
  answering,
  attempt,
  chunked,
  CLOSED,
  consume,
  HANG_GUARD_MS,
  ok,
  promises,
  thenFin,
  thenReset,
  whole,
  type HostileCase,
  type Misdeed,
} from './support.js';

const RESPONSES: Record<string, string> = {
  'by length': whole('hello', 'X-A: b'),
  chunked: chunked('3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n'),
  'chunked with trailers': chunked('5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n'),
  'after a 100': `HTTP/1.1 100 Continue\r\n\r\n${whole('hello')}`,
};

const CUTS: Record<string, (peer: ScriptedPeer, bytes: string) => Promise<unknown>> = {
  FIN: (peer, bytes) => peer.endAfter(bytes, bytes.length),
  RST: (peer, bytes) => peer.resetAfter(bytes, bytes.length),
};

for (const [framing, response] of Object.entries(RESPONSES))
  for (const [how, cut] of Object.entries(CUTS))
    describe(`a response ${framing}, cut by ${how}`, () => {
      // One origin and one pool for all positions: each cut needs a connection of its own anyway.
      it(`is an error at each of its ${response.length} byte positions`, async () => {
        await using upstream = await ScriptedUpstream.start();
        let position = 0;
        upstream.onConnection(async (peer) => {
          await peer.readRequest();
          await cut(peer, response.slice(0, position));
        });
        const pool = new ConnectionPool();
        for (position = 0; position < response.length; position += 1) {
          const outcome = await attempt(pool, upstream.url, {}, { timeout: HANG_GUARD_MS });
          expect(outcome, `cut after ${position} bytes`).toMatchObject({
            code: 'HOTARU_CONNECTION_CLOSED',
          });
        }
        expect(upstream.accepted).toBe(response.length); // none was tried again: none was reused
        expect(pool.stats()).toMatchObject({ active: 0, idle: 0 });
        pool.close();
      });

      it('is whole when it is cut behind its last byte', async () => {
        await using upstream = await ScriptedUpstream.start();
        upstream.onConnection(async (peer) => {
          await peer.readRequest();
          await cut(peer, response);
        });
        const pool = new ConnectionPool();
        const outcome = await attempt(pool, upstream.url, {}, { timeout: HANG_GUARD_MS });
        expect(outcome).toMatchObject({ status: 200, body: 'hello' });
        pool.close();
      });
    });

describe('a response in pieces', () => {
  for (const [framing, response] of Object.entries(RESPONSES)) {
    it(`${framing} is the same, parted at any byte`, async () => {
      await using upstream = await ScriptedUpstream.start();
      let position = 0;
      upstream.onConnection(async (peer) => {
        for (;;) {
          await peer.readRequest();
          await peer.sendUnsolicited(response.slice(0, position));
          await peer.write(response.slice(position));
        }
      });
      const pool = new ConnectionPool();
      for (position = 0; position <= response.length; position += 1)
        expect(await attempt(pool, upstream.url), `parted after ${position}`).toMatchObject({
          status: 200,
          body: 'hello',
        });
      expect(upstream.accepted).toBe(1);
      pool.close();
    });

    it(`${framing} is the same, byte by byte`, async () => {
      await using upstream = await ScriptedUpstream.start();
      upstream.onConnection(async (peer) => {
        for (;;) {
          await peer.readRequest();
          await peer.drip(response);
        }
      });
      const pool = new ConnectionPool();
      for (let round = 0; round < 2; round += 1)
        expect(await attempt(pool, upstream.url)).toMatchObject({ status: 200, body: 'hello' });
      expect(upstream.accepted).toBe(1);
      pool.close();
    });
  }

  it('over TLS is the same, byte by byte', async () => {
    const { ca, localhost } = await testCertificates();
    await using upstream = await ScriptedUpstream.start({ tls: localhost });
    upstream.onConnection(async (peer) => {
      for (;;) {
        await peer.readRequest();
        await peer.drip(RESPONSES['chunked with trailers'] ?? '');
      }
    });
    const pool = new ConnectionPool();
    for (let round = 0; round < 2; round += 1)
      expect(await attempt(pool, upstream.url, {}, { tls: { ca } })).toMatchObject({
        status: 200,
        body: 'hello',
        trailers: { 'x-sum': '5' },
      });
    expect(upstream.accepted).toBe(1);
    pool.close();
  });

  it('of every size is the same: the boundaries of the reader’s buffers show nowhere', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      for await (const request of peer.incoming()) {
        const size = Number(request.target.slice(1));
        const pieces = Array.from({ length: 9 }, (_, n) => String(n).repeat(size));
        await peer.write(cannedResponse({ body: pieces }));
      }
    });
    const pool = new ConnectionPool();
    for (const size of [1, 15, 16, 17, 255, 4_095, 4_096, 16_383, 16_384, 65_535, 65_536, 65_537]) {
      const outcome = await attempt(pool, upstream.url, { path: `/${size}` });
      const body = Array.from({ length: 9 }, (_, n) => String(n).repeat(size)).join('');
      expect('body' in outcome && outcome.body === body, `chunks of ${size}`).toBe(true);
    }
    expect(upstream.accepted).toBe(1);
    pool.close();
  });
});

promises('a body that ends too early', [
  ...(
    [
      ['by length, nothing of it', ok(['Content-Length: 5'])],
      ['by length, one byte missing', ok(['Content-Length: 5'], 'hell')],
      ['by length, most of it missing', ok(['Content-Length: 1000000'], 'hello')],
      ['chunked, nothing of it', chunked('')],
      ['chunked, in a size', chunked('5')],
      ['chunked, behind a size', chunked('5\r\n')],
      ['chunked, in the data', chunked('5\r\nhel')],
      ['chunked, behind the data', chunked('5\r\nhello')],
      ['chunked, behind a chunk', chunked('5\r\nhello\r\n')],
      ['chunked, in the last chunk', chunked('5\r\nhello\r\n0')],
      ['chunked, behind the last chunk', chunked('5\r\nhello\r\n0\r\n')],
      ['chunked, in the last line end', chunked('5\r\nhello\r\n0\r\n\r')],
      ['chunked, in a trailer', chunked('5\r\nhello\r\n0\r\nX-A: b')],
      ['chunked, behind a trailer', chunked('5\r\nhello\r\n0\r\nX-A: b\r\n')],
      ['of an error status', 'HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nhe'],
      ['of an HTTP/1.0 response', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhe'],
      ['with Connection: close', ok(['Connection: close', 'Content-Length: 5'], 'he')],
    ] as const
  ).flatMap(([what, bytes]): HostileCase[] => [
    { name: `${what}, by FIN: an error`, origin: thenFin(bytes), expect: CLOSED },
    { name: `${what}, by RST: an error`, origin: thenReset(bytes), expect: CLOSED },
  ]),
  {
    name: 'delimited by the close and ended by RST: an error, not the end',
    origin: thenReset(ok([], 'hello')),
    expect: CLOSED,
  },
  {
    name: 'delimited by the close and ended by RST with nothing read: an error',
    origin: thenReset(ok([])),
    expect: CLOSED,
  },
  { name: 'no answer at all, by FIN: an error', origin: thenFin(''), expect: CLOSED },
  { name: 'no answer at all, by RST: an error', origin: thenReset(''), expect: CLOSED },
  {
    name: 'half a head, by FIN: an error',
    origin: thenFin('HTTP/1.1 200 OK\r\nX'),
    expect: CLOSED,
  },
  {
    name: 'a head without its empty line, by FIN: an error',
    origin: thenFin('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n'),
    expect: CLOSED,
  },
]);

describe('TLS and the end of a body', () => {
  const cases: { name: string; bytes: string; end: Misdeed; expect: HostileCase['expect'] }[] = [
    {
      name: 'close_notify ends a body delimited by the close',
      bytes: ok([], 'hello'),
      end: (peer) => peer.end(),
      expect: { body: 'hello', reuse: false },
    },
    {
      name: 'FIN without close_notify behind a body by length: whole',
      bytes: whole('hello'),
      end: (peer) => peer.endWithoutCloseNotify(),
      expect: { body: 'hello', reuse: false },
    },
    {
      name: 'FIN without close_notify behind the last chunk: whole',
      bytes: chunked('5\r\nhello\r\n0\r\n\r\n'),
      end: (peer) => peer.endWithoutCloseNotify(),
      expect: { body: 'hello', reuse: false },
    },
    {
      name: 'FIN without close_notify inside a body by length: an error',
      bytes: ok(['Content-Length: 10'], 'hello'),
      end: (peer) => peer.endWithoutCloseNotify(),
      expect: CLOSED,
    },
    {
      name: 'close_notify inside a body by length: an error',
      bytes: ok(['Content-Length: 10'], 'hello'),
      end: (peer) => peer.end(),
      expect: CLOSED,
    },
    {
      name: 'FIN without close_notify inside a chunked body: an error',
      bytes: chunked('5\r\nhello\r\n'),
      end: (peer) => peer.endWithoutCloseNotify(),
      expect: CLOSED,
    },
    {
      name: 'close_notify inside a chunked body: an error',
      bytes: chunked('5\r\nhello\r\n0\r\n'),
      end: (peer) => peer.end(),
      expect: CLOSED,
    },
    {
      name: 'FIN without close_notify behind a body delimited by the close: an error, for it may be cut (RFC 9112 §9.8)',
      bytes: ok([], 'hello'),
      end: (peer) => peer.endWithoutCloseNotify(),
      expect: CLOSED,
    },
    {
      name: 'FIN without close_notify in the middle of a head: an error',
      bytes: 'HTTP/1.1 200 OK\r\nX',
      end: (peer) => peer.endWithoutCloseNotify(),
      expect: CLOSED,
    },
    {
      name: 'RST inside a body delimited by the close: an error',
      bytes: ok([], 'hello'),
      end: (peer) => peer.resetAfter('', 0),
      expect: CLOSED,
    },
  ];
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const one of cases) it(`${one.name} (${version})`, () => runTls(one, version));
});

async function runTls(
  one: { bytes: string; end: Misdeed; expect: HostileCase['expect'] },
  version: 'TLSv1.2' | 'TLSv1.3',
): Promise<void> {
  const { ca, localhost } = await testCertificates();
  await using upstream = await ScriptedUpstream.start({
    tls: { ...localhost, minVersion: version, maxVersion: version },
  });
  upstream.script([
    async (peer) => {
      const request = await peer.readRequest();
      await peer.write(one.bytes);
      if (typeof one.end === 'function') await one.end(peer, request);
    },
    answering,
  ]);
  const pool = new ConnectionPool();
  const options = { tls: { ca }, timeout: HANG_GUARD_MS };
  const outcome = await attempt(pool, upstream.url, {}, options);
  if ('error' in one.expect) expect(outcome).toMatchObject({ code: one.expect.error });
  else expect(outcome).toMatchObject({ status: 200, body: 'hello' });
  await upstream.waitForOpen(0);
  const next = await attempt(pool, upstream.url, { path: '/own' }, options);
  expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
  expect(upstream.accepted).toBe(2);
  pool.close();
}

describe.each(PROTOCOLS)('every way to read a body that is cut, over %s', (protocol) => {
  const cuts: Record<string, (peer: Peer, bytes: string) => Promise<unknown>> = {
    'by its end': (peer, bytes) => peer.endAfter(bytes, bytes.length),
    'by a reset': (peer, bytes) => peer.resetAfter(bytes, bytes.length),
  };
  const heads: Record<string, string> = {
    'of a known length': ok(['Content-Length: 10', 'Content-Type: text/plain'], '"hell'),
    'of any length': chunked('5\r\n"hell\r\n', 'Content-Type: text/plain'),
  };
  const ways: Record<
    string,
    (response: Awaited<ReturnType<ConnectionPool['sendRequest']>>) => Promise<unknown>
  > = {
    'text()': (response) => response.text(),
    'json()': (response) => response.json(),
    'bytes()': (response) => response.bytes(),
    'a loop': (response) => consume(response.body),
    'a reader': async (response) => {
      const reader = response.body.getReader();
      while (!(await reader.read()).done);
    },
    'a Node stream': (response) => consume(response.readable()),
    'a web Response': (response) => new Response(response.body).text(),
    trailers: async (response) => {
      await response.text();
      await response.trailers;
    },
  };
  for (const [how, read] of Object.entries(ways))
    for (const [cutHow, cut] of Object.entries(cuts))
      for (const [kind, bytes] of Object.entries(heads))
        it(`fails: ${how}, ${kind}, cut ${cutHow}`, async () => {
          await using upstream = await startUpstream(protocol);
          upstream.script([
            async (peer) => {
              await peer.readRequest();
              await cut(peer, bytes);
            },
            answering,
          ]);
          const pool = new ConnectionPool(configOf(protocol));
          const response = await pool.sendRequest(upstream.url, {}, { timeout: HANG_GUARD_MS });
          await expect(read(response)).rejects.toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
          const next = await attempt(pool, upstream.url, { path: '/own' });
          expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
          expect(upstream.accepted).toBe(2);
          expect(pool.stats()).toMatchObject({ active: 0, idle: 1, replays: 0 });
          pool.close();
        });
});
