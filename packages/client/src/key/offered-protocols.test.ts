import { describe, expect, it } from 'vitest';
import { ConnectionKey } from './connection-key.js';
import {
  checkOffer,
  offerInWords,
  expectedOf,
  offeredBy,
  rawKeyOf,
  type Http2Setting,
} from './offered-protocols.js';

const plain = ConnectionKey.from('http://api.test');
const key = (alpn?: string[]): ConnectionKey => ConnectionKey.from('https://api.test', { alpn });
const BOTH = ['h2', 'http/1.1'];

describe('what the dials of a key offer', () => {
  const cases: [string, ConnectionKey, Http2Setting, string[], string][] = [
    ['https', key(), true, BOTH, 'unknown'],
    ['https', key(), 'prior-knowledge', BOTH, 'unknown'],
    ['https', key(), false, ['http/1.1'], 'exclusive'],
    ['https, narrowed', key(['http/1.1']), true, ['http/1.1'], 'exclusive'],
    ['https, narrowed', key(['h2']), true, ['h2'], 'shared'],
    ['https, narrowed, said twice', key(['h2', 'h2']), true, ['h2'], 'shared'],
    ['https, said thrice', key(['h2', 'http/1.1', 'h2']), true, BOTH, 'unknown'],
    ['https, HTTP/1.1 preferred', key(['http/1.1', 'h2']), true, ['http/1.1', 'h2'], 'unknown'],
    ['https, HTTP/1.1 preferred', key(['http/1.1', 'h2']), false, ['http/1.1'], 'exclusive'],
    ['https, without ALPN', key([]), true, [], 'exclusive'],
    ['https, raw', key().forRawBytes(), true, ['http/1.1'], 'exclusive'],
    ['https, raw, asked to', key(['h2']).forRawBytes(), false, ['h2'], 'exclusive'],
    ['http', plain, true, [], 'exclusive'],
    ['http', plain, 'prior-knowledge', [], 'shared'],
    ['http, raw', plain.forRawBytes(), 'prior-knowledge', [], 'exclusive'],
  ];
  it.each(cases)('%s (%s) with http2 %j', (_what, one, http2, offered, expected) => {
    expect(offeredBy(one, http2)).toEqual(offered);
    expect(expectedOf(one, http2)).toBe(expected);
  });
});

describe('raw bytes', () => {
  it.each<[string, ConnectionKey, Http2Setting]>([
    ['plain TCP', plain, true],
    ['TLS, with HTTP/1.1 alone by the setting', key(), false],
    ['TLS, with HTTP/1.1 alone by what was said', key(['http/1.1']), true],
    ['TLS without ALPN', key([]), true],
  ])('share the connections of calls over %s', (_what, one, http2) => {
    expect(rawKeyOf(one, http2)).toBe(one);
  });

  it.each<[string, ConnectionKey, Http2Setting]>([
    ['may find out that it is HTTP/2', key(), true],
    ['speak HTTP/2 by what was said', key(['h2']), true],
    ['would speak it if that were not forbidden for now', key(['h2']), false],
    ['speak HTTP/2 by prior knowledge', plain, 'prior-knowledge'],
  ])('have connections of their own where calls %s', (_what, one, http2) => {
    const raw = rawKeyOf(one, http2);
    expect(raw.id).toBe(`${one.id}#raw`);
    expect([raw.host, raw.port, raw.tls]).toEqual([one.host, one.port, one.tls]);
    expect(rawKeyOf(raw, http2)).toBe(raw);
  });
});

it('a call that would have nothing to offer is refused; one that wants no ALPN is not', () => {
  expect(() => checkOffer(key(['h2']), false)).toThrow(
    'tls.alpn ["h2"] offers HTTP/2 alone, and the setting http2 is false',
  );
  for (const good of [key([]), key(['h2', 'http/1.1']), key(), plain]) checkOffer(good, false);
  checkOffer(key(['h2']), true);
});

it.each([
  [undefined, true, 'h2, http/1.1'],
  [undefined, false, 'http/1.1 (http2: false)'],
  [['h2'], true, 'h2 (tls.alpn)'],
  [['http/1.1'], false, 'http/1.1 (tls.alpn)'],
  [['http/1.1', 'h2'], false, 'http/1.1 (tls.alpn, and http2: false)'],
  [[], false, 'nothing (tls.alpn)'],
])('what is offered, and which setting says so: %j, http2 %j', (alpn, http2, words) => {
  expect(offerInWords(key(alpn), http2)).toBe(words);
});
