/** The origin that speaks frame by frame, held to the client of node:http2. */
import { once } from 'node:events';
import http2 from 'node:http2';
import { describe, expect, it } from 'vitest';
import { turn } from '@hotaru/client/testing';
import { testCertificates } from '../../certificates.js';
import { until } from '../waiting.js';
import {
  FLAG,
  FRAME,
  frame,
  goaway,
  headers,
  data,
  rst,
  SETTING,
  settings,
  split,
} from './frames.js';
import { encodeFields } from './hpack.js';
import { answering, H2Origin } from './origin.js';

const MIB = 1_048_576;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: http2.IncomingHttpHeaders;
}

function connect(origin: H2Origin, options: http2.SecureClientSessionOptions = {}) {
  const session = http2.connect(origin.url, options);
  session.on('error', () => undefined); // its streams tell
  return Object.assign(session, {
    [Symbol.asyncDispose]: async () => {
      if (session.destroyed) return;
      const closed = once(session, 'close');
      session.destroy();
      await closed;
    },
  });
}

async function send(
  session: http2.ClientHttp2Session,
  fields: http2.OutgoingHttpHeaders = {},
  body?: Buffer,
): Promise<Answer> {
  const stream = session.request({ ':path': '/', ...fields }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [head] = (await once(stream, 'response')) as [
    http2.IncomingHttpHeaders & { ':status': number },
  ];
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return { status: head[':status'], headers: head, body: Buffer.concat(pieces).toString() };
}

describe('an origin of frames', () => {
  it('reads requests of node:http2, with Huffman and its table, and answers them', async () => {
    await using origin = (await H2Origin.start()).onConnection(answering('hello'));
    await using session = connect(origin);
    const odd = Array.from({ length: 223 }, (_, i) => String.fromCharCode(i + 33)).join('');
    for (const path of ['/a', '/b', '/a'])
      expect(await send(session, { ':path': path, 'x-odd': odd, cookie: 'a=b' })).toMatchObject({
        status: 200,
        body: 'hello',
        headers: { 'x-answers': path },
      });
    expect(origin.requests).toHaveLength(3);
    expect(origin.requests[2]).toMatchObject({ method: 'GET', target: '/a', scheme: 'http' });
    expect(origin.requests[2]?.headers['cookie']).toBe('a=b');
    expect(origin.requests.map(({ streamId }) => streamId)).toEqual([1, 3, 5]);
    expect(origin.accepted).toBe(1);
  });

  it('is chosen by ALPN over TLS', async () => {
    const { ca, localhost } = await testCertificates();
    await using origin = (await H2Origin.start({ tls: localhost })).onConnection(answering('tls'));
    await using session = connect(origin, { ca });
    expect(await send(session)).toMatchObject({ status: 200, body: 'tls' });
    expect(origin.requests[0]?.scheme).toBe('https');
    expect(origin.connections[0]?.socket.tls?.alpnProtocol).toBe('h2');
  });

  it('takes and gives bodies larger than both windows', async () => {
    const body = Buffer.alloc(MIB, 'x');
    await using origin = (await H2Origin.start()).onConnection(async (peer) => {
      const request = await peer.readRequest();
      await peer.respond(request, 200, [], request.body);
    });
    await using session = connect(origin);
    const answer = await send(session, { ':method': 'POST' }, body);
    expect(answer.body).toBe(body.toString());
    const [peer] = origin.connections;
    expect(peer?.framesOf(FRAME.windowUpdate).length).toBeGreaterThan(2);
  });

  it('holds a body back where it gives no credit', async () => {
    await using origin = (await H2Origin.start()).onConnection(async (peer) => {
      peer.manners.givesCredit = false;
      await peer.readHead();
    });
    await using session = connect(origin);
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => undefined);
    stream.end(Buffer.alloc(MIB));
    await origin.waitForRequests(1);
    const [request] = origin.requests;
    await until(() => request?.bodyBytes === 65_535, 'the window is full');
    await turn();
    expect(request).toMatchObject({ bodyBytes: 65_535, complete: false });
  });

  it('sends a head in pieces, a byte at a time, with padding and priority', async () => {
    await using origin = (await H2Origin.start()).onConnection(async (peer) => {
      const { streamId } = await peer.readRequest();
      const block = encodeFields([
        [':status', '203'],
        ['x-piece', 'y'.repeat(100)],
      ]);
      // node:http2 takes each byte of a frame for one more CONTINUATION.
      await peer.drip(split(streamId, block, 60), 40);
      await peer.drip(data(streamId, 'padded', { padding: 9, end: true }), 3);
      const next = await peer.readRequest();
      const priority = { dependsOn: 0, weight: 3 };
      const fields = [[':status', '204']] as const;
      await peer.send(headers(next.streamId, fields, { padding: 4, priority, end: true }));
    });
    await using session = connect(origin);
    expect(await send(session)).toMatchObject({
      status: 203,
      body: 'padded',
      headers: { 'x-piece': 'y'.repeat(100) },
    });
    expect(await send(session)).toMatchObject({ status: 204, body: '' });
  });

  it('sends frames that are wrong, and tells how the client took them', async () => {
    await using origin = (await H2Origin.start()).onConnection(async (peer) => {
      await peer.readRequest();
      await peer.send(frame(FRAME.settings, FLAG.none, 1, Buffer.alloc(6)));
    });
    await using session = connect(origin);
    await expect(send(session)).rejects.toThrow();
    await origin.waitForOpen(0);
  });

  it('hears of resets, and says them', async () => {
    await using origin = (await H2Origin.start()).onConnection(async (peer) => {
      const first = await peer.readRequest();
      await peer.until(() => first.resetCode !== undefined, 'the client resets');
      const second = await peer.readRequest();
      await peer.send(rst(second.streamId, 7), goaway(second.streamId, 0, 'enough'));
    });
    await using session = connect(origin);
    const first = session.request({ ':path': '/' });
    first.on('error', () => undefined);
    await origin.waitForRequests(1);
    const goneAway = once(session, 'goaway');
    first.close(8);
    await expect(send(session)).rejects.toThrow('NGHTTP2_REFUSED_STREAM');
    expect(origin.requests[0]?.resetCode).toBe(8);
    expect(await goneAway).toEqual([0, 3, Buffer.from('enough')]);
  });

  it('begins as its plan says, one plan for each connection', async () => {
    await using origin = (await H2Origin.start()).script([
      { greeting: [settings([SETTING.maxConcurrentStreams, 3])], run: answering('limited') },
      answering('open'),
    ]);
    await using session = connect(origin);
    await using second = connect(origin);
    await Promise.all([once(session, 'remoteSettings'), once(second, 'remoteSettings')]);
    const limits = [session, second].map(
      ({ remoteSettings }) => remoteSettings.maxConcurrentStreams,
    );
    expect(limits.sort()).toEqual([3, 4_294_967_295]);
  });
});

