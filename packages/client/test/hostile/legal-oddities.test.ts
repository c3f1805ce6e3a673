/**
 * What looks odd and is legal must pass: over-strict is a defect too (docs/rules.md, rule 3). Where
 * RFC 9112 only MAY be lenient, the choice is said with the case: bare LF as a line end (§2.2) is refused,
 * because a peer that filters only CR LF would otherwise let one response be split into two.
 */
import { ConnectionPool } from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import {
  attempt,
  chunked,
  ok,
  promises,
  PROTOCOL,
  thenFin,
  whole,
  type HostileCase,
} from './support.js';

const HELLO = { body: 'hello', reuse: true } as const;

promises('status lines that are legal', [
  ...(
    [
      ['an empty reason phrase', 'HTTP/1.1 200 ', ''],
      ['no blank before the missing phrase (common, harmless)', 'HTTP/1.1 200', ''],
      ['a phrase of several words', 'HTTP/1.1 200 All is well', 'All is well'],
      ['a phrase that is not the standard one', 'HTTP/1.1 200 Not Found', 'Not Found'],
      ['a phrase with punctuation', 'HTTP/1.1 200 O:K; "fine" (yes)', 'O:K; "fine" (yes)'],
      ['a phrase with a tab', 'HTTP/1.1 200 O\tK', 'O\tK'],
      ['a phrase in Latin-1', 'HTTP/1.1 200 Tr\xe8s bien', 'Tr\xe8s bien'],
      ['a phrase of digits', 'HTTP/1.1 200 404', '404'],
    ] as const
  ).map(([what, line, statusText]): HostileCase => ({
    name: `${what} is read`,
    origin: `${line}\r\nContent-Length: 5\r\n\r\nhello`,
    expect: { ...HELLO, statusText },
  })),
  {
    name: 'an unknown status is handed out as it is',
    origin: 'HTTP/1.1 299 Odd\r\nContent-Length: 5\r\n\r\nhello',
    expect: { ...HELLO, status: 299 },
  },
  {
    name: 'HTTP/1.0 is read',
    origin: thenFin('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
    expect: { body: 'hello', reuse: false },
  },
]);

promises('fields that are legal', [
  ...(
    [
      ['no blank before the value', 'X-A:b', 'b'],
      ['several blanks and tabs before it', 'X-A: \t  b', 'b'],
      ['blanks and tabs after it', 'X-A: b \t ', 'b'],
      ['blanks and tabs inside it', 'X-A: b \t c', 'b \t c'],
      ['an empty value', 'X-A:', ''],
      ['a value of blanks', 'X-A:   ', ''],
      ['a colon in the value', 'X-A: b:c:', 'b:c:'],
      ['a value that starts with a colon', 'X-A::b', ':b'],
      ['quotes, commas and semicolons', 'X-A: "a, b"; c=d, e', '"a, b"; c=d, e'],
      ['obs-text as Latin-1', 'X-A: \xe9\xff\x80', '\xe9\xff\x80'],
      ['UTF-8 as the bytes it is', 'X-A: \xc3\xa9', '\xc3\xa9'],
      ['a name in upper case', 'X-A: b', 'b'],
      ['a name in lower case', 'x-a: b', 'b'],
      ['a name in mixed case', 'x-A: b', 'b'],
      ['a list in one field', 'X-A: b, c', 'b, c'],
      ['a list in two fields', 'X-A: b\r\nx-a: c', 'b, c'],
      ['a name repeated with an empty value', 'X-A: b\r\nX-A:', 'b, '],
    ] as const
  ).map(([what, field, value]): HostileCase => ({
    name: `${what} is read`,
    origin: ok([field, 'Content-Length: 5'], 'hello'),
    expect: { ...HELLO, headers: { 'x-a': value } },
  })),
  {
    name: 'every token character may be in a name',
    origin: ok(["!#$%&'*+-.^_`|~09azAZ: b", 'Content-Length: 5'], 'hello'),
    expect: { ...HELLO, headers: { "!#$%&'*+-.^_`|~09azaz": 'b' } },
  },
  {
    name: 'a name of one character is read',
    origin: ok(['Q: b', 'Content-Length: 5'], 'hello'),
    expect: { ...HELLO, headers: { q: 'b' } },
  },
  {
    name: 'names that are properties of every object are only fields',
    origin: ok(['__proto__: evil', 'constructor: c', 'toString: t', 'Content-Length: 5'], 'hello'),
    expect: { ...HELLO, headers: { constructor: 'c', tostring: 't' } },
  },
  ...[
    'CONTENT-LENGTH: 5',
    'content-length: 5',
    'cOnTeNt-LeNgTh: 5',
    'Content-Length:5',
    'Content-Length: \t5\t ',
  ].map((field): HostileCase => ({
    name: `${JSON.stringify(field)} frames the body`,
    origin: ok([field], 'hello'),
    expect: HELLO,
  })),
  ...[
    'TRANSFER-ENCODING: CHUNKED',
    'transfer-encoding:chunked',
    'Transfer-Encoding: \tchunked ',
  ].map((field): HostileCase => ({
    name: `${JSON.stringify(field)} frames the body`,
    origin: ok([field], '5\r\nhello\r\n0\r\n\r\n'),
    expect: HELLO,
  })),
  {
    name: 'fields about the body of another message change nothing: 304 with a length',
    origin: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\nContent-Type: a/b\r\n\r\n',
    expect: { status: 304, body: '', reuse: true },
  },
  {
    name: 'Content-Encoding without decoding is handed out as it is',
    origin: ok(['Content-Encoding: x-unknown', 'Content-Length: 5'], 'hello'),
    expect: HELLO,
  },
  {
    name: 'Upgrade in a plain answer is an offer, not a switch (RFC 9110 §7.8)',
    origin: ok(['Upgrade: h2c', 'Connection: Upgrade', 'Content-Length: 5'], 'hello'),
    expect: HELLO,
  },
  {
    name: 'a 426 with Upgrade is an answer',
    origin:
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\nContent-Length: 5\r\n\r\nhello',
    expect: { ...HELLO, status: 426 },
  },
  {
    name: 'Trailer announces what may come, or may not',
    origin: chunked('5\r\nhello\r\n0\r\n\r\n', 'Trailer: X-Sum'),
    expect: { ...HELLO, trailers: {} },
  },
  {
    name: 'Set-Cookie three times stays three',
    origin: ok(
      ['Set-Cookie: a=1', 'Set-Cookie: b=2, c', 'Set-Cookie: d=3', 'Content-Length: 5'],
      'hello',
    ),
    expect: { ...HELLO, headers: { 'set-cookie': ['a=1', 'b=2, c', 'd=3'] as never } },
  },
]);

promises('line ends', [
  {
    name: 'a whole head with LF alone is refused: RFC 9112 §2.2 says MAY, and refusing can’t split a response',
    origin: 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
    expect: PROTOCOL,
  },
  {
    name: 'one field ended by LF alone is refused',
    origin: 'HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 5\r\n\r\nhello',
    expect: PROTOCOL,
  },
  {
    name: 'a head whose empty line is LF alone is refused',
    origin: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello',
    expect: PROTOCOL,
  },
  {
    name: 'a status line ended by LF alone is refused',
    origin: 'HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello',
    expect: PROTOCOL,
  },
]);

promises('bodies that are legal', [
  {
    name: 'bytes of every value arrive as they are',
    origin: (peer) => {
      const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      return peer.write(Buffer.concat([Buffer.from(ok(['Content-Length: 256'])), body]));
    },
    expect: {
      body: String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte)),
      reuse: true,
    },
  },
  {
    name: 'a GET may be answered while its own body is still unread by the origin',
    request: { method: 'GET', body: 'hello' },
    origin: whole('hello'),
    expect: HELLO,
  },
  {
    name: 'an answer that comes before the origin has read the request is read',
    origin: (peer) => peer.drip(whole('hello'), 3),
    expect: HELLO,
  },
  {
    name: 'an answer to OPTIONS * and one to TRACE have bodies like any other',
    request: { method: 'TRACE' },
    origin: whole('hello'),
    expect: HELLO,
  },
  {
    name: 'an HTTP/1.1 answer without any field is delimited by the close',
    origin: thenFin('HTTP/1.1 200 OK\r\n\r\nhello'),
    expect: { body: 'hello', reuse: false },
  },
  {
    name: 'text with a byte order mark by text() has none, by bytes() has it',
    origin: whole('\xef\xbb\xbfhello'),
    expect: { body: '\xef\xbb\xbfhello', reuse: true },
  },
]);

