/** The peer speaks something else, or demands what was not given: the error says so. Real sockets. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { ConnectionPool, type HotaruClientError } from '@hotaru/client';
import { ScriptedUpstream, type ScriptedPeer } from '@hotaru/client/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { testCertificates } from './certificates.js';
import { rejection } from './support/waiting.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

function newPool(): ConnectionPool {
  const pool = new ConnectionPool();
  endings.push(() => pool.close());
  return pool;
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function upstreamOf(serve: (peer: ScriptedPeer) => unknown): Promise<string> {
  const upstream = await ScriptedUpstream.start();
  upstream.onConnection(async (peer) => {
    await peer.readRequest();
    await serve(peer);
  });
  endings.push(() => upstream.close());
  return upstream.url;
}

const failureOf = async (promise: Promise<unknown>): Promise<HotaruClientError> =>
  (await rejection(promise)) as HotaruClientError;

describe('a server that demands a client certificate', () => {
  const demanding = async (): Promise<{ port: number; ca: string }> => {
    const { localhost, ca } = await testCertificates();
    const given = { ...localhost, ca, requestCert: true, minVersion: 'TLSv1.3' } as const;
    return { ca, port: await portOf(createServer(given, (_req, res) => res.end('x'))) };
  };
  const WORDS =
    'the peer demands a client certificate: give tls.cert and tls.key (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)';

  it('says so over TLS 1.3 too, where its alert comes after the handshake', async () => {
    const { port, ca } = await demanding();
    for (const body of [undefined, 'x', 'x'.repeat(200_000)]) {
      const request = body === undefined ? {} : { method: 'POST', body };
      const error = await failureOf(
        newPool().sendRequest(`https://localhost:${port}`, request, { tls: { ca } }),
      );
      expect(error.code).toBe('HOTARU_CONNECTION_CLOSED');
      expect(error.message).toContain(`: ${WORDS}`);
      expect(error.cause).toMatchObject({ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
    }
  });

  it('says so to the reader of a lease: it is no end of what was to come', async () => {
    const { port } = await demanding();
    const lease = await newPool().acquireTls('localhost', port, { verifyCert: false });
    const error = await failureOf(lease.read());
    expect(error.code).toBe('HOTARU_CONNECTION_CLOSED');
    expect(error.message).toContain(WORDS);
    lease.discard();
  });
});

describe('a wrong scheme', () => {
  it('http:// to a port that speaks TLS, and ends such a connection', async () => {
    const { localhost } = await testCertificates();
    const port = await portOf(createServer(localhost, (_req, res) => res.end('x')));
    const error = await failureOf(newPool().sendRequest(`http://127.0.0.1:${port}`));
    expect(error.code).toBe('HOTARU_CONNECTION_CLOSED');
    expect(error.message).toMatch(
      /: the peer closed the connection before it answered; if this port speaks TLS, use https:\/\/$/,
    );
  });

  it('http:// to a port that answers with an alert of TLS', async () => {
    const url = await upstreamOf((peer) => peer.write(Buffer.from('15030100020246', 'hex')));
    const error = await failureOf(newPool().sendRequest(url));
    expect(error.code).toBe('HOTARU_PROTOCOL_ERROR');
    expect(error.message).toContain(
      String.raw`it sent "\x15\x03\x01\x00\x02\x02F"; the peer speaks TLS: use https://)`,
    );
  });

  it('is no matter on a connection that has served a request', async () => {
    const url = await upstreamOf(async (peer) => {
      await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      await peer.readRequest();
      peer.end();
    });
    const pool = newPool();
    await (await pool.sendRequest(url)).text();
    const error = await failureOf(pool.sendRequest(url, { method: 'POST', body: 'x' }));
    expect(error.message).toMatch(/the peer closed the connection before it answered$/);
  });
});

describe('an HTTP/1.1 call to a port that speaks HTTP/2 alone', () => {
  const SETTINGS = Buffer.from('000000040000000000', 'hex');
  const WORDS =
    "the peer speaks HTTP/2 where HTTP/1.1 was agreed on: over plain TCP set http2: 'prior-knowledge'";

  it('is told what to set, whether the peer speaks first …', async () => {
    const upstream = await ScriptedUpstream.start();
    upstream.onConnection((peer) => peer.write(SETTINGS));
    endings.push(() => upstream.close());
    const pool = newPool();
    const error = await failureOf(pool.sendRequest(upstream.url, { method: 'POST', body: 'x' }));
    expect(error.message).toContain(WORDS);
    expect(error).toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED', bytesSent: 0 });
    expect(pool.stats()).toMatchObject({ active: 0, idle: 0, connecting: 0, poisoned: 1 });
  });

  it('… or answers', async () => {
    const error = await failureOf(
      newPool().sendRequest(await upstreamOf((peer) => peer.write(SETTINGS))),
    );
    expect(error.code).toBe('HOTARU_PROTOCOL_ERROR');
    expect(error.message).toContain(WORDS);
  });
});

describe('an answer that is none', () => {
  it.each([
    [
      'SSH-2.0-OpenSSH_9.6\r\n',
      String.raw`it sent "SSH-2.0-OpenSSH_9.6\r\n"; the peer speaks SSH: is this the right port?)`,
    ],
    ['HTTP/2 200 OK\r\n\r\n', String.raw`the peer speaks HTTP/2`],
    [
      '<html>Service unavailable, sorry for that</html>',
      'does not start with an HTTP/1.x status line (RFC 9112 §4; it sent "<html>Service unavailable, sorry"…)',
    ],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nabc!\r\n', 'it sent "abc!'],
    ['HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n', 'it sent "bad ")'],
    [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`, '(a fixed bound of this client)'],
  ])('%j is shown as far as it helps', async (sent, words) => {
    const url = await upstreamOf((peer) => peer.write(sent));
    const error = await failureOf(
      newPool()
        .sendRequest(url)
        .then((res) => res.text()),
    );
    expect(error.code).toBe('HOTARU_PROTOCOL_ERROR');
    expect(error.message).toContain(words);
  });
});
