import { describe, expect, it } from 'vitest';
import { WorkMeter } from '../../test/support/work-meter.js';
import { LIMITS } from '../../test/support/limits.js';
import { WireError } from '../wire-error.js';
import { ChunkedDecoder } from './chunked.js';

interface Decoded {
  readonly data: string;
  readonly used: number;
  readonly isDone: boolean;
}

function decode(text: string, pieceBytes = text.length): Decoded {
  const decoder = new ChunkedDecoder(LIMITS, false);
  const bytes = Buffer.from(text, 'latin1');
  let data = '';
  let used = 0;
  for (let start = 0; start < bytes.length && !decoder.isDone; start += pieceBytes) {
    const piece = bytes.subarray(start, start + pieceBytes);
    used += decoder.feed(
      piece,
      0,
      (given, from, to) => (data += given.toString('latin1', from, to)),
    );
  }
  return { data, used, isDone: decoder.isDone };
}

function refusal(text: string): string {
  for (const pieceBytes of [text.length, 1])
    try {
      decode(text, pieceBytes);
      throw new Error(`not refused: ${JSON.stringify(text.slice(0, 80))}`);
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
      if (pieceBytes === 1) return (error as Error).message;
    }
  throw new Error('unreachable');
}

describe('chunks', () => {
  it.each([
    ['5\r\nhello\r\n0\r\n', 'hello'],
    ['0\r\n', ''],
    ['000\r\n', ''],
    ['005\r\nhello\r\n0\r\n', 'hello'],
    ['A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n', '01234567890123456789'],
    ['2\r\n\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n', '\r\n0\r\n\r\n'],
    ['5;a\r\nhello\r\n0;b=c;d="e;\xe9"\r\n', 'hello'],
    ['5 ;a\r\nhello\r\n0\t \t;\r\n', 'hello'],
    ['5; \r\nhello\r\n0;;=\r\n', 'hello'],
  ])('%j holds %j, however it is cut', (text, data) => {
    const whole = decode(`${text}\r\n`);
    expect(whole).toEqual({ data, used: text.length, isDone: true });
    for (let pieceBytes = 1; pieceBytes < text.length; pieceBytes += 1)
      expect(decode(text, pieceBytes)).toEqual({ data, used: text.length, isDone: true });
  });

  it.each([
    ['5\nhello\r\n0\r\n', /bad chunk size .*§7\.1/],
    ['\r\nhello', /bad chunk size .*§7\.1/],
    [';a\r\n', /bad chunk size .*§7\.1/],
    ['-5\r\nhello', /bad chunk size .*§7\.1/],
    ['+5\r\nhello', /bad chunk size .*§7\.1/],
    ['0x5\r\nhello', /bad chunk size .*§7\.1/],
    ['5_0\r\n', /bad chunk size .*§7\.1/],
    ['5 \r\nhello', /bad chunk size .*§7\.1/],
    ['5 a\r\nhello', /bad chunk size .*§7\.1/],
    [' 5\r\nhello', /bad chunk size .*§7\.1/],
    ['20000000000000\r\n', /overflows .*§7\.1/],
    ['10000000000000005\r\nhello', /overflows .*§7\.1/],
    [`${'f'.repeat(65)}\r\n`, /overflows .*§7\.1/],
    [`${'0'.repeat(65)}\r\n`, /overflows .*§7\.1/],
    ['5\rhello', /bare CR .*§2\.2/],
    ['5;a\rb', /bare CR .*§2\.2/],
    ['5;a\nhello', /control character .*§7\.1\.1/],
    ['5;\0\r\nhello', /control character .*§7\.1\.1/],
    ['5\r\nhello!\r\n', /longer than its size .*§7\.1/],
    ['5\r\nhello\n0\r\n', /longer than its size .*§7\.1/],
    ['5\r\nhello\r0\r\n', /bare CR .*§2\.2/],
    ['4\r\nhello\r\n', /longer than its size .*§7\.1/],
    ['5\r\nhello0\r\n', /longer than its size .*§7\.1/],
  ])('%j is refused, however it is cut', (text, message) => {
    expect(refusal(text)).toMatch(message);
  });

  it('may be as large as a number can count', () => {
    expect(decode('1fffffffffffff\r\nhello')).toMatchObject({ data: 'hello', isDone: false });
  });

  it('start anew after a reset in the middle of anything', () => {
    const decoder = new ChunkedDecoder(LIMITS, false);
    for (const cut of ['5', '5 ', '5;a', '5\r', '5\r\nhe', '5\r\nhello', '5\r\nhello\r', '0\r\n']) {
      decoder.feed(Buffer.from(cut), 0, () => undefined);
      decoder.reset();
      expect(decoder.isDone).toBe(false);
      expect(decoder.feed(Buffer.from('0\r\n'), 0, () => undefined)).toBe(3);
      expect(decoder.isDone).toBe(true);
      decoder.reset();
    }
  });
});

