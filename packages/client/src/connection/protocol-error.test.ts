import { ResponseReader, WireError } from '@hotaru/wire';
import { expect, it } from 'vitest';
import { CONSTANTS } from '../config/constants.js';
import { TransportError } from '../errors.js';
import { readingError } from './protocol-error.js';

const EVENTS = {
  onInformational: () => undefined,
  onHead: () => undefined,
  onDone: () => undefined,
};
const OK = 'HTTP/1.1 200 OK\r\n';
const PROTOCOL = 'HOTARU_PROTOCOL_ERROR';
const CLOSED = 'HOTARU_CONNECTION_CLOSED';

/** What the caller is told of these bytes, with the end of the connection behind them if `isClean` is given. */
function told(text: string, isClean?: boolean, hint?: string): unknown {
  const reader = new ResponseReader(CONSTANTS);
  reader.expect('GET', EVENTS);
  try {
    if (text !== '') reader.feed(Buffer.from(text, 'latin1'));
    if (isClean !== undefined) reader.end(isClean);
  } catch (error) {
    const told = readingError(error, hint);
    if (!(told instanceof TransportError)) throw told;
    return [told.code, told.message];
  }
  return undefined;
}

it.each([
  ['HTTP/2.0 200\r\n', 'the answer does not start with an HTTP/1.x status line (RFC 9112 §4; it sent "HTTP/2.0 200\\r\\n"; the peer speaks HTTP/2 where HTTP/1.1 was agreed on: over plain TCP set http2: \'prior-knowledge\' for this host, over TLS offer h2 (tls.alpn, http2))'],
  ['\x15\x03\x01', 'the answer does not start with an HTTP/1.x status line (RFC 9112 §4; it sent "\\x15\\x03\\x01"; the peer speaks TLS: use https://)'],
  ['SSH-2.0', 'the answer does not start with an HTTP/1.x status line (RFC 9112 §4; it sent "SSH-2.0"; the peer speaks SSH: is this the right port?)'],
  [`${OK}A : b\r\n`, 'a blank before the colon of a field (RFC 9112 §5.1; it sent "A ")'],
  [`${OK} A: b\r\n`, 'a folded field line (RFC 9112 §5.2)'],
  [`${OK}A\0: b\r\n`, 'the byte 0x00 in a field name (RFC 9110 §5.1; it sent "A\\x00")'],
  [`${OK}A: b\n`, 'a bare LF in a field value (RFC 9112 §2.2)'],
  [`${OK}Content-Length: x\r\n`, 'Content-Length "x" is no length (RFC 9112 §6.3)'],
  [`${OK}Content-Length: 1234567890123456\r\n`, 'Content-Length "1234567890123456" is no length (RFC 9112 §6.3)'],
  [`${OK}Content-Length: 5, 6\r\n`, 'Content-Length says both 5 and 6 (RFC 9112 §6.3)'],
  [`${OK}Transfer-Encoding: gzip\r\n\r\n`, 'Transfer-Encoding "gzip": only chunked was asked for (RFC 9112 §6.1)'],
  [`${OK}Transfer-Encoding: chunked\r\n\r\nx`, 'a bad chunk size (RFC 9112 §7.1; it sent "x")'],
  [`${OK}Transfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(4_096)}`, 'chunk extensions longer than 4096 bytes (a fixed bound of this client)'],
  [`${OK}A: ${'b'.repeat(16_384)}`, 'a line longer than 16384 bytes (a fixed bound of this client)'],
  [`HTTP/1.1 200 ${'b'.repeat(16_384)}`, 'a line longer than 16384 bytes (a fixed bound of this client)'],
  [`${OK}${'A: b\r\n'.repeat(257)}`, 'more than 256 header fields (a fixed bound of this client)'],
  ['HTTP/1.1 101 \r\n\r\n', '101 Switching Protocols was not asked for (RFC 9110 §15.2.2)'],
  ['HTTP/1.1 100 \r\n\r\n'.repeat(33), 'more than 32 informational responses (a fixed bound of this client)'],
  ['HTTP/1.1 100 \r\n\r\n\rx', 'a bare CR after an informational response (RFC 9112 §2.2)'],
])('%j is a protocol error: %s', (text, message) => {
  expect(told(text)).toEqual([PROTOCOL, message]);
}); // prettier-ignore

it.each([
  ['', true, 'the peer closed the connection before it answered'],
  ['HTTP/1.1 2', true, 'the peer closed the connection in the middle of the response head'],
  ['HTTP/1.1 100 \r\n\r\n', true, 'the peer closed the connection in the middle of the response head'],
  [`${OK}Content-Length: 5\r\n\r\nab`, true, 'the peer closed the connection 3 bytes before the end of the body'],
  [`${OK}Transfer-Encoding: chunked\r\n\r\n1\r\n`, true, 'the peer closed the connection before the last chunk of the body'],
  [`${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nA`, true, 'the peer closed the connection before the last chunk of the body'],
  [`${OK}\r\n`, false, 'the TLS connection ended without close_notify: the body may have been cut off'],
])('the end after %j, clean %s: %s', (text, isClean, message) => {
  expect(told(text, isClean)).toEqual([CLOSED, message]);
}); // prettier-ignore

it('a hint is told where there was no answer at all', () => {
  expect(told('', true, '; a hint')).toEqual([
    CLOSED,
    'the peer closed the connection before it answered; a hint',
  ]);
  expect(told('HTTP', true, '; a hint')).not.toContain('hint');
});

it('what breaks HTTP/2 is said to be the peer’s', () => {
  const what = 'index 0, which no entry has';
  expect(readingError(new WireError('hpack-index', what)).message).toBe(
    `the peer broke HTTP/2: ${what} (RFC 7541 §2.3.3)`,
  );
});

it('an error of the receiver stays what it is', () => {
  const error = new TypeError('of its own');
  expect(readingError(error)).toBe(error);
  expect(readingError(new WireError('host', 'x'))).toBeInstanceOf(TransportError);
});
