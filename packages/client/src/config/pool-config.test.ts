import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { SETTINGS, type Setting, type SettingName } from './defaults.js';
import { allowed } from './check-setting.js';
import { DEFAULTS, PoolConfig, type PoolConfigInput } from './pool-config.js';

function errorOf(input: unknown, base?: PoolConfig): ConfigError {
  try {
    PoolConfig.from(input as PoolConfigInput, base);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

describe('the table of settings', () => {
  it('has the defaults that the design decided on', () => {
    expect(PoolConfig.from().settings).toMatchObject({
      maxPerHost: 128,
      maxIdlePerHost: 32,
      maxTotal: 1_024,
      maxPending: 1_024,
      maxDialing: 8,
      minIdle: 0,
      acquireTimeout: 10_000,
      connectTimeout: 30_000,
      idleTimeout: 90_000,
      maxLifetime: 300_000,
      maxRequestsPerConnection: Infinity,
      cleanupInterval: 30_000,
      enablePooling: true,
      order: 'fifo',
    });
  });

  it('accepts every default, and says for each what it is and why', () => {
    for (const name of NAMES) {
      const setting: Setting = SETTINGS[name];
      expect(PoolConfig.from({ [name]: setting.default }).settings[name]).toBe(setting.default);
      expect(setting.what).not.toBe('');
      expect(setting.why).not.toBe('');
    }
  });
});

it('takes sizes as text, in code and from the environment', () => {
  const { settings } = PoolConfig.from({ maxResponseSize: '10mb', maxBufferedSize: '64 KiB' });
  expect(settings).toMatchObject({ maxResponseSize: 10_485_760, maxBufferedSize: 65_536 });
  const fromEnvironment = PoolConfig.fromEnvironment({ HOTARU_POOL_MAX_RESPONSE_SIZE: '10mb' });
  expect(PoolConfig.from(fromEnvironment).settings.maxResponseSize).toBe(10_485_760);
});

describe('a bad value', () => {
  it('is refused with an error that names key, value and what is allowed', () => {
    const cases: [PoolConfigInput | Record<string, unknown>, string][] = [
      [{ maxPerHost: 0 }, 'maxPerHost is 0; allowed: a whole number, 1 to 65535'],
      [{ maxPerHost: 1.5 }, 'maxPerHost is 1.5; allowed: a whole number, 1 to 65535'],
      [{ maxPerHost: '50' }, 'maxPerHost is "50"; allowed: a whole number, 1 to 65535'],
      [{ maxPerHost: Infinity }, 'maxPerHost is Infinity; allowed: a whole number, 1 to 65535'],
      [{ maxTotal: null }, 'maxTotal is null; allowed: a whole number, 1 to 1000000'],
      [{ maxPending: [] }, 'maxPending is a list; allowed: a whole number, 0 to 1000000'],
      [
        { idleTimeout: '90' },
        `idleTimeout is "90"; allowed: a duration of 1 to 2147483647 ms (a number, or text like '90s'), or Infinity for no limit`,
      ],
      [
        { cleanupInterval: Infinity },
        `cleanupInterval is Infinity; allowed: a duration of 10 to 2147483647 ms (a number, or text like '90s')`,
      ],
      [{ enablePooling: 'yes' }, 'enablePooling is "yes"; allowed: true or false'],
      [{ order: 'random' }, 'order is "random"; allowed: "fifo" or "lifo"'],
      [
        { maxResponseSize: '10m' },
        `maxResponseSize is "10m"; allowed: a whole number of bytes, 1 to Infinity (a number, or text like '10mb'), or Infinity for no limit`,
      ],
      [
        { maxResponseSize: 1.5 },
        `maxResponseSize is 1.5; allowed: a whole number of bytes, 1 to Infinity (a number, or text like '10mb'), or Infinity for no limit`,
      ],
    ];
    for (const [input, message] of cases) {
      const error = errorOf(input);
      expect(error).toMatchObject({
        code: 'HOTARU_INVALID_CONFIG',
        key: Object.keys(input)[0],
        message,
      });
    }
  });

  it('is refused for every setting: NaN, negative, null, an object, a function, a symbol', () => {
    for (const name of NAMES)
      for (const value of [Number.NaN, -1, null, {}, () => 1, Symbol('s'), 10n, 'nonsense']) {
        const error = errorOf({ [name]: value });
        expect(error.key).toBe(name);
        expect(error.message).toContain(`allowed: ${allowed(SETTINGS[name])}`);
      }
  });

  it('is refused just outside the range, and accepted at its edges', () => {
    for (const name of NAMES) {
      const { min, max, kind }: Setting = SETTINGS[name];
      if (min === undefined || max === undefined || kind === 'boolean') continue;
      const rest = name === 'minIdle' ? { maxIdlePerHost: 65_535, maxPerHost: 65_535 } : {};
      expect(PoolConfig.from({ ...rest, [name]: min }).settings[name]).toBe(min);
      expect(errorOf({ [name]: min - 1 }).key).toBe(name);
      if (max === Infinity) continue;
      expect(PoolConfig.from({ ...rest, [name]: max }).settings[name]).toBe(max);
      expect(errorOf({ [name]: max + 1 }).key).toBe(name);
    }
  });

  it('can never be a number that the range does not hold', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...NAMES.filter((name) => SETTINGS[name].kind !== 'boolean')),
        fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger()),
        (name, value) => {
          const { min = 0, max = Infinity, unlimited }: Setting = SETTINGS[name];
          let got: unknown;
          try {
            got = PoolConfig.from({ [name]: value }).settings[name];
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
            return;
          }
          expect(got).toBe(value);
          expect((value >= min && value <= max) || unlimited === true).toBe(true);
        },
      ),
    );
  });

  it('names the whole path for a host', () => {
    expect(errorOf({ hosts: { 'a.example': { maxPerHost: 0 } } })).toMatchObject({
      key: 'hosts["a.example"].maxPerHost',
      message: 'hosts["a.example"].maxPerHost is 0; allowed: a whole number, 1 to 65535',
    });
  });
});