describe('bounds of chunk extensions', () => {
  const { maxChunkExtensionBytes } = LIMITS;

  it('one may have just as many bytes as it may have, and no more', () => {
    const most = `;${'a'.repeat(maxChunkExtensionBytes - 1)}`;
    expect(decode(`0${most}\r\n`).isDone).toBe(true);
    expect(refusal(`0${most}a`)).toMatch(/extensions longer than/);
  });

  it('blanks before the semicolon count', () => {
    const most = `${' '.repeat(maxChunkExtensionBytes - 1)};`;
    expect(decode(`0${most}\r\n`).isDone).toBe(true);
    expect(refusal(`0${most}a`)).toMatch(/extensions longer than/);
    expect(refusal(`0 ${most}`)).toMatch(/extensions longer than/);
  });

  it.each([
    ['large extensions', `1;${'a'.repeat(1_000)}\r\nx\r\n`],
    ['blanks before an empty extension', `1${' '.repeat(1_000)};\r\nx\r\n`],
  ])('tiny chunks with %s come to an end (CVE-2023-39326)', (_what, unit) => {
    expect(refusal(unit.repeat(300))).toMatch(/extensions longer than/);
  });

  it('a signature for each chunk is fine, however many there are', () => {
    const chunk = `400;chunk-signature=${'a'.repeat(64)}\r\n${'x'.repeat(1_024)}\r\n`;
    expect(decode(`${chunk.repeat(5_000)}0\r\n`).data).toHaveLength(5_000 * 1_024);
  });
});

describe('the data of one read', () => {
  function pieces(text: string): string[] {
    const bytes = Buffer.from(text, 'latin1');
    const given: string[] = [];
    try {
      new ChunkedDecoder(LIMITS, false).feed(bytes, 0, (data, start, end) =>
        given.push(data.toString('latin1', start, end)),
      );
    } catch (error) {
      given.push((error as WireError).reason);
    }
    return given;
  }

  it.each([
    ['one-byte chunks', '1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n', ['abc']],
    [
      'chunks of many sizes',
      `2;x\r\nab\r\n64\r\n${'c'.repeat(100)}\r\n1\r\nd`,
      [`ab${'c'.repeat(100)}d`],
    ],
    ['a chunk alone', '5\r\nhello\r\n0\r\n', ['hello']],
    ['no chunk', '0\r\n', []],
    ['chunks before a broken one', '1\r\na\r\n1\r\nb\r\nzz', ['ab', 'chunk-size']],
  ])('is one piece: of %s', (_what, text, expected) => {
    expect(pieces(text)).toEqual(expected);
  });
});

describe('work', () => {
  it.each([1, 3, 1 << 20])(
    'is to look at each byte of framing once, in pieces of %i',
    (pieceBytes) => {
      const meter = new WorkMeter();
      const bytes = Buffer.from(`${`5;a=b\r\nhello\r\n`.repeat(1_000)}0\r\n`);
      const decoder = new ChunkedDecoder(LIMITS, false);
      meter.during(() => {
        for (let i = 0; i < bytes.length; i += pieceBytes)
          decoder.feed(meter.watch(bytes.subarray(i, i + pieceBytes)), 0, () => undefined);
      });
      expect(decoder.isDone).toBe(true);
      expect(meter.bytes).toBeLessThanOrEqual(bytes.length);
      expect(meter.largestAllocation).toBe(0);
    },
  );
});
