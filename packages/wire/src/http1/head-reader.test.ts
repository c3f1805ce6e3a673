import { describe, expect, it } from 'vitest';
import { WorkMeter } from '../../test/support/work-meter.js';
import { LIMITS } from '../../test/support/limits.js';
import { fieldsOf, type FieldSection, type ResponseHead } from '../head.js';
import { WireError } from '../wire-error.js';
import { HeadReader } from './head-reader.js';
import { ResponseHeadHandler } from './response-head.js';

const STATUS = 'HTTP/1.1 200 OK\r\n';

function parserOf(hasStatusLine = true): HeadReader<ResponseHead> {
  const parser = new HeadReader(new ResponseHeadHandler(), LIMITS);
  parser.reset(hasStatusLine);
  return parser;
}

function parse(text: string): ResponseHead {
  const parser = parserOf();
  expect(parser.feed(Buffer.from(text, 'latin1'), 0)).toBe(text.length);
  if (parser.head === undefined) throw new Error('no head');
  return parser.head;
}

function parseTrailers(text: string): FieldSection {
  const parser = parserOf(false);
  expect(parser.feed(Buffer.from(text, 'latin1'), 0)).toBe(text.length);
  expect(parser.head).toBeUndefined();
  if (parser.trailers === undefined) throw new Error('no trailers');
  return parser.trailers;
}

function fields(section: FieldSection): [string, string][] {
  return [...fieldsOf(section)];
}

function refusal(text: string, hasStatusLine = true): string {
  try {
    parserOf(hasStatusLine).feed(Buffer.from(text, 'latin1'), 0);
  } catch (error) {
    expect(error).toBeInstanceOf(WireError);
    return (error as Error).message;
  }
  throw new Error(`not refused: ${JSON.stringify(text.slice(0, 80))}`);
}

/** Feeds one byte at a time; returns how many were taken when it threw, or all. */
function drip(parser: HeadReader<ResponseHead>, text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  for (let i = 0; i < bytes.length; i += 1)
    try {
      parser.feed(bytes.subarray(i, i + 1), 0);
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
      return i + 1;
    }
  return bytes.length;
}

