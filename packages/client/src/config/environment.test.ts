import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { SETTINGS, type SettingName } from './defaults.js';
import { toSnakeCase } from './environment.js';
import { PoolConfig } from './pool-config.js';

function errorOf(environment: NodeJS.ProcessEnv): ConfigError {
  try {
    PoolConfig.fromEnvironment(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

describe('settings from the environment', () => {
  it('are read as their kind wants them', () => {
    expect(
      PoolConfig.fromEnvironment({
        HOTARU_POOL_MAX_PER_HOST: ' 50 ',
        HOTARU_POOL_IDLE_TIMEOUT: '30s',
        HOTARU_POOL_ACQUIRE_TIMEOUT: '250ms',
        HOTARU_POOL_TIMEOUT: 'Infinity',
        HOTARU_POOL_ENABLE_POOLING: 'false',
        HOTARU_POOL_ORDER: 'lifo',
        HOTARU_POOL_MAX_REQUESTS_PER_CONNECTION: 'Infinity',
        PATH: '/bin',
        HOTARU_OTHER: 'not ours',
        HOTARU_POOL_MIN_IDLE: undefined,
      }),
    ).toEqual({
      maxPerHost: 50,
      idleTimeout: '30s',
      acquireTimeout: '250ms',
      timeout: Infinity,
      enablePooling: false,
      order: 'lifo',
      maxRequestsPerConnection: Infinity,
    });
  });

  it('of several kinds at once are read as what they are', () => {
    for (const [text, http2] of [
      ['true', true],
      ['1', true],
      ['false', false],
      ['0', false],
      [' prior-knowledge ', 'prior-knowledge'],
    ] as const)
      expect(PoolConfig.fromEnvironment({ HOTARU_POOL_HTTP2: text })).toEqual({ http2 });
  });

  it('can be every setting of the table, under its name in capitals', () => {
    expect(toSnakeCase('maxRequestsPerConnection')).toBe('max_requests_per_connection');
    for (const name of Object.keys(SETTINGS) as SettingName[]) {
      const variable = `HOTARU_POOL_${toSnakeCase(name).toUpperCase()}`;
      const { kind, default: value } = SETTINGS[name];
      const hasUnit = kind === 'duration' && value !== Infinity;
      const given = hasUnit ? `${value}ms` : value;
      expect(PoolConfig.fromEnvironment({ [variable]: String(given) })).toEqual({ [name]: given });
    }
  });

  it('that fit no setting are an error that names the variable and what is allowed', () => {
    const error = errorOf({ HOTARU_POOL_MAX_CONNECTIONS: '5' });
    expect(error.key).toBe('HOTARU_POOL_MAX_CONNECTIONS');
    expect(error.message).toContain('HOTARU_POOL_MAX_CONNECTIONS is no setting; allowed: HOTARU_');
  });

  it('that are no good are an error that names the variable, its value and what is allowed', () => {
    for (const [variable, value, range] of [
      ['HOTARU_POOL_MAX_PER_HOST', 'many', 'a whole number, 1 to 65535'],
      ['HOTARU_POOL_MAX_PER_HOST', '', 'a whole number'],
      ['HOTARU_POOL_IDLE_TIMEOUT', '5 days', 'a duration of'],
      ['HOTARU_POOL_ENABLE_POOLING', 'yes', 'true or false'],
      ['HOTARU_POOL_ORDER', 'LIFO', '"fifo" or "lifo"'],
      ['HOTARU_POOL_HTTP2', 'yes', 'true, false or "prior-knowledge"'],
      ['HOTARU_POOL_MAX_STREAMS', 'all', 'a whole number, 1 to 65535'],
    ] as const) {
      const error = errorOf({ [variable]: value });
      expect(error.key).toBe(variable);
      expect(error.message).toContain(`${variable} is ${JSON.stringify(value)}; allowed: ${range}`);
    }
  });

  it('that contradict each other are an error too', () => {
    expect(errorOf({ HOTARU_POOL_MIN_IDLE: '40' }).message).toContain('only 32 may be idle');
  });

  it('of nothing are none', () => {
    expect(PoolConfig.fromEnvironment({})).toEqual({});
  });
});
