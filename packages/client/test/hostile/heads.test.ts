/**
 * Response heads that are none (docs/rules.md, rule 3; RFC 9112 §4 and §5): junk status lines, and fields that
 * two parsers could read in two ways.
 */
import { ok, promises, PROTOCOL, whole, type HostileCase } from './support.js';

const show = (value: string) => JSON.stringify(value);

const BODY = 'Content-Length: 5\r\n\r\nhello';

promises('status lines', [
  ...(
    [
      ['two digits', 'HTTP/1.1 20 OK'],
      ['four digits', 'HTTP/1.1 2000 OK'],
      ['one digit', 'HTTP/1.1 2 OK'],
      ['no number', 'HTTP/1.1 abc OK'],
      ['letters for digits', 'HTTP/1.1 2OO OK'],
      ['a negative number', 'HTTP/1.1 -20 OK'],
      ['a signed number', 'HTTP/1.1 +20 OK'],
      ['a hex number', 'HTTP/1.1 0xc OK'],
      ['a decimal point', 'HTTP/1.1 2.0 OK'],
      ['status 000', 'HTTP/1.1 000 OK'],
      ['status 099', 'HTTP/1.1 099 OK'],
      ['no status', 'HTTP/1.1'],
      ['no status but a blank', 'HTTP/1.1 '],
      ['no blank before the status', 'HTTP/1.1200 OK'],
      ['no blank after the status', 'HTTP/1.1 200OK'],
      ['two blanks before the status', 'HTTP/1.1  200 OK'],
      ['a tab before the status', 'HTTP/1.1\t200 OK'],
      ['a leading blank', ' HTTP/1.1 200 OK'],
      ['lower-case http', 'http/1.1 200 OK'],
      ['HTTP/2.0', 'HTTP/2.0 200 OK'],
      ['HTTP/2', 'HTTP/2 200 OK'],
      ['HTTP/3', 'HTTP/3 200 OK'],
      ['HTTP/0.9', 'HTTP/0.9 200 OK'],
      ['no version', 'HTTP 200 OK'],
      ['an empty version', 'HTTP/ 200 OK'],
      ['a version of one digit', 'HTTP/1 200 OK'],
      ['a long version', 'HTTP/1.10 200 OK'],
      ['a version with a sign', 'HTTP/1.-1 200 OK'],
      ['a comma in the version', 'HTTP/1,1 200 OK'],
      ['ICY', 'ICY 200 OK'],
      ['HTTPS', 'HTTPS/1.1 200 OK'],
      ['another protocol', 'SSH-2.0-OpenSSH_9.6'],
      ['a request line', 'GET / HTTP/1.1'],
      ['a mail greeting', '220 mail.example ESMTP'],
      ['HTML', '<!doctype html>'],
      ['JSON', '{"ok":true}'],
      ['NUL in the phrase', 'HTTP/1.1 200 O\0K'],
      ['a bare CR in the phrase', 'HTTP/1.1 200 O\rK'],
      ['a bare CR before the line end', 'HTTP/1.1 200 OK\r'],
      ['a byte order mark', '\xef\xbb\xbfHTTP/1.1 200 OK'],
      ['a TLS alert', '\x15\x03\x03\x00\x02\x02\x28'],
    ] as const
  ).map(([what, line]): HostileCase => ({
    name: `${what} is refused`,
    origin: `${line}\r\n${BODY}`,
    expect: PROTOCOL,
  })),
  {
    name: 'HTTP/1.2 is refused, or read as 1.1',
    origin: `HTTP/1.2 200 OK\r\n${BODY}`,
    expect: { anyOf: [PROTOCOL, { body: 'hello', reuse: 'either' }] },
  },
  ...[600, 799, 999].map((status): HostileCase => ({
    name: `${status} is refused, or handed out as it is (RFC 9110 §15)`,
    origin: `HTTP/1.1 ${status} Odd\r\n${BODY}`,
    expect: { anyOf: [PROTOCOL, { status, body: 'hello', reuse: 'either' }] },
  })),
  {
    name: 'an empty line before it is refused, or skipped',
    origin: `\r\n${whole('hello')}`,
    expect: { anyOf: [PROTOCOL, { body: 'hello', reuse: 'either' }] },
  },
]);

promises('header fields', [
  ...(
    [
      ['a blank before the colon', 'X-A : b'],
      ['a tab before the colon', 'X-A\t: b'],
      ['no colon', 'nonsense'],
      ['no name', ': b'],
      ['a folded line (blank)', 'X-A: b\r\n c'],
      ['a folded line (tab)', 'X-A: b\r\n\tc'],
      ['an empty folded line', 'X-A: b\r\n '],
      ['a bare CR in a value', 'X-A: b\rc'],
      ['a bare CR before the line end', 'X-A: b\r'],
      ['a CR that hides a field', 'X-A: b\rContent-Length: 0'],
      ['NUL in a value', 'X-A: b\0c'],
      ['NUL at the end of a value', 'X-A: b\0'],
      ['NUL in a name', 'X\0A: b'],
      ['CR in a name', 'X\rA: b'],
      ['a blank in a name', 'X A: b'],
      ['a parenthesis in a name', 'X(A): b'],
      ['a quote in a name', '"X-A": b'],
      ['a slash in a name', 'X/A: b'],
      ['a control character in a name', 'X\x01A: b'],
      ['DEL in a name', 'X\x7fA: b'],
      ['a byte above 127 in a name', 'X\xe9: b'],
      ['a leading blank in the name of framing', ' Content-Length: 0'],
      ['a second status line among them', 'HTTP/1.1 200 OK'],
    ] as const
  ).map(([what, field]): HostileCase => ({
    name: `${what} is refused`,
    origin: ok([field, 'Content-Length: 5'], 'hello'),
    expect: PROTOCOL,
  })),
  {
    name: 'a blank line start right after the status line is refused',
    origin: `HTTP/1.1 200 OK\r\n X-A: b\r\n${BODY}`,
    expect: PROTOCOL,
  },
  {
    name: 'a tab at the start of the first field is refused',
    origin: `HTTP/1.1 200 OK\r\n\tX-A: b\r\n${BODY}`,
    expect: PROTOCOL,
  },
  ...['\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x1f', '\x7f'].map((control): HostileCase => ({
    name: `the control character ${show(control)} in a value is refused, or kept as it is`,
    origin: ok([`X-A: b${control}c`, 'Content-Length: 5'], 'hello'),
    expect: {
      anyOf: [PROTOCOL, { body: 'hello', reuse: true, headers: { 'x-a': `b${control}c` } }],
    },
  })),
]);
