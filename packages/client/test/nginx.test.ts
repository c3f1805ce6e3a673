/** What the pool promises against a real nginx, whose habits are those of half the web. */
import { createHash, randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionPool, getRequest, headRequest, type PoolConfigInput } from '@hotaru/client';
import { VirtualClock } from '@hotaru/client/testing';
import { testCertificates } from './certificates.js';
import { findNginx, Nginx } from './support/nginx.js';
import { until } from './support/waiting.js';

const MIB = 1_048_576;
const hasNginx = findNginx() !== undefined;

if (!hasNginx && process.env.CI === undefined)
  console.warn('nginx is not installed: its tests are skipped (apt-get install nginx-light)');

it.runIf(!hasNginx && process.env.CI !== undefined)('CI has nginx to test against', () => {
  throw new Error('nginx is not installed; on CI its tests must run (apt-get install nginx-light)');
});

const pools: ConnectionPool[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

function poolOf(
  config: PoolConfigInput = {},
  environment: ConstructorParameters<typeof ConnectionPool>[1] = {},
): ConnectionPool {
  const pool = new ConnectionPool(config, environment);
  pools.push(pool);
  return pool;
}

/** Sends a GET, reads it whole, and says which of nginx's connections answered. */
async function get(pool: ConnectionPool, url: string): Promise<string> {
  const res = await pool.sendRequest(url);
  expect(res.status).toBe(200);
  await res.bytes();
  return res.headers.get('x-connection') ?? '';
}

describe.runIf(hasNginx)('idle connections that nginx closes', () => {
  it('cost no GET its answer: not when one has been closed, not while others are being closed', async () => {
    await using nginx = await Nginx.start({
      server: 'keepalive_timeout 1s; location / { return 200 ok; }',
    });
    const pool = poolOf({ maxPerHost: 24 });
    for (let round = 0; round < 2; round += 1) {
      await pool.warm(nginx.url, 24);
      await Promise.all(Array.from({ length: 24 }, () => get(pool, nginx.url)));
      const { closed } = pool.stats();
      await until(() => pool.stats().closed > closed, 'nginx closes an idle connection');
      // Some of these meet a connection that is being closed.
      for (let i = 0; i < 24; i += 1) await get(pool, nginx.url);
      await Promise.all(Array.from({ length: 48 }, () => get(pool, nginx.url)));
    }
    expect(pool.stats()).toMatchObject({ active: 0, waiting: 0, failed: 0 });
  });

  it('are not used any more once its Keep-Alive hint, less a second, is over', async () => {
    await using nginx = await Nginx.start({
      server: 'keepalive_timeout 60s 3s; location / { return 200 ok; }',
    });
    const clock = new VirtualClock();
    const pool = poolOf({}, { clock });
    const first = await get(pool, nginx.url);
    clock.advance(1_999);
    expect(await get(pool, nginx.url)).toBe(first);
    clock.advance(2_000); // nginx itself would keep it for a minute
    expect(await get(pool, nginx.url)).not.toBe(first);
    expect(pool.stats()).toMatchObject({ created: 2, evictions: 1 });
  });

  it('are never taken at all with a hint of one second, which the margin uses up', async () => {
    await using nginx = await Nginx.start({
      server: 'keepalive_timeout 1s 1s; location / { return 200 ok; }',
    });
    const pool = poolOf();
    const seen = new Set<string>();
    for (let i = 0; i < 10; i += 1) seen.add(await get(pool, nginx.url));
    expect(seen.size).toBe(10);
    expect(pool.stats()).toMatchObject({ created: 10, evictions: 9, replays: 0 });
    // One that is handed to the next waiter is never idle, and serves on.
    const busy = poolOf({ maxPerHost: 1 });
    const both = await Promise.all([get(busy, nginx.url), get(busy, nginx.url)]);
    expect(both[0]).toBe(both[1]);
  });

  it('after keepalive_requests 10, 100 requests in sequence need at most 11 connections', async () => {
    await using nginx = await Nginx.start({
      server: 'keepalive_requests 10; location / { return 200 ok; }',
    });
    const pool = poolOf();
    const seen = new Set<string>();
    for (let i = 0; i < 100; i += 1) seen.add(await get(pool, nginx.url));
    expect(seen.size).toBeLessThanOrEqual(11);
    expect(pool.stats()).toMatchObject({ requests: 100, replays: 0, created: seen.size });
  });
});

describe.runIf(hasNginx)('a reload', () => {
  it('under load costs no GET its answer', async () => {
    await using nginx = await Nginx.start({
      server: `
        location / { return 200 ok; }
        location /file { try_files /file.txt =404; }
        location /slow { limit_rate 200k; try_files /file.txt =404; }`,
      files: { 'file.txt': 'x'.repeat(100_000) },
    });
    const pool = poolOf({ maxPerHost: 64 });
    let answered = 0;
    let isOver = false;
    const caller = async (_: unknown, index: number): Promise<void> => {
      while (!isOver) {
        await get(pool, index % 2 === 0 ? nginx.url : `${nginx.url}/file`);
        answered += 1;
      }
    };
    const load = Promise.all(Array.from({ length: 200 }, caller));
    const slow = await Promise.all(
      Array.from({ length: 8 }, () => pool.sendRequest(nginx.url, getRequest('/slow'))),
    );
    for (let reloads = 0; reloads < 4; reloads += 1) {
      const before = answered;
      await Promise.race([until(() => answered >= before + 300, 'requests are answered'), load]);
      await nginx.reload();
    }
    isOver = true;
    await load;
    // Answers that began under the first worker end whole, four workers later.
    for (const res of slow) expect(await res.text()).toHaveLength(100_000);
    expect(answered).toBeGreaterThanOrEqual(1_200);
    expect(pool.stats()).toMatchObject({ active: 0, waiting: 0, failed: 0, timeouts: 0 });
  });
});

describe.runIf(hasNginx)('answers', () => {
  const text = 'All work and no play makes Jack a dull boy.\n'.repeat(2_000);
  const server = `
    gzip on; gzip_types text/plain; gzip_min_length 1;
    location /upload/ { client_max_body_size 64m; dav_methods PUT DELETE; create_full_put_path on; }
    location /small/ { client_max_body_size 1m; dav_methods PUT; create_full_put_path on; }
    location /abrupt/ { client_max_body_size 1m; lingering_close off; dav_methods PUT; }
    location /empty { return 204; }`;

  it('packed with gzip and chunked come out as they were, over one connection', async () => {
    await using nginx = await Nginx.start({ server, files: { 'play.txt': text } });
    const pool = poolOf();
    const res = await pool.sendRequest(nginx.url, getRequest('/play.txt'));
    expect(res.headers.get('transfer-encoding')).toBe('chunked');
    expect(res.headers.get('content-encoding')).toBeUndefined();
    expect(await res.text()).toBe(text);
    const packed = await pool.sendRequest(
      nginx.url,
      getRequest('/play.txt', { headers: { 'accept-encoding': 'gzip' } }),
      { decompress: false },
    );
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    const bytes = await packed.bytes();
    expect(bytes.length).toBeLessThan(text.length / 10);
    expect(gunzipSync(bytes).toString()).toBe(text);
    const plain = await pool.sendRequest(nginx.url, getRequest('/play.txt'), { decompress: false });
    expect(plain.headers.get('content-length')).toBe(String(text.length));
    expect(await plain.text()).toBe(text);
    expect(pool.stats()).toMatchObject({ created: 1, requests: 3 });
  });

  it('without a body (HEAD, 204, 304) leave the connection ready for the next request', async () => {
    await using nginx = await Nginx.start({ server, files: { 'data.bin': randomBytes(5_000) } });
    const pool = poolOf();
    const head = await pool.sendRequest(nginx.url, headRequest('/data.bin'));
    expect(head.headers.get('content-length')).toBe('5000');
    expect(await head.text()).toBe('');
    const modified = head.headers.get('last-modified') ?? '';
    const unchanged = await pool.sendRequest(
      nginx.url,
      getRequest('/data.bin', { headers: { 'if-modified-since': modified } }),
    );
    expect(unchanged.status).toBe(304);
    expect(await unchanged.text()).toBe('');
    const empty = await pool.sendRequest(nginx.url, getRequest('/empty'));
    expect(empty.status).toBe(204);
    const missing = await pool.sendRequest(nginx.url, headRequest('/missing'));
    expect(missing.status).toBe(404);
    const whole = await pool.sendRequest(nginx.url, getRequest('/data.bin'));
    expect(await whole.bytes()).toHaveLength(5_000);
    expect(pool.stats()).toMatchObject({ created: 1, requests: 5, poisoned: 0 });
  });

  it('to range requests are the ranges asked for', async () => {
    const data = randomBytes(100_000);
    await using nginx = await Nginx.start({ server, files: { 'data.bin': data } });
    const pool = poolOf();
    const range = async (value: string) =>
      pool.sendRequest(nginx.url, getRequest('/data.bin', { headers: { range: value } }));
    const middle = await range('bytes=100-299');
    expect(middle.status).toBe(206);
    expect(middle.headers.get('content-range')).toBe('bytes 100-299/100000');
    expect(Buffer.from(await middle.bytes()).equals(data.subarray(100, 300))).toBe(true);
    const tail = await range('bytes=-7');
    expect(Buffer.from(await tail.bytes()).equals(data.subarray(-7))).toBe(true);
    const beyond = await range('bytes=100000-');
    expect(beyond.status).toBe(416);
    await beyond.text();
    expect(pool.stats().created).toBe(1);
  });

  it('as large as 64 MiB come down whole', async () => {
    const data = randomBytes(64 * MIB);
    await using nginx = await Nginx.start({ server, files: { 'large.bin': data } });
    const pool = poolOf();
    const hash = createHash('sha1');
    const res = await pool.sendRequest(nginx.url, getRequest('/large.bin'));
    for await (const piece of res.body) hash.update(piece);
    expect(hash.digest('hex')).toBe(createHash('sha1').update(data).digest('hex'));
    await (await pool.sendRequest(nginx.url, headRequest('/large.bin'))).text();
    expect(pool.stats()).toMatchObject({ created: 1, requests: 2 });
  });

  it('to uploads of 16 MiB, of known length or chunked, say that they came whole', async () => {
    await using nginx = await Nginx.start({ server });
    const pool = poolOf();
    const data = randomBytes(16 * MIB);
    for (const [path, body] of [
      ['/upload/bytes', data],
      ['/upload/stream', inPieces(data)],
    ] as const) {
      const put = await pool.sendRequest(nginx.url, { method: 'PUT', path, body });
      expect(put.status).toBe(201);
      await put.text();
      const back = await pool.sendRequest(nginx.url, getRequest(path));
      expect(Buffer.from(await back.bytes()).equals(data)).toBe(true);
    }
    expect(pool.stats().created).toBe(1);
  });

  it.each([
    ['bytes', '/small/file', () => Buffer.alloc(32 * MIB)],
    ['a stream', '/small/file', () => inPieces(Buffer.alloc(32 * MIB))],
    ['bytes, to a server that does not linger', '/abrupt/file', () => Buffer.alloc(32 * MIB)],
    ['a stream, to one that does not', '/abrupt/file', () => inPieces(Buffer.alloc(32 * MIB))],
  ])('of 413 arrive, and no EPIPE: %s', async (_what, path, body) => {
    await using nginx = await Nginx.start({ server });
    const pool = poolOf();
    for (let i = 0; i < 5; i += 1) {
      const res = await pool.sendRequest(nginx.url, { method: 'PUT', path, body: body() });
      expect(res.status).toBe(413);
      expect(await res.text()).toContain('413 Request Entity Too Large');
    }
    // None of those connections is used again: nginx still waits for the rest on them.
    await pool.sendRequest(nginx.url, getRequest('/empty'));
    expect(pool.stats()).toMatchObject({ created: 6, active: 0 });
  });

  async function* inPieces(data: Buffer): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < data.length; at += 65_536) {
      yield data.subarray(at, at + 65_536);
      await Promise.resolve();
    }
  }
});

