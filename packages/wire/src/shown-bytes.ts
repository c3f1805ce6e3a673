/** Bytes of a peer in a message: a few, and only visible ASCII as it is, so that a log line stays one line. */
import { CONSTANTS } from './constants.js';

/** Such as `"SSH-2.0-OpenSSH_9.6\r\n"`. */
export function shownBytes(data: Buffer, start: number, end: number): string {
  const shownEnd = Math.min(end, start + CONSTANTS.maxShownBytes);
  let text = '';
  for (let i = start; i < shownEnd; i += 1) text += shownByte(data[i] ?? 0);
  return `"${text}"${end > shownEnd ? '…' : ''}`;
}

/** The same of Latin-1 text. */
export function shownText(text: string): string {
  const bytes = Buffer.from(text.slice(0, CONSTANTS.maxShownBytes + 1), 'latin1');
  return shownBytes(bytes, 0, bytes.length);
}

export type PeerProtocol = 'TLS' | 'HTTP/1.1' | 'HTTP/2' | 'SSH';

/** Another protocol that is known by its first bytes. */
export function peerProtocol(data: Buffer, start: number, end: number): PeerProtocol | undefined {
  const [first, second] = [data[start], data[start + 1]];
  // A TLS record: alert, handshake and the like, version 3.x (RFC 8446 §5.1).
  if (end - start >= 2 && first !== undefined && first >= 0x14 && first <= 0x17 && second === 0x03)
    return 'TLS';
  const text = data.toString('latin1', start, Math.min(end, start + HTTP2_PREFACE.length));
  // A SETTINGS frame on stream 0 is the first word of an HTTP/2 server (RFC 9113 §3.4).
  const isSettings =
    end - start >= 9 && data[start + 3] === 4 && data.readUInt32BE(start + 5) === 0;
  if (text.startsWith(HTTP2) || text === HTTP2_PREFACE || (isSettings && first === 0))
    return 'HTTP/2';
  if (text.startsWith('HTTP/1.')) return 'HTTP/1.1';
  return text.startsWith('SSH-') ? 'SSH' : undefined;
}

const HTTP2 = 'HTTP/2';
/** The first words of an HTTP/2 client (RFC 9113 §3.4). */
const HTTP2_PREFACE = 'PRI * HTTP/2.0';

const ESCAPES: Readonly<Record<number, string>> = {
  0x09: '\\t',
  0x0a: '\\n',
  0x0d: '\\r',
  0x22: '\\"',
  0x5c: '\\\\',
};

function shownByte(byte: number): string {
  const escape = ESCAPES[byte];
  if (escape !== undefined) return escape;
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
