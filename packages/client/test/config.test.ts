/** Configuration from the outside: environment, file, code; for one host, for all, and while it runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError, ConnectionPool, PoolConfig, type PoolConfigInput } from '@hotaru/client';
import { ScriptedUpstream, VirtualClock, type ScriptedPeer } from '@hotaru/client/testing';
import { rejection, until } from './support/waiting.js';

const pools: ConnectionPool[] = [];
const upstreams: ScriptedUpstream[] = [];

afterEach(async () => {
  for (const pool of pools.splice(0)) pool.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

function poolOf(
  config: PoolConfigInput = {},
  environment: ConstructorParameters<typeof ConnectionPool>[1] = {},
): ConnectionPool {
  const pool = new ConnectionPool(config, environment);
  pools.push(pool);
  return pool;
}

async function upstreamOf(): Promise<ScriptedUpstream> {
  const upstream = await ScriptedUpstream.start();
  upstreams.push(upstream);
  return upstream;
}

async function textOf(pool: ConnectionPool, url: string, path = '/'): Promise<string> {
  return (await pool.sendRequest(url, { path })).text();
}

/** The error of a configuration that must not pass. */
function configError(make: () => unknown): ConfigError {
  try {
    make();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration passed');
}

describe('the environment', () => {
  it('sets every setting by its name in capitals, as number, duration, boolean or choice', () => {
    const input = PoolConfig.fromEnvironment({
      HOTARU_POOL_MAX_PER_HOST: '50',
      HOTARU_POOL_IDLE_TIMEOUT: '30s',
      HOTARU_POOL_ACQUIRE_TIMEOUT: ' 2500ms ',
      HOTARU_POOL_TIMEOUT: 'Infinity',
      HOTARU_POOL_ENABLE_POOLING: 'false',
      HOTARU_POOL_REPORT_LEAKS: '1',
      HOTARU_POOL_ORDER: 'lifo',
      HOTARU_POOL_MAX_RESPONSE_SIZE: '1048576',
      PATH: '/bin',
      HOTARU_OTHER: 'not a setting of the pool',
    });
    expect(PoolConfig.from(input).settings).toMatchObject({
      maxPerHost: 50,
      idleTimeout: 30_000,
      acquireTimeout: 2_500,
      timeout: Infinity,
      enablePooling: false,
      reportLeaks: true,
      order: 'lifo',
      maxResponseSize: 1_048_576,
    });
  });

  it('shapes a pool', async () => {
    const pool = poolOf(PoolConfig.fromEnvironment({ HOTARU_POOL_ENABLE_POOLING: '0' }));
    const upstream = (await upstreamOf()).respondAlways();
    for (let i = 0; i < 3; i += 1) await textOf(pool, upstream.url);
    expect(upstream.accepted).toBe(3);
  });

  it.each([
    ['HOTARU_POOL_MAX_PERHOST', '5', 'HOTARU_POOL_MAX_PER_HOST'],
    ['HOTARU_POOL_MAX_PER_HOST', 'many', 'a whole number, 1 to 65535'],
    ['HOTARU_POOL_MAX_PER_HOST', '', 'a whole number'],
    ['HOTARU_POOL_IDLE_TIMEOUT', '5 weeks', "text like '90s'"],
    ['HOTARU_POOL_ENABLE_POOLING', 'yes', 'true or false'],
    ['HOTARU_POOL_ORDER', 'random', '"fifo" or "lifo"'],
  ])('with %s=%s is refused, naming what is allowed', (name, value, allowed) => {
    const error = configError(() => PoolConfig.fromEnvironment({ [name]: value }));
    expect(error.code).toBe('HOTARU_INVALID_CONFIG');
    expect(error.message).toContain(allowed);
    expect(error.key).not.toBe('');
  });
});

describe('a YAML file', () => {
  async function withFile<T>(text: string, use: (file: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'hotaru-config-'));
    const file = join(folder, 'hotaru.yaml');
    try {
      await writeFile(file, text);
      return await use(file);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  const load = (text: string): Promise<PoolConfigInput> =>
    withFile(text, (file) => PoolConfig.load(file));

  it('says everything in snake_case, with durations and hosts', async () => {
    const input = await load(`
# what the pool of this process looks like
connection_pool:
  enabled: true
  max_per_host: 50
  max_idle_per_host: 20
  min_idle: 2
  idle_timeout: 90s
  max_lifetime: 5m
  connection_timeout: 2500   # milliseconds
  timeout: .inf
  order: lifo
  report_leaks: false
  hosts:
    api.example.com: { max_per_host: 10, idle_timeout: 30s }
    "db.example.com:8443":
      enabled: false
`);
    const { settings, hosts } = PoolConfig.from(input);
    expect(settings).toMatchObject({
      enablePooling: true,
      maxPerHost: 50,
      maxIdlePerHost: 20,
      minIdle: 2,
      idleTimeout: 90_000,
      maxLifetime: 300_000,
      connectTimeout: 2_500,
      timeout: Infinity,
      order: 'lifo',
      reportLeaks: false,
    });
    expect(hosts['api.example.com']).toMatchObject({ maxPerHost: 10, idleTimeout: 30_000 });
    expect(hosts['api.example.com']).toMatchObject({ order: 'lifo', minIdle: 2 });
    expect(hosts['db.example.com:8443']).toMatchObject({ enablePooling: false, maxPerHost: 50 });
  });

  it('shapes a pool', async () => {
    const upstream = (await upstreamOf()).respondAlways();
    const pool = poolOf(
      await load(
        `connection_pool: { hosts: { "127.0.0.1:${upstream.port}": { enabled: false } } }`,
      ),
    );
    for (let i = 0; i < 3; i += 1) await textOf(pool, upstream.url);
    expect(upstream.accepted).toBe(3);
  });

  it.each([
    ['an unknown key', 'connection_pool:\n  max_perhost: 5\n', '2:3', 'max_per_host'],
    ['a camelCase key', 'connection_pool:\n  maxPerHost: 5\n', '2:3', 'max_per_host'],
    ['an unknown section', 'connection_pool: {}\npool:\n  a: 1\n', '2:1', 'connection_pool'],
    ['a bad count', 'connection_pool:\n  max_idle: 1\n', '2:3', 'max_idle_per_host'],
    ['a bad value', 'connection_pool:\n\n  max_per_host: 0\n', '3:3', '1 to 65535'],
    ['a bad duration', 'connection_pool:\n  idle_timeout: soon\n', '2:3', "text like '90s'"],
    ['a list for a value', 'connection_pool:\n  order: [fifo]\n', '2:3', '"fifo" or "lifo"'],
    ['no value', 'connection_pool:\n  max_per_host:\n', '2:3', '1 to 65535'],
    ['a duplicate key', 'connection_pool:\n  order: fifo\n  order: lifo\n', '3:3', 'unique'],
    ['broken YAML', 'connection_pool:\n  order: "fifo\n', '3:1', ''],
    ['a list for a file', '- connection_pool\n', '1:1', 'must be a mapping'],
    ['text for a section', 'connection_pool: 5\n', '1:1', 'connection_pool must be a mapping'],
    ['an empty file', '', '1:1', 'must be a mapping'],
    ['no section', '{}\n', '1:1', 'there is no connection_pool'],
    [
      'an unknown key of a host',
      'connection_pool:\n  hosts:\n    a.test:\n      retries: 1\n',
      '4:7',
      'retries is not a setting',
    ],
    [
      'a bad value of a host',
      'connection_pool:\n  hosts:\n    a.test: { order: up }\n',
      '3:15',
      '"fifo" or "lifo"',
    ],
    [
      'a setting no host can have of its own',
      'connection_pool:\n  hosts:\n    a.test: { max_total: 5 }\n',
      '3:15',
      'only be set for the whole pool',
    ],
    ['a host without settings', 'connection_pool:\n  hosts:\n    a.test: 5\n', '3:5', 'mapping'],
    ['hosts that are none', 'connection_pool:\n  hosts: [a]\n', '2:3', 'hosts must be a mapping'],
    [
      'settings that contradict each other',
      'connection_pool:\n  min_idle: 50\n',
      '1:1',
      'only 32 may be idle',
    ],
  ])('with %s is refused, with file, line and column', async (_what, text, place, says) => {
    await withFile(text, async (file) => {
      const error = await rejection(PoolConfig.load(file));
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).code).toBe('HOTARU_INVALID_CONFIG');
      expect((error as ConfigError).message.startsWith(`${file}:${place}: `)).toBe(true);
      expect((error as ConfigError).message).toContain(says);
    });
  });

  it('that is not there is refused with its name and the reason', async () => {
    const file = join(tmpdir(), 'hotaru-no-such-file.yaml');
    const error = (await rejection(PoolConfig.load(file))) as ConfigError;
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain(`${file} can't be read: ENOENT`);
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
  });
});