describe('an unknown key', () => {
  it('is refused, with the keys that are allowed', () => {
    const error = errorOf({ maxConnections: 5 });
    expect(error.key).toBe('maxConnections');
    expect(error.message).toContain('maxConnections is not a setting; allowed: maxPerHost, ');
    expect(errorOf({ hosts: { 'a.example': { max: 5 } } }).key).toBe('hosts["a.example"].max');
  });

  it('is refused also when it is one that every object has', () => {
    for (const key of ['toString', 'constructor', '__proto__'])
      expect(errorOf(JSON.parse(`{"${key}": 1}`))).toMatchObject({
        key,
        message: expect.stringContaining(`${key} is not a setting; allowed: maxPerHost, `),
      });
  });
});

describe('what is no configuration', () => {
  it('is refused: null, lists, text; also as hosts and as the settings of a host', () => {
    for (const input of [null, [], 'fast', 5]) {
      expect(errorOf(input).message).toContain('must be an object, not');
      expect(errorOf({ hosts: input }).message).toContain('must be an object');
      expect(errorOf({ hosts: { 'a.example': input } }).message).toContain('must be an object');
    }
    expect(errorOf({ hosts: { 'a.example': undefined } }).message).toContain('must be an object');
  });

  it('is refused: a host that is a URL, has blanks, or is nothing', () => {
    for (const host of ['http://a.example', 'a b', '', 'user@a.example'])
      expect(errorOf({ hosts: { [host]: {} } }).message).toContain('must be a host name');
  });
});

