/**
 * Dials to peers that do not speak what was agreed on: each is a failed dial with the reason in words, nothing of a call
 * is written, its place is free again, and the next call gets a connection of its own. Real sockets, own bytes.
 */
import { ConnectError, ConnectionPool, type HotaruClientError } from '@hotaru/client';
import { ScriptedUpstream, VirtualClock } from '@hotaru/client/testing';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testCertificates, type TestCertificates } from './certificates.js';
import {
  frame,
  FRAME,
  goaway,
  headers,
  ping,
  SETTING,
  settings,
  settingsAck,
} from './support/h2/frames.js';
import { answering, H2Origin, type H2Plan } from './support/h2/origin.js';
import { rejection, until } from './support/waiting.js';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await testCertificates();
});

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

type Over = 'TLS' | 'TCP';

/** An origin that speaks HTTP/2 from its second connection on, and a pool that calls it. */
async function scene(over: Over, first: H2Plan, clock?: VirtualClock) {
  const origin = await H2Origin.start(over === 'TLS' ? { tls: certificates.localhost } : {});
  origin.script([first, answering('well')]);
  const pool = new ConnectionPool(
    {
      http2: over === 'TLS' ? true : 'prior-knowledge',
      hosts: { localhost: { tls: { ca: certificates.ca } } },
    },
    clock === undefined ? {} : { clock },
  );
  endings.push(
    () => origin.close(),
    () => pool.close(),
  );
  const url = `http${over === 'TLS' ? 's' : ''}://localhost:${origin.port}`;
  return { origin, pool, call: () => pool.sendRequest(url, { method: 'POST', body: 'x' }) };
}

async function failsOnce(
  { origin, pool, call }: Awaited<ReturnType<typeof scene>>,
  sent: Promise<unknown>,
): Promise<HotaruClientError> {
  const error = (await rejection(sent)) as HotaruClientError;
  expect(error).toBeInstanceOf(ConnectError);
  expect(error).toMatchObject({ phase: 'connect', bytesSent: 0, retrySafe: true });
  expect(pool.stats()).toMatchObject({ active: 0, idle: 0, connecting: 0, waiting: 0, failed: 1 });
  expect(origin.requests).toHaveLength(0);
  const response = await call();
  expect([response.status, await response.text()]).toEqual([200, 'well']);
  expect(response.connection).toMatchObject({ protocol: 'h2', reused: false });
  expect(origin.accepted).toBe(2);
  return error;
}

/** Says this, and no more: nor that it has read our SETTINGS. */
const saying = (...greeting: Uint8Array[]): H2Plan => ({
  greeting,
  run: (peer) => {
    peer.manners.isStrict = false;
    peer.manners.acknowledgesSettings = false;
  },
});
const text = (words: string): H2Plan => saying(Buffer.from(words, 'latin1'));

const HTTP1_ANSWER = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n';

