/** What real servers put into HTTP/2 besides a head and a body, and do with a body. */
import { randomBytes } from 'node:crypto';
import type http2 from 'node:http2';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { getRequest, HotaruClientError, headRequest } from '@hotaru/client';
import { describeWith } from '../../../wire/test/support/programs.js';
import { testCertificates } from '../certificates.js';
import { Nghttpd } from '../support/nghttp2.js';
import { Nginx } from '../support/nginx.js';
import { NodeHttp2Server } from '../support/node-http2-server.js';
import { rejection, until } from '../support/waiting.js';
import { poolOf, post } from './support.js';

const MIB = 1_048_576;

describeWith(['nghttpd'], 'nghttpd', () => {
  it('sends trailers', async () => {
    await using nghttpd = await Nghttpd.start({
      files: { file: 'content' },
      args: ['--trailer=x-sum: 17', '--trailer=x-more: a, b'],
    });
    const pool = await poolOf();
    const res = await pool.sendRequest(nghttpd.url, getRequest('/file'));
    expect(await res.text()).toBe('content');
    expect((await res.trailers).toObject()).toEqual({ 'x-sum': '17', 'x-more': 'a, b' });
    expect(res.headers.get('x-sum')).toBeUndefined();
  });

  it.each([
    ['pads its frames', ['--padding=255']],
    ['lets us have no header table', ['--header-table-size=0']],
    ['lets us have a small header table', ['--header-table-size=100']],
    ['uses no header table', ['--encoder-header-table-size=0']],
    ['uses a small header table', ['--encoder-header-table-size=100']],
    ['gives small windows', ['--window-bits=10', '--connection-window-bits=17']],
    ['says no length', ['--no-content-length']],
  ])('%s: what goes to and fro stays as it was', async (_what, args) => {
    const file = randomBytes(100_000);
    await using nghttpd = await Nghttpd.start({ files: { file }, args });
    const pool = await poolOf({ maxPerHost: 1 });
    const fields = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`x-field-${i}`, `value ${i}`]),
    );
    for (let round = 0; round < 3; round += 1)
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const res = await pool.sendRequest(
            nghttpd.url,
            getRequest('/file', { headers: { ...fields, 'x-round': String(round) } }),
          );
          expect(Buffer.from(await res.bytes()).equals(file)).toBe(true);
          const echo = await pool.sendRequest(nghttpd.url, post('/echo', file));
          expect(Buffer.from(await echo.bytes()).equals(file)).toBe(true);
        }),
      );
    expect(nghttpd.log.match(/x-field-19: value 19$/gm)).toHaveLength(30);
    expect(nghttpd.log.match(/x-round: 2$/gm)).toHaveLength(10);
    expect(pool.stats()).toMatchObject({ created: 1, failed: 0, replays: 0 });
  });
});

