/**
 * Where a response ends (pool.md, framing; RFC 9112 §6 and §7): a wrong guess truncates this answer or
 * poisons the next, so whatever is not certain is an error, and the connection goes.
 */
import {
  BROKEN,
  chunked,
  CLOSED,
  ok,
  promises,
  PROTOCOL,
  thenFin,
  whole,
  type Accepted,
  type HostileCase,
} from './support.js';

const HELLO: Accepted = { body: 'hello', reuse: true };
const HELLO_ONCE: Accepted = { body: 'hello', reuse: false };
const HELLO_CHUNKS = '5\r\nhello\r\n0\r\n\r\n';
const show = (value: string) => JSON.stringify(value);

promises('Content-Length', [
  { name: 'delimits a body', origin: whole('hello'), expect: HELLO },
  {
    name: '0 is an empty body',
    origin: ok(['Content-Length: 0']),
    expect: { body: '', reuse: true },
  },
  {
    name: 'may have leading zeros: it is decimal, never octal',
    origin: ok(['Content-Length: 0011'], 'hello world'),
    expect: { body: 'hello world', reuse: true },
  },
  ...[
    ['two equal fields', ['Content-Length: 5', 'content-length: 5']],
    ['three equal fields', ['Content-Length: 5', 'Content-Length: 5', 'Content-Length: 5']],
    ['a list of equal values', ['Content-Length: 5, 5']],
    ['a list without blanks', ['Content-Length: 5,5,5']],
  ].map(([what, fields]): HostileCase => ({
    name: `folds ${what as string} (RFC 9112 §6.3)`,
    origin: ok(fields as string[], 'hello'),
    expect: { body: 'hello', reuse: 'either' },
  })),
  ...[
    ['two differing fields', ['Content-Length: 5', 'Content-Length: 6']],
    ['a shorter second field', ['Content-Length: 5', 'Content-Length: 0']],
    ['a list of differing values', ['Content-Length: 5, 6']],
    ['a field and a list that differ', ['Content-Length: 5', 'Content-Length: 5, 4']],
    ['a good and a junk field', ['Content-Length: 5', 'Content-Length: five']],
    ['a good and an empty field', ['Content-Length: 5', 'Content-Length:']],
    ['an empty and a good field', ['Content-Length:', 'Content-Length: 5']],
    ['a list with an empty entry', ['Content-Length: 5,']],
    ['a list that begins empty', ['Content-Length: ,5']],
  ].map(([what, fields]): HostileCase => ({
    name: `refuses ${what as string}`,
    origin: ok(fields as string[], 'hello'),
    expect: PROTOCOL,
  })),
  ...[
    '',
    ' ',
    '-5',
    '+5',
    '5.0',
    '5e0',
    '0x5',
    '0b101',
    '0o5',
    '5a',
    'a5',
    '5 5',
    '5;5',
    '"5"',
    '5\x0b',
    '\x0c5',
    '5\xa0',
    '\xb2',
    'Infinity',
    'NaN',
    '1_0',
    "5'",
    '5\t6',
    '٥',
  ].map((value): HostileCase => ({
    name: `refuses ${show(value)}: digits only`,
    origin: Buffer.from(ok([`Content-Length: ${value}`], 'hello'), 'latin1'),
    expect: PROTOCOL,
  })),
  ...[
    '9007199254740993',
    '18446744073709551615',
    '18446744073709551621',
    '99999999999999999999',
    '9'.repeat(400),
  ].map((value): HostileCase => ({
    name: `refuses ${value.slice(0, 24)}, which no number here can count`,
    origin: ok([`Content-Length: ${value}`], 'hello'),
    expect: PROTOCOL,
  })),
  {
    name: 'of 4 GiB + 5 is not taken for 5: the answer is cut short, not done',
    origin: thenFin(ok(['Content-Length: 4294967301'], 'hello')),
    expect: CLOSED,
  },
]);

