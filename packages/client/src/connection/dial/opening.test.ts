import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConnectionKey } from '../../key/connection-key.js';
import { chosenOn, Opening } from './opening.js';

const plain = ConnectionKey.from('http://api.test');
const key = (alpn?: string[]): ConnectionKey => ConnectionKey.from('https://api.test', { alpn });
/** Over TLS Node says false where nothing was chosen, and on plain TCP nothing at all. */
const socket = (alpnProtocol?: string | false): Socket =>
  ({ alpnProtocol }) as Partial<Socket> as Socket;

describe('the protocol of a connection', () => {
  it.each([
    ['what ALPN settled on', key(), 'h2', true, 'h2'],
    ['what ALPN settled on', key(), 'http/1.1', true, 'http/1.1'],
    ['HTTP/1.1 where the peer knows no ALPN', key(), false, true, 'http/1.1'],
    ['HTTP/1.1 where none was offered', key([]), false, true, 'http/1.1'],
    ['HTTP/1.1 over plain TCP', plain, undefined, true, 'http/1.1'],
    ['HTTP/2 by prior knowledge', plain, undefined, 'prior-knowledge', 'h2'],
    ['its user’s own affair for raw bytes', key(['h2']).forRawBytes(), 'h2', true, 'http/1.1'],
    [
      'its user’s own affair for raw bytes',
      plain.forRawBytes(),
      undefined,
      'prior-knowledge',
      'http/1.1',
    ],
  ] as const)('is %s (%s, %s, http2 %j)', (_what, one, alpn, http2, protocol) => {
    expect(chosenOn(socket(alpn), one, http2)).toBe(protocol);
  });

  it.each([
    [
      key(),
      'spdy/3.1',
      'the peer chose "spdy/3.1" by ALPN, which was not offered; we offered h2, http/1.1',
    ],
    [
      key(['http/1.1']),
      'h2',
      'the peer chose "h2" by ALPN, which was not offered; we offered http/1.1 (tls.alpn)',
    ],
    [key([]), 'h2', 'which was not offered; we offered nothing (tls.alpn)'],
    [
      key(['h2']),
      false,
      'the peer chose no protocol by ALPN, so it speaks HTTP/1.1 at best, and only h2 was offered',
    ],
  ] as const)('of %s can’t be %j', (one, alpn, words) => {
    expect(() => chosenOn(socket(alpn), one, true)).toThrow(words);
  });
});

describe('why an opening failed', () => {
  const explained = (one: ConnectionKey, ...heard: string[]): string => {
    const opening = new Opening(one);
    for (const text of heard) opening.heard(Buffer.from(text, 'latin1'));
    return opening.explain('REASON');
  };

  it('is that the peer speaks HTTP/1.1, however its first words were cut', () => {
    for (const heard of [['HTTP/1.1 400 Bad Request\r\n'], Array.from('HTTP/1.0 200 OK')])
      expect(explained(key(), ...heard)).toMatch(
        /^the peer chose h2 by ALPN, and speaks HTTP\/1.1 all the same \(it sent "HTTP\/1\.[01] /,
      );
    expect(explained(plain, 'HTTP/1.1 400 Bad Request\r\n')).toMatch(
      /^this port speaks HTTP\/1.1, not HTTP\/2 \(it sent .*: http2: 'prior-knowledge' is for ports/,
    );
  });

  it('is what the connection says otherwise', () => {
    expect(explained(key(), 'SSH-2.0')).toBe('REASON');
    expect(explained(key())).toBe('REASON');
    expect(explained(plain)).toMatch(/^REASON; http2: 'prior-knowledge' is for ports/);
  });

  it('shows no more of the peer than helps', () => {
    expect(explained(key(), `HTTP/1.1 200 OK\r\n${'x'.repeat(100_000)}`).length).toBeLessThan(250);
  });
});
