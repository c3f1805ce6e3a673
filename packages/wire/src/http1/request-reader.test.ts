import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../test/support/limits.js';
import { piecesOf } from '../../test/support/reading.js';
import { readRequests, type ReadRequest, type RequestsRead } from '../../test/support/requests.js';
import { WireError } from '../wire-error.js';
import { RequestReader } from './request-reader.js';

const GET = 'GET /a?b HTTP/1.1\r\nHost: a.example\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

/** Reads it whole and byte by byte, and expects the same of both. */
function readText(text: string, ending: 'open' | 'end' = 'open'): RequestsRead {
  const bytes = Buffer.from(text, 'latin1');
  const whole = readRequests([bytes], ending);
  const dripped = readRequests(piecesOf(bytes, [...bytes.keys()]), ending);
  expect(summary(dripped)).toEqual(summary(whole));
  return whole;
}

function summary({ requests, rest, reason, status }: RequestsRead): unknown {
  return {
    requests: requests.map((request) => JSON.stringify(request)),
    rest,
    reason,
    status,
  };
}

function one(text: string): ReadRequest {
  const { requests, error } = readText(text);
  expect(error).toBeUndefined();
  expect(requests).toHaveLength(1);
  return requests[0]!;
}

/** Reason and status of a refusal. */
function refusal(text: string): [string | undefined, number | undefined] {
  const { reason, status } = readText(text);
  return [reason, status];
}