describe.each<Over>(['TLS', 'TCP'])('HTTP/2 agreed on over %s, and the peer', (over) => {
  it('speaks HTTP/1.1', async () => {
    const it = await scene(over, text(HTTP1_ANSWER));
    const error = await failsOnce(it, it.call());
    expect(error.code).toBe('HOTARU_CONNECT_FAILED');
    expect(error.message).toContain(
      over === 'TLS'
        ? 'the peer chose h2 by ALPN, and speaks HTTP/1.1 all the same (it sent "HTTP/1.1 400 Bad Request'
        : 'this port speaks HTTP/1.1, not HTTP/2 (it sent "HTTP/1.1 400 Bad Request',
    );
    expect(error.message).toContain(over === 'TLS' ? 'set http2 to false' : 'prior-knowledge');
  });

  it.each<[string, H2Plan, string]>([
    ['sends garbage', text('\x00\xff'.repeat(64)), 'SETTINGS'],
    ['speaks SSH', text('SSH-2.0-OpenSSH_9.6\r\n'), 'SSH'],
    ['speaks TLS', saying(Buffer.from('15030100020246', 'hex'), Buffer.alloc(16)), 'TLS'],
    ['begins with GOAWAY', saying(goaway(0, 0)), 'SETTINGS'],
    ['begins with PING', saying(ping()), 'SETTINGS'],
    ['begins with a head', saying(headers(1, [[':status', '200']])), 'SETTINGS'],
    ['begins with the acknowledgement of ours', saying(settingsAck()), 'SETTINGS'],
    ['says SETTINGS on a stream', saying(frame(FRAME.settings, 0, 1)), 'SETTINGS'],
    [
      'says SETTINGS of a wrong length',
      saying(frame(FRAME.settings, 0, 0, Buffer.alloc(5))),
      'SETTINGS',
    ],
    [
      'says a window that is too large',
      saying(settings([SETTING.initialWindowSize, 0x8000_0000])),
      'WINDOW',
    ],
    [
      'says a frame size that is too small',
      saying(settings([SETTING.maxFrameSize, 1])),
      'FRAME_SIZE',
    ],
    ['says that it pushes', saying(settings([SETTING.enablePush, 2])), 'PUSH'],
  ])('%s', async (_what, plan, words) => {
    const it = await scene(over, plan);
    const error = await failsOnce(it, it.call());
    expect(error.code).toBe('HOTARU_CONNECT_FAILED');
    expect(error.message.toUpperCase().replaceAll(' ', '_')).toContain(words);
  });

  it.each<[string, H2Plan, RegExp]>([
    [
      'ends the connection',
      { greeting: [], run: (peer) => peer.socket.end() },
      /closed the connection before its SETTINGS/,
    ],
    [
      'resets it',
      { greeting: [], run: (peer) => peer.socket.reset() },
      /before its SETTINGS|reset|closed/,
    ],
    [
      'ends it in the middle of its SETTINGS',
      {
        greeting: [settings([SETTING.maxConcurrentStreams, 1]).subarray(0, 11)],
        run: (peer) => peer.socket.end(),
      },
      /before its SETTINGS/,
    ],
  ])('%s', async (_what, plan, words) => {
    const it = await scene(over, plan);
    const error = await failsOnce(it, it.call());
    expect(error.code).toBe('HOTARU_CONNECT_FAILED');
    expect(error.message).toMatch(words);
  });

  it('says nothing: after connectTimeout the error says what has not come', async () => {
    const clock = new VirtualClock();
    const it = await scene(over, saying(), clock);
    it.pool.reconfigure({ connectTimeout: 5_000, acquireTimeout: 60_000, maxDialing: 1 });
    const sent = it.call();
    sent.catch(() => undefined);
    // The client's preface has come: only the server's is missing.
    await until(
      () => (it.origin.connections[0]?.socket.bytesReceived ?? 0) > 24,
      'the preface comes',
    );
    clock.advance(5_000);
    const error = await failsOnce(it, sent);
    expect(error.code).toBe('HOTARU_CONNECT_TIMEOUT');
    expect(error.message).toMatch(/SETTINGS of HTTP\/2 (came|have come)/);
  });

  it('says SETTINGS and leaves at once: the call is sent again on another connection', async () => {
    const { origin, pool, call } = await scene(over, saying(settings(), goaway(0, 0)));
    const response = await call();
    expect([response.status, await response.text()]).toEqual([200, 'well']);
    expect(origin.accepted).toBe(2);
    expect(origin.requests).toHaveLength(1);
    expect(pool.stats()).toMatchObject({ active: 0, idle: 1, failed: 0 });
  });
});