describe('settings of one host', () => {
  it('hold for that host and port and for no other', async () => {
    const [a, b] = [await upstreamOf(), await upstreamOf()];
    const pool = poolOf({
      maxPerHost: 4,
      hosts: { [`127.0.0.1:${a.port}`]: { maxPerHost: 1 } },
    });
    const answers = [a, a, a, a, b, b, b, b].map((upstream) => textOf(pool, upstream.url));
    const [peer] = await Promise.all(
      [0, 0, 1, 2, 3].map((n, i) => (i === 0 ? a : b).connection(n)),
    );
    for (const one of b.connections) await one.readRequest();
    expect(pool.stats().hosts[`http://127.0.0.1:${a.port}`]).toMatchObject({
      active: 1,
      waiting: 3,
    });
    expect(pool.stats().hosts[`http://127.0.0.1:${b.port}`]).toMatchObject({
      active: 4,
      waiting: 0,
    });
    for (const one of b.connections) await one.reply();
    for (let i = 0; i < 4; i += 1) {
      await peer?.readRequest();
      await peer?.reply();
    }
    await Promise.all(answers);
    expect([a.accepted, b.accepted]).toEqual([1, 4]);
  });

  it('by name hold for every port of it, and those with a port come first', async () => {
    const clock = new VirtualClock();
    const [a, b] = [await upstreamOf(), await upstreamOf()];
    for (const upstream of [a, b]) upstream.respondAlways();
    const pool = poolOf(
      {
        hosts: {
          'API.test': { idleTimeout: '10s' },
          [`api.test:${b.port}`]: { idleTimeout: '60s' },
        },
      },
      { clock, resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) },
    );
    const urls = [
      `http://api.test:${a.port}`,
      `http://Api.Test:${b.port}`,
      `http://other.test:${a.port}`,
    ];
    for (const url of urls) await textOf(pool, url);
    clock.advance(10_000);
    expect(pool.cleanup()).toBe(1);
    clock.advance(50_000);
    expect(pool.cleanup()).toBe(1);
    clock.advance(30_000);
    expect(pool.cleanup()).toBe(1);
    expect(pool.stats()).toMatchObject({ idle: 0, created: 3 });
  });

  it('outlive a change of the pool’s own, and take up what they say nothing of', () => {
    const pool = poolOf({ idleTimeout: '90s', hosts: { 'a.test': { maxPerHost: 3 } } });
    pool.reconfigure({ maxPerHost: 50, idleTimeout: '20s' });
    expect(pool.config.hosts['a.test']).toMatchObject({ maxPerHost: 3, idleTimeout: 20_000 });
    pool.reconfigure({ hosts: { 'b.test': { order: 'lifo' } } });
    expect(pool.config.hosts['a.test']).toMatchObject({ maxPerHost: 3 });
    expect(pool.config.hosts['b.test']).toMatchObject({ maxPerHost: 50, order: 'lifo' });
  });

  it.each<[string, unknown, string]>([
    ['an unknown key', { hosts: { 'a.test': { maxPerHots: 1 } } }, 'hosts["a.test"].maxPerHots'],
    ['a bad value', { hosts: { 'a.test': { order: 'x' } } }, 'hosts["a.test"].order'],
    ['a URL', { hosts: { 'https://a.test/': {} } }, 'hosts'],
    ['the limit of the whole pool', { hosts: { 'a.test': { maxTotal: 1 } } }, 'maxTotal'],
  ])('with %s are refused by name', (_what, input, key) => {
    expect(configError(() => poolOf(input as PoolConfigInput)).key).toContain(key);
  });
});

