import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireError } from '../wire-error.js';
import { CHUNKED, NO_LENGTH, requestHead, responseHead, type FieldLines } from './head-writer.js';

const FIELDS = ['accept', '*/*', 'x-empty', '', 'x-obs', 'caf\xe9'];
const LINES = 'accept: */*\r\nx-empty: \r\nx-obs: caf\xe9\r\n';

const refusal = (write: () => string): unknown => {
  try {
    return write();
  } catch (error) {
    return error instanceof WireError ? error.reason : error;
  }
};

describe('what is written', () => {
  it('is a request line, the host first, the fields in their order, the framing, the empty line', () => {
    expect(requestHead('GET', '/a?b', 'h:8', FIELDS, NO_LENGTH, false)).toBe(
      `GET /a?b HTTP/1.1\r\nhost: h:8\r\n${LINES}\r\n`,
    );
    expect(requestHead('POST', '*', 'h', [], 0, false)).toBe(
      'POST * HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n',
    );
    expect(requestHead('PUT', '/', 'h', FIELDS, CHUNKED, true)).toBe(
      `PUT / HTTP/1.1\r\nhost: h\r\n${LINES}transfer-encoding: chunked\r\nconnection: close\r\n\r\n`,
    );
  });

  it('is a status line, with its blank before an empty reason, and the same for a response', () => {
    expect(responseHead(200, 'OK', FIELDS, 12, false)).toBe(
      `HTTP/1.1 200 OK\r\n${LINES}content-length: 12\r\n\r\n`,
    );
    expect(responseHead(204, '', [], NO_LENGTH, true)).toBe(
      'HTTP/1.1 204 \r\nconnection: close\r\n\r\n',
    );
    expect(responseHead(100, 'Continue', [], NO_LENGTH, false)).toBe(
      'HTTP/1.1 100 Continue\r\n\r\n',
    );
  });
});

describe('what is refused, in each part of a head', () => {
  const parts: Record<string, (bad: string) => string> = {
    method: (bad) => requestHead(bad, '/', 'h', FIELDS, 5, false),
    target: (bad) => requestHead('GET', bad, 'h', FIELDS, NO_LENGTH, false),
    host: (bad) => requestHead('GET', '/', bad, [], NO_LENGTH, true),
    'first name': (bad) => requestHead('GET', '/', 'h', [bad, 'v', ...FIELDS], CHUNKED, false),
    'last value': (bad) => requestHead('GET', '/', 'h', [...FIELDS, 'a', bad], NO_LENGTH, false),
    reason: (bad) => responseHead(200, bad, FIELDS, 5, false),
    'name of a response': (bad) => responseHead(200, 'OK', [bad, 'v'], 5, true),
    'value of a response': (bad) => responseHead(200, 'OK', ['a', bad, 'b', 'c'], CHUNKED, false),
  };
  const BREAKS = ['\r\n', '\n', '\r', '\0', '\n\r', '\r\r\n', '\r\n\r\n', '\u010a', '\u560d\u560a'];

  it.each(Object.entries(parts))(
    '%s: line breaks, NUL, what Latin-1 would cut to one',
    (_, write) => {
      expect(write('x')).toContain('x');
      for (const bad of BREAKS)
        for (const text of [
          bad,
          `${bad}x`,
          `x${bad}`,
          `x${bad}x: y`,
          `x${bad}content-length: 0${bad}`,
        ])
          expect(
            refusal(() => write(text)),
            JSON.stringify(text),
          ).toBe('unsafe-head');
    },
  );

  it('a status that is not three digits', () => {
    for (const status of [99, 1000, 200.5, Number.NaN, Number.POSITIVE_INFINITY, -200])
      expect(refusal(() => responseHead(status, 'OK', [], 0, false))).toBe('unsafe-head');
  });

  it('a name without a value', () => {
    // One break too many would make up for half a field too few, were they counted together.
    for (const fields of [['a'], ['a', 'b', 'c']])
      expect(refusal(() => requestHead('GET', '/', 'h', fields, 0, false))).toBe('unsafe-head');
  });

  it('a name that is none, or starts with a blank: its line would belong to the field before', () => {
    for (const name of ['', ' ', ' b', '\tb', ':', ':b'])
      for (const fields of [
        [name, 'v'],
        ['a', '1', name, 'v'],
      ]) {
        expect(refusal(() => requestHead('GET', '/', 'h', fields, 0, false))).toBe('unsafe-head');
        expect(refusal(() => responseHead(200, 'OK', fields, 0, false))).toBe('unsafe-head');
      }
  });

  it('a method or target that is none, or has a blank, where the request line has its parts end', () => {
    for (const part of ['', ' ', ' /', '/ ', '/a b', '/\tb', '/ HTTP/1.1']) {
      expect(refusal(() => requestHead(part, '/', 'h', [], 0, false))).toBe('unsafe-head');
      expect(refusal(() => requestHead('GET', part, 'h', [], 0, false))).toBe('unsafe-head');
    }
  });

  it('a length that is none: the head would not say where the body ends', () => {
    for (const length of [-3, 1.5, 1e21, Number.NaN, Number.POSITIVE_INFINITY])
      expect(refusal(() => requestHead('PUT', '/', 'h', [], length, false))).toBe('unsafe-head');
  });

  it('says nothing of the value, which may be a secret', () => {
    const secret = 'Bearer s3cret\nx: y';
    try {
      requestHead('GET', '/', 'h', ['authorization', secret], NO_LENGTH, false);
      expect.unreachable();
    } catch (error) {
      expect(String(error)).not.toContain('s3cret');
    }
  });
});

