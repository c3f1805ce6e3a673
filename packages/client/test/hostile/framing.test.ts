/**
 * Where a response ends (docs/rules.md, rule 3; RFC 9112 §6 and §7): a wrong guess truncates this answer or
 * poisons the next, so whatever is not certain is an error, and the connection goes.
 */
import {
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
    name: `refuses ${show(value)}: a coding that was not offered cannot be undone`,
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
