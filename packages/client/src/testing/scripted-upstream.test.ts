import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { testCertificates } from '../../test/certificates.js';
import { cannedResponse, chunkedBody } from './canned-response.js';
import { ClientGoneError } from './inbox.js';
import { ScriptedUpstream, type PeerScript } from './scripted-upstream.js';
import { turn } from './waiting.js';

/** Everything a raw client received, and how the connection ended for it. */
interface Conversation {
  readonly socket: net.Socket;
  readonly text: () => string;
  readonly pieces: string[];
  readonly ended: Promise<'fin' | 'ECONNRESET'>;
}

function converse(upstream: ScriptedUpstream, send = ''): Conversation {
  const socket = net.connect({ port: upstream.port, host: upstream.host, allowHalfOpen: true });
  const pieces: string[] = [];
  socket.on('data', (chunk: Buffer) => pieces.push(chunk.toString('latin1')));
  const ended = new Promise<'fin' | 'ECONNRESET'>((resolve) => {
    socket.on('end', () => resolve('fin'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code as 'ECONNRESET'));
  });
  socket.write(send);
  return { socket, pieces, ended, text: () => pieces.join('') };
}

async function get(url: string, options: https.RequestOptions = {}): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https') ? https : http).get(url, options, resolve);
    request.on('error', reject);
  });
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

