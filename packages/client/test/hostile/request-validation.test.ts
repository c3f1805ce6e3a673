/**
 * What may not be sent is refused before a byte is written (docs/rules.md, rule 14; RFC 9110 §5, RFC 9112 §3),
 * and what is sent can't be split into two requests. The origin reads strictly: whatever slips through
 * the client's checks fails the case there too.
 */
import { ConnectionPool, type RequestInit } from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { answering, attempt, codeOf, HANG_GUARD_MS } from './support.js';
import { expectRefused, sent, show } from './sending.js';

const EVIL = '\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n';

describe('a method', () => {
  const bad = [
    '',
    ' ',
    'GE T',
    'GET ',
    ' GET',
    'GET\r\n',
    `GET / HTTP/1.1${EVIL}`,
    'GET\n',
    'GET\0',
  ];
  for (const method of [...bad, 'GÉT', 'GET/', '(GET)', 'GET\t', 'A:B', 'A,B', 'ＧＥＴ', '"GET"'])
    it(`that is no token is refused: ${show(method)}`, () => expectRefused({ method }));

  it.each([null, 1, {}, ['GET']])('that is no text is refused: %o', (method) =>
    expectRefused({ method } as unknown as RequestInit),
  );

  it('CONNECT is refused: it opens no exchange', () => expectRefused({ method: 'CONNECT' }));

  it.each(['PURGE', 'M-SEARCH', 'PROPFIND', "A!#$%&'*+.^_`|~1"])(
    'that is any other token is sent: %s',
    async (method) => expect((await sent({ method })).method).toBe(method),
  );
});

describe('a path', () => {
  const bad = [
    `/${EVIL}`,
    '/a b',
    '/a\tb',
    '/a\r\nb',
    '/a\nb',
    '/a\0b',
    '/\x7f',
    '/é',
    '/日本',
    '/a#b',
  ];
  for (const path of bad)
    it(`that could split the request line is refused or encoded: ${show(path)}`, async () => {
      await using upstream = await ScriptedUpstream.start();
      upstream.onConnection(answering);
      const pool = new ConnectionPool();
      const outcome = await attempt(pool, upstream.url, { path }, { timeout: HANG_GUARD_MS });
      if ('error' in outcome) expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
      else expect(upstream.requests[0]?.target).toMatch(/^\/[\x21-\x22\x24-\x7e]*$/);
      expect(upstream.requests.length).toBe('error' in outcome ? 0 : 1);
      pool.close();
    });

  it.each([
    ['', '', '/'],
    ['/', '', '/'],
    ['', '/a', '/a'],
    ['/base', '/a', '/base/a'],
    ['/base/', '/a', '/base/a'],
    ['/base', 'a', '/base/a'],
    ['/base?x=1', '/a', '/base/a?x=1'],
    ['/base', '/a?y=2', '/base/a?y=2'],
    ['/a%20b', '/%2e%2E/%00', '/a%20b/%2e%2E/%00'],
    ['', '//evil.example/a', '//evil.example/a'],
    ['', '/a?b?c=d&&=', '/a?b?c=d&&='],
    ['', "/a;b=c/@:!$&'()*+,=", "/a;b=c/@:!$&'()*+,="],
  ])('is appended to the target’s: %s + %s', async (base, path, target) => {
    expect((await sent({ path }, {}, base)).target).toBe(target);
  });

  it('of the URL is encoded as URLs are', async () => {
    expect((await sent({}, {}, '/é?ü=1')).target).toBe('/%C3%A9?%C3%BC=1');
  });

  it('gets the query encoded, lists repeated, nothing injected', async () => {
    const query = {
      a: 'x y&z=1#',
      list: [1, 2],
      none: null,
      gone: undefined,
      'n\r\n': '\r\nHost: e',
    };
    const { target } = await sent({ path: '/p?q=0', query });
    expect(target).toBe('/p?q=0&a=x%20y%26z%3D1%23&list=1&list=2&n%0D%0A=%0D%0AHost%3A%20e');
  });
});