describe('node:http2', () => {
  it('sends trailers, also without a body', async () => {
    await using server = await NodeHttp2Server.start({
      onStream: (stream, headers) => {
        stream.on('wantTrailers', () =>
          stream.sendTrailers({ 'x-sum': '1', 'x-list': ['a', 'b'] }),
        );
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.end(headers[':path'] === '/empty' ? undefined : 'content');
      },
    });
    const pool = await poolOf();
    for (const [path, text] of [
      ['/', 'content'],
      ['/empty', ''],
    ] as const) {
      const res = await pool.sendRequest(server.url, getRequest(path));
      expect(await res.text()).toBe(text);
      expect((await res.trailers).get('x-sum')).toBe('1');
    }
  });

  it('sends 103 Early Hints before its answer', async () => {
    await using server = await NodeHttp2Server.start({
      onStream: (stream) => {
        stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
        stream.additionalHeaders({ ':status': 103, link: '</b.css>; rel=preload' });
        stream.respond({ ':status': 200 });
        stream.end('ok');
      },
    });
    const hints: unknown[] = [];
    const pool = await poolOf();
    const res = await pool.sendRequest(server.url, getRequest('/'), {
      onInformational: (status, headers) => hints.push([status, headers.get('link')]),
    });
    expect(await res.text()).toBe('ok');
    expect(hints).toEqual([
      [103, '</a.css>; rel=preload'],
      [103, '</b.css>; rel=preload'],
    ]);
  });

  it('sends and takes heads of 40 KB, in CONTINUATION frames', async () => {
    let came: http2.IncomingHttpHeaders = {};
    const large = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`x-large-${i}`, String(i).padEnd(1_000, '.')]),
    );
    await using server = await NodeHttp2Server.start({
      settings: { maxHeaderListSize: 200_000 },
      more: { maxSendHeaderBlockLength: 200_000 },
      onStream: (stream, headers) => {
        came = headers;
        stream.respond({ ':status': 200, ...large });
        stream.end();
      },
    });
    const pool = await poolOf();
    const res = await pool.sendRequest(server.url, getRequest('/', { headers: large }));
    await res.text();
    expect(res.headers.toObject()).toMatchObject(large);
    expect(came).toMatchObject(large);
  });

  it('gets cookies, lists and odd values as they were given', async () => {
    let came: http2.IncomingHttpHeaders = {};
    await using server = await NodeHttp2Server.start({
      onStream: (stream, headers) => {
        came = headers;
        stream.respond({ ':status': 200, 'set-cookie': ['a=1; Path=/', 'b=2'], 'x-empty': '' });
        stream.end();
      },
    });
    const pool = await poolOf();
    const cookie = 'one=1; two="2 2"; three=; four=äöü';
    const headers: [string, string][] = [
      ['Cookie', cookie],
      ['X-List', 'a'],
      ['x-list', 'b'],
      ['x-empty', ''],
    ];
    const target = '/path/%20?query=a+b&c=%C3%A4';
    const res = await pool.sendRequest(server.url, getRequest(target, { headers }));
    await res.text();
    expect(came).toMatchObject({
      ':path': target,
      ':authority': new URL(server.url).host,
      ':scheme': 'http',
      cookie,
      'x-list': 'a, b',
      'x-empty': '',
    });
    expect(came.host).toBeUndefined();
    expect(res.headers.toObject()).toMatchObject({
      'set-cookie': ['a=1; Path=/', 'b=2'],
      'x-empty': '',
    });
  });

  it('packs with gzip: it comes out as it was', async () => {
    const text = 'All work and no play. '.repeat(10_000);
    await using server = await NodeHttp2Server.start({
      onRequest: (req, res) => {
        expect(req.headers['accept-encoding']).toContain('gzip');
        res.writeHead(200, { 'content-encoding': 'gzip' });
        res.end(gzipSync(text));
      },
    });
    const pool = await poolOf();
    const res = await pool.sendRequest(server.url);
    expect(await res.text()).toBe(text);
  });

  it('resets a stream: its call fails with the code, the others come through', async () => {
    await using server = await NodeHttp2Server.start({
      onStream: (stream, headers) => {
        if (headers[':path'] === '/reset') {
          stream.respond({ ':status': 200 });
          stream.write('the start', () => stream.destroy(new Error('no more')));
        } else {
          stream.respond({ ':status': 200 });
          stream.end('ok');
        }
      },
    });
    const pool = await poolOf();
    const others = Array.from({ length: 10 }, async () =>
      (await pool.sendRequest(server.url)).text(),
    );
    const res = await pool.sendRequest(server.url, getRequest('/reset'));
    const error = await rejection(res.text());
    expect(error).toBeInstanceOf(HotaruClientError);
    expect(String(error)).toContain('INTERNAL_ERROR');
    expect(await Promise.all(others)).toEqual(Array(10).fill('ok'));
    expect(server.connectionCount).toBe(1);
  });
});