it('whatever goes in, a head comes out that has exactly the lines it was made of, or nothing does', () => {
  const text = fc.oneof(
    fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,12}$/),
    fc.string({
      unit: fc.constantFrom('\r', '\n', '\0', ' ', ':', 'a', '\xff', '\u010d'),
      maxLength: 8,
    }),
  );
  // Mostly without a blank, else hardly any head would be written.
  const word = fc.oneof(
    { weight: 9, arbitrary: fc.stringMatching(/^[!-9;-~\x80-\xff]{1,9}$/) },
    { weight: 1, arbitrary: text },
  );
  const fields = fc
    .array(fc.tuple(word, text), { maxLength: 5 })
    .map((pairs): FieldLines => pairs.flat());
  const length = fc.constantFrom(NO_LENGTH, CHUNKED, 0, 77);
  const isLatin1Line = (one: string) => !/[\r\n\0\u0100-\uffff]/.test(one);
  let written = 0;
  let refused = 0;
  fc.assert(
    fc.property(word, word, text, fields, length, fc.boolean(), (...parts) => {
      const [method, target, host, list, bodyLength, isLast] = parts;
      const result = refusal(() => requestHead(method, target, host, list, bodyLength, isLast));
      const isSafe =
        [method, target, host, ...list].every(isLatin1Line) &&
        [method, target].every((part) => /^[^ \t]+$/.test(part)) &&
        list.every((name, i) => i % 2 === 1 || /^[^ \t:]/.test(name));
      if (!isSafe) {
        refused += 1;
        expect(result).toBe('unsafe-head');
        return;
      }
      written += 1;
      const own = (bodyLength === NO_LENGTH ? 0 : 1) + (isLast ? 1 : 0);
      const lines = (result as string).split('\r\n');
      expect(lines).toHaveLength(2 + list.length / 2 + own + 2);
      expect(lines.slice(-2)).toEqual(['', '']);
      expect(result).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n|\n[ \t:]/);
      expect(lines[0]?.split(' ')).toHaveLength(3);
    }),
    { numRuns: 500 },
  );
  expect(Math.min(written, refused)).toBeGreaterThan(50);
});