describe('reconfigure()', () => {
  async function hold(upstream: ScriptedUpstream, count: number): Promise<ScriptedPeer[]> {
    const peers = await Promise.all(
      Array.from({ length: count }, (_, index) => upstream.connection(index)),
    );
    for (const peer of peers) await peer.readRequest();
    return peers;
  }

  it('closes idle connections above a lowered cap, longest idle first', async () => {
    const upstream = await upstreamOf();
    const pool = poolOf();
    expect(await pool.warm(upstream.url, 6)).toBe(6);
    await upstream.connection(5);
    pool.reconfigure({ maxIdlePerHost: 2 });
    expect(pool.stats()).toMatchObject({ idle: 2, evictions: 4 });
    await upstream.waitForOpen(2);
    const left = pool.get(upstream.url);
    expect(left?.id).toBe(4);
  });

  it('opens connections for the waiters, up to a raised limit', async () => {
    const upstream = await upstreamOf();
    const pool = poolOf({ maxPerHost: 1 });
    const answers = Array.from({ length: 6 }, () => textOf(pool, upstream.url));
    const [first] = await hold(upstream, 1);
    expect(pool.stats()).toMatchObject({ active: 1, waiting: 5 });
    pool.reconfigure({ maxPerHost: 3 });
    const peers = [first, await upstream.connection(1), await upstream.connection(2)];
    for (const peer of peers.slice(1)) await peer?.readRequest();
    expect(pool.stats()).toMatchObject({ active: 3, waiting: 3 });
    for (const peer of peers) await peer?.reply();
    for (const peer of peers) await peer?.readRequest();
    for (const peer of peers) await peer?.reply();
    await Promise.all(answers);
    expect(upstream.accepted).toBe(3);
  });

  it('lets what is busy finish before a lowered limit holds', async () => {
    const upstream = await upstreamOf();
    const pool = poolOf({ maxPerHost: 4 });
    const answers = Array.from({ length: 4 }, () => textOf(pool, upstream.url));
    const peers = await hold(upstream, 4);
    pool.reconfigure({ maxPerHost: 1 });
    expect(pool.stats().active).toBe(4);
    for (const peer of peers) await peer.reply({ body: 'whole' });
    expect(await Promise.all(answers)).toEqual(['whole', 'whole', 'whole', 'whole']);
    await upstream.waitForOpen(1);
    expect(pool.stats()).toMatchObject({ idle: 1, active: 0 });
  });

  it('raises maxTotal for hosts that wait for a permit', async () => {
    const [a, b] = [await upstreamOf(), (await upstreamOf()).respondAlways({ body: 'b' })];
    const pool = poolOf({ maxTotal: 1 });
    const busy = textOf(pool, a.url);
    const [peer] = await hold(a, 1);
    const waiting = textOf(pool, b.url);
    expect(pool.stats()).toMatchObject({ active: 1, waiting: 1 });
    pool.reconfigure({ maxTotal: 2 });
    expect(await waiting).toBe('b');
    await peer?.reply();
    await busy;
  });

  it('changes the clocks of connections that are idle already, and wakes the sweeper in time', async () => {
    const clock = new VirtualClock();
    const upstream = (await upstreamOf()).respondAlways();
    const pool = poolOf({ idleTimeout: '90s', cleanupInterval: '60s' }, { clock });
    await textOf(pool, upstream.url);
    pool.startCleanupTask();
    pool.reconfigure({ idleTimeout: '5s' });
    clock.advance(4_999);
    expect(pool.stats().idle).toBe(1);
    clock.advance(1);
    expect(pool.stats()).toMatchObject({ idle: 0, evictions: 1 });
    await upstream.waitForOpen(0);
  });

  it('turns pooling off and on again', async () => {
    const upstream = (await upstreamOf()).respondAlways();
    const pool = poolOf();
    await textOf(pool, upstream.url);
    pool.reconfigure({ enablePooling: false });
    await until(() => upstream.open === 0, 'the idle connection is closed');
    await textOf(pool, upstream.url);
    await textOf(pool, upstream.url);
    expect(upstream.accepted).toBe(3);
    pool.reconfigure({ enablePooling: true });
    await textOf(pool, upstream.url);
    await textOf(pool, upstream.url);
    expect(upstream.accepted).toBe(4);
  });

  it('that is refused changes nothing', () => {
    const pool = poolOf({ maxPerHost: 7 });
    const before = pool.config;
    expect(
      configError(() => pool.reconfigure({ maxIdlePerHost: 3, order: 'up' as 'fifo' })).key,
    ).toBe('order');
    expect(pool.config).toBe(before);
    expect(before.settings).toMatchObject({ maxPerHost: 7, maxIdlePerHost: 32 });
  });

  it('returns a configuration that can not be edited afterwards', () => {
    const config = poolOf().reconfigure({ maxPerHost: 9, hosts: { 'a.test': { minIdle: 1 } } });
    expect(config.settings.maxPerHost).toBe(9);
    expect(() => Object.assign(config.settings, { maxPerHost: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.hosts, { 'b.test': {} })).toThrow(TypeError);
    expect(() => Object.assign(config.hosts['a.test'] ?? {}, { minIdle: 2 })).toThrow(TypeError);
    expect(() => Object.assign(config, { settings: {} })).toThrow(TypeError);
  });
});

describe('the global pool', () => {
  it('is shaped by configureGlobal(), before its first use and live after it', async () => {
    const first = ConnectionPool.configureGlobal({ maxPerHost: 11 });
    pools.push(first);
    expect(ConnectionPool.global()).toBe(first);
    expect(first.config.settings.maxPerHost).toBe(11);
    const upstream = (await upstreamOf()).respondAlways();
    await textOf(first, upstream.url);
    expect(ConnectionPool.configureGlobal({ enablePooling: false })).toBe(first);
    await upstream.waitForOpen(0);
    expect(first.config.settings).toMatchObject({ maxPerHost: 11, enablePooling: false });
    await first.drain();
    const second = ConnectionPool.global();
    pools.push(second);
    expect(second).not.toBe(first);
    expect(second.config.settings).toMatchObject({ maxPerHost: 128, enablePooling: true });
  });

  it('reads HOTARU_POOL_* when it is made', () => {
    ConnectionPool.global().close();
    process.env.HOTARU_POOL_MAX_PER_HOST = '77';
    try {
      pools.push(ConnectionPool.global());
      expect(ConnectionPool.global().config.settings.maxPerHost).toBe(77);
    } finally {
      delete process.env.HOTARU_POOL_MAX_PER_HOST;
    }
  });
});

describe('presets', () => {
  it.each([
    ['highTraffic', { maxPerHost: 500, minIdle: 50, idleTimeout: 120_000, connectTimeout: 3_000 }],
    [
      'lowLatency',
      {
        maxPerHost: 200,
        minIdle: 20,
        idleTimeout: 60_000,
        connectTimeout: 1_000,
        cleanupInterval: 10_000,
      },
    ],
    ['constrained', { maxPerHost: 20, minIdle: 0, idleTimeout: 30_000, connectTimeout: 10_000 }],
  ] as const)('%s has the figures it promises', (name, figures) => {
    expect(poolOf(PoolConfig[name]).config.settings).toMatchObject(figures);
  });

  it('can be laid under one’s own settings, and over a running pool', async () => {
    expect(
      poolOf({ ...PoolConfig.highTraffic, maxPerHost: 300, maxIdlePerHost: 300 }).config.settings,
    ).toMatchObject({ maxPerHost: 300, minIdle: 50 });
    const upstream = (await upstreamOf()).respondAlways();
    const pool = poolOf(PoolConfig.constrained);
    await textOf(pool, upstream.url);
    pool.reconfigure(PoolConfig.lowLatency);
    pool.startCleanupTask();
    await until(() => pool.stats().idle === 20, 'its minIdle of 20 connections is there');
    expect(pool.stats().created).toBe(20);
  });
});
