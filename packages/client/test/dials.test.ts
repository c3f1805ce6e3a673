/** Dials that hang, fail or end at once, and the callers that must not pay for it. Real sockets. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { ConnectionPool } from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { testCertificates } from './certificates.js';

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('a host whose handshakes hang', () => {
  it('fails each call within its own connectTimeout, and serves the next one when it is healthy again', async () => {
    const { key, cert } = (await testCertificates()).localhost;
    const sockets = new Set<Socket>();
    const healthy = createTlsServer({ key, cert }, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    let isHung = true;
    const front = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      if (!isHung) healthy.emit('connection', socket);
    });
    const port = await listen(front);
    const pool = new ConnectionPool({ acquireTimeout: '15s' });
    let connectTimeout = 60;
    const call = () =>
      pool
        .sendRequest(
          `https://127.0.0.1:${port}`,
          {},
          { connectTimeout, tls: { rejectUnauthorized: false } },
        )
        .then(
          (res) => res.text(),
          (error: unknown) => (error as { code: string }).code,
        );
    for (let i = 0; i < 4; i += 1) expect(await call()).toBe('HOTARU_CONNECT_TIMEOUT');
    const together = await Promise.all(Array.from({ length: 20 }, call));
    expect(new Set(together)).toEqual(new Set(['HOTARU_CONNECT_TIMEOUT']));
    expect(pool.stats().timeoutsByKind).toMatchObject({ connect: 24, acquire: 0 });
    isHung = false;
    connectTimeout = 5_000;
    expect(await call()).toBe('ok');
    expect(pool.stats().timeoutsByKind).toMatchObject({ connect: 24, acquire: 0 });
    pool.close();
    expect(pool.stats()).toMatchObject({ connecting: 0, waiting: 0, active: 0, idle: 0 });
    for (const socket of sockets) socket.destroy();
    front.close();
  });
});

describe('a host that is slower than its callers', () => {
  it('gets a connection done all the same, and is dialled a few times only', async () => {
    const { key, cert } = (await testCertificates()).localhost;
    const tls = createTlsServer({ key, cert }, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    let accepted = 0;
    const front = createServer((socket) => {
      accepted += 1;
      socket.on('error', () => undefined);
      setTimeout(() => tls.emit('connection', socket), 400);
    });
    const port = await listen(front);
    const pool = new ConnectionPool({
      maxPerHost: 10,
      hosts: { '127.0.0.1': { tls: { rejectUnauthorized: false } } },
    });
    const untilOk = async () => {
      for (let i = 0; i < 100; i += 1) {
        const call = pool.sendRequest(`https://127.0.0.1:${port}`, {}, { connectTimeout: 50 });
        if ((await call.then((res) => res.text()).catch(() => '')) === 'ok') return true;
      }
      return false;
    };
    const done = await Promise.all(Array.from({ length: 10 }, untilOk));
    expect(new Set(done)).toEqual(new Set([true]));
    expect(accepted).toBeLessThan(60);
    pool.close();
    front.close();
  });

  it('does not hold up another host, when no caller waits for it any more', async () => {
    await using good = await ScriptedUpstream.start();
    good.respondAlways({ body: 'ok' });
    const sockets = new Set<Socket>();
    const hung = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    const port = await listen(hung);
    const pool = new ConnectionPool({ maxTotal: 2 });
    for (let i = 0; i < 2; i += 1)
      await pool
        .sendRequest(`https://127.0.0.1:${port}`, {}, { connectTimeout: 30 })
        .catch(() => undefined);
    expect(pool.stats().connecting).toBe(2);
    expect(await (await pool.sendRequest(good.url, {}, { timeout: '8s' })).text()).toBe('ok');
    pool.close();
    for (const socket of sockets) socket.destroy();
    hung.close();
  });
});

describe('a server that takes only so many connections', () => {
  it('serves every caller on the ones it takes, when it refuses the handshakes of others', async () => {
    const { key, cert } = (await testCertificates()).localhost;
    let open = 0;
    const http = createHttpServer((_req, res) => setTimeout(() => res.end('ok'), 5));
    const tls = createTlsServer({ key, cert }, (socket) => http.emit('connection', socket));
    const front = createServer((socket) => {
      socket.on('error', () => undefined);
      if (open >= 2) {
        socket.resetAndDestroy();
        return;
      }
      open += 1;
      socket.on('close', () => (open -= 1));
      tls.emit('connection', socket);
    });
    const port = await listen(front);
    const pool = new ConnectionPool({
      hosts: { '127.0.0.1': { tls: { rejectUnauthorized: false } } },
    });
    expect(await callTenByTen(pool, `https://127.0.0.1:${port}`)).toEqual({ ok: 100 });
    await pool.drain();
    front.close();
  });
});

/** Ten callers, ten calls each: how often each outcome was seen. */
async function callTenByTen(pool: ConnectionPool, url: string): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let i = 0; i < 10; i += 1) {
        const outcome = await pool.sendRequest(url).then(
          (res) => res.text(),
          (error: unknown) => String(error),
        );
        seen[outcome] = (seen[outcome] ?? 0) + 1;
      }
    }),
  );
  return seen;
}

it('a host is not forgotten while a call holds its dead connection, and dials again', async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.respondAlways();
  const pool = new ConnectionPool({ maxTotal: 1 });
  await pool.warm(upstream.url, 1);
  const idle = pool.get(upstream.url);
  const socket = idle?.socket;
  if (idle !== undefined) pool.put(idle);
  const answer = pool.sendRequest(upstream.url); // polls the idle connection before it writes
  socket?.once('close', () => pool.cleanup());
  socket?.destroy();
  await (await answer).text();
  expect(Object.values(pool.stats().hosts)).toMatchObject([{ idle: 1, active: 0 }]);
  expect(pool.stats()).toMatchObject({ idle: 1, created: 2 });
  // Its permit comes back: another host gets the only one there is.
  await using other = await ScriptedUpstream.start();
  other.respondAlways();
  await (await pool.sendRequest(other.url, {}, { timeout: '5s' })).text();
  pool.close();
  expect(pool.stats()).toMatchObject({ idle: 0, active: 0 });
});
