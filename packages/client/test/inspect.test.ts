/** What `console.log()` shows of our objects: the facts, not their insides, and no secrets. */
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionKey, ConnectionPool } from '@hotaru/client';
import { configOf, PROTOCOLS, startUpstream, type Upstream } from './support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  let upstream: Upstream;
  let pool: ConnectionPool;

  beforeEach(async () => {
    upstream = (await startUpstream(protocol)).respondAlways({
      status: 404,
      headers: {
        'content-type': 'text/plain',
        vary: ['accept', 'origin'],
        'set-cookie': ['sid=s3cret; Path=/; HttpOnly', 'theme=d4rk'],
        location: '/next?code=s3cret',
        authorization: 'Bearer s3cret',
        __proto__x: '1',
      },
      body: 'b0dy',
    });
    pool = new ConnectionPool(configOf(protocol));
  });
  afterEach(async () => {
    pool.close();
    await upstream.close();
  });

  describe('a response', () => {
    it('shows its status, URL and fields, and nothing of its body', async () => {
      const res = await pool.sendRequest(upstream.url, { path: '/users/7?token=s3cret' });
      const shown = inspect(res);
      expect(shown).toMatch(/^ClientResponse \{/);
      for (const fact of [
        'status: 404',
        protocol === 'h2' ? "statusText: ''" : "statusText: 'Not Found'", // HTTP/2 has none
        "method: 'GET'",
        `url: '${upstream.url}/users/7?[hidden]'`,
        'bodyUsed: false',
        "'content-type': 'text/plain'",
      ])
        expect(shown).toContain(fact);
      expect(shown).not.toContain('b0dy');
      expect(shown).not.toContain('s3cret');
      await res.text();
      expect(inspect(res)).toContain('bodyUsed: true');
    });

    it('is one word where it lies too deep', async () => {
      const res = await pool.sendRequest(upstream.url);
      expect(inspect({ a: { b: { c: res } } })).toContain('[ClientResponse]');
      expect(inspect({ res }, { depth: 0 })).toBe('{ res: [ClientResponse] }');
      await res.discard();
    });
  });

  describe('its headers', () => {
    it('are names and values, repeats as a list, secrets hidden', async () => {
      const { headers } = await pool.sendRequest(upstream.url);
      const shown = inspect(headers);
      expect(shown).toMatch(/^ResponseHeaders \{/);
      expect(shown).toContain("vary: [ 'accept', 'origin' ]");
      expect(shown).toContain("'sid=[hidden]; Path=/; HttpOnly'");
      expect(shown).toContain("'theme=[hidden]'");
      expect(shown).toContain("location: '/next?[hidden]'");
      expect(shown).toContain("authorization: '[hidden]'");
      expect(shown).not.toContain('s3cret');
      // They hide it from logs only.
      expect(headers.getAll('set-cookie')).toEqual(['sid=s3cret; Path=/; HttpOnly', 'theme=d4rk']);
    });
  });

  describe('what a response came through', () => {
    it('is a pool of so many connections', async () => {
      await (await pool.sendRequest(upstream.url)).text();
      expect(inspect(pool)).toBe(
        `ConnectionPool {\n  idle: 1,\n  active: 0,\n  connecting: 0,\n  waiting: 0,\n  hosts: [ '${upstream.url}' ]\n}`,
      );
    });

    it.skipIf(protocol === 'h2')(
      'is a lease on a connection, without its socket and what was read from it',
      async () => {
        await (await pool.sendRequest(upstream.url)).text();
        using lease = await pool.acquire('127.0.0.1', upstream.port);
        const shown = inspect(lease, { depth: 10 });
        expect(shown).toMatch(/^Lease \{\s+connection: CheckedOutConnection \{/);
        expect(shown).toContain(`key: '${upstream.url}'`);
        expect(shown).toContain('isOpen: true');
        expect(shown).not.toMatch(/Socket|Buffer|counters/);
      },
    );

    it('is a key without the secrets of its identity', () => {
      const key = ConnectionKey.from('https://a.example', {
        passphrase: 's3cret',
        minVersion: 'TLSv1.3',
      });
      const shown = inspect(key, { depth: 10, showHidden: true });
      expect(shown).toContain("id: 'https://a.example:443");
      expect(shown).toContain("given: [ 'passphrase', 'minVersion'");
      expect(shown).not.toContain('s3cret');
    });
  });

  describe('what is counted', () => {
    it('says the protocol: of a response, of the pool, and of its host', async () => {
      const calls = await Promise.all([1, 2, 3].map(() => pool.sendRequest(upstream.url)));
      const other = protocol === 'h2' ? 'http/1.1' : 'h2';
      for (const { connection } of calls) expect(connection).toMatchObject({ protocol });
      const connections = protocol === 'h2' ? 1 : 3;
      await Promise.all(calls.map((response) => response.text()));
      const counted = { connections, inUse: 0, created: connections, closed: 0, requests: 3 };
      const nothing = { connections: 0, inUse: 0, created: 0, closed: 0, requests: 0 };
      const stats = pool.stats();
      for (const { protocols } of [stats, ...Object.values(stats.hosts)])
        expect(protocols).toEqual({ [protocol]: counted, [other]: nothing });
      pool.close();
      expect(pool.stats().protocols[protocol]).toMatchObject({
        connections: 0,
        closed: connections,
      });
    });
  });
});
