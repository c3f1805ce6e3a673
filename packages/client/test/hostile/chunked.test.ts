/**
 * The chunked coding and its trailers (docs/rules.md, rule 3; RFC 9112 §7.1): a parser that reads a size, an
 * extension or a line end in its own way sees other messages than its peer does.
 */
import {
  BROKEN,
  chunked,
  promises,
  PROTOCOL,
  thenFin,
  type Accepted,
  type HostileCase,
} from './support.js';

const HELLO: Accepted = { body: 'hello', reuse: true };
const show = (value: string) => JSON.stringify(value);

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