describe('a response head', () => {
  it('gives status, version, reason and fields', () => {
    const head = parse('HTTP/1.0 404 Not Found\r\nA: 1\r\nb:\t2 \t\r\nC:\r\n\r\n');
    expect(head).toMatchObject({ status: 404, minorVersion: 0 });
    expect(head.text.slice(13, head.reasonEnd)).toBe('Not Found');
    expect(fields(head)).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', ''],
    ]);
  });

  it('says what its fields decide, in any case of their names', () => {
    const fields =
      'CONTENT-length: 7\r\ncontent-ENCODING: br\r\nTransfer-Encoding: Chunked\r\nkeep-alive: max=1\r\n';
    expect(parse(`${STATUS}${fields}Content-Encodinx: y\r\n\r\n`)).toMatchObject({
      contentLength: 7,
      isEncoded: true,
      transferEncoding: 'chunked',
      bodyLength: -1,
      keepAlive: 'max=1',
    });
    expect(parse(`${STATUS}Content-Length: 7\r\nContent-Encodinx: y\r\n\r\n`)).toMatchObject({
      isEncoded: false,
      bodyLength: 7,
    });
  });

  it('ends where its empty line ends, whatever follows, and wherever it starts', () => {
    const parser = parserOf();
    const bytes = Buffer.from(`junk${STATUS}\r\nbody`);
    expect(parser.feed(bytes, 4)).toBe(bytes.length - 4);
    expect(parser.head?.text).toBe(`${STATUS}\r\n`);
  });

  it('that came in pieces ends at the same byte of the last piece', () => {
    const parser = parserOf();
    expect(parser.feed(Buffer.from(`${STATUS}A: 1`), 0)).toBe(-1);
    expect(parser.feed(Buffer.from('__\r\n\r\nbody'), 2)).toBe(6);
    expect(fields(parser.head!)).toEqual([['a', '1']]);
  });

  it('leaves nothing behind for the next one', () => {
    const parser = parserOf();
    const first = 'Content-Length: 5\r\nTransfer-Encoding: x\r\nConnection: close, keep-alive\r\n';
    parser.feed(Buffer.from(`HTTP/1.0 200 OK\r\n${first}Keep-Alive: max=1\r\n\r\n`), 0);
    parser.reset(true);
    expect(parser.head).toBeUndefined();
    parser.feed(Buffer.from(`${STATUS}\r\n`), 0);
    expect(parser.head).toMatchObject({
      contentLength: -1,
      transferEncoding: '',
      saysClose: false,
      saysKeepAlive: false,
      keepAlive: '',
      isEncoded: false,
      minorVersion: 1,
      offsets: [],
    });
  });

  it.each([
    ['close', true, false],
    ['Close', true, false],
    ['keep-alive', false, true],
    ['KEEP-ALIVE', false, true],
    ['x, \tclose\t ,y', true, false],
    ['keep-alive, close', true, true],
    ['closed, keep-alive-x', false, false],
    ['"close"', false, false],
    ['\xa0close', false, false],
    ['keep-alive\xa0', false, false],
    ['', false, false],
    [',,', false, false],
  ])('reads Connection: %j as close %s, keep-alive %s', (value, saysClose, saysKeepAlive) => {
    const head = parse(`${STATUS}Connection: ${value}\r\n\r\n`);
    expect(head).toMatchObject({ saysClose, saysKeepAlive });
  });

  it.each([
    ['HTTP/1.1 20', 'status line cut'],
    ['HTTP/1.1 200', 'before the reason'],
    [`${STATUS}X-A`, 'in a name'],
    [`${STATUS}X-A: b`, 'in a value'],
    [`${STATUS}X-A: b\r`, 'between CR and LF'],
    [`${STATUS}\r`, 'in the last line'],
  ])('that ends in %j waits for more (%s)', (text) => {
    expect(parserOf().feed(Buffer.from(text), 0)).toBe(-1);
  });

  it.each([
    ['HTTX', /status line .*§4/],
    ['HTTP/2.0 200 OK\r\n', /status line .*§4/],
    ['HTTP/1.1 2x0 OK\r\n', /status line .*§4/],
    ['HTTP/1.1 099 OK\r\n', /status line .*§4/],
    ['HTTP/1.1 2000\r\n', /status line .*§4/],
    ['HTTP/1.1 200 O\0K\r\n', /0x00 in the status line .*§2\.2/],
    [`${STATUS}X: b\nY: c\r\n`, /bare LF in a field value .*§2\.2/],
    [`${STATUS}X: b\rc\r\n`, /bare CR in a field value .*§2\.2/],
    [`${STATUS}X : b\r\n`, /blank before the colon .*§5\.1/],
    [`${STATUS}X: b\r\n c\r\n`, /folded .*§5\.2/],
    [`${STATUS}: b\r\n`, /field name .*§5\.1/],
    [`${STATUS}X\xe9: b\r\n`, /0xe9 in a field name .*§5\.1/],
    [`${STATUS}nonsense\r\n`, /0x0d in a field name .*§5\.1/],
    [`${STATUS}Content-Length: 5, 6\r\n`, /both 5 and 6 .*§6\.3/],
    [`${STATUS}Content-Length: +5\r\n`, /no length .*§6\.3/],
  ])('%j is refused with its section', (text, message) => {
    expect(refusal(text)).toMatch(message);
  });

  it('is refused at the byte that ends a bad line when it is dripped, and at once when it is not', () => {
    expect(drip(parserOf(), `${STATUS}X : b\r\nY: c\r\n`)).toBe(`${STATUS}X : b\r\n`.length);
    expect(refusal(`${STATUS}X : b`)).toMatch(/blank before the colon/);
  });

  it('whose last line is bad and has no end is refused when no more bytes come', () => {
    const parser = parserOf();
    expect(drip(parser, `${STATUS}X : b`)).toBe(`${STATUS}X : b`.length);
    expect(() => parser.checkOpenLine()).toThrow(/blank before the colon/);
  });

  it('that is only cut short is no error of its grammar', () => {
    const parser = parserOf();
    drip(parser, `${STATUS}X: b`);
    expect(() => parser.checkOpenLine()).not.toThrow();
  });
});

describe('a trailer section', () => {
  it('may be empty', () => {
    expect(fields(parseTrailers('\r\n'))).toEqual([]);
  });

  it('frames nothing, whatever its fields are called', () => {
    const text = 'Content-Length: x\r\nTransfer-Encoding: y\r\nConnection: close\r\n\r\n';
    expect(Object.keys(parseTrailers(text))).toEqual(['text', 'offsets']);
  });
});