describe('what a client does wrong', () => {
  /** Bytes of a client, behind its preface and SETTINGS. */
  async function told(...wrong: Buffer[]): Promise<string> {
    const origin = (await H2Origin.start()).onConnection(({ manners }) => {
      manners.givesCredit = false;
    });
    const { connect: dial } = await import('node:net');
    const socket = dial(origin.port, '127.0.0.1');
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(Buffer.concat([settings([SETTING.enablePush, 0]), ...wrong]));
    const peer = await origin.connection(0);
    await until(() => peer.received.length > wrong.length, 'all frames came');
    socket.destroy();
    return origin.close().then(
      () => 'nothing',
      (error: unknown) => (error as Error).message,
    );
  }
  const REQUEST = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
  ] as const;
  const get = (id: number, ...more: [string, string][]) =>
    headers(id, [...REQUEST, ...more], { end: true });

  it.each<[string, RegExp, Buffer[]]>([
    ['nothing', /^nothing$/, [get(1, ['x', 'y']), get(3)]],
    ['an even stream', /number 2/, [get(2)]],
    ['a stream that goes back', /number 1 behind 3/, [get(3), get(1)]],
    ['a field of HTTP/1.1', /connection: close/, [get(1, ['connection', 'close'])]],
    ['a name in capitals', /lower case: X-A/, [get(1, ['X-A', 'b'])]],
    ['a late pseudo-field', /late: :path/, [get(1, ['a', 'b'], [':path', '/'])]],
    ['DATA on no stream', /not open/, [data(1, 'x')]],
    ['DATA behind the end', /not open/, [get(1), data(1, 'x')]],
    [
      'too much DATA',
      /beyond its window/,
      [headers(1, REQUEST), ...Array<Buffer>(5).fill(data(1, Buffer.alloc(16_384)))],
    ],
    ['a long frame', /16385 bytes/, [headers(1, REQUEST), data(1, Buffer.alloc(16_385))]],
    ['a push promise', /type 5/, [frame(FRAME.pushPromise, 0, 1, 'abcd')]],
  ])('comes out of close(): %s', async (_what, words, wrong) => {
    const message = await told(...wrong);
    expect(message).toMatch(words);
  });
});
