/** TLS settings for single hosts, in the configuration of a pool. */
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionPool, getRequest, type PoolConfigInput } from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { testCertificates } from './certificates.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function scene(config: (ca: string) => PoolConfigInput, ALPNProtocols?: string[]) {
  const certificates = await testCertificates();
  const upstream = await ScriptedUpstream.start({
    tls: { ...certificates.localhost, ...(ALPNProtocols !== undefined && { ALPNProtocols }) },
  });
  upstream.respondAlways({ body: 'trusted' });
  const pool = new ConnectionPool(config(certificates.ca));
  closers.push(
    () => pool.close(),
    () => upstream.close(),
  );
  return { upstream, pool, certificates, url: `https://localhost:${upstream.port}` };
}

describe('hosts[...].tls', () => {
  it('is what every call to that host trusts, and no other call', async () => {
    const { pool, url, upstream } = await scene((ca) => ({
      hosts: { localhost: { tls: { ca } } },
    }));
    expect(await (await pool.sendRequest(url, getRequest('/'))).text()).toBe('trusted');
    await expect(
      pool.sendRequest(`https://127.0.0.1:${upstream.port}`, getRequest('/')),
    ).rejects.toMatchObject({ code: 'HOTARU_TLS_FAILED' });
  });

  it('holds for leases, warm-up and the non-blocking pair, which share its connections', async () => {
    const { pool, url, upstream } = await scene((ca) => ({
      hosts: { localhost: { tls: { ca, alpn: ['http/1.1'] } } },
    }));
    expect(await pool.warm(url, 1)).toBe(1);
    const lease = await pool.acquire(url);
    expect(lease.release()).toBe(true);
    const tls = await pool.acquireTls('localhost', upstream.port, { alpn: ['http/1.1'] });
    expect(tls.release()).toBe(true);
    const connection = pool.get(url);
    expect(connection !== undefined && pool.put(connection)).toBe(true);
    await (await pool.sendRequest(url)).text();
    expect(upstream.accepted).toBe(1);
  });

  it('lets a call lay its own settings over it', async () => {
    const { pool, upstream } = await scene((ca) => ({ hosts: { '127.0.0.1': { tls: { ca } } } }));
    const url = `https://127.0.0.1:${upstream.port}`;
    const res = await pool.sendRequest(url, {}, { tls: { servername: 'localhost' } });
    expect(await res.text()).toBe('trusted');
    await expect(
      pool.sendRequest(url, {}, { tls: { servername: 'elsewhere.test' } }),
    ).rejects.toMatchObject({ code: 'HOTARU_TLS_FAILED' });
  });

  it('can be given, and taken back, while the pool is in use', async () => {
    const { pool, url, certificates } = await scene(() => ({}));
    await expect(pool.sendRequest(url)).rejects.toMatchObject({ code: 'HOTARU_TLS_FAILED' });
    pool.reconfigure({ hosts: { localhost: { tls: { ca: certificates.ca } } } });
    expect((await pool.sendRequest(url)).status).toBe(200);
    pool.reconfigure({ hosts: { localhost: {} } });
    await expect(pool.sendRequest(url)).rejects.toMatchObject({ code: 'HOTARU_TLS_FAILED' });
  });

  it.each([
    [
      { caa: 'x' },
      'hosts["api.test"].tls: tls.caa is not a setting (did you mean ca?); allowed: ca, cert',
    ],
    [{ cert: 'x' }, 'tls.cert and tls.key go together'],
    ['yes', 'hosts["api.test"].tls: tls must be an object'],
  ])('is checked when it is given: %j', (tls, message) => {
    expect(() => new ConnectionPool({ hosts: { 'api.test': { tls } } } as PoolConfigInput)).toThrow(
      expect.objectContaining({
        code: 'HOTARU_INVALID_CONFIG',
        message: expect.stringContaining(message),
      }),
    );
  });
});

describe('ALPN', () => {
  const offered = async (use: (pool: ConnectionPool, port: number) => Promise<unknown>) => {
    const { upstream, pool } = await scene(
      (ca) => ({ hosts: { localhost: { tls: { ca } } } }),
      ['http/1.1', 'redis'],
    );
    await use(pool, upstream.port);
    const protocol = (await upstream.connection(0)).tls?.alpnProtocol;
    // The client first: Node 20 crashes when a server cuts a TLS socket while its session tickets go out.
    pool.close();
    await upstream.waitForOpen(0);
    return protocol;
  };

  it.each<[string, string | false, (pool: ConnectionPool, port: number) => Promise<unknown>]>([
    ['calls: http/1.1', 'http/1.1', (pool, port) => pool.sendRequest(`https://localhost:${port}`)],
    [
      'calls that ask for none: none',
      false,
      (pool, port) => pool.sendRequest(`https://localhost:${port}`, {}, { tls: { alpn: [] } }),
    ],
    ['acquireTls: none', false, (pool, port) => pool.acquireTls('localhost', port)],
    [
      'acquireTls that asks for one: that one',
      'redis',
      (pool, port) => pool.acquireTls('localhost', port, { alpn: ['redis'] }),
    ],
  ])('is offered as asked for: %s', async (_what, protocol, use) => {
    expect(await offered(use)).toBe(protocol);
  });
});