describe('a target', () => {
  it.each([
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'javascript:1',
    'ws://127.0.0.1/',
    '//127.0.0.1/',
    '/path',
    '',
    'http://',
    'http://a b/',
    'http://[::1',
    'http://127.0.0.1:99999/',
    'http://127.0.0.1:-1/',
    'http://127.0.0.1:x/',
    'http://exa\r\nmple/',
    'http://127.0.0.1\\@evil.example/',
    'not a url',
  ])('that is no http(s) URL is refused: %j', async (target) => {
    const pool = new ConnectionPool();
    expect(codeOf(await attempt(pool, target))).toBe('HOTARU_INVALID_REQUEST');
    pool.close();
  });

  it.each([null, undefined, 1, {}, []])('that is no URL at all is refused: %o', async (target) => {
    const pool = new ConnectionPool();
    const outcome = await attempt(pool, target as string);
    expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
    pool.close();
  });

  it('with a user and password sends no authorization silently', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(answering);
    const pool = new ConnectionPool();
    const url = upstream.url.replace('//', '//user:secret@');
    const outcome = await attempt(pool, url, {}, { timeout: HANG_GUARD_MS });
    if ('error' in outcome) {
      expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
      expect(String(outcome.error)).not.toContain('secret');
    } else expect(upstream.requests[0]?.headers).not.toHaveProperty('authorization');
    pool.close();
  });

  it('with a fragment does not send it', async () => {
    expect((await sent({}, {}, '/a#secret')).target).toBe('/a');
  });
});

describe('a header', () => {
  const names = [
    '',
    ' ',
    'X A',
    'X:A',
    'X\r\n',
    'X\n',
    'X\0',
    'X\t',
    'É',
    'X(A)',
    '"X"',
    ' X',
    'X ',
    'X/A',
    '日',
  ];
  for (const name of names)
    it(`whose name is no token is refused: ${show(name)}`, () =>
      expectRefused({ headers: [[name, 'v']] }));

  const values = [
    'a\r\nb',
    'a\nb',
    'a\rb',
    'a\0b',
    `a${EVIL}`,
    '\r\n',
    '\n',
    '\x01',
    '\x7f',
    'a\x0bb',
    '日本',
    '€',
  ];
  for (const value of values) {
    it(`whose value could not be sent as it is is refused: ${show(value)}`, () =>
      expectRefused({ headers: { 'x-a': value } }));
    it(`whose value could not be sent as it is is refused in a list: ${show(value)}`, () =>
      expectRefused({ headers: { 'x-a': ['good', value] } }));
  }

  it.each([null, {}, true, Symbol('x'), () => 'x'])('of no text is refused: %o', (value) =>
    expectRefused({ headers: { 'x-a': value } } as unknown as RequestInit),
  );

  it('may have tabs, blanks and Latin-1 in its value', async () => {
    const { headers } = await sent({ headers: { 'x-a': 'a \t\xe9 b', 'x-empty': '' } });
    expect([headers['x-a'], headers['x-empty']]).toEqual(['a \t\xe9 b', '']);
  });

  it('of a list is sent once for each value, in order', async () => {
    const { rawHeaders } = await sent({ headers: { 'X-A': ['1', '2'] } });
    const values = rawHeaders.filter(([name]) => name.toLowerCase() === 'x-a');
    expect(values.map(([, value]) => value)).toEqual(['1', '2']);
  });

  it.each<[string, RequestInit['headers']]>([
    ['pairs', [['x-a', '1']]],
    ['Headers', new Headers({ 'x-a': '1' })],
    ['an object without a prototype', Object.assign(Object.create(null), { 'x-a': '1' })],
  ])('may be given by %s', async (_what, headers) => {
    expect((await sent({ headers })).headers['x-a']).toBe('1');
  });

  it('from a prototype is not sent', async () => {
    const headers = Object.create({ 'x-inherited': '1' }) as Record<string, string>;
    headers['x-own'] = '1';
    const seen = (await sent({ headers })).headers;
    expect([seen['x-own'], seen['x-inherited']]).toEqual(['1', undefined]);
  });
});

