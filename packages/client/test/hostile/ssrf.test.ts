/**
 * URLs of strangers (docs/rules.md, rule 16): with `safety: { untrusted: true }` only public addresses are
 * connected to, however the address is spelled and wherever it came from.
 */
import { ConnectionPool, type SendOptions } from '@hotaru/client';
import { ScriptedUpstream, turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { answering, attempt, codeOf, HANG_GUARD_MS } from './support.js';

const UNTRUSTED: SendOptions = { safety: { untrusted: true }, timeout: HANG_GUARD_MS };

const SPELLINGS = [
  '127.0.0.1',
  '127.1',
  '127.255.255.254',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '0',
  '0.0.0.0',
  'localhost',
  'LOCALHOST',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '①②⑦.0.0.1',
  '127。0。0。1',
];

const PRIVATE = [
  '10.0.0.1',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '100.64.0.1',
  '100.127.255.255',
  '192.0.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[ff02::1]',
  '[fec0::1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:10.0.0.1]',
  '168.63.129.16',
  '[::ffff:168.63.129.16]',
  '[64:ff9b::a83f:8110]',
  '100.100.100.200',
  '192.0.0.192',
  '169.254.170.2',
  '[fd00:ec2::23]',
  '[fd20:ce::254]',
  '[100:0:0:1::1]',
];

describe('an untrusted URL', () => {
  it.each(SPELLINGS)('of this machine is refused however it is spelled: %s', async (host) => {
    await using upstream = await ScriptedUpstream.start({ script: answering });
    const pool = new ConnectionPool({ maxPerHost: 1 });
    for (let tried = 0; tried < 2; tried += 1) {
      const outcome = await attempt(pool, `http://${host}:${upstream.port}/`, {}, UNTRUSTED);
      expect(codeOf(outcome)).toMatch(/^HOTARU_(BLOCKED_ADDRESS|INVALID_REQUEST)$/);
    }
    await turn();
    expect(upstream.accepted).toBe(0);
    expect(pool.stats()).toMatchObject({ active: 0, connecting: 0, waiting: 0 });
    pool.close();
  });

  it('of this machine by a name with a dot at its end is not connected to', async () => {
    await using upstream = await ScriptedUpstream.start({ script: answering });
    const pool = new ConnectionPool();
    const outcome = await attempt(pool, `http://localhost.:${upstream.port}/`, {}, UNTRUSTED);
    expect(codeOf(outcome)).toMatch(/^HOTARU_(BLOCKED_ADDRESS|INVALID_REQUEST|CONNECT_FAILED)$/);
    expect(upstream.accepted).toBe(0);
    pool.close();
  });

  it.each(PRIVATE)(
    'of a network that is not public is refused before a packet: %s',
    async (host) => {
      const pool = new ConnectionPool();
      const outcome = await attempt(pool, `http://${host}/`, {}, UNTRUSTED);
      expect(codeOf(outcome)).toBe('HOTARU_BLOCKED_ADDRESS');
      pool.close();
    },
  );

  it('does not borrow a connection that a trusted call has opened', async () => {
    await using upstream = await ScriptedUpstream.start({ script: answering });
    const pool = new ConnectionPool();
    expect(await attempt(pool, upstream.url)).toMatchObject({ status: 200 });
    expect(codeOf(await attempt(pool, upstream.url, {}, UNTRUSTED))).toBe('HOTARU_BLOCKED_ADDRESS');
    expect(await attempt(pool, upstream.url)).toMatchObject({ status: 200 });
    expect([upstream.accepted, upstream.requests.length]).toEqual([1, 2]);
    pool.close();
  });

  it('over TLS is refused before the handshake', async () => {
    await using upstream = await ScriptedUpstream.start();
    const pool = new ConnectionPool();
    const url = upstream.url.replace('http:', 'https:');
    expect(codeOf(await attempt(pool, url, {}, UNTRUSTED))).toBe('HOTARU_BLOCKED_ADDRESS');
    expect(upstream.accepted).toBe(0);
    pool.close();
  });
});
