/** Settings that are wrong in the usual ways: each error says what to write instead. */
import { ConnectionPool, PoolConfig, type PoolConfigInput } from '@hotaru/client';
import { describe, expect, it } from 'vitest';
import { rejection } from './support/waiting.js';

async function refusalOf(options: object): Promise<string> {
  const pool = new ConnectionPool();
  const sent = pool.sendRequest('https://127.0.0.1:1', {}, options);
  const { message } = (await rejection(sent)) as Error;
  pool.close();
  return message;
}

describe('a duration in the environment', () => {
  it.each(['30', ' 0.5 ', '1e3'])('without a unit is refused: %j', (text) => {
    expect(() => PoolConfig.fromEnvironment({ HOTARU_POOL_IDLE_TIMEOUT: text })).toThrow(
      `HOTARU_POOL_IDLE_TIMEOUT is ${JSON.stringify(text.trim())}, without a unit: write ${text.trim()}s or ${text.trim()}ms`,
    );
  });

  it('with one is taken, and Infinity, and sizes and counts are numbers', () => {
    const read = PoolConfig.fromEnvironment({
      HOTARU_POOL_IDLE_TIMEOUT: '30s',
      HOTARU_POOL_TIMEOUT: 'Infinity',
      HOTARU_POOL_MAX_RESPONSE_SIZE: '1000',
    });
    expect(read).toEqual({ idleTimeout: '30s', timeout: Infinity, maxResponseSize: 1_000 });
  });
});

describe('a path where PEM text is wanted', () => {
  it.each(['ca', 'cert', 'key'] as const)('is refused as tls.%s', async (name) => {
    const pair = name === 'ca' ? {} : { cert: PEM, key: PEM };
    const words = `tls.${name} holds no PEM (no "-----BEGIN"): give what is in the file, such as readFileSync(path)`;
    for (const value of ['/etc/ssl/ca.pem', Buffer.from('ca.pem')])
      expect(await refusalOf({ tls: { ...pair, [name]: value } })).toContain(words);
  });

  it('is refused in a list, and for a host', async () => {
    expect(await refusalOf({ tls: { ca: [PEM, './ca.pem'] } })).toContain('tls.ca holds no PEM');
    const hosts = { 'a.test': { tls: { ca: './ca.pem' } } };
    expect(() => new ConnectionPool({ hosts })).toThrow('tls.ca holds no PEM');
  });
});

const PEM = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';

describe('a name that is nearly one', () => {
  it.each<[object, string]>([
    [{ maxperhost: 1 }, 'maxperhost is not a setting (did you mean maxPerHost?); allowed: '],
    [{ max_per_host: 1 }, '(did you mean maxPerHost?)'],
    [{ idelTimeout: 1 }, '(did you mean idleTimeout?)'],
    [{ host: {} }, 'host is not a setting (did you mean hosts?)'],
    [{ hosts: { x: { tlss: {} } } }, '(did you mean tls?)'],
    [{ colour: 1 }, 'colour is not a setting; allowed: maxPerHost, '],
  ])('%j', (config, words) => {
    expect(() => new ConnectionPool(config as PoolConfigInput)).toThrow(words);
  });

  it('is said in the options of a call, of TLS, and in the environment', async () => {
    expect(await refusalOf({ timeOut: 1 })).toContain(
      'timeOut is not known (did you mean timeout?)',
    );
    expect(await refusalOf({ tls: { serverName: 'x' } })).toContain('(did you mean servername?)');
    expect(() => PoolConfig.fromEnvironment({ HOTARU_POOL_MAXPERHOST: '1' })).toThrow(
      'is no setting (did you mean HOTARU_POOL_MAX_PER_HOST?); allowed: ',
    );
  });

  it('of a thousand letters costs no search', () => {
    const config = { ['x'.repeat(100_000)]: 1 } as PoolConfigInput;
    expect(() => new ConnectionPool(config)).toThrow('is not a setting; allowed: ');
  });
});