describe('the Host field', () => {
  it('is one, and says the port when it is not the default', async () => {
    const { headers, rawHeaders } = await sent({});
    expect(rawHeaders[0]?.[0].toLowerCase()).toBe('host');
    expect(headers['host']).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('may be the caller’s, and is then the only one', async () => {
    expect((await sent({ headers: { Host: 'virtual.example' } })).headers['host']).toBe(
      'virtual.example',
    );
  });

  for (const value of ['a b', 'a/b', 'user@a', 'a,b', '', 'a\\b', 'a?b', 'a#b'])
    it(`of the caller is refused when it is no host: ${show(value)}`, () =>
      expectRefused({ headers: { host: value } }));

  it('twice is refused', () =>
    expectRefused({
      headers: [
        ['host', 'a'],
        ['Host', 'a'],
      ],
    }));
});

describe('a field that belongs to the connection', () => {
  it.each([
    'upgrade',
    'x-whatever',
    'content-length',
    'transfer-encoding',
    'host',
    'authorization',
  ])('Connection: %s can’t take a field away from the next hop', async (option) => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(answering);
    const pool = new ConnectionPool();
    const request = { headers: { connection: option, authorization: 'secret' } };
    const outcome = await attempt(pool, upstream.url, request, { timeout: HANG_GUARD_MS });
    if ('error' in outcome) expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
    else expect(upstream.requests[0]?.headers['connection'] ?? '').not.toContain(option);
    pool.close();
  });

  it('Connection: close is sent, and the connection is not used again', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(answering);
    const pool = new ConnectionPool();
    const request = { headers: { connection: 'close' } };
    await attempt(pool, upstream.url, request, { timeout: HANG_GUARD_MS });
    await attempt(pool, upstream.url, {}, { timeout: HANG_GUARD_MS });
    expect(upstream.requests[0]?.headers['connection']).toBe('close');
    expect(upstream.accepted).toBe(2);
    pool.close();
  });

  it('Upgrade is refused: no other protocol is supported', () =>
    expectRefused({ headers: { connection: 'upgrade', upgrade: 'websocket' } }));

  it('Trailer and TE announce nothing that is not done', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(answering);
    const pool = new ConnectionPool();
    const outcome = await attempt(pool, upstream.url, { headers: { te: 'gzip' } });
    if ('error' in outcome) expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
    pool.close();
  });
});

describe('an option', () => {
  it.each<[string, object]>([
    ['a negative timeout', { timeout: -1 }],
    ['timeout 0', { timeout: 0 }],
    ['timeout NaN', { timeout: Number.NaN }],
    ['a timeout of nonsense', { timeout: 'soon' }],
    ['a headersTimeout of nonsense', { headersTimeout: '5 parsecs' }],
    ['a bodyTimeout that is no duration', { bodyTimeout: {} }],
    ['a connectTimeout below 0', { connectTimeout: '-1s' }],
    ['a negative maxResponseSize', { maxResponseSize: -1 }],
    ['maxResponseSize NaN', { maxResponseSize: Number.NaN }],
    ['a signal that is none', { signal: {} }],
    ['an unknown option', { timeuot: 5 }],
  ])('that makes no sense is refused: %s', (_what, options) => expectRefused({}, options));

  it.each<[string, object]>([
    ['an unknown key', { methud: 'GET' }],
    ['headers of nonsense', { headers: 5 }],
    ['pairs of three', { headers: [['a', 'b', 'c']] }],
    ['pairs of one', { headers: [['a']] }],
    ['a query of nonsense', { query: 'a=b' }],
    ['a query with an object', { query: { a: {} } }],
    ['a path of nonsense', { path: 5 }],
  ])('of the request that makes no sense is refused: %s', (_what, request) =>
    expectRefused(request),
  );
});