describe('settings that contradict each other', () => {
  it('are refused: minIdle above what may be idle', () => {
    expect(errorOf({ minIdle: 33 }).message).toBe(
      'minIdle is 33, but only 32 may be idle (maxIdlePerHost 32, maxPerHost 128)',
    );
    expect(errorOf({ minIdle: 5, maxPerHost: 4 }).key).toBe('minIdle');
    expect(PoolConfig.from({ minIdle: 4, maxPerHost: 4 }).settings.minIdle).toBe(4);
  });

  it('are refused for a host that inherits one of the two, and after a reconfigure', () => {
    const base = PoolConfig.from({ minIdle: 10, hosts: { 'a.example': { minIdle: 20 } } });
    expect(errorOf({ minIdle: 10, hosts: { 'a.example': { maxPerHost: 5 } } }).key).toBe(
      'hosts["a.example"].minIdle',
    );
    expect(errorOf({ maxIdlePerHost: 15 }, base).key).toBe('hosts["a.example"].minIdle');
  });
});

describe('hosts', () => {
  const config = PoolConfig.from({
    maxPerHost: 50,
    idleTimeout: '30s',
    hosts: {
      'api.example.com': { maxPerHost: 10 },
      'API.example.com:8443': { maxPerHost: 5, order: 'lifo' },
    },
  });

  it('lay their own words over those of the pool; host and port before host', () => {
    expect(config.forHost('api.example.com', 443)).toMatchObject({
      maxPerHost: 10,
      idleTimeout: 30_000,
    });
    expect(config.forHost('api.example.com', 8443)).toMatchObject({ maxPerHost: 5, order: 'lifo' });
    expect(config.forHost('other.example.com', 443)).toBe(config.settings);
  });

  it('are never confused with what every object has', () => {
    expect(config.forHost('constructor', 80)).toBe(config.settings);
    expect(config.forHost('__proto__', 80)).toBe(config.settings);
    const odd = PoolConfig.from(JSON.parse('{"hosts":{"__proto__":{"maxPerHost":3}}}'));
    expect(odd.forHost('__proto__', 80).maxPerHost).toBe(3);
    expect(odd.forHost('a', 80).maxPerHost).toBe(128);
  });

  it('cannot set what belongs to the whole pool', () => {
    for (const name of ['maxTotal', 'cleanupInterval'])
      expect(errorOf({ hosts: { a: { [name]: 100 } } }).message).toBe(
        `hosts["a"].${name} can only be set for the whole pool`,
      );
  });
});

describe('reconfiguring', () => {
  const base = PoolConfig.from({
    maxPerHost: 50,
    hosts: { 'a.example': { idleTimeout: '5s' }, 'b.example': { maxPerHost: 7 } },
  });

  it('changes what is named and keeps the rest, the words of hosts included', () => {
    const changed = PoolConfig.from({ maxPerHost: 60, order: 'lifo' }, base);
    expect(changed.settings).toMatchObject({ maxPerHost: 60, order: 'lifo', maxTotal: 1_024 });
    expect(changed.forHost('a.example', 80)).toMatchObject({ maxPerHost: 60, idleTimeout: 5_000 });
    expect(changed.forHost('b.example', 80)).toMatchObject({ maxPerHost: 7, order: 'lifo' });
    const again = PoolConfig.from({ hosts: { 'c.example': { maxPerHost: 1 } } }, changed);
    expect(again.forHost('b.example', 80)).toMatchObject({ maxPerHost: 7, order: 'lifo' });
    expect(again.forHost('c.example', 80).maxPerHost).toBe(1);
  });

  it('leaves the old configuration as it was', () => {
    PoolConfig.from({ maxPerHost: 1, hosts: { 'a.example': { maxPerHost: 2 } } }, base);
    expect(base.settings.maxPerHost).toBe(50);
    expect(base.forHost('a.example', 80)).toMatchObject({ maxPerHost: 50, idleTimeout: 5_000 });
  });

  it('takes undefined for "as it was"', () => {
    expect(PoolConfig.from({ maxPerHost: undefined, hosts: undefined }, base).settings).toEqual(
      base.settings,
    );
  });

  it('is not changed by what its author does to the object afterwards', () => {
    const word = { maxPerHost: 7 };
    const input = { maxPerHost: 50, hosts: { a: word } };
    const config = PoolConfig.from(input);
    input.maxPerHost = 99;
    word.maxPerHost = 99;
    expect(config.forHost('a', 80).maxPerHost).toBe(7);
    expect(PoolConfig.from({ order: 'lifo' }, config).forHost('a', 80).maxPerHost).toBe(7);
  });
});

