/** A peer that cannot be connected to, and one that is merely busy: which of the two an error says. */
import { ConnectionPool, type PoolConfigInput } from '@hotaru/client';
import { ScriptedUpstream, turn, VirtualClock } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../src/config/defaults.js';
import { hungDialOf } from '../src/pool/host-report.js';
import { oneHost } from './support/fake-pool.js';
import { rejection, until } from './support/waiting.js';

const ACQUIRE_MS = Number(SETTINGS.acquireTimeout.default);

/** Takes connections, and says nothing: to a client that begins with TLS, a handshake that hangs. */
async function stand(config: PoolConfigInput = {}) {
  const upstream = await ScriptedUpstream.start();
  const clock = new VirtualClock();
  const pool = new ConnectionPool(config, { clock });
  return {
    upstream,
    clock,
    pool,
    url: upstream.url.replace('http:', 'https:'),
    advance: async (ms: number) => {
      for (let passedMs = 0; passedMs < ms; passedMs += 100) {
        clock.advance(100);
        await turn();
      }
    },
    [Symbol.asyncDispose]: async () => {
      pool.close();
      await upstream.close();
    },
  };
}

describe('a call whose acquireTimeout passes while nothing but dials is there to wait for', () => {
  it('says that it could not connect, and how far the dial came: with the settings as they are', async () => {
    await using scene = await stand();
    const { pool, upstream, url, advance } = scene;
    const failed = rejection(pool.sendRequest(url));
    await until(() => upstream.accepted === 1, 'the peer takes the connection');
    await advance(ACQUIRE_MS);
    expect(await failed).toMatchObject({
      code: 'HOTARU_CONNECT_TIMEOUT',
      name: 'ConnectError',
      phase: 'tls',
      retrySafe: true,
      message: `GET ${url}/: no connection after 10000 ms (acquireTimeout): the TCP connection to 127.0.0.1:${upstream.port} stands, but the TLS handshake is not done`,
    });
    expect(pool.stats().timeoutsByKind).toMatchObject({ acquire: 0, connect: 1 });
  });

  it('opens no more than two connections in all that time, however many calls come one after the other', async () => {
    await using scene = await stand({ connectTimeout: Infinity });
    const { pool, upstream, url, advance } = scene;
    for (let call = 0; call < 3; call += 1) {
      const failed = rejection(pool.sendRequest(url));
      for (let second = 0; second < 10; second += 1) {
        await advance(1_000);
        expect(pool.stats().connecting).toBeLessThanOrEqual(2);
      }
      await failed;
    }
    expect(upstream.accepted).toBeGreaterThanOrEqual(2);
  });

  it('is told apart also when many wait at once, more than may dial', async () => {
    await using scene = await stand({ maxDialing: 2 });
    const { pool, url, advance } = scene;
    const failed = Array.from({ length: 6 }, () => rejection(pool.sendRequest(url)));
    await advance(ACQUIRE_MS);
    for (const error of await Promise.all(failed))
      expect(error).toMatchObject({ code: 'HOTARU_CONNECT_TIMEOUT' });
    expect(pool.stats().timeoutsByKind).toMatchObject({ acquire: 0, connect: 6 });
  });

  it('is named so by acquireTls(), with the timeout it was given', async () => {
    await using scene = await stand();
    const { pool, upstream, advance } = scene;
    const failed = rejection(pool.acquireTls('127.0.0.1', upstream.port, { timeout: '1s' }));
    await until(() => upstream.accepted === 1, 'the peer takes the connection');
    await advance(1_000);
    expect(await failed).toMatchObject({
      code: 'HOTARU_CONNECT_TIMEOUT',
      phase: 'tls',
      message: expect.stringContaining('no connection after 1000 ms (timeout): the TCP') as string,
    });
    expect(pool.stats().timeoutsByKind).toMatchObject({ acquire: 0, connect: 1 });
  });
});

it('the connectTimeout of a call says how far its dial came', async () => {
  await using scene = await stand();
  const { pool, upstream, url, advance } = scene;
  const failed = rejection(pool.sendRequest(url, {}, { connectTimeout: '1s' }));
  await until(() => upstream.accepted === 1, 'the peer takes the connection');
  await advance(1_000);
  expect(await failed).toMatchObject({
    code: 'HOTARU_CONNECT_TIMEOUT',
    name: 'ConnectError',
    message: expect.stringMatching(
      /no connection after 1000 ms \(connectTimeout\): .*TLS handshake is not done$/,
    ) as string,
  });
});

describe('a wait for which something live comes round', () => {
  it('ends as one for the pool', async () => {
    await using upstream = await ScriptedUpstream.start();
    const clock = new VirtualClock();
    const pool = new ConnectionPool({ maxPerHost: 1 }, { clock });
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.stall();
    });
    pool.sendRequest(upstream.url).catch(() => undefined); // ended by close()
    await upstream.waitForRequests(1);
    const failed = rejection(pool.sendRequest(upstream.url));
    clock.advance(ACQUIRE_MS);
    expect(await failed).toMatchObject({
      code: 'HOTARU_ACQUIRE_TIMEOUT',
      phase: 'queue',
      message: `GET ${upstream.url}/: no connection within the acquireTimeout of 10000 ms (1 active, 0 idle, 0 connecting, of at most 1 (maxPerHost); 1 in line of at most 1024 (maxPending), the oldest for 10000 ms)`,
    });
    expect(pool.stats().timeoutsByKind).toMatchObject({ acquire: 1, connect: 0 });
    pool.close();
  });
});

describe('the dial that stands in the way of a waiter', () => {
  it('is none while something is live, but for one that needs a fresh connection', () => {
    const host = oneHost({ maxPerHost: 2 });
    host.dialled();
    const [fresh, other] = [host.acquire({ fresh: true }), host.acquire()];
    host.pool.clock.advance(ACQUIRE_MS);
    expect(hungDialOf(host.hostPool, fresh.waiter)).toBe(fresh.dial);
    expect(hungDialOf(host.hostPool, other.waiter)).toBeUndefined();
  });

  it('is none when connections came and went for most of the wait, and the dial is new', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const late = host.acquire();
    host.pool.clock.advance(ACQUIRE_MS - 1_000);
    busy.release(false);
    host.pool.clock.advance(1_000);
    expect(late.dial).toBe(host.dials[0]);
    expect(hungDialOf(host.hostPool, late.waiter)).toBeUndefined();
  });

  it('is the oldest one, for a waiter that has none of its own', () => {
    const host = oneHost({ maxPerHost: 1 });
    const busy = host.dialled();
    const [, second] = [host.acquire(), host.acquire()];
    busy.release(false);
    host.pool.clock.advance(ACQUIRE_MS);
    expect(second.dial).toBeUndefined();
    expect(hungDialOf(host.hostPool, second.waiter)).toBe(host.dials[0]);
  });
});