describe('ScriptedUpstream', () => {
  it('answers a real client, and notes the request', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.respondAlways({ headers: { 'x-served-by': 'script' }, body: 'hello' });
    const response = await get(`${upstream.url}/a?b=c`, { headers: { 'X-Id': '7' } });
    expect(await textOf(response)).toBe('hello');
    expect(response.headers['x-served-by']).toBe('script');
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.requests[0]).toMatchObject({ method: 'GET', target: '/a?b=c', connection: 0 });
    expect(upstream.requests[0]?.headers['x-id']).toBe('7');
    expect(upstream.requests[0]?.rawHead.toString()).toContain('X-Id: 7\r\n');
  });

  it('counts sockets, not requests', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.respondAlways();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let sent = 0; sent < 3; sent += 1) await textOf(await get(upstream.url, { agent }));
    expect([upstream.accepted, upstream.open, upstream.requests.length]).toEqual([1, 1, 3]);
    agent.destroy();
    await upstream.waitForOpen(0);
  });

  it('follows one script for each connection, and the last for all further ones', async () => {
    await using upstream = await ScriptedUpstream.start();
    const answering =
      (body: string): PeerScript =>
      async (peer) => {
        await peer.readRequest();
        await peer.respond(200, { connection: 'close' }, body);
      };
    upstream.script([answering('first'), answering('second')]);
    const answers: string[] = [];
    for (let sent = 0; sent < 3; sent += 1)
      answers.push(await textOf(await get(upstream.url, { agent: false })));
    expect(answers).toEqual(['first', 'second', 'second']);
  });

  it('reads bodies by length and by chunks, with trailers', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(
      upstream,
      'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc' +
        'POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n' +
        '2;x=y\r\nde\r\n1\r\nf\r\n0\r\nX-Sum: 3\r\n\r\n',
    );
    const peer = await upstream.connection(0);
    expect((await peer.readRequest()).text()).toBe('abc');
    const second = await peer.readRequest();
    expect([second.text(), second.trailers['x-sum'], second.complete]).toEqual(['def', '3', true]);
    client.socket.destroy();
  });

  it('shows what had come of a body that was broken off', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(upstream, 'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabcd');
    const peer = await upstream.connection(0);
    await peer.readHead();
    client.socket.end();
    await expect(peer.readBody()).rejects.toThrow(ClientGoneError);
    expect(upstream.requests[0]).toMatchObject({ complete: false });
    expect(upstream.requests[0]?.text()).toBe('abcd');
  });

  it.each([
    ['a request line with a space too many', 'GET  / HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n'],
    ['a folded field', 'GET / HTTP/1.1\r\nHost: h\r\n x\r\n\r\n'],
    ['a bare LF in a field', 'GET / HTTP/1.1\r\nHost: h\r\nA: b\nC: d\r\n\r\n'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\nx',
    ],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a bad chunk', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n'],
  ])('reports %s, which no client may send, from close()', async (_what, bytes) => {
    const upstream = await ScriptedUpstream.start();
    upstream.respondAlways();
    const client = converse(upstream, bytes);
    expect(await client.ended).toBe('ECONNRESET');
    await expect(upstream.close()).rejects.toThrow(/./);
  });

  it('reads by count and up to a marker', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(upstream, 'abcdef--rest');
    const peer = await upstream.connection(0);
    expect(String(await peer.readBytes(2))).toBe('ab');
    expect(String(await peer.readUntil('--'))).toBe('cdef--');
    expect(peer.bytesReceived).toBe(12);
    client.socket.destroy();
  });

  it('drips: every piece arrives in a read of its own', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      await peer.drip('abcdefg', 3);
      peer.end();
    });
    const client = converse(upstream);
    expect(await client.ended).toBe('fin');
    expect(client.pieces).toEqual(['abc', 'def', 'g']);
    client.socket.destroy();
  });

  it('ends after n bytes with FIN, or with RST once they were read', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.script([(peer) => peer.endAfter('abcdef', 4), (peer) => peer.resetAfter('abcdef', 2)]);
    const first = converse(upstream);
    expect([await first.ended, first.text()]).toEqual(['fin', 'abcd']);
    const second = converse(upstream);
    expect([await second.ended, second.text()]).toEqual(['ECONNRESET', 'ab']);
    first.socket.destroy();
  });

  it('half-closes: it still reads after its own end()', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(upstream);
    const peer = await upstream.connection(0);
    peer.end();
    expect(await client.ended).toBe('fin');
    client.socket.end(GET);
    expect((await peer.readRequest()).method).toBe('GET');
    expect(() => peer.write('x')).toThrow('after its own end()');
  });

  it('tells how the client closed, and what it had sent', async () => {
    await using upstream = await ScriptedUpstream.start();
    const polite = converse(upstream, 'abc');
    const peer = await upstream.connection(0);
    const report = peer.waitForClose();
    polite.socket.end();
    expect(await report).toEqual({ how: 'fin', bytesReceived: 3 });
    const rude = converse(upstream, 'abcd');
    const other = await upstream.connection(1);
    await other.readBytes(4);
    rude.socket.resetAndDestroy();
    expect(await other.waitForClose()).toEqual({ how: 'reset', bytesReceived: 4 });
    expect(upstream.open).toBe(0);
  });

  it('says which wait was in vain', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(upstream);
    const peer = await upstream.connection(0);
    await expect(peer.waitForClose(5)).rejects.toThrow('did not close connection 0 within 5 ms');
    await expect(upstream.connection(1, 5)).rejects.toThrow('no connection 1 came');
    await expect(upstream.waitForRequests(1, 5)).rejects.toThrow('fewer than 1 requests');
    client.socket.destroy();
  });

  it('floods under backpressure until the client has had enough', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(upstream);
    client.socket.on('data', () => {
      if (client.socket.bytesRead > 200_000) client.socket.destroy();
    });
    const peer = await upstream.connection(0);
    const report = await peer.endless('0123456789');
    expect(report.closed).toBe(true);
    expect(report.bytesWritten).toBeLessThan(16 * 1_048_576);
  });

  it('stops a flood at its bound when the client never closes', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(upstream);
    const peer = await upstream.connection(0);
    const report = await peer.endless('x', 100_000);
    expect(report.closed).toBe(false);
    expect(report.bytesWritten).toBeGreaterThanOrEqual(100_000);
    client.socket.destroy();
  });

  it('stops reading on request, so that the client feels backpressure', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(upstream);
    const peer = await upstream.connection(0);
    peer.pauseReading();
    const sent = new Promise((resolve) =>
      client.socket.write(Buffer.alloc(8 * 1_048_576), resolve),
    );
    for (let turns = 0; turns < 50; turns += 1) await turn();
    expect(client.socket.writableLength).toBeGreaterThan(0);
    peer.resumeReading();
    await peer.readBytes(8 * 1_048_576);
    await sent;
    client.socket.destroy();
  });

  it('reads a body larger than what it keeps unread', async () => {
    await using upstream = await ScriptedUpstream.start();
    const client = converse(upstream);
    client.socket.write(Buffer.alloc(24 * 1_048_576));
    const peer = await upstream.connection(0);
    expect(await peer.readBytes(24 * 1_048_576)).toHaveLength(24 * 1_048_576);
    client.socket.destroy();
  });

  it('sends what was not asked for, and a 408 before it closes an idle connection', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.script([(peer) => peer.sendUnsolicited('boo'), (peer) => peer.send408OnIdle()]);
    const first = converse(upstream);
    while (first.text() !== 'boo') await turn();
    const second = converse(upstream);
    expect(await second.ended).toBe('fin');
    expect(second.text()).toMatch(/^HTTP\/1\.1 408 .*\r\nconnection: close\r\n/);
    first.socket.destroy();
    second.socket.destroy();
  });

  it('gives a HEAD no body', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.respondAlways({ body: 'hello' });
    const client = converse(upstream, 'HEAD / HTTP/1.1\r\nHost: h\r\n\r\n');
    await upstream.waitForRequests(1);
    await turn();
    expect(client.text()).toBe('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n');
    client.socket.destroy();
  });

  it('throws a script’s own error from close(), and resets that connection', async () => {
    const upstream = await ScriptedUpstream.start({
      script: () => {
        throw new Error('a wrong expectation');
      },
    });
    const client = converse(upstream);
    expect(await client.ended).toBe('ECONNRESET');
    await expect(upstream.close()).rejects.toThrow('a wrong expectation');
  });

  it('closes everything, with scripts waiting and clients connected', async () => {
    const upstream = await ScriptedUpstream.start({ script: (peer) => peer.readRequest() });
    const clients = [converse(upstream), converse(upstream)];
    await upstream.connection(1);
    await upstream.close();
    await Promise.all(clients.map((client) => client.ended));
    await upstream.close();
    clients.forEach((client) => client.socket.destroy());
  });

  it('lets a client go that closes after the script is done', async () => {
    await using upstream = await ScriptedUpstream.start({ script: () => undefined });
    const client = converse(upstream);
    await upstream.connection(0);
    client.socket.end();
    expect(await client.ended).toBe('fin');
    await upstream.waitForOpen(0);
  });
});

