import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHost, isSendableHost, uriHost } from './host.js';

const HOSTS = [
  'example.com',
  'EXAMPLE.com.',
  'a',
  '127.0.0.1',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[FE80::1]',
  'xn--bcher-kva.example',
  'a_b',
  "!$&'()*+;=%-~",
  'a%20b',
];
const NOT_HOSTS = [
  '',
  ':80',
  ' a',
  'a ',
  'a\t',
  'a b',
  'a/b',
  'a?b',
  'a#b',
  'a@b',
  'a\\b',
  'a"b',
  'a<b',
  'a\r\nb',
  'a\n',
  'a\0',
  'bücher.example',
  '[::1',
  '::1]',
  '::1',
  '[]',
  '[::1]a',
  '[fe80::1%eth0]',
  'a:b',
  'a:80:80',
  'a:-1',
  'a:+1',
  'a: 80',
  'http://a',
];

describe('a host that is received (RFC 9110 §7.2, RFC 3986 §3.2.2)', () => {
  it.each([...HOSTS, 'a,b', 'a:', 'a:0', 'a:80', '[::1]:8080', 'a:123456'])('%j is one', (host) => {
    expect(isHost(host)).toBe(true);
  });

  it.each(NOT_HOSTS)('%j is none', (host) => {
    expect(isHost(host)).toBe(false);
    expect(isSendableHost(host)).toBe(false);
  });

  it('has these characters and no others of the first 65 536', () => {
    const found = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter(
      (char) => isHost(`a${char}b`),
    );
    // unreserved, sub-delims and the percent sign (RFC 3986 §2.2, §2.3); the colon starts a port.
    const allowed =
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~' + `!$&'()*+,;=` + '%';
    expect(found).toEqual(Array.from(allowed).sort());
  });
});

describe('a host that is sent', () => {
  it.each([...HOSTS, 'a:80', 'a:65535', '[::1]:8080'])('may be %j', (host) => {
    expect(isSendableHost(host)).toBe(true);
  });

  it.each(['a,b', 'a:', '[::1]:', 'a:123456', 'a:80,b'])('is not %j', (host) => {
    expect(isSendableHost(host)).toBe(false);
  });

  it('is always one that is taken', () => {
    const text = fc.stringMatching(/^[[\]a-f0-9.:,%!\\@/ -]{0,10}$/);
    fc.assert(
      fc.property(text, (host) => {
        if (isSendableHost(host)) expect(isHost(host)).toBe(true);
      }),
    );
  });
});

it('an IPv6 address is put in brackets, and nothing else is', () => {
  expect(['::1', 'fe80::1', '127.0.0.1', 'example.com'].map(uriHost)).toEqual([
    '[::1]',
    '[fe80::1]',
    '127.0.0.1',
    'example.com',
  ]);
});
