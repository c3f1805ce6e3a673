/** From what was asked to what an exchange sends; over sockets, each refusal is in test/hostile/request-*.test.ts. */
import { requestHead as guardedHead } from '@hotaru/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeCalls, type Asked } from '../../test/support/fake-calls.js';
import { requestHead } from '../connection/http1/request-head.js';
import { RequestError } from '../errors.js';
import type { RequestInit } from '../message/request.js';
import { prepare, type PreparedRequest } from './prepare.js';
import { RequestScope } from './request-scope.js';

function prepared(request: RequestInit, asked: Asked = {}): PreparedRequest {
  return prepare(new FakeCalls().call({ ...asked, request }));
}

function fieldsOf({ fields }: PreparedRequest): string[] {
  const lines: string[] = [];
  for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`);
  return lines;
}

describe('a request', () => {
  it('is what was asked for, at the origin of its URL', () => {
    const request: RequestInit = { method: 'put', path: '/b', query: { q: '1' }, body: 'x' };
    expect(prepared(request, { url: 'https://api.test:8443/a' })).toMatchObject({
      method: 'PUT',
      scheme: 'https',
      authority: 'api.test:8443',
      target: '/a/b?q=1',
      contentLength: 1,
      expectsContinue: false,
      wantsClose: false,
    });
  });

  it.each<[string, RequestInit, boolean]>([
    ['GET', {}, true],
    ['HEAD', { method: 'HEAD' }, true],
    ['PUT', { method: 'PUT', body: 'x' }, true],
    ['DELETE', { method: 'DELETE' }, true],
    ['POST', { method: 'POST' }, false],
    ['PATCH', { method: 'PATCH' }, false],
    ['a method of its own', { method: 'FROB' }, false],
    ['POST with a key', { method: 'POST', headers: { 'Idempotency-Key': 'k' } }, true],
  ])('%s may be sent again when it is not known what became of it: %s', (_what, request, may) => {
    expect(prepared(request).isIdempotent).toBe(may);
  });

  it('has the key of its options, unless it has one itself', () => {
    const options = { idempotencyKey: 'mine' };
    const plain = prepared({ method: 'POST' }, { options });
    expect([fieldsOf(plain), plain.isIdempotent]).toEqual([['idempotency-key: mine'], true]);
    const own = prepared({ method: 'POST', headers: { 'idempotency-key': 'own' } }, { options });
    expect(fieldsOf(own)).toEqual(['idempotency-key: own']);
  });

  it('has the fields of its scope, unless it has one of that name', () => {
    const fields = () => [['x-id', 'scope'] as const, ['x-b', '2'] as const];
    const scope = new RequestScope({ fields });
    expect(fieldsOf(prepared({ headers: { 'X-ID': 'own' } }, { scope }))).toEqual([
      'X-ID: own',
      'x-b: 2',
    ]);
  });

  it('announces a body whose length is known, and says what kind it is', () => {
    const form = prepared({ method: 'POST', body: new URLSearchParams({ a: 'ü' }) });
    expect(form.contentLength).toBe(8);
    expect(fieldsOf(form)).toEqual([expect.stringMatching(/^content-type: .*urlencoded/)]);
    const named = { 'content-type': 'x/y' };
    const own = prepared({ method: 'POST', headers: named, body: new URLSearchParams('a=b') });
    expect(fieldsOf(own)).toEqual(['content-type: x/y']);
  });

  it.each<[string, Record<string, string>, Partial<PreparedRequest>]>([
    ['connection: close', { Connection: 'keep-alive, close' }, { wantsClose: true }],
    ['expect: 100-continue', { Expect: '100-Continue' }, { expectsContinue: true }],
    ['host', { Host: 'other.test:81' }, { authority: 'other.test:81' }],
  ])('reads what steers the exchange from its fields: %s', (_what, headers, wanted) => {
    expect(prepared({ method: 'PUT', body: 'x', headers })).toMatchObject(wanted);
  });

  it('sends a field that has one value once, and others as often as they are given', () => {
    const headers: [string, string][] = [
      ['range', 'bytes=0-1'],
      ['Range', 'bytes=0-1'],
      ['accept', 'a'],
      ['accept', 'b'],
    ];
    expect(fieldsOf(prepared({ headers }))).toEqual(['range: bytes=0-1', 'accept: a', 'accept: b']);
  });
});

describe('what is refused', () => {
  it.each<[string, unknown, RegExp]>([
    ['no object', 5, /the request must be an object/],
    ['an unknown name', { haeders: {} }, /request\.haeders is not known.*headers/],
    ['a method that is none', { method: 'G T' }, /is no token/],
    ['CONNECT', { method: 'connect' }, /acquireNew/],
    ['a name that is none', { headers: { 'a b': '1' } }, /header name "a b" is no token/],
    ['a value with a line break', { headers: { a: 'b\r\nc: d' } }, /the value of header "a"/],
    [
      'two values of one',
      { headers: { authorization: ['a', 'b'] } },
      /authorization is given twice/,
    ],
    ['upgrade', { headers: { upgrade: 'x' } }, /does not switch protocols/],
    ['http2-settings', { headers: { 'HTTP2-Settings': 'x' } }, /http2-settings/],
    ['te', { headers: { te: 'gzip' } }, /allowed: trailers/],
    ['another connection option', { headers: { connection: 'x-a' } }, /allowed: close, keep-alive/],
    ['expect without a body', { headers: { expect: '100-continue' } }, /no body to wait with/],
    ['another expectation', { headers: { expect: 'x' }, body: 'x' }, /allowed: 100-continue/],
    ['two hosts', { headers: [['host', 'a'], ['Host', 'a']] }, /host is given twice/], // prettier-ignore
    ['a host that is none', { headers: { host: 'a/b' } }, /header host is "a\/b"/],
    ['a body for TRACE', { method: 'TRACE', body: 'x' }, /TRACE has no body/],
    ['a length that is wrong', { method: 'PUT', body: 'x', headers: { 'content-length': '2' } }, /content-length is 2/], // prettier-ignore
    ['a length that is none', { headers: { 'content-length': 'x' } }, /a number of bytes/],
    ['a length and no body', { headers: { 'content-length': '2' } }, /there is none/],
    ['chunks of what is known', { method: 'PUT', body: 'x', headers: { 'transfer-encoding': 'chunked' } }, /known length/], // prettier-ignore
    ['another transfer coding', { method: 'PUT', headers: { 'transfer-encoding': 'gzip' } }, /allowed: chunked/], // prettier-ignore
  ])('%s', (_what, request, message) => {
    const prepareIt = () => prepared(request as RequestInit);
    expect(prepareIt).toThrow(RequestError);
    expect(prepareIt).toThrow(message);
  });
});

describe('what is let through makes one head of HTTP/1.1, and no other', () => {
  const hostile = fc.string({
    unit: fc.constantFrom(
      '\r',
      '\n',
      '\0',
      ' ',
      '\t',
      ':',
      ',',
      'a',
      'Z',
      '%',
      '?',
      '#',
      '\xff',
      '\u010a',
      '\u560d',
    ),
    maxLength: 6,
  });
  const text = fc.oneof(fc.stringMatching(/^[\x20-\x7e]{0,12}$/), hostile);
  const name = fc.oneof(
    fc.constantFrom('Host', 'TE', 'content-type', 'x-a', 'idempotency-key', 'Connection', 'range'),
    text,
  );
  const asked = fc.record(
    {
      method: text,
      path: text.map((one) => `/${one}`),
      query: fc.dictionary(text, text, { maxKeys: 3 }),
      headers: fc.array(fc.tuple(name, text), { maxLength: 4 }),
      body: fc.constantFrom('', 'x', new Uint8Array(3)),
    },
    { requiredKeys: [] },
  );

  it('whatever a caller asks for: the guard of the wire, which looks at all of it again, agrees', () => {
    let made = 0;
    let refused = 0;
    fc.assert(
      fc.property(asked, text, (request, idempotencyKey) => {
        let draft: PreparedRequest;
        try {
          draft = prepared(request, { options: { idempotencyKey } });
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
          refused += 1;
          return;
        }
        made += 1;
        const { method, target, authority, fields, contentLength, wantsClose } = draft;
        const head = guardedHead(method, target, authority, fields, contentLength, wantsClose);
        expect(requestHead(draft, false)).toBe(head);
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(made, refused)).toBeGreaterThan(100);
  });
});