describe('ALPN', () => {
  const secure = async (ALPNProtocols: string[] | undefined, answer: string | Uint8Array) => {
    const upstream = await ScriptedUpstream.start({
      tls: { ...certificates.localhost, ...(ALPNProtocols !== undefined && { ALPNProtocols }) },
    });
    const heard: string[] = [];
    upstream.onConnection(async (peer) => {
      heard.push(String(peer.tls?.alpnProtocol));
      await peer.readRequest();
      await peer.write(answer);
    });
    const pool = new ConnectionPool({ hosts: { localhost: { tls: { ca: certificates.ca } } } });
    endings.push(
      () => upstream.close(),
      () => pool.close(),
    );
    const url = `https://localhost:${upstream.port}`;
    return { upstream, pool, url, heard };
  };
  const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

  it('that the peer does not know leads to HTTP/1.1, if that was offered', async () => {
    const { pool, url, heard } = await secure(undefined, OK);
    const response = await pool.sendRequest(url);
    expect(response.connection.protocol).toBe('http/1.1');
    expect(await response.text()).toBe('ok');
    expect(heard).toEqual(['false']);
  });

  it('that the peer does not know, when only h2 was offered, is an error that says so', async () => {
    const { pool, url, upstream } = await secure(undefined, OK);
    const error = await rejection(pool.sendRequest(url, {}, { tls: { alpn: ['h2'] } }));
    expect(error).toMatchObject({ code: 'HOTARU_TLS_FAILED', phase: 'tls', bytesSent: 0 });
    expect((error as Error).message).toContain(
      'the peer chose no protocol by ALPN, so it speaks HTTP/1.1 at best, and only h2 was offered: add "http/1.1" to tls.alpn',
    );
    expect(pool.stats()).toMatchObject({ active: 0, connecting: 0, failed: 1 });
    expect(await (await pool.sendRequest(url)).text()).toBe('ok');
    expect(upstream.accepted).toBe(2);
  });

  it('that settles on http/1.1, by a peer that answers in frames, is an error of that call alone', async () => {
    const { pool, url, upstream } = await secure(['http/1.1'], settings());
    const error = await rejection(pool.sendRequest(url));
    expect(error).toMatchObject({ code: 'HOTARU_PROTOCOL_ERROR' });
    expect((error as Error).message).toContain(
      'the peer speaks HTTP/2 where HTTP/1.1 was agreed on',
    );
    expect(pool.stats()).toMatchObject({ active: 0, idle: 0 });
    upstream.respondAlways({ body: 'again' });
    expect(await (await pool.sendRequest(url)).text()).toBe('again');
  });

  it.each<[string, object, string]>([
    ['alpn', { tls: { alpn: ['http/1.1'] } }, 'http/1.1'],
    ['alpn: []', { tls: { alpn: [] } }, 'false'],
  ])('is narrowed by %s of a call', async (_what, options, chosen) => {
    const { pool, url, heard } = await secure(['h2', 'http/1.1'], OK);
    const response = await pool.sendRequest(url, {}, options);
    expect([await response.text(), response.connection.protocol]).toEqual(['ok', 'http/1.1']);
    expect(heard).toEqual([chosen]);
  });

  it('is narrowed by http2: false, of the pool or of a host', async () => {
    const { pool, url, heard } = await secure(['h2', 'http/1.1'], OK);
    pool.reconfigure({ hosts: { localhost: { http2: false } } });
    expect(await (await pool.sendRequest(url)).text()).toBe('ok');
    expect(heard).toEqual(['http/1.1']);
    const error = await rejection(pool.sendRequest(url, {}, { tls: { alpn: ['h2'] } }));
    expect(error).toMatchObject({ code: 'HOTARU_INVALID_REQUEST' });
    expect((error as Error).message).toContain('the setting http2 is false');
  });
});

it('prior knowledge is of plain TCP: over TLS the peer chooses', async () => {
  const upstream = await ScriptedUpstream.start({
    tls: { ...certificates.localhost, ALPNProtocols: ['http/1.1'] },
  });
  upstream.respondAlways({ body: 'one' });
  const { ca } = certificates;
  const pool = new ConnectionPool({
    http2: 'prior-knowledge',
    hosts: { localhost: { tls: { ca } } },
  });
  const response = await pool.sendRequest(`https://localhost:${upstream.port}`);
  expect([response.connection.protocol, await response.text()]).toEqual(['http/1.1', 'one']);
  pool.close();
  await upstream.close();
});
