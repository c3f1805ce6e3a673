import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { PoolConfig } from './pool-config.js';
import { parseYaml } from './yaml-file.js';

async function errorOf(text: string): Promise<ConfigError> {
  const error: unknown = await parseYaml(text, 'pool.yaml').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConfigError) return error;
  throw new Error('no ConfigError was thrown', { cause: error });
}

describe('a YAML file', () => {
  it('gives settings and hosts, in snake case', async () => {
    const input = await parseYaml(
      `connection_pool:
  enabled: true
  max_per_host: 50
  idle_timeout: 90s
  timeout: .inf
  hosts:
    api.example.com: { max_per_host: 10 }
    api.example.com:8443:
      order: lifo
`,
      'pool.yaml',
    );
    expect(input).toEqual({
      enablePooling: true,
      maxPerHost: 50,
      idleTimeout: '90s',
      timeout: Infinity,
      hosts: {
        'api.example.com': { maxPerHost: 10 },
        'api.example.com:8443': { order: 'lifo' },
      },
    });
    const config = PoolConfig.from(input);
    expect(config.forHost('api.example.com', 8443).order).toBe('lifo');
  });

  it('says the place of broken YAML once, and ends there', async () => {
    expect((await errorOf('connection_pool:\n  max_per_host: 5\n idle: 3\n')).message).toBe(
      'pool.yaml:3:1: All mapping items must start at the same column',
    );
  });

  it('says file, line and column of what is wrong, the key as written, and what is allowed', async () => {
    const cases: [string, string][] = [
      [
        'connection_pool:\n  max_per_host: 0\n',
        'pool.yaml:2:3: max_per_host is 0; allowed: a whole',
      ],
      ['connection_pool:\n  idle: 5\n', 'pool.yaml:2:3: idle is not a setting; allowed: enabled, '],
      ['pool:\n  max_per_host: 5\n', 'pool.yaml:1:1: pool is not known; allowed: connection_pool'],
      ['connection_pool:\n  maxPerHost: 5\n', 'pool.yaml:2:3: maxPerHost is not a setting'],
      ['connection_pool: 5\n', 'pool.yaml:1:1: connection_pool must be a mapping'],
      ['', 'pool.yaml:1:1: the file must be a mapping'],
      ['connection_pool: {}\n---\n', 'pool.yaml:'],
      ['connection_pool:\n  - a\n', 'pool.yaml:1:1: connection_pool must be a mapping'],
      ['connection_pool: {max_per_host: 5\n', 'pool.yaml:'],
      ['connection_pool:\n  max_per_host: 5\n  max_per_host: 6\n', 'pool.yaml:3:3: '],
      [
        'connection_pool:\n  hosts:\n    a.example: { max_per_host: 0 }\n',
        'pool.yaml:3:18: hosts["a.example"].max_per_host is 0; allowed: ',
      ],
      ['connection_pool:\n  hosts:\n    a.example: 5\n', 'pool.yaml:3:5: hosts.a.example must be'],
      [
        'connection_pool:\n  hosts:\n    a.example: { max_total: 5 }\n',
        'pool.yaml:3:18: hosts["a.example"].max_total can only be set for the whole pool',
      ],
    ];
    for (const [text, message] of cases) {
      const error = await errorOf(text);
      expect(error.code).toBe('HOTARU_INVALID_CONFIG');
      expect(error.message.slice(0, message.length)).toBe(message);
    }
  });

  it('is checked as a whole: settings that contradict each other', async () => {
    const error = await errorOf('connection_pool:\n  min_idle: 40\n');
    expect(error.message).toMatch(/^pool\.yaml:\d+:\d+: .*only 32 may be idle/);
    const fine = 'connection_pool:\n  min_idle: 40\n  max_idle_per_host: 40\n';
    expect(await parseYaml(fine, 'pool.yaml')).toEqual({ minIdle: 40, maxIdlePerHost: 40 });
  });

  it('says where a host is that is none', async () => {
    const text = 'connection_pool:\n  hosts:\n    "http://a": { max_per_host: 5 }\n';
    const error = await errorOf(text);
    expect(error.message).toContain('hosts["http://a"] must be a host name');
    expect(error.message).toMatch(/^pool\.yaml:\d+:\d+: /);
  });

  it('is loaded from disk, and one that cannot be read is a ConfigError too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hotaru-config-'));
    try {
      const file = join(folder, 'pool.yaml');
      await writeFile(file, 'connection_pool: { max_per_host: 5 }\n');
      expect(await PoolConfig.load(file)).toEqual({ maxPerHost: 5 });
      await expect(PoolConfig.load(join(folder, 'none.yaml'))).rejects.toMatchObject({
        code: 'HOTARU_INVALID_CONFIG',
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

it('takes the old name of connectTimeout, and no setting twice under two names', async () => {
  const old = await parseYaml('connection_pool:\n  connection_timeout: 2s\n', 'pool.yaml');
  expect(PoolConfig.from(old).settings.connectTimeout).toBe(2_000);
  const both = 'connection_pool:\n  connection_timeout: 2s\n  connect_timeout: 2s\n';
  expect((await errorOf(both)).message).toContain('is the old name of connect');
  const twice = 'connection_pool:\n  enabled: true\n  enable_pooling: false\n';
  expect((await errorOf(twice)).message).toBe(
    'pool.yaml:3:3: enable_pooling is given twice: give enable_pooling once',
  );
});

it('takes a host for a host, whatever it is called', async () => {
  const text = 'connection_pool:\n  hosts:\n    __proto__: { max_per_host: 1 }\n';
  const config = PoolConfig.from(await parseYaml(text, 'pool.yaml'));
  expect(config.forHost('__proto__', 80).maxPerHost).toBe(1);
});
