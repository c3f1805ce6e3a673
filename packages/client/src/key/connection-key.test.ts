import { describe, expect, it } from 'vitest';
import { ConnectionKey } from './connection-key.js';

describe('a target without a scheme', () => {
  it.each(['localhost:3000', '127.0.0.1:3000/x', '[::1]:8080', 'api.example.com:443?q'])(
    '%s is told how to write it',
    (target) =>
      expect(() => ConnectionKey.from(target)).toThrow(
        new RegExp(` has no scheme; write http://.* or https://`),
      ),
  );

  it('without a port is told what a URL is', () =>
    expect(() => ConnectionKey.from('api.example.com')).toThrow(
      '"api.example.com" is not an absolute URL such as https://api.example.com',
    ));
});

it.each(['http://127.0.0.1:99999/', 'https://api.example.com:https', 'http://a<b/', 'https://'])(
  '%s is a URL but for its host or port, and said to be',
  (target) =>
    expect(() => ConnectionKey.from(target)).toThrow(
      `"${target}" is no URL: it has no host, or a host or a port (1 to 65535) that cannot be`,
    ),
);

it('is the same for a host as for a URL with that host, and no host where the URL is none', () => {
  for (const host of [
    '\u00e9',
    '\u00e9\u200d',
    '\u00df\u200d',
    'A%41',
    '0x7f.1',
    '\u3002a',
    'a\u0001',
    'a<b',
    'a|b',
    'a_b',
  ]) {
    const idOf = (from: () => ConnectionKey) => {
      try {
        return from().id;
      } catch {
        return 'none';
      }
    };
    const ofUrl = idOf(() => ConnectionKey.from(`http://${host}/`));
    expect([host, idOf(() => ConnectionKey.from({ host }))]).toEqual([host, ofUrl]);
  }
});

it('keeps the zone of an IPv6 address as it is, and shortens the address before it', () => {
  expect(ConnectionKey.from({ host: 'FE80:0::1%Wlan0' }).host).toBe('fe80::1%Wlan0');
  expect(ConnectionKey.from({ host: '[fe80::1%eth0]', port: 8080 }).id).toBe(
    'http://[fe80::1%eth0]:8080',
  );
});

it('reads a host outside ASCII the ten thousandth time as the first', () => {
  const asks = Array.from({ length: 20_000 }, (_, i) => `b\u00fccher-${i % 7}.test`);
  expect(() => asks.map((host) => ConnectionKey.from({ host }))).not.toThrow();
  expect(() => asks.map((host) => ConnectionKey.from(`http://${host}:80/`))).not.toThrow();
});
