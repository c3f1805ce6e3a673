import { describe, expect, it } from 'vitest';
import { peerProtocol, shownBytes } from './shown-bytes.js';

const shown = (text: string): string => shownBytes(Buffer.from(text, 'latin1'), 0, text.length);
const known = (hex: string): string | undefined =>
  peerProtocol(Buffer.from(hex, 'hex'), 0, hex.length / 2);

describe('bytes in a message', () => {
  it('are one line of visible ASCII, whatever they are', () => {
    expect(shown('a "b" \\ \r\n\t\0\x1b[31m\x9b\xff')).toBe(
      String.raw`"a \"b\" \\ \r\n\t\x00\x1b[31m\x9b\xff"`,
    );
    expect(shown('')).toBe('""');
  });

  it('are at most 32', () => {
    expect(shown('x'.repeat(32))).toBe(`"${'x'.repeat(32)}"`);
    expect(shown('x'.repeat(33))).toBe(`"${'x'.repeat(32)}"…`);
  });

  it('are known as TLS, HTTP/2 or SSH', () => {
    expect(known('15030100020246')).toBe('TLS');
    expect(known('1503')).toBe('TLS');
    expect(known('000012040000000000')).toBe('HTTP/2');
    expect(known(Buffer.from('HTTP/2 200 OK').toString('hex'))).toBe('HTTP/2');
    expect(known(Buffer.from('PRI * HTTP/2.0\r\n').toString('hex'))).toBe('HTTP/2');
    expect(known(Buffer.from('SSH-2.0-x').toString('hex'))).toBe('SSH');
    expect(known(Buffer.from('<html>').toString('hex'))).toBeUndefined();
    expect(known('15')).toBeUndefined();
  });
});
