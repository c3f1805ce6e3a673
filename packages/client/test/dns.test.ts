/** Names and addresses: how dials find their way, with a resolver of the test's own. */
import { afterEach, expect, it } from 'vitest';
import { ConnectionPool } from '@hotaru/client';
import { ScriptedUpstream, VirtualClock } from '@hotaru/client/testing';
import { DnsCache } from '../src/connection/dial/dns-cache.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const ADDRESSES = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) => ({
  address,
  family: 4,
}));

function cache(resolve = () => Promise.resolve(ADDRESSES)) {
  const clock = new VirtualClock();
  let asked = 0;
  const dns = new DnsCache(clock, () => {
    asked += 1;
    return resolve();
  });
  const lookup = (host = 'api.test') =>
    new Promise<string[]>((done, fail) => {
      dns.lookup(host, { all: true }, (error, found) => {
        if (error !== null) fail(error);
        else done((found as { address: string }[]).map(({ address }) => address));
      });
    });
  return { clock, dns, lookup, asked: () => asked };
}

it('hands the addresses of a name out in rotation', async () => {
  const { lookup } = cache();
  expect((await lookup())[0]).toBe('192.0.2.1');
  expect((await lookup())[0]).toBe('192.0.2.2');
  expect(await lookup()).toEqual(['192.0.2.3', '192.0.2.1', '192.0.2.2']);
});

it('asks once for all who want a name at the same time, and again when its time is up', async () => {
  const { lookup, asked, clock } = cache();
  await Promise.all([lookup(), lookup(), lookup()]);
  expect(asked()).toBe(1);
  clock.advance(29_999);
  await lookup();
  expect(asked()).toBe(1);
  clock.advance(1);
  await lookup();
  expect(asked()).toBe(2);
});

it('keeps no failure, and forgets a name whose address did not answer', async () => {
  let works = false;
  const { lookup, asked, dns } = cache(() =>
    works ? Promise.resolve(ADDRESSES) : Promise.reject(new Error('ENOTFOUND')),
  );
  await expect(lookup()).rejects.toThrow('ENOTFOUND');
  works = true;
  await lookup();
  dns.forget('api.test');
  await lookup();
  expect(asked()).toBe(3);
});

it('dials by the pool’s resolver, and a request says how long that took', async () => {
  const upstream = await ScriptedUpstream.start();
  closers.push(() => upstream.close());
  upstream.respondAlways({ body: 'found' });
  const hosts: string[] = [];
  const pool = new ConnectionPool(
    {},
    {
      resolve: (host) => {
        hosts.push(host);
        return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
      },
    },
  );
  closers.push(() => pool.close());
  const res = await pool.sendRequest(`http://api.test:${upstream.port}`);
  expect(await res.text()).toBe('found');
  expect(upstream.requests[0]?.headers['host']).toBe(`api.test:${upstream.port}`);
  expect(hosts).toEqual(['api.test']);
  expect(res.timing.dns).toBeGreaterThanOrEqual(0);
});

it('tries the next address when the first one does not answer', async () => {
  const upstream = await ScriptedUpstream.start();
  closers.push(() => upstream.close());
  upstream.respondAlways();
  const pool = new ConnectionPool(
    {},
    {
      // Nothing listens on 127.0.0.2 at that port.
      resolve: () =>
        Promise.resolve([
          { address: '127.0.0.2', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ]),
    },
  );
  closers.push(() => pool.close());
  expect((await pool.sendRequest(`http://api.test:${upstream.port}`)).status).toBe(200);
});

it('fails in peace where the kernel refuses an address at once, with TLS as without', async () => {
  // The kernel refuses to connect to a broadcast address: nothing is sent, and the call of `connect` itself fails.
  const refusals = [1, 2].map((count) =>
    Array.from({ length: count }, () => ({ address: '255.255.255.255', family: 4 })),
  );
  for (const addresses of refusals)
    for (const scheme of ['http', 'https']) {
      const pool = new ConnectionPool({}, { resolve: () => Promise.resolve(addresses) });
      closers.push(() => pool.close());
      const error = await pool.sendRequest(`${scheme}://offline.test`).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'HOTARU_CONNECT_FAILED', phase: 'connect' });
      expect(String(error)).toContain('255.255.255.255');
    }
});

it('says in which phase a name that does not exist failed', async () => {
  const pool = new ConnectionPool(
    {},
    {
      resolve: () =>
        Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })),
    },
  );
  closers.push(() => pool.close());
  await expect(pool.sendRequest('http://nowhere.test')).rejects.toMatchObject({
    code: 'HOTARU_CONNECT_FAILED',
    phase: 'dns',
    message: expect.stringContaining('nowhere.test'),
  });
});

it('asks again beside a look-up that hangs, at growing distances, and takes the first answer', async () => {
  const answers: ((addresses: typeof ADDRESSES) => void)[] = [];
  const { lookup, asked, clock } = cache(() => new Promise((resolve) => answers.push(resolve)));
  const first = lookup();
  const askedAtMs: number[] = [];
  for (let known = 1; clock.now() < 20_000; known = asked()) {
    clock.advance(100);
    void lookup();
    if (asked() > known) askedAtMs.push(clock.now());
  }
  expect(askedAtMs).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
  const late = lookup();
  answers[1]?.(ADDRESSES); // neither the first one nor the last
  expect(await late).toHaveLength(3);
  answers[0]?.(ADDRESSES);
  expect(await first).toHaveLength(3);
  await lookup();
  expect(asked()).toBe(6);
});

it('a resolver that hung once holds up calls for a second, not for as long as a name is kept', async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.respondAlways({ body: 'ok' });
  let asked = 0;
  const pool = new ConnectionPool(
    {},
    {
      resolve: () => {
        asked += 1;
        if (asked === 1) return new Promise(() => undefined);
        return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
      },
    },
  );
  closers.push(() => pool.close());
  const url = `http://api.test:${upstream.port}`;
  const outcome = await pool.sendRequest(url, {}, { timeout: '8s' });
  expect([await outcome.text(), asked]).toEqual(['ok', 2]);
});