describe('bounds', () => {
  /** A field line of so many bytes, CR LF included. */
  const line = (bytes: number) => `X: ${'y'.repeat(bytes - 5)}\r\n`;
  const { maxLineBytes, maxHeadBytes, maxTrailerBytes, maxHeaderCount } = LIMITS;

  it('a line may have just as many bytes as it may have, and no more', () => {
    parse(`${STATUS}${line(maxLineBytes)}\r\n`);
    expect(refusal(`${STATUS}${line(maxLineBytes + 1)}`)).toMatch(/line longer than/);
    const reason = `HTTP/1.1 200 ${'x'.repeat(maxLineBytes - 15)}`;
    parse(`${reason}\r\n\r\n`);
    expect(refusal(`${reason}x\r\n\r\n`)).toMatch(/line longer than/);
  });

  it('a head may have just as many bytes as it may have, and no more', () => {
    const large = STATUS + line(maxLineBytes).repeat(3);
    const last = line(maxHeadBytes - large.length - 2);
    expect(parse(`${large}${last}\r\n`).text).toHaveLength(maxHeadBytes);
    expect(refusal(`${large}X${last}\r\n`)).toMatch(/larger than 65536/);
  });

  it('a trailer section may have just as many bytes as it may have, and no more', () => {
    const half = line(maxTrailerBytes / 2);
    parseTrailers(`${half}${line(maxTrailerBytes / 2 - 2)}\r\n`);
    expect(refusal(`${half}${line(maxTrailerBytes / 2 - 1)}\r\n`, false)).toMatch(
      /larger than 16384/,
    );
  });

  it('a head may have just as many fields as it may have, and no more', () => {
    expect(fields(parse(`${STATUS}${'X: y\r\n'.repeat(maxHeaderCount)}\r\n`))).toHaveLength(256);
    expect(refusal(`${STATUS}${'X: y\r\n'.repeat(maxHeaderCount + 1)}`)).toMatch(/more than 256/);
    expect(refusal('X: y\r\n'.repeat(maxHeaderCount + 1), false)).toMatch(/more than 256/);
  });

  it.each([
    ['a line without an end', 'HTTP/1.1 200 ', 'x', maxLineBytes + 1],
    ['a name without an end', STATUS, 'x', STATUS.length + maxLineBytes + 1],
    ['many large fields', STATUS, line(8_000), maxHeadBytes + 1],
    ['many small fields', STATUS, 'X: y\r\n', STATUS.length + (maxHeaderCount + 1) * 6],
  ])('%s, dripped, is refused at the byte that is too many', (_what, start, unit, bytes) => {
    const flood = start + unit.repeat(Math.ceil((maxHeadBytes * 2) / unit.length));
    expect(drip(parserOf(), flood)).toBe(bytes);
  });
});

describe('work', () => {
  /** In bytes looked at, for a head of `count` fields in pieces of `pieceBytes`. */
  function workFor(count: number, pieceBytes: number, unit = 'X-Name: and its value\r\n') {
    const meter = new WorkMeter();
    const bytes = Buffer.from(`${STATUS}${unit.repeat(count)}\r\n`);
    const parser = parserOf();
    meter.during(() => {
      for (let i = 0; i < bytes.length; i += pieceBytes)
        parser.feed(meter.watch(bytes.subarray(i, i + pieceBytes)), 0);
    });
    expect(parser.head).toBeDefined();
    return { perByte: meter.bytes / bytes.length, largest: meter.largestAllocation };
  }

  it.each([1, 2, 7, 64])('is linear for a head in pieces of %i bytes', (pieceBytes) => {
    for (const count of [25, 80, 250]) expect(workFor(count, pieceBytes).perByte).toBeLessThan(8);
  });

  it('is linear for one long line, dripped', () => {
    const unit = `X: ${'y'.repeat(16_000)}\r\n`;
    expect(workFor(1, 1, unit).perByte).toBeLessThan(8);
    expect(workFor(4, 1, unit).perByte).toBeLessThan(8);
  });

  it('of a head that came whole is to look at each byte a few times, and to copy none', () => {
    const { perByte, largest } = workFor(250, 1 << 20);
    expect(perByte).toBeLessThan(4);
    expect(largest).toBe(0);
  });

  it('holds at most twice what a head may have, however it floods', () => {
    const meter = new WorkMeter();
    const piece = Buffer.from(`X: ${'y'.repeat(1_000)}\r\n`.repeat(60));
    const parser = parserOf();
    meter.during(() => {
      parser.feed(Buffer.from(STATUS), 0);
      expect(() => {
        for (;;) parser.feed(piece, 0);
      }).toThrow(/larger than/);
    });
    expect(meter.largestAllocation).toBeLessThanOrEqual(2 * (LIMITS.maxHeadBytes + 1));
  });
});