describe.runIf(hasNginx)('TLS', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes the session on the next connection (%s)',
    async (version) => {
      const { ca, localhost } = await testCertificates();
      await using nginx = await Nginx.start({
        server: 'ssl_protocols TLSv1.2 TLSv1.3; location / { return 200 $ssl_session_reused; }',
        tls: localhost,
      });
      const pool = poolOf();
      const tls = { ca, minVersion: version, maxVersion: version };
      const res = await pool.sendRequest(nginx.tlsUrl, {}, { tls });
      expect(await res.text()).toBe('.');
      const { hostname, port } = new URL(nginx.tlsUrl);
      const key = { host: hostname, port: Number(port), tls };
      using first = await pool.acquire(key);
      using second = await pool.acquireNew(key);
      const [before, after] = [first, second].map((lease) => lease.connection.socket as TLSSocket);
      expect(before?.isSessionReused()).toBe(false);
      expect(after?.isSessionReused()).toBe(true);
      expect(after?.getProtocol()).toBe(version);
      expect(after?.authorized).toBe(true);
      second.release();
      const resumed = await pool.sendRequest(nginx.tlsUrl, {}, { tls });
      expect(await resumed.text()).toBe('r'); // nginx says so too
    },
  );

  it('another identity never resumes this one’s session', async () => {
    const { ca, localhost } = await testCertificates();
    await using nginx = await Nginx.start({
      server: 'location / { return 200 $ssl_session_reused; }',
      tls: localhost,
    });
    const pool = poolOf();
    const answer = async (tls: object) =>
      (await pool.sendRequest(nginx.tlsUrl, {}, { tls })).text();
    expect(await answer({ ca })).toBe('.');
    expect(await answer({ ca, servername: 'localhost' })).toBe('.');
    expect(await answer({ rejectUnauthorized: false })).toBe('.');
  });
});