describe('headers as they are read', () => {
  it('do not leak between responses, whatever their names', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.respond(200, { 'x-first': '1', __proto__x: '1' });
      await peer.readRequest();
      await peer.respond(200, {});
    });
    const pool = new ConnectionPool();
    await attempt(pool, upstream.url);
    const second = await attempt(pool, upstream.url);
    expect(second).toMatchObject({ headers: { 'content-length': '0' } });
    expect((second as { headers: object }).headers).not.toHaveProperty('x-first');
    pool.close();
  });

  it('give values trimmed, names in lower case, in order, and no prototype', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      await peer.readRequest();
      await peer.write(
        'HTTP/1.1 200 OK\r\nB:  2 \r\nA: \t1\t\r\n__proto__: x\r\nContent-Length: 0\r\n\r\n',
      );
    });
    const pool = new ConnectionPool();
    const { headers } = await pool.sendRequest(upstream.url);
    expect([...headers]).toEqual([
      ['b', '2'],
      ['a', '1'],
      ['__proto__', 'x'],
      ['content-length', '0'],
    ]);
    expect([headers.get('A'), headers.get('missing'), headers.has('b')]).toEqual([
      '1',
      undefined,
      true,
    ]);
    expect(Object.getPrototypeOf(headers.toObject())).toBe(null);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    pool.close();
  });
});
