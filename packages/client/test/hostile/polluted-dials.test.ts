/** What `Object.prototype` was given, by a polyfill or an attack, says nothing about where and how a dial goes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectionPool, PoolConfig } from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { expect, it } from 'vitest';
import { testCertificates } from '../certificates.js';
import { answering, attempt, codeOf } from './support.js';

/** Only while `run` runs, and not while what it promises comes: the origin is in this process, too. */
function polluted<T>(name: string, value: unknown, run: () => T): T {
  Object.assign(Object.prototype, { [name]: value });
  try {
    return run();
  } finally {
    Reflect.deleteProperty(Object.prototype, name);
  }
}

it('a path sends no dial to a Unix socket', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotaru-'));
  const path = join(folder, 'other.sock');
  let otherCount = 0;
  const other = createServer((socket) => {
    otherCount += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => other.listen(path, resolve));
  const { ca, localhost } = await testCertificates();
  for (const tls of [undefined, localhost]) {
    await using upstream = await ScriptedUpstream.start(tls === undefined ? {} : { tls });
    upstream.onConnection(answering);
    const pool = new ConnectionPool({ hosts: { '127.0.0.1': { tls: { ca } } } });
    const outcome = await polluted('path', path, () => attempt(pool, upstream.url));
    expect(outcome).toMatchObject({ status: 200 });
    pool.close();
  }
  expect(otherCount).toBe(0);
  other.close();
  await rm(folder, { recursive: true });
});

it.each<[string, unknown]>([
  ['localAddress', '127.0.0.9'],
  ['localPort', 1],
  ['family', 6],
  ['hints', 1],
  ['socket', {}],
  ['timeout', 1],
])('%s changes no dial, with a name to look up neither', async (name, value) => {
  await using upstream = await ScriptedUpstream.start();
  upstream.onConnection(answering);
  for (const host of ['127.0.0.1', 'localhost']) {
    const pool = new ConnectionPool();
    const url = `http://${host}:${upstream.port}`;
    const outcome = await polluted(name, value, () => attempt(pool, url));
    expect(outcome).toMatchObject({ status: 200 });
    expect(pool.get(url)?.socket.localAddress).toBe('127.0.0.1');
    pool.close();
  }
});

it('an authority or a trust of another makes no certificate a good one', async () => {
  const { ca, localhost } = await testCertificates();
  await using upstream = await ScriptedUpstream.start({ tls: localhost });
  upstream.onConnection(answering);
  for (const [name, value] of [
    ['ca', ca],
    ['rejectUnauthorized', false],
    ['tls', { rejectUnauthorized: false }],
  ] as const) {
    const minVersion = 'TLSv1.3'; // a secure context that no other test has made
    const hosts = { '127.0.0.1': { maxPerHost: 3 } };
    const pool = polluted(name, value, () => new ConnectionPool({ hosts }));
    const outcome = await polluted(name, value, () => {
      pool.reconfigure({ maxTotal: 50 });
      return attempt(pool, upstream.url, {}, { tls: { minVersion } });
    });
    expect([name, codeOf(outcome)]).toEqual([name, 'HOTARU_TLS_FAILED']);
    const given = polluted(name, value, () => PoolConfig.from({ maxTotal: 9 }, pool.config));
    expect(given.tlsFor('127.0.0.1', 443)).toBeUndefined();
    pool.close();
  }
});