promises('Transfer-Encoding', [
  ...['chunked', 'Chunked', 'CHUNKED', 'chunked ', 'chunked\t', '\tchunked'].map(
    (value): HostileCase => ({
      name: `${show(value)} is chunked`,
      origin: ok([`Transfer-Encoding: ${value}`], HELLO_CHUNKS),
      expect: HELLO,
    }),
  ),
  ...[
    'xchunked',
    'chunkedx',
    'chunk',
    'chun ked',
    '"chunked"',
    "'chunked'",
    'chunked\x0b',
    '\x0bchunked',
    'chunked;',
    'gzip',
    'identity',
    'compress',
    'chunked, gzip',
    'chunked, identity',
    'chunked, chunked',
    'chunked,chunked',
    'gzip, chunked, chunked',
    'chunked, x, chunked',
    'deflate',
    'trailers',
    'chunked identity',
    'identity chunked',
    '5',
    'ſhunked',
  ].map((value): HostileCase => ({
    name: `refuses ${show(value)}: chunked must be known, final and once`,
    origin: Buffer.from(ok([`Transfer-Encoding: ${value}`], HELLO_CHUNKS)),
    expect: PROTOCOL,
  })),
  ...['gzip, chunked', 'identity, chunked', 'x-foo, chunked'].map((value): HostileCase => ({
    name: `refuses ${show(value)}: a coding nobody offered cannot be undone`,
    origin: ok([`Transfer-Encoding: ${value}`], HELLO_CHUNKS),
    expect: PROTOCOL,
  })),
  ...['', ',', 'chunked,', ',chunked', 'chunked;x=y'].map((value): HostileCase => ({
    name: `${show(value)} is refused or read as chunked, nothing else`,
    origin: ok([`Transfer-Encoding: ${value}`], HELLO_CHUNKS),
    expect: { anyOf: [PROTOCOL, { body: 'hello', reuse: 'either' }] },
  })),
  {
    name: 'refuses chunked in two fields',
    origin: ok(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], HELLO_CHUNKS),
    expect: PROTOCOL,
  },
  {
    name: 'refuses chunked followed by identity in a second field',
    origin: ok(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], HELLO_CHUNKS),
    expect: PROTOCOL,
  },
  {
    name: 'refuses a name with a blank before the colon, the oldest smuggling trick',
    origin: ok(['Content-Length: 5', 'Transfer-Encoding : chunked'], HELLO_CHUNKS),
    expect: PROTOCOL,
  },
  {
    name: 'refuses an empty one beside a length, or delimits by the length and closes',
    origin: ok(['Transfer-Encoding:', 'Content-Length: 5'], 'hello'),
    expect: { anyOf: [PROTOCOL, HELLO_ONCE] },
  },
  {
    name: 'on HTTP/1.0 is faulty framing: an error, or the body and then the end',
    origin: `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n${HELLO_CHUNKS}`,
    expect: { anyOf: [PROTOCOL, HELLO_ONCE] },
  },
]);

