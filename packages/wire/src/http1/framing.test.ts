import { describe, expect, it } from 'vitest';
import type { Framed } from '../head.js';
import { WireError } from '../wire-error.js';
import { isAmbiguous, isPersistent, requestFraming, responseFraming } from './framing.js';

function head(contentLength: number, transferEncoding = '', minorVersion = 1): Framed {
  return { text: '', offsets: [], minorVersion, contentLength, transferEncoding };
}

function reasonOf(run: () => unknown): string {
  try {
    return String(run());
  } catch (error) {
    return (error as WireError).reason;
  }
}

const NONE = -1;

describe('the body of a response (RFC 9112 §6.3)', () => {
  it.each([
    // method, status, Content-Length, Transfer-Encoding
    ['GET', 200, NONE, '', 'until-close'],
    ['GET', 200, 0, '', 'none'],
    ['GET', 200, 1, '', 'length'],
    ['GET', 200, NONE, 'chunked', 'chunked'],
    ['GET', 200, 1, 'chunked', 'chunked'],
    ['GET', 200, 0, 'chunked', 'chunked'],
    ['POST', 500, NONE, '', 'until-close'],
    ['OPTIONS', 999, 7, '', 'length'],
    // no body, whatever the fields say
    ['HEAD', 200, 1, '', 'none'],
    ['HEAD', 200, NONE, '', 'none'],
    ['HEAD', 200, NONE, 'chunked', 'none'],
    ['GET', 204, 1, '', 'none'],
    ['GET', 204, NONE, 'chunked', 'none'],
    ['GET', 304, 1, '', 'none'],
    ['GET', 304, NONE, '', 'none'],
    ['GET', 205, NONE, '', 'until-close'],
    ['GET', 100, 1, '', 'none'],
    ['GET', 103, NONE, 'chunked', 'none'],
    ['GET', 199, NONE, 'gzip', 'none'],
    // another protocol
    ['GET', 101, 1, 'chunked', 'tunnel'],
    ['CONNECT', 200, NONE, '', 'tunnel'],
    ['CONNECT', 200, 5, '', 'tunnel'],
    ['CONNECT', 299, NONE, 'chunked', 'tunnel'],
    ['CONNECT', 300, 5, '', 'length'],
    ['CONNECT', 407, NONE, '', 'until-close'],
    ['connect', 200, NONE, '', 'until-close'],
    // codings that cannot be undone
    ['GET', 200, NONE, 'gzip', 'unknown-coding'],
    ['GET', 200, NONE, 'gzip, chunked', 'unknown-coding'],
    ['GET', 200, NONE, 'chunked, chunked', 'unknown-coding'],
    ['GET', 200, NONE, ',', 'unknown-coding'],
    ['HEAD', 200, NONE, 'gzip', 'unknown-coding'],
    ['GET', 304, NONE, 'gzip', 'unknown-coding'],
    ['CONNECT', 200, NONE, 'gzip', 'unknown-coding'],
  ])('to %s, %i, length %i, coding %j: %s', (method, status, length, coding, framing) => {
    for (const minorVersion of [0, 1])
      expect(
        reasonOf(() => responseFraming(method, status, head(length, coding, minorVersion))),
      ).toBe(framing);
  });
});

describe('the body of a request (RFC 9112 §6.3)', () => {
  it.each([
    // method, Content-Length, Transfer-Encoding, in HTTP/1.1, in HTTP/1.0
    ['GET', NONE, '', 'none', 'none'],
    ['POST', NONE, '', 'none', 'none'],
    ['POST', 0, '', 'none', 'none'],
    ['POST', 1, '', 'length', 'length'],
    ['GET', 1, '', 'length', 'length'],
    ['HEAD', 1, '', 'length', 'length'],
    ['POST', NONE, 'chunked', 'chunked', 'transfer-encoding'],
    ['GET', NONE, 'chunked', 'chunked', 'transfer-encoding'],
    // both
    ['POST', 0, 'chunked', 'transfer-encoding', 'transfer-encoding'],
    ['POST', 1, 'chunked', 'transfer-encoding', 'transfer-encoding'],
    ['POST', 1, 'gzip', 'transfer-encoding', 'transfer-encoding'],
    // chunked is not the last, or not the only time: where the body ends is not known
    ['POST', NONE, 'gzip', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, 'identity', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, 'xchunked', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, 'chunked, gzip', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, 'chunked, chunked', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, 'chunked, gzip, chunked', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, 'chunked;a=b', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, 'a;b="c, chunked"', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, ',', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, ', chunked', 'transfer-encoding', 'transfer-encoding'],
    ['POST', NONE, 'chunked,', 'transfer-encoding', 'transfer-encoding'],
    // it is known, and the coding is not
    ['POST', NONE, 'gzip, chunked', 'unknown-coding', 'transfer-encoding'],
    ['POST', NONE, 'gzip\t,\tchunked', 'unknown-coding', 'transfer-encoding'],
    ['POST', NONE, 'x;y=z, chunked', 'unknown-coding', 'transfer-encoding'],
    // a tunnel has no body
    ['CONNECT', NONE, '', 'none', 'none'],
    ['CONNECT', 0, '', 'none', 'none'],
    ['CONNECT', 1, '', 'body-of-connect', 'body-of-connect'],
    ['CONNECT', NONE, 'chunked', 'body-of-connect', 'transfer-encoding'],
  ])('%s, length %i, coding %j: %s, in HTTP/1.0 %s', (method, length, coding, current, old) => {
    expect(reasonOf(() => requestFraming(method, head(length, coding, 1)))).toBe(current);
    expect(reasonOf(() => requestFraming(method, head(length, coding, 0)))).toBe(old);
  });
});

describe('whether another message may follow (RFC 9112 §9.3)', () => {
  it.each([
    [1, false, false, true],
    [1, false, true, true],
    [1, true, false, false],
    [1, true, true, false],
    [0, false, false, false],
    [0, false, true, true],
    [0, true, false, false],
    [0, true, true, false],
  ])('in HTTP/1.%i, close %s, keep-alive %s: %s', (minorVersion, close, keepAlive, persists) => {
    expect(isPersistent(minorVersion, close, keepAlive)).toBe(persists);
  });

  it.each([
    [NONE, '', 1, false],
    [5, '', 1, false],
    [5, '', 0, false],
    [NONE, 'chunked', 1, false],
    [0, 'chunked', 1, true],
    [NONE, 'chunked', 0, true],
  ])('length %i, coding %j, HTTP/1.%i: in doubt %s', (length, coding, minorVersion, doubt) => {
    expect(isAmbiguous(head(length, coding, minorVersion))).toBe(doubt);
  });
});