describe('ScriptedUpstream with TLS', () => {
  it('speaks TLS, and shows the session to the script', async () => {
    const { ca, localhost } = await testCertificates();
    await using upstream = await ScriptedUpstream.start({ tls: localhost });
    upstream.respondAlways({ body: 'secret' });
    const url = `https://localhost:${upstream.port}`;
    expect(await textOf(await get(url, { ca, family: 4, agent: false }))).toBe('secret');
    expect(upstream.url).toBe(`https://127.0.0.1:${upstream.port}`);
    expect(upstream.connections[0]?.tls?.getProtocol()).toBe('TLSv1.3');
  });

  it('counts a failed handshake as accepted, and as closed', async () => {
    const { selfSigned } = await testCertificates();
    await using upstream = await ScriptedUpstream.start({ tls: selfSigned });
    await expect(get(upstream.url, { agent: false })).rejects.toThrow(/self-signed/);
    const plain = converse(upstream, GET);
    const impatient = converse(upstream);
    impatient.socket.end();
    await Promise.all([plain.ended, impatient.ended]);
    await upstream.waitForOpen(0);
    expect(upstream.accepted).toBe(3);
    expect(upstream.handshakeErrors.length).toBeGreaterThanOrEqual(2);
    plain.socket.destroy();
    impatient.socket.destroy();
  });

  it('asks for a client certificate and refuses a stranger', async () => {
    const { ca, localhost, client, foreignClient } = await testCertificates();
    await using upstream = await ScriptedUpstream.start({
      tls: { ...localhost, ca, requestCert: true },
    });
    upstream.respondAlways({ body: 'hi' });
    const response = await get(upstream.url, { ca, ...client, agent: false });
    expect(await textOf(response)).toBe('hi');
    expect(upstream.connections[0]?.tls?.getPeerCertificate().subject.CN).toBe('client');
    await expect(get(upstream.url, { ca, ...foreignClient, agent: false })).rejects.toThrow();
    expect(upstream.connections).toHaveLength(1);
  });

  it.each(['reset', 'endWithoutCloseNotify', 'end'] as const)('breaks off by %s', async (verb) => {
    const { ca, localhost } = await testCertificates();
    await using upstream = await ScriptedUpstream.start({ tls: localhost });
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc');
      await turn();
      await peer[verb]();
    });
    const response = await get(upstream.url, { ca, agent: false });
    await expect(textOf(response)).rejects.toThrow('aborted');
    await upstream.waitForOpen(0);
  });
});

describe('cannedResponse', () => {
  it('frames a body by length, or by chunks for a list', () => {
    expect(String(cannedResponse({ body: 'é' }))).toBe(
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\né',
    );
    expect(String(cannedResponse({ body: ['ab', 'c'], trailers: { x: 'y' } }))).toBe(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nx: y\r\n\r\n',
    );
    expect(String(chunkedBody(['', 'a']))).toBe('1\r\na\r\n0\r\n\r\n');
  });

  it('adds no length where none belongs, and none beside the caller’s own', () => {
    for (const status of [100, 204, 304])
      expect(String(cannedResponse({ status, body: 'x' }))).toMatch(
        /^HTTP\/1\.1 \d{3} [^\r]+\r\n\r\n$/,
      );
    expect(String(cannedResponse({ headers: { 'Content-Length': '9' }, body: 'x' }))).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx',
    );
  });

  it('repeats fields, and writes any version and reason', () => {
    const bytes = cannedResponse({
      status: 299,
      reason: 'Odd',
      version: 'HTTP/1.0',
      headers: { 'set-cookie': ['a=1', 'b=2'] },
    });
    expect(String(bytes)).toBe(
      'HTTP/1.0 299 Odd\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n',
    );
  });
});