promises('Transfer-Encoding and Content-Length together', [
  ...[
    ['after', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['before', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
    ['with a shorter length', ['Transfer-Encoding: chunked', 'Content-Length: 2']],
    ['with length 0', ['Content-Length: 0', 'Transfer-Encoding: chunked']],
    ['with a longer length', ['Transfer-Encoding: chunked', 'Content-Length: 500']],
    ['with the length of the chunks', ['Transfer-Encoding: chunked', 'Content-Length: 15']],
    [
      'and keep-alive',
      ['Connection: keep-alive', 'Transfer-Encoding: chunked', 'Content-Length: 5'],
    ],
  ].map(([how, fields]): HostileCase => ({
    name: `Transfer-Encoding wins ${how as string}, and the connection is not used again`,
    origin: ok(fields as string[], HELLO_CHUNKS),
    expect: HELLO_ONCE,
  })),
  ...['five', '', '-1', '5, 6'].map((value): HostileCase => ({
    name: `with the length ${show(value)} it is an error, or chunked and then the end`,
    origin: ok(['Transfer-Encoding: chunked', `Content-Length: ${value}`], HELLO_CHUNKS),
    expect: { anyOf: [PROTOCOL, HELLO_ONCE] },
  })),
]);

promises('responses without a body', [
  {
    name: 'HEAD with a length is done at the head, and the connection stays',
    request: { method: 'HEAD' },
    origin: ok(['Content-Length: 5']),
    expect: { body: '', reuse: true, headers: { 'content-length': '5' } },
  },
  {
    name: 'HEAD with chunked is done at the head, and the connection stays',
    request: { method: 'HEAD' },
    origin: ok(['Transfer-Encoding: chunked']),
    expect: { body: '', reuse: true },
  },
  {
    name: 'HEAD with neither is done at the head, and the connection stays',
    request: { method: 'HEAD' },
    origin: ok([]),
    expect: { body: '', reuse: true },
  },
  {
    name: 'HEAD with both does not hang',
    request: { method: 'HEAD' },
    origin: ok(['Content-Length: 5', 'Transfer-Encoding: chunked']),
    expect: { body: '', reuse: 'either' },
  },
  {
    name: 'HEAD with close is done, and the connection goes',
    request: { method: 'HEAD' },
    origin: ok(['Content-Length: 5', 'Connection: close']),
    expect: { body: '', reuse: false },
  },
  {
    name: 'HEAD with a 404 is done at the head',
    request: { method: 'HEAD' },
    origin: 'HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n',
    expect: { status: 404, body: '', reuse: true },
  },
  {
    name: '204 is done at the head',
    origin: 'HTTP/1.1 204 No Content\r\n\r\n',
    expect: { status: 204, body: '', reuse: true },
  },
  {
    name: '204 with Content-Length: 0 is done at the head',
    origin: 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    expect: { status: 204, body: '', reuse: true },
  },
  {
    name: '204 with a length it must not have does not wait for a body',
    origin: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    expect: { status: 204, body: '', reuse: 'either' },
  },
  {
    name: '204 with chunked does not wait for a body',
    origin: 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    expect: { anyOf: [{ status: 204, body: '', reuse: 'either' }, PROTOCOL] },
  },
  {
    name: '304 with the length of what it stands for is done at the head',
    origin: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "1"\r\n\r\n',
    expect: { status: 304, body: '', reuse: true },
  },
  {
    name: '304 with chunked is done at the head (RFC 9112 §6.1 allows it)',
    origin: 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n',
    expect: { status: 304, body: '', reuse: true },
  },
  {
    name: '304 with neither is done at the head',
    origin: 'HTTP/1.1 304 Not Modified\r\n\r\n',
    expect: { status: 304, body: '', reuse: true },
  },
  {
    name: '205 is framed like any other: it has the body it says',
    origin: 'HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello',
    expect: { status: 205, body: 'hello', reuse: true },
  },
  {
    name: '304 to a POST has no body either',
    request: { method: 'POST', body: 'x' },
    origin: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    expect: { status: 304, body: '', reuse: true },
  },
]);

promises('bodies delimited by the close', [
  {
    name: 'a body without framing ends with the connection, and is whole',
    origin: thenFin(ok([], 'hello')),
    expect: HELLO_ONCE,
  },
  {
    name: 'keep-alive does not change that',
    origin: thenFin(ok(['Connection: keep-alive'], 'hello')),
    expect: HELLO_ONCE,
  },
  {
    name: 'an empty one is empty',
    origin: thenFin(ok([])),
    expect: { body: '', reuse: false },
  },
  {
    name: 'on HTTP/1.0 with keep-alive too',
    origin: thenFin('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello'),
    expect: HELLO_ONCE,
  },
  {
    name: 'what looks like a second response is body',
    origin: thenFin(ok([], whole('evil'))),
    expect: { body: whole('evil'), reuse: false },
  },
  {
    name: 'an error status has such a body too',
    origin: thenFin('HTTP/1.1 502 Bad Gateway\r\n\r\n<html>'),
    expect: { status: 502, body: '<html>', reuse: false },
  },
]);

promises('chunks that are right', [
  ...(
    [
      ['upper-case hex', `A\r\n0123456789\r\n0\r\n\r\n`, '0123456789'],
      ['lower-case hex', `a\r\n0123456789\r\n0\r\n\r\n`, '0123456789'],
      ['leading zeros', `0005\r\nhello\r\n000\r\n\r\n`, 'hello'],
      ['fifteen leading zeros', `${'0'.repeat(15)}5\r\nhello\r\n0\r\n\r\n`, 'hello'],
      ['an extension', `5;name=value\r\nhello\r\n0\r\n\r\n`, 'hello'],
      ['an extension without a value', `5;name\r\nhello\r\n0;last\r\n\r\n`, 'hello'],
      ['a quoted extension', `5;name="a;b \\" c"\r\nhello\r\n0\r\n\r\n`, 'hello'],
      ['several extensions', `5;a=1;b=2;c\r\nhello\r\n0\r\n\r\n`, 'hello'],
      ['blanks around an extension (BWS)', `5 ; a = 1\r\nhello\r\n0\r\n\r\n`, 'hello'],
      ['many chunks', `1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n`, 'hello'],
      ['no chunk but the last', `0\r\n\r\n`, ''],
      ['chunk data that looks like framing', `6\r\n0\r\n\r\n5\r\n0\r\n\r\n`, '0\r\n\r\n5'],
      ['CRLF as data', `2\r\n\r\n\r\n0\r\n\r\n`, '\r\n'],
    ] as const
  ).map(([what, raw, body]): HostileCase => ({
    name: `${what} is read`,
    origin: chunked(raw),
    expect: { body, reuse: true },
  })),
  {
    name: 'a large chunk is read',
    origin: chunked(`30d40\r\n${'x'.repeat(200_000)}\r\n0\r\n\r\n`),
    expect: { body: 'x'.repeat(200_000), reuse: true },
  },
  {
    name: 'a size with a blank after it is refused, or read as the size it is',
    origin: chunked('5 \r\nhello\r\n0\r\n\r\n'),
    expect: { anyOf: [PROTOCOL, HELLO] },
  },
]);

promises('chunks that are wrong', [
  ...[
    '',
    'g',
    '-5',
    '+5',
    '0x5',
    '5_0',
    ' 5',
    '\t5',
    '5.0',
    '5h',
    'hello',
    ';ext',
    '5,5',
    '5 5',
    '5\x00',
    '\x005',
    '5\x0b',
    '"5"',
    '\xb5',
  ].map((size): HostileCase => ({
    name: `the size ${show(size)} is refused`,
    origin: chunked(`${size}\r\nhello\r\n0\r\n\r\n`),
    expect: PROTOCOL,
  })),
  ...[
    '10000000000000005',
    'FFFFFFFFFFFFFFFFF',
    '20000000000005',
    'ffffffffffffffff',
    '8000000000000005',
    'f'.repeat(64),
  ].map((size): HostileCase => ({
    name: `the size ${size.slice(0, 20)} overflows and is refused`,
    origin: chunked(`${size}\r\nhello\r\n0\r\n\r\n`),
    expect: PROTOCOL,
  })),
  {
    name: 'a size of 4 GiB + 5 is not taken for 5',
    origin: thenFin(chunked('100000005\r\nhello\r\n0\r\n\r\n')),
    expect: BROKEN,
  },
  {
    name: 'data longer than its size is refused',
    origin: chunked('4\r\nhello\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'data shorter than its size is refused',
    origin: chunked('6\r\nhello\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'data with no line end after it is refused',
    origin: chunked('5\r\nhello0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'data ended by LF alone is refused',
    origin: chunked('5\r\nhello\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'data ended by CR alone is refused',
    origin: chunked('5\r\nhello\r0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'data ended by CR and another byte is refused',
    origin: chunked('5\r\nhello\rX0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'a size line ended by LF alone is refused (RFC 9112 §7.1 wants CRLF; peers were smuggled through)',
    origin: chunked('5\nhello\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'a size line ended by CR alone is refused',
    origin: chunked('5\rhello\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'LF inside an extension is refused: another parser would end the line there',
    origin: chunked('5;a\nb\r\nhello\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'CR inside an extension is refused',
    origin: chunked('5;a\rb\r\nhello\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'NUL inside an extension is refused',
    origin: chunked('5;a\0b\r\nhello\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'a CR too many before the line end is refused',
    origin: chunked('5\r\r\nhello\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'a last chunk ended by LF alone is refused',
    origin: chunked('5\r\nhello\r\n0\n\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'a body whose end is LF LF is refused',
    origin: chunked('5\r\nhello\r\n0\n\n'),
    expect: PROTOCOL,
  },
  {
    name: 'a body that is not chunked at all is refused',
    origin: chunked('{"hello":"world"}\r\n'),
    expect: PROTOCOL,
  },
  {
    name: 'an error in the third chunk is an error of the body, not an end of it',
    origin: chunked('1\r\nh\r\n1\r\ne\r\nzz\r\nllo\r\n0\r\n\r\n'),
    expect: PROTOCOL,
  },
]);

promises('trailers', [
  {
    name: 'are read, and do not end up in the headers',
    origin: chunked('5\r\nhello\r\n0\r\nX-Sum: 5\r\nX-Two: a b \r\n\r\n'),
    expect: {
      body: 'hello',
      reuse: true,
      headers: { 'x-sum': undefined },
      trailers: { 'x-sum': '5', 'x-two': 'a b' },
    },
  },
  ...['Content-Length: 3', 'Transfer-Encoding: chunked', 'Connection: close', 'Host: evil'].map(
    (field): HostileCase => ({
      name: `${field} among them frames nothing`,
      origin: chunked(`5\r\nhello\r\n0\r\n${field}\r\n\r\n`),
      expect: {
        anyOf: [
          { body: 'hello', reuse: 'either', headers: { 'content-length': undefined } },
          PROTOCOL,
        ],
      },
    }),
  ),
  ...(
    [
      ['a folded line', 'X-A: b\r\n c'],
      ['a line without a colon', 'nonsense'],
      ['a blank before the colon', 'X-A : b'],
      ['an empty name', ': b'],
      ['NUL in a value', 'X-A: b\0c'],
      ['a bare CR in a value', 'X-A: b\rc'],
      ['a leading blank', ' X-A: b'],
    ] as const
  ).map(([what, field]): HostileCase => ({
    name: `${what} among them is refused`,
    origin: chunked(`5\r\nhello\r\n0\r\n${field}\r\n\r\n`),
    expect: PROTOCOL,
  })),
]);

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
