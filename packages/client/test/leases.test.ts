/** A checked-out connection is its holder's until it is given back, once, to the pool it came from. */
import { ConnectionPool, type PooledConnection } from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';

async function scene() {
  const upstream = await ScriptedUpstream.start();
  upstream.onConnection(async (peer) => {
    for (;;) await peer.write(await peer.readUntil('\n'));
  });
  const pool = new ConnectionPool({ maxPerHost: 1 });
  return {
    upstream,
    pool,
    async [Symbol.asyncDispose]() {
      pool.close();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const invalidState = (text: string): Error =>
  expect.objectContaining({
    code: 'HOTARU_INVALID_STATE',
    message: expect.stringContaining(text),
  }) as Error;

function got(pool: ConnectionPool, url: string): PooledConnection {
  const connection = pool.get(url);
  if (connection === undefined) throw new Error('nothing is idle');
  return connection;
}

describe('a lease that was released', () => {
  it('can no longer write, read or reach the socket, whatever uses the connection now', async () => {
    await using s = await scene();
    const first = await s.pool.acquire(s.upstream.url);
    const { connection } = first;
    expect(first.release()).toBe(true);
    const second = await s.pool.acquire(s.upstream.url);
    expect(second.connection.id).toBe(connection.id);
    await expect(first.write('mine\n')).rejects.toEqual(invalidState('was given back'));
    await expect(connection.write('mine\n')).rejects.toEqual(invalidState('was given back'));
    await expect(first.read()).rejects.toEqual(invalidState('was given back'));
    expect(() => connection.socket.remotePort).toThrow(invalidState('was given back'));
    expect([connection.isOpen, second.connection.isOpen]).toEqual([false, true]);
    await second.write('yours\n');
    expect(Buffer.from((await second.read()) ?? []).toString()).toBe('yours\n');
    expect([first.release(), second.release()]).toEqual([false, true]);
  });

  it('ends a read that is under way, and closes the connection: bytes may still come for it', async () => {
    await using s = await scene();
    const lease = await s.pool.acquire(s.upstream.url);
    const read = lease.read();
    expect(lease.release()).toBe(false);
    await expect(read).rejects.toEqual(invalidState('while a read was under way'));
    expect(s.pool.stats()).toMatchObject({ idle: 0, active: 0 });
  });
});

it('an acquire that a drain finds at work is served, though its idle connection ended', async () => {
  await using s = await scene();
  await s.pool.warm(s.upstream.url, 1);
  const idle = got(s.pool, s.upstream.url);
  const { socket } = idle;
  s.pool.put(idle);
  const acquired = s.pool.acquire(s.upstream.url); // polls the idle connection
  socket.destroy();
  const drained = s.pool.drain({ timeout: '5s' });
  const lease = await acquired;
  await lease.write('fine\n');
  expect(await lease.read()).toEqual(Buffer.from('fine\n'));
  lease.release();
  await drained;
});

it('an acquire has no signal that Object.prototype was given', async () => {
  await using s = await scene();
  Object.assign(Object.prototype, { signal: { aborted: true, reason: 'evil' } });
  const acquired = s.pool.acquire(s.upstream.url);
  Reflect.deleteProperty(Object.prototype, 'signal');
  const lease = await acquired;
  expect(lease.release()).toBe(true);
});

it('write() refuses what is neither text nor bytes, and counts nothing', async () => {
  await using s = await scene();
  const lease = await s.pool.acquire(s.upstream.url);
  const isRefused = expect.objectContaining({ code: 'HOTARU_INVALID_REQUEST' }) as Error;
  for (const bad of [undefined, null, 5, true, {}, [1], new ArrayBuffer(4), new Uint16Array(2)])
    await expect(lease.write(bad as never)).rejects.toEqual(isRefused);
  expect(s.pool.stats().bytesSent).toBe(0);
  await lease.write('fine\n');
  expect(s.pool.stats().bytesSent).toBe(5);
});

describe('put', () => {
  it('takes back what get gave, once', async () => {
    await using s = await scene();
    await s.pool.warm(s.upstream.url, 1);
    const connection = got(s.pool, s.upstream.url);
    expect(s.pool.put(connection)).toBe(true);
    expect(() => s.pool.put(connection)).toThrow(invalidState('was given back'));
    const next = got(s.pool, s.upstream.url);
    expect(next.id).toBe(connection.id);
    expect(() => s.pool.put(connection)).toThrow(invalidState('was given back'));
    await expect(connection.write('x')).rejects.toEqual(invalidState('was given back'));
    expect(s.pool.stats().active).toBe(1);
    expect(s.pool.put(next)).toBe(true);
  });

  it('refuses the connection of a lease, which can still be released', async () => {
    await using s = await scene();
    const lease = await s.pool.acquire(s.upstream.url);
    expect(() => s.pool.put(lease.connection)).toThrow(invalidState('held by a lease'));
    expect(lease.release()).toBe(true);
    expect(s.pool.stats()).toMatchObject({ idle: 1, active: 0 });
    await (await s.pool.acquire(s.upstream.url)).write('x\n');
  });

  it('refuses a connection of another pool, and what is no connection', async () => {
    await using s = await scene();
    await using other = await scene();
    await s.pool.warm(s.upstream.url, 1);
    const connection = got(s.pool, s.upstream.url);
    expect(() => other.pool.put(connection)).toThrow(invalidState('of another pool'));
    for (const none of [undefined, null, {}, 5])
      expect(() => s.pool.put(none as never)).toThrow(invalidState('that get() gave'));
    expect(s.pool.put(connection)).toBe(true);
  });

  it('of a connection that ended meanwhile is false', async () => {
    await using s = await scene();
    await s.pool.warm(s.upstream.url, 1);
    const connection = got(s.pool, s.upstream.url);
    s.pool.close();
    expect(s.pool.put(connection)).toBe(false);
  });
});