describe('a request', () => {
  it('gives method, target, version, fields and authority', () => {
    const request = one(`${GET}X: \t1 \r\nx:2\r\nEmpty:\r\n\r\n`);
    expect(request.head).toMatchObject({
      method: 'GET',
      target: '/a?b',
      form: 'origin',
      authority: 'a.example',
      minorVersion: 1,
      keepAlive: true,
      expectContinue: false,
      upgrade: '',
    });
    expect(request.fields).toEqual([
      ['host', 'a.example'],
      ['x', '1'],
      ['x', '2'],
      ['empty', ''],
    ]);
    expect(request).toMatchObject({ hasBody: false, isDone: true, mayReuse: true });
  });

  it.each([
    ['a length', `${POST}Content-Length: 5\r\n\r\nhello`, 'hello', []],
    ['a length with leading zeros', `${POST}Content-Length: 0005\r\n\r\nhello`, 'hello', []],
    ['chunks', `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, 'hello', []],
    ['the coding in capitals', `${CHUNKED.replace('chunked', 'CHUNKED')}1\r\na\r\n0\r\n\r\n`, 'a', []],
    ['trailers', `${CHUNKED}1\r\na\r\n0\r\nA: b\r\nHost: c\r\n\r\n`, 'a', [['a', 'b'], ['host', 'c']]],
  ])('may have a body: by %s', (_how, text, body, trailers) => {
    expect(one(text)).toMatchObject({ hasBody: true, isDone: true, body, trailers });
  }); // prettier-ignore

  it.each(['', 'Content-Length: 0\r\n'])('has no body with %j, whatever the method', (field) => {
    for (const method of ['GET', 'POST', 'DELETE', 'M-SEARCH'])
      expect(one(`${method} / HTTP/1.1\r\nHost: a\r\n${field}\r\n`)).toMatchObject({
        hasBody: false,
        isDone: true,
      });
  });

  it.each([
    ['1.1', '', true],
    ['1.1', 'Connection: close\r\n', false],
    ['1.1', 'Connection: keep-alive, Close\r\n', false],
    ['1.0', '', false],
    ['1.0', 'Connection: keep-alive\r\n', true],
    ['1.0', 'Connection: keep-alive\r\nConnection: close\r\n', false],
  ])('of HTTP/%s with %j leaves the connection open: %s', (version, field, keepAlive) => {
    const request = one(`GET / HTTP/${version}\r\nHost: a\r\n${field}\r\n`);
    expect(request.head?.keepAlive).toBe(keepAlive);
    expect(request.mayReuse).toBe(keepAlive);
  });

  it.each([
    ['1.1', 'Expect: 100-continue\r\nContent-Length: 1\r\n', true],
    ['1.1', 'Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n', true],
    ['1.1', 'Expect: 100-continue\r\n', false],
    ['1.1', 'Expect: 100-continue\r\nContent-Length: 0\r\n', false],
    ['1.1', 'Expect: something\r\nContent-Length: 1\r\n', false],
    ['1.0', 'Expect: 100-continue\r\nContent-Length: 1\r\n', false],
  ])('of HTTP/%s with %j waits for 100: %s', (version, fields, expectContinue) => {
    const { requests } = readText(`POST / HTTP/${version}\r\nHost: a\r\n${fields}\r\n`);
    expect(requests[0]?.head?.expectContinue).toBe(expectContinue);
  });

  it.each([
    ['1.1', 'Connection: Upgrade\r\nUpgrade: websocket\r\n', 'websocket'],
    ['1.1', 'Upgrade: a\r\nUpgrade: b/1\r\nConnection: x, upgrade\r\n', 'a, b/1'],
    ['1.1', 'Upgrade: websocket\r\n', ''],
    ['1.1', 'Connection: upgrade\r\n', ''],
    ['1.0', 'Connection: upgrade\r\nUpgrade: websocket\r\n', ''],
  ])('of HTTP/%s with %j asks for %j', (version, fields, upgrade) => {
    const { requests } = readText(`GET / HTTP/${version}\r\nHost: a\r\n${fields}\r\n`);
    expect(requests[0]?.head?.upgrade).toBe(upgrade);
  });
});

describe('a connection', () => {
  it('may carry one request after another, each with its own body', () => {
    const { requests, rest } = readText(
      `${GET}\r\n${POST}Content-Length: 2\r\n\r\nab${CHUNKED}1\r\nc\r\n0\r\nT: d\r\n\r\n${GET}Connection: close\r\n\r\njunk`,
    );
    expect(requests.map(({ body }) => body)).toEqual(['', 'ab', 'c', '']);
    expect(requests[2]?.trailers).toEqual([['t', 'd']]);
    expect(rest).toBe('junk');
  });

  it('may have an empty line before a request: one, and a whole one', () => {
    expect(readText(`\r\n${GET}\r\n\r\n${GET}\r\n`).requests).toHaveLength(2);
    expect(refusal(`\r\n\r\n${GET}\r\n`)).toEqual(['request-line', 400]);
    expect(refusal(`\n${GET}\r\n`)).toEqual(['request-line', 400]);
    expect(refusal(`\r${GET}\r\n`)).toEqual(['line-end', 400]);
  });

  it('belongs to another protocol after CONNECT, and after the body of a request that may be upgraded', () => {
    const connect = readText('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n\x16\x03GET');
    expect(connect).toMatchObject({ rest: '\x16\x03GET', error: undefined });
    expect(connect.requests[0]).toMatchObject({ hasBody: false, isDone: true });
    const fields = 'Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\n';
    expect(readText(`${POST}${fields}abframes`)).toMatchObject({
      rest: 'frames',
      requests: [{ body: 'ab' }],
    });
  });

  it.each([
    ['before a request', '', undefined],
    ['after one', `${GET}\r\n`, undefined],
    ['after an empty line', '\r\n', undefined],
    ['in the request line', 'GET /', 'end-in-head'],
    ['in the fields', GET, 'end-in-head'],
    ['before the body', `${POST}Content-Length: 1\r\n\r\n`, 'end-in-body'],
    ['in the body', `${POST}Content-Length: 2\r\n\r\na`, 'end-in-body'],
    ['in a chunk', `${CHUNKED}2\r\na`, 'end-in-body'],
    ['in the trailers', `${CHUNKED}0\r\nA: b\r\n`, 'end-in-body'],
    ['in a line that is wrong already', `${GET}A : b`, 'blank-before-colon'],
  ])('that ends %s: %j is %s', (_where, text, reason) => {
    expect(readText(text, 'end').reason).toBe(reason);
  });

  it('says whether a request has begun', () => {
    const reader = new RequestReader(LIMITS);
    const events = { onHead: () => undefined, onDone: () => undefined };
    reader.expect(events);
    reader.feed(Buffer.from('\r\n'));
    expect(reader.hasStarted).toBe(false);
    reader.feed(Buffer.from('G'));
    expect(reader.hasStarted).toBe(true);
    reader.forget();
    expect([reader.isDone, reader.hasStarted]).toEqual([true, true]);
    reader.expect(events);
    reader.forget();
    expect([reader.isDone, reader.hasStarted]).toEqual([true, false]);
  });
});

describe('a reader after an error', () => {
  it.each([
    ['a request line', '', 'G(T / HTTP/1.1\r\n'],
    ['a field', '', `${GET}A : b\r\n`],
    ['framing', '', `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['a chunk', CHUNKED, '3\r\nabc\r\nzz\r\n'],
    ['the line before a request', '', '\r\r'],
  ])('in %s takes no byte and tells nothing, not even of a whole request', (_where, good, bad) => {
    const reader = new RequestReader(LIMITS);
    let dones = 0;
    const events = { onHead: () => undefined, onDone: () => (dones += 1) };
    reader.expect(events);
    reader.feed(Buffer.from(good));
    expect(() => reader.feed(Buffer.from(bad))).toThrow(WireError);
    expect(reader.isDone).toBe(true);
    for (const next of [`${GET}\r\n`, '0\r\n\r\n']) expect(reader.feed(Buffer.from(next))).toBe(0);
    reader.end(true);
    expect(dones).toBe(0);
  });

  it('of the taker of its body, or of its end, is over as well', () => {
    const reader = new RequestReader(LIMITS);
    const full = new Error('full');
    const events = { onHead: () => ({ take: () => full }), onDone: () => expect.fail() };
    const head = `${POST}Content-Length: 5\r\n\r\n`;
    reader.expect(events);
    expect(() => reader.feed(Buffer.from(`${head}hello`))).toThrow(full);
    expect(reader.feed(Buffer.from('x'))).toBe(0);
    reader.expect(events);
    reader.feed(Buffer.from(head));
    expect(() => reader.end(true)).toThrow(WireError);
    expect(reader.feed(Buffer.from('hello'))).toBe(0);
  });
});

it('a reader in the middle of a request expects no other: the rest of the body would be its head', () => {
  const reader = new RequestReader(LIMITS);
  const events = { onHead: () => undefined, onDone: () => undefined };
  reader.expect(events);
  reader.expect(events);
  reader.feed(Buffer.from(`${POST}Content-Length: 5\r\n\r\nhe`));
  expect(() => reader.expect(events)).toThrow('the request before is still being read');
  expect(reader.feed(Buffer.from('llo'))).toBe(3);
  reader.expect(events);
});

describe('refused, with the status of the answer:', () => {
  it.each([
    // request lines
    ['GET /\r\n', 'request-line', 400],
    ['GET  / HTTP/1.1\r\n', 'request-line', 400],
    ['GET /  HTTP/1.1\r\n', 'request-line', 400],
    ['GET / HTTP/1.1 \r\n', 'line-end', 400],
    ['GET / HTTP/1.1\n', 'line-end', 400],
    ['GET\t/ HTTP/1.1\r\n', 'request-line', 400],
    [' GET / HTTP/1.1\r\n', 'request-line', 400],
    ['G@T / HTTP/1.1\r\n', 'request-line', 400],
    ['GET / http/1.1\r\n', 'request-line', 400],
    ['GET / HTTP/11\r\n', 'request-line', 400],
    ['GET /\0 HTTP/1.1\r\n', 'request-line', 400],
    ['GET / HTTP/1.2\r\n', 'version', 505],
    ['GET / HTTP/2.0\r\n', 'version', 505],
    ['GET / HTTP/0.9\r\n', 'version', 505],
    ['PRI * HTTP/2.0\r\n', 'version', 505],
    [`GET /${'a'.repeat(LIMITS.maxTargetBytes)} HTTP/1.1\r\n`, 'target-too-long', 414],
    [`GET /${'a'.repeat(LIMITS.maxLineBytes)}`, 'target-too-long', 414],
    ['A'.repeat(LIMITS.maxLineBytes + 1), 'method-too-long', 501],
    [`${'A'.repeat(LIMITS.maxLineBytes - 12)} / HTTP/1.1\r\n`, 'method-too-long', 501],
    [`${'A'.repeat(8_190)} /${'a'.repeat(8_191)} HTTP/1.1\r\n`, 'target-too-long', 414],
    // fields
    [`${GET}A : b\r\n`, 'blank-before-colon', 400],
    [`${GET}A: b\r\n c\r\n`, 'folded-line', 400],
    [`${GET} A: b\r\n`, 'folded-line', 400],
    [`${GET}A: b\nC: d\r\n`, 'line-end', 400],
    [`${GET}A: b\rC: d\r\n`, 'line-end', 400],
    [`${GET}A: b\0\r\n`, 'line-end', 400],
    [`${GET}A: b\x7f\r\n`, 'line-end', 400],
    [`${GET}A\0: b\r\n`, 'field-name', 400],
    [`${GET}: b\r\n`, 'field-name', 400],
    [`${GET}no colon\r\n`, 'blank-before-colon', 400],
    [`${GET}A: ${'b'.repeat(LIMITS.maxLineBytes)}\r\n`, 'line-too-long', 431],
    [`${GET}${'A: b\r\n'.repeat(LIMITS.maxHeaderCount)}\r\n`, 'too-many-fields', 431],
    [`${GET}${`A: ${'b'.repeat(16_000)}\r\n`.repeat(5)}`, 'head-too-large', 431],
    [`${CHUNKED}0\r\n${`A: ${'b'.repeat(16_000)}\r\n`.repeat(2)}`, 'head-too-large', 431],
    // hosts
    ['GET / HTTP/1.1\r\n\r\n', 'host', 400],
    [`${GET}Host: a.example\r\n\r\n`, 'host', 400],
    [`${GET.replace('1.1', '1.0')}Host: b\r\n\r\n`, 'host', 400],
    ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 'host', 400],
    ['GET / HTTP/1.1\r\nHost:\r\n\r\n', 'host', 400],
    ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 'host', 400],
    ['GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 'host', 400],
    // framing
    [`${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`, 'content-length', 400],
    [`${POST}Content-Length: 5, 5\r\n\r\n`, 'content-length', 400],
    [`${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 'content-length', 400],
    [`${POST}Content-Length: +5\r\n\r\n`, 'content-length', 400],
    [`${POST}Content-Length: 0x5\r\n\r\n`, 'content-length', 400],
    [`${POST}Content-Length:\r\n\r\n`, 'content-length', 400],
    [`${POST}Content-Length: 5\t\r\n\r\n`, 'content-length', 400],
    [`${POST}Content-Length: 1${'0'.repeat(15)}\r\n\r\n`, 'length-too-large', 413],
    [`${POST}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n`, 'transfer-encoding', 400],
    [`${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n`, 'transfer-encoding', 400],
    [CHUNKED.replace("1.1", "1.0"), 'transfer-encoding', 400],
    [`${POST}Transfer-Encoding: chunked\t\r\n\r\n`, 'transfer-encoding', 400],
    [`${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`, 'transfer-encoding', 400],
    [`${POST}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'unknown-coding', 501],
    ['CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\n', 'body-of-connect', 400],
    // chunks
    [`${CHUNKED}x\r\n`, 'chunk-size', 400],
    [`${CHUNKED}-1\r\n`, 'chunk-size', 400],
    [`${CHUNKED}1\r\nab`, 'chunk-size', 400],
    [`${CHUNKED}1\nab`, 'chunk-size', 400],
    [`${CHUNKED}1\ra`, 'chunk-line-end', 400],
    [`${CHUNKED}1 \r\na`, 'chunk-size', 400],
    [`${CHUNKED}1 ;a\r\n`, 'chunk-size', 400],
    [`${CHUNKED}1;\r\n`, 'chunk-extension', 400],
    [`${CHUNKED}1;a\nb`, 'chunk-extension', 400],
    [`${CHUNKED}fffffffffffffffff\r\n`, 'chunk-too-large', 413],
    [`${CHUNKED}${'0'.repeat(65)}`, 'chunk-too-large', 413],
    [`${CHUNKED}1;${'a'.repeat(4_096)}`, 'chunk-extension-too-long', 413],
    [`${CHUNKED}0\r\nA : b\r\n`, 'blank-before-colon', 400],
    [`${CHUNKED}0\r\nContent-Length: 5\r\n`, 'framing-in-trailers', 400],
    [`${CHUNKED}0\r\nA: b\r\nTRANSFER-ENCODING:\r\n`, 'framing-in-trailers', 400],
    [`${CHUNKED}0\r\nConnection: x\r\n`, 'framing-in-trailers', 400],
  ])('%j: %s, %i', (text, reason, status) => {
    expect(refusal(text)).toEqual([reason, status]);
  }); // prettier-ignore

  it('another protocol is known by its first bytes', () => {
    const protocolOf = (text: string) =>
      readRequests([Buffer.from(text, 'latin1')]).error?.protocol;
    expect(protocolOf('\x16\x03\x01\x02\0\x01')).toBe('TLS');
    expect(protocolOf('PRI * HTTP/2.0\r\n\r\n')).toBe('HTTP/2');
    expect(protocolOf('SSH-2.0-x\r\n')).toBe('SSH');
  });
});

it('every limit is met to the byte', () => {
  const target = `/${'a'.repeat(LIMITS.maxTargetBytes - 1)}`;
  expect(one(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).head?.target).toBe(target);
  const line = `A: ${'b'.repeat(LIMITS.maxLineBytes - 5)}\r\n`;
  expect(one(`${GET}${line}\r\n`).fields).toHaveLength(2);
  expect(one(`${GET}${'A: b\r\n'.repeat(LIMITS.maxHeaderCount - 1)}\r\n`).isDone).toBe(true);
});
