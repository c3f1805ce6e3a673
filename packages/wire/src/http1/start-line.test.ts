import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../test/support/limits.js';
import { WireError } from '../wire-error.js';
import { RequestLine, StatusLine } from './start-line.js';

const INCOMPLETE = -1;

interface Line {
  parse(data: Buffer, start: number, end: number, origin: number): number;
}

/** Where the line ends, or the reason of its refusal; at the start of the bytes and later in them. */
function parse(line: Line, text: string): number | string {
  const results = ['', 'junk'].map((before) => {
    const start = before.length;
    const data = Buffer.from(`${before}${text}after`, 'latin1');
    try {
      const next = line.parse(data, start, start + text.length, start);
      return next === INCOMPLETE ? next : next - start;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return error.reason;
    }
  });
  expect(results[1]).toBe(results[0]);
  return results[0]!;
}

describe('a status line', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\n', 200, 1, 'OK'],
    ['HTTP/1.0 404 Not Found\r\n', 404, 0, 'Not Found'],
    ['HTTP/1.1 999 \r\n', 999, 1, ''],
    ['HTTP/1.1 100\r\n', 100, 1, ''],
    ['HTTP/1.1 200 \t\xe9\r\n', 200, 1, '\t\xe9'],
  ])('%j says %i, HTTP/1.%i, %j', (text, status, minorVersion, reason) => {
    const line = new StatusLine();
    expect(parse(line, text)).toBe(text.length);
    expect(line).toMatchObject({ status, minorVersion });
    expect(text.slice(13, line.reasonEnd)).toBe(reason);
    for (let length = 0; length < text.length; length += 1)
      expect(parse(line, text.slice(0, length))).toBe(INCOMPLETE);
  });
});

describe('a request line', () => {
  const line = () => new RequestLine(LIMITS.maxTargetBytes);

  it.each([
    ['GET / HTTP/1.1\r\n', 'GET', '/', 'origin', ''],
    ['GET //a HTTP/1.1\r\n', 'GET', '//a', 'origin', ''],
    ['POST /a?b=c%20d&e={f} HTTP/1.1\r\n', 'POST', '/a?b=c%20d&e={f}', 'origin', ''],
    ["M-SEARCH!#$%&'*+.^_`|~0 / HTTP/1.1\r\n", "M-SEARCH!#$%&'*+.^_`|~0", '/', 'origin', ''],
    ['OPTIONS * HTTP/1.1\r\n', 'OPTIONS', '*', 'asterisk', ''],
    ['OPTIONS /a HTTP/1.1\r\n', 'OPTIONS', '/a', 'origin', ''],
    ['CONNECT a.example:443 HTTP/1.1\r\n', 'CONNECT', 'a.example:443', 'authority', 'a.example:443'],
    ['CONNECT [::1]:443 HTTP/1.1\r\n', 'CONNECT', '[::1]:443', 'authority', '[::1]:443'],
    ['GET http://a/b HTTP/1.1\r\n', 'GET', 'http://a/b', 'absolute', 'a'],
    ['GET HTTPS://A:1?b HTTP/1.1\r\n', 'GET', 'HTTPS://A:1?b', 'absolute', 'A:1'],
    ['OPTIONS http://a HTTP/1.1\r\n', 'OPTIONS', 'http://a', 'absolute', 'a'],
    ['GET coap+tcp://[::1]:5/x HTTP/1.1\r\n', 'GET', 'coap+tcp://[::1]:5/x', 'absolute', '[::1]:5'],
  ])('%j: %s %j is in %s form, for %j', (text, method, target, form, authority) => {
    const parsed = line();
    expect(parse(parsed, text)).toBe(text.length);
    expect(parsed).toMatchObject({ form, authority, minorVersion: 1 });
    expect(text.slice(0, parsed.methodEnd)).toBe(method);
    expect(text.slice(parsed.targetStart, parsed.targetEnd)).toBe(target);
    for (let length = 0; length < text.length; length += 1)
      expect(parse(line(), text.slice(0, length))).toBe(INCOMPLETE);
  }); // prettier-ignore

  it('of HTTP/1.0 is one too, and keeps nothing of the line before it', () => {
    const parsed = line();
    parse(parsed, 'CONNECT a:1 HTTP/1.1\r\n');
    parse(parsed, 'GET / HTTP/1.0\r\n');
    expect(parsed).toMatchObject({ form: 'origin', authority: '', minorVersion: 0 });
  });

  it.each([
    // a form that the method cannot have
    'GET *', 'OPTIONS **', 'OPTIONS *a', 'CONNECT /', 'CONNECT a', 'CONNECT a:', 'CONNECT :1', 'CONNECT http://a/',
    'CONNECT u@a:1', 'CONNECT a:123456', 'CONNECT *', 'GET a:80', 'GET a', 'GET ?a', 'GET http:/a', 'GET http://',
    'GET http:///a', 'GET http://u@a/', 'GET http://u:p@a/', 'GET ://a', 'GET 1http://a', 'GET http://a b/',
    'GET http://a\\b/', 'options *', 'connect a:1',
    // not in any form
    'GET /a#b', 'GET #', 'GET /\xe9', 'GET http://a/#b',
  ])('%j is refused', (start) => {
    const reason = parse(line(), `${start} HTTP/1.1\r\n`);
    expect(['target', 'request-line']).toContain(reason);
  }); // prettier-ignore

  it('shows what is wrong, and not what comes after it', () => {
    const text = 'GET /a\0secret HTTP/1.1\r\n';
    const parsing = () => line().parse(Buffer.from(text), 0, text.length, 0);
    expect(parsing).toThrow('the byte 0x00 in the target of the request line (RFC 9112 §3)');
    expect(parsing).toThrow(expect.objectContaining({ sent: String.raw`"GET /a\x00"` }));
  });
});