describeWith(['nginx'], 'nginx', () => {
  const server = `
    gzip on; gzip_types text/plain; gzip_min_length 1;
    location /upload/ { client_max_body_size 64m; dav_methods PUT DELETE; create_full_put_path on; }
    location /small/ { client_max_body_size 1m; dav_methods PUT; create_full_put_path on; }
    location /stalled/ { client_body_timeout 1s; client_max_body_size 64m; dav_methods PUT; create_full_put_path on; }
    location /impatient/ { send_timeout 1s; rewrite ^/impatient(/.*) $1 break; }
    location /empty { return 204; }
    location /hello { return 200 hello; }`;

  it('packs with gzip, answers HEAD, 204, 304 and ranges, over one connection', async () => {
    const text = 'All work and no play makes Jack a dull boy.\n'.repeat(2_000);
    await using nginx = await Nginx.start({
      server,
      files: { 'play.txt': text, 'data.bin': text },
      http2: true,
    });
    const pool = await poolOf();
    const packed = await pool.sendRequest(nginx.url, getRequest('/play.txt'));
    expect(await packed.text()).toBe(text);
    const raw = await pool.sendRequest(
      nginx.url,
      getRequest('/play.txt', { headers: { 'accept-encoding': 'gzip' } }),
      { decompress: false },
    );
    expect(gunzipSync(await raw.bytes()).toString()).toBe(text);
    const head = await pool.sendRequest(nginx.url, headRequest('/data.bin'));
    expect(head.headers.get('content-length')).toBe(String(text.length));
    expect(await head.text()).toBe('');
    const unchanged = await pool.sendRequest(
      nginx.url,
      getRequest('/data.bin', {
        headers: { 'if-modified-since': head.headers.get('last-modified') ?? '' },
      }),
    );
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
    const empty = await pool.sendRequest(nginx.url, getRequest('/empty'));
    expect([empty.status, await empty.text()]).toEqual([204, '']);
    const part = await pool.sendRequest(
      nginx.url,
      getRequest('/data.bin', { headers: { range: 'bytes=3-9' } }),
    );
    expect([part.status, await part.text()]).toEqual([206, text.slice(3, 10)]);
    expect(nginx.connectionCount).toBe(1);
  });

  it('serves others while one of them is not read', async () => {
    const large = randomBytes(32 * MIB);
    const small = randomBytes(MIB);
    await using nginx = await Nginx.start({
      server,
      files: { large, small },
      http2: true,
    });
    const pool = await poolOf({ maxPerHost: 1 });
    const slow = await pool.sendRequest(nginx.url, getRequest('/large'));
    const reader = slow.body[Symbol.asyncIterator]();
    const first = await reader.next(); // and no more, for now
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const res = await pool.sendRequest(nginx.url, getRequest('/small'));
        expect(Buffer.from(await res.bytes()).equals(small)).toBe(true);
      }),
    );
    const pieces = [first.value as Uint8Array];
    for (let next = await reader.next(); !next.done; next = await reader.next())
      pieces.push(next.value);
    expect(Buffer.concat(pieces).equals(large)).toBe(true);
    expect(nginx.connectionCount).toBe(1);
  });

  it('takes an upload of 16 MiB whole', async () => {
    await using nginx = await Nginx.start({ server, http2: true });
    const pool = await poolOf();
    const body = randomBytes(16 * MIB);
    const put = await pool.sendRequest(nginx.url, { method: 'PUT', path: '/upload/file', body });
    expect(put.status).toBe(201);
    await put.text();
    const back = await pool.sendRequest(nginx.url, getRequest('/upload/file'));
    expect(Buffer.from(await back.bytes()).equals(body)).toBe(true);
    expect(nginx.connectionCount).toBe(1);
  });

  it('answers an upload with 413 before it is over: the answer arrives, the connection serves on', async () => {
    await using nginx = await Nginx.start({ server, http2: true });
    const pool = await poolOf();
    for (let i = 0; i < 5; i += 1) {
      const bytes = Buffer.alloc(8 * MIB);
      const body = i % 2 === 0 ? bytes : inPieces(bytes);
      const res = await pool.sendRequest(nginx.url, { method: 'PUT', path: '/small/file', body });
      expect(res.status).toBe(413);
      expect(await res.text()).toContain('413 Request Entity Too Large');
    }
    const res = await pool.sendRequest(nginx.url, getRequest('/hello'));
    expect(await res.text()).toBe('hello');
    expect(nginx.connectionCount).toBe(1);
    expect(pool.stats()).toMatchObject({ created: 1, active: 0 });
  });

  it('resets an upload that stalls: its call fails, the connection serves on', async () => {
    await using nginx = await Nginx.start({ server, http2: true });
    const pool = await poolOf();
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    async function* stalls(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(1_000);
      await stopped;
    }
    const error = await rejection(
      pool.sendRequest(nginx.url, { method: 'PUT', path: '/stalled/file', body: stalls() }),
    );
    stop();
    expect(error).toBeInstanceOf(HotaruClientError);
    expect(error).toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED', retrySafe: false });
    const res = await pool.sendRequest(nginx.url, getRequest('/hello'));
    expect(await res.text()).toBe('hello');
    expect(nginx.connectionCount).toBe(1);
  });

  it('resets a download that is not read: its body fails, the connection serves on', async () => {
    const large = randomBytes(8 * MIB);
    await using nginx = await Nginx.start({ server, files: { large }, http2: true });
    const pool = await poolOf();
    const slow = await pool.sendRequest(nginx.url, getRequest('/impatient/large'));
    await until(() => nginx.targets.includes('/impatient/large'), 'nginx gives it up');
    const error = await rejection(slow.bytes());
    expect(error).toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED', retrySafe: false });
    const res = await pool.sendRequest(nginx.url, getRequest('/hello'));
    expect(await res.text()).toBe('hello');
    expect(nginx.connectionCount).toBe(1);
  });
});

async function* inPieces(data: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += 65_536) {
    yield data.subarray(at, at + 65_536);
    await Promise.resolve();
  }
}

describeWith(['nginx'], 'ALPN of nginx', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('HTTP/2 over %s', async (version) => {
    const { localhost } = await testCertificates();
    await using nginx = await Nginx.start({
      server: `ssl_protocols ${version}; location / { return 200 "$ssl_protocol $server_protocol"; }`,
      tls: localhost,
      http2: true,
    });
    const pool = await poolOf({ http2: true });
    const res = await pool.sendRequest(nginx.tlsUrl);
    expect(await res.text()).toBe(`${version} HTTP/2.0`);
    expect(res.connection.protocol).toBe('h2');
  });

  it('a server that offers http/1.1 alone is spoken to in HTTP/1.1', async () => {
    const { localhost } = await testCertificates();
    await using nginx = await Nginx.start({
      server: 'location / { return 200 "$server_protocol"; }',
      tls: localhost,
    });
    const pool = await poolOf({ http2: true });
    const res = await pool.sendRequest(nginx.tlsUrl);
    expect(await res.text()).toBe('HTTP/1.1');
    expect(res.connection.protocol).toBe('http/1.1');
  });
});