describe('a PoolConfig', () => {
  it('is frozen, all of it', () => {
    const config = PoolConfig.from({ hosts: { a: { maxPerHost: 5 } } });
    for (const part of [config, config.settings, config.hosts, config.hosts.a, DEFAULTS, SETTINGS])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('given again is itself', () => {
    const config = PoolConfig.from({ maxPerHost: 5 });
    expect(PoolConfig.from(config as unknown as PoolConfigInput)).toBe(config);
  });

  it('has presets that are valid, with the figures of the design', () => {
    const { highTraffic, lowLatency, constrained } = PoolConfig;
    expect(PoolConfig.from(highTraffic).settings).toMatchObject({
      maxPerHost: 500,
      minIdle: 50,
      idleTimeout: 120_000,
      connectTimeout: 3_000,
    });
    expect(PoolConfig.from(lowLatency).settings).toMatchObject({
      maxPerHost: 200,
      minIdle: 20,
      idleTimeout: 60_000,
      connectTimeout: 1_000,
      cleanupInterval: 10_000,
    });
    expect(PoolConfig.from(constrained).settings).toMatchObject({
      maxPerHost: 20,
      minIdle: 0,
      idleTimeout: 30_000,
      connectTimeout: 10_000,
    });
    for (const preset of [highTraffic, lowLatency, constrained])
      expect(Object.isFrozen(preset)).toBe(true);
  });

  it('takes durations as people write them', () => {
    const { settings } = PoolConfig.from({
      idleTimeout: '1.5m',
      maxLifetime: 250,
      timeout: Infinity,
      acquireTimeout: '500 ms',
    });
    expect(settings).toMatchObject({
      idleTimeout: 90_000,
      maxLifetime: 250,
      timeout: Infinity,
      acquireTimeout: 500,
    });
  });
});

describe('hosts', () => {
  it.each([
    ['[::1]:8080', '::1', 8_080],
    ['::1', '::1', 80],
    ['[0:0:0::1]', '::1', 443],
    ['Bücher.example', 'xn--bcher-kva.example', 443],
    ['bücher.example:8443', 'xn--bcher-kva.example', 8_443],
    ['API.example.com', 'api.example.com', 80],
    ['0x7f.1', '127.0.0.1', 80],
  ])('%s is found in its canonical form', (name, host, port) => {
    const config = PoolConfig.from({ hosts: { [name]: { maxPerHost: 7 } } });
    expect(config.forHost(host, port).maxPerHost).toBe(7);
    expect(config.forHost('other.example', port).maxPerHost).toBe(128);
  });

  it.each(['', 'a b', 'a/b', 'x:0', 'x:65536', '[::1', 'user@host', 'a:b:c'])(
    '%j is no host',
    (name) => {
      expect(errorOf({ hosts: { [name]: {} } }).message).toContain(
        'must be a host name or host:port',
      );
    },
  );

  it('that are one and the same host are refused', () => {
    const error = errorOf({ hosts: { 'EXAMPLE.com': {}, 'example.com': { maxPerHost: 1 } } });
    expect(error.message).toContain(
      'hosts["EXAMPLE.com"] and hosts["example.com"] are the same host',
    );
  });

  it.each([
    [{ hosts: { x: { http2: false, tls: { alpn: ['h2'] } } } }, 'hosts["x"].http2 is false'],
    [{ http2: false, hosts: { x: { tls: { alpn: ['h2', 'h3'] } } } }, 'and http2 is false'],
  ] as const)('may not leave calls nothing to offer: %j', (input, setting) => {
    expect(() => PoolConfig.from(input)).toThrow(setting);
    expect(() => PoolConfig.from(input)).toThrow(/^hosts\["x"\]\.tls\.alpn \["h2"/);
    const good = PoolConfig.from({ hosts: { x: { tls: { alpn: ['h2'] } } } });
    expect(() => PoolConfig.from({ http2: false }, good)).toThrow('offers HTTP/2 alone');
    for (const alpn of [[], ['http/1.1'], ['h2', 'http/1.1']])
      PoolConfig.from({ http2: false, hosts: { x: { tls: { alpn } } } });
  });

  it('of a later configuration are laid over those of the earlier one, setting by setting, tls too', () => {
    const first = PoolConfig.from({
      hosts: { x: { maxPerHost: 5, idleTimeout: '5s', tls: { servername: 'a.test' } } },
    });
    const second = PoolConfig.from(
      {
        hosts: { X: { maxPerHost: 9, idleTimeout: undefined, tls: { rejectUnauthorized: false } } },
      },
      first,
    );
    expect(second.forHost('x', 443)).toMatchObject({ maxPerHost: 9, idleTimeout: 5_000 });
    expect(second.tlsFor('x', 443)).toEqual({ servername: 'a.test', rejectUnauthorized: false });
    expect(first.forHost('x', 443).maxPerHost).toBe(5);
  });

  it('whose settings are {} get the settings of the pool again', () => {
    const first = PoolConfig.from({
      hosts: { x: { maxPerHost: 5, tls: { servername: 'a.test' } } },
    });
    const second = PoolConfig.from({ hosts: { x: {} } }, first);
    expect([second.forHost('x', 443).maxPerHost, second.tlsFor('x', 443)]).toEqual([
      128,
      undefined,
    ]);
  });
});

describe('connectionTimeout, the old name of connectTimeout,', () => {
  it('is taken for the pool and for a host, over either name', () => {
    const old: object = { connectionTimeout: '3s', hosts: { x: { connectionTimeout: 200 } } };
    const config = PoolConfig.from(old);
    expect(config.settings).toMatchObject({ connectTimeout: 3_000 });
    expect(config.settings).not.toHaveProperty('connectionTimeout');
    expect(config.forHost('x', 80).connectTimeout).toBe(200);
    const later = PoolConfig.from({ hosts: { x: { connectTimeout: 300 } } }, config);
    expect(later.forHost('x', 80).connectTimeout).toBe(300);
  });

  it('is taken from the environment, and named in an error', () => {
    const taken = PoolConfig.fromEnvironment({ HOTARU_POOL_CONNECTION_TIMEOUT: '2s' });
    expect(PoolConfig.from(taken).settings.connectTimeout).toBe(2_000);
    expect(() => PoolConfig.fromEnvironment({ HOTARU_POOL_CONNECTION_TIMEOUT: 'soon' })).toThrow(
      'HOTARU_POOL_CONNECTION_TIMEOUT is "soon"; allowed: a duration',
    );
  });

  it('beside the new one is an error', () => {
    const both = { connectTimeout: 1, connectionTimeout: 1 };
    const message = 'connectionTimeout is the old name of connectTimeout, and both are given';
    expect(errorOf(both).message).toContain(message);
    expect(errorOf({ hosts: { x: both } }).message).toContain(`hosts["x"].${message}`);
    expect(() =>
      PoolConfig.fromEnvironment({
        HOTARU_POOL_CONNECT_TIMEOUT: '1s',
        HOTARU_POOL_CONNECTION_TIMEOUT: '1s',
      }),
    ).toThrow('HOTARU_POOL_CONNECTION_TIMEOUT is the old name of connectTimeout');
  });
});

it('refuses a Map, a Set and the like: nothing of what they hold would have an effect', () => {
  for (const given of [
    new Map([['maxPerHost', 1]]),
    { hosts: new Map([['a.test', {}]]) },
    { hosts: { 'a.test': new Map([['maxPerHost', 1]]) } },
    new Set(['maxPerHost']),
    new Date(),
    Object.create({ maxPerHost: 1 }) as object,
  ])
    expect(() => PoolConfig.from(given as never)).toThrow(ConfigError);
});
