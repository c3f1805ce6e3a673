import { describe, expect, it } from 'vitest';
import { checkExpected, checkSame } from '../../test/support/fuzz.js';
import { Random, showSeed } from '../../test/support/random.js';
import { piecesOf, read, type Ending, type Reading } from '../../test/support/reading.js';
import { validResponse } from '../../test/support/response-generator.js';
import { LIMITS } from '../../test/support/limits.js';
import { ResponseReader } from './response-reader.js';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const HELLO = 'Content-Length: 5\r\n\r\nhello';
const CLOSED = 'closed';
const PROTOCOL = 'protocol-error';

function readText(text: string, method = 'GET', ending: Ending = 'open'): Reading {
  return read(new ResponseReader(LIMITS), method, [Buffer.from(text, 'latin1')], ending);
}

describe('a valid response reads the same', () => {
  const SEEDS = 150;
  const LONGEST = 700;

  function eachResponse(check: (whole: Reading, bytes: Buffer, method: string) => void): void {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { method, bytes, expected } = validResponse(seed);
      if (bytes.length > LONGEST) continue;
      try {
        const whole = read(new ResponseReader(LIMITS), method, [bytes], 'clean');
        checkExpected(whole, expected, 'clean');
        check(whole, bytes, method);
      } catch (error) {
        const shown = JSON.stringify(bytes.toString('latin1'));
        throw new Error(`${(error as Error).message}\nseed ${showSeed(seed)} ${method} ${shown}`, {
          cause: error,
        });
      }
    }
  }
  const same = (whole: Reading, bytes: Buffer, method: string, cuts: readonly number[]) =>
    checkSame(whole, read(new ResponseReader(LIMITS), method, piecesOf(bytes, cuts), 'clean'));

  it('cut at every byte', () => {
    eachResponse((whole, bytes, method) => {
      for (let cut = 1; cut < bytes.length; cut += 1) same(whole, bytes, method, [cut]);
    });
  });

  it('cut twice and three times', () => {
    eachResponse((whole, bytes, method) => {
      const random = new Random(bytes.length);
      for (let left = 60; left > 0; left -= 1)
        same(
          whole,
          bytes,
          method,
          random.several(2 + (left % 2), () => random.below(bytes.length)),
        );
    });
  });

  it('cut at every pair of bytes, where it is short', () => {
    eachResponse((whole, bytes, method) => {
      if (bytes.length > 80) return;
      for (let first = 1; first < bytes.length; first += 1)
        for (let second = first + 1; second < bytes.length; second += 1)
          same(whole, bytes, method, [first, second]);
    });
  });

  it('one byte at a time', () => {
    eachResponse((whole, bytes, method) => same(whole, bytes, method, [...bytes.keys()]));
  });

  it('on a connection that has read others', () => {
    const reader = new ResponseReader(LIMITS);
    eachResponse((whole, bytes, method) =>
      checkSame(whole, read(reader, method, piecesOf(bytes, [bytes.length >> 1]), 'clean')),
    );
  });

  it('and cut off anywhere is never taken for whole, unless only the end says where it ends', () => {
    eachResponse((whole, bytes, method) => {
      const isUntilClose =
        whole.hasBody === true && readPart(bytes.length, 'open').outcome !== 'done';
      for (let end = 0; end < whole.consumed; end += 1) {
        const { outcome, hasBody } = readPart(end, 'clean');
        if (isUntilClose && hasBody === true) expect(readPart(end, 'torn').outcome).toBe(CLOSED);
        else expect(outcome).toBe(CLOSED);
      }
      function readPart(end: number, ending: Ending): Reading {
        return read(new ResponseReader(LIMITS), method, [bytes.subarray(0, end)], ending);
      }
    });
  });
});

describe('where a response ends', () => {
  it.each([
    ['HEAD', `${OK}Content-Length: 5\r\n\r\n`, true],
    ['HEAD', `${OK}Transfer-Encoding: chunked\r\n\r\n`, true],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', true],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', true],
    ['GET', `${OK}Content-Length: 0\r\n\r\n`, true],
    ['GET', `${OK}Connection: close\r\nContent-Length: 0\r\n\r\n`, false],
    ['GET', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
    ['GET', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n', true],
  ])('%s %j: with its head; reuse %s', (method, text, mayReuse) => {
    const reading = readText(`${text}next`, method);
    expect(reading).toMatchObject({ outcome: 'done', hasBody: false, mayReuse });
    expect(reading.consumed).toBe(text.length);
  });

  it.each([
    ['with its length', `${OK}${HELLO}`, true],
    ['with its last chunk', `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, true],
    ['with its trailers', `${CHUNKED}5\r\nhello\r\n0\r\nA: b\r\n\r\n`, true],
    [
      'with its last chunk, not its length',
      `${CHUNKED.replace('OK\r\n', 'OK\r\nContent-Length: 2\r\n')}5\r\nhello\r\n0\r\n\r\n`,
      false,
    ],
    [
      'with its chunks in HTTP/1.0',
      `${CHUNKED.replace('1.1', '1.0')}5\r\nhello\r\n0\r\n\r\n`,
      false,
    ],
  ])('%s: %j', (_what, text, mayReuse) => {
    const reading = readText(`${text}HTTP/1.1 200 OK\r\n\r\n`);
    expect(reading).toMatchObject({ outcome: 'done', body: 'hello', mayReuse });
    expect(reading.consumed).toBe(text.length);
  });

  it('with the connection, if nothing else says so and the end is beyond doubt', () => {
    const text = `${OK}\r\nhello`;
    expect(readText(text, 'GET', 'open').outcome).toBe('waiting');
    expect(readText(text, 'GET', 'clean')).toMatchObject({ outcome: 'done', mayReuse: false });
    expect(readText(text, 'GET', 'torn').outcome).toBe(CLOSED);
  });

  it.each([
    ['before any byte', ''],
    ['in the head', `${OK}Content-Le`],
    ['before the body', `${OK}Content-Length: 5\r\n\r\n`],
    ['in a length', `${OK}Content-Length: 6\r\n\r\nhello`],
    ['in a chunk', `${CHUNKED}5\r\nhell`],
    ['before the last chunk', `${CHUNKED}5\r\nhello\r\n`],
    ['before the end of the trailers', `${CHUNKED}5\r\nhello\r\n0\r\n`],
    ['after a 1xx', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('is never %s: that is an error', (_where, text) => {
    expect(readText(text, 'GET', 'clean').outcome).toBe(CLOSED);
    expect(readText(text, 'GET', 'torn').outcome).toBe(CLOSED);
  });

  it('a line that was wrong already is the error, not the end in the middle of it', () => {
    const text = `${OK}X : b`;
    const bytes = Buffer.from(text);
    const dripped = piecesOf(bytes, [...bytes.keys()]);
    expect(read(new ResponseReader(LIMITS), 'GET', dripped, 'clean').outcome).toBe(PROTOCOL);
    expect(readText(text, 'GET', 'clean').outcome).toBe(PROTOCOL);
  });
});

describe('informational responses', () => {
  it('are told and are not the response', () => {
    const reading = readText(`HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\nLink: a\r\n\r\n${OK}${HELLO}`);
    expect(reading).toMatchObject({ informational: [100, 103], status: 200, mayReuse: true });
    expect(reading.fields).toEqual([['content-length', '5']]);
  });

  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked', 'Connection: close'])(
    'with %s have no body, and leave the connection in doubt',
    (field) => {
      const reading = readText(`HTTP/1.1 103 \r\n${field}\r\n\r\n${OK}${HELLO}`);
      expect(reading).toMatchObject({ outcome: 'done', body: 'hello', mayReuse: false });
    },
  );

  it('leave no doubt about the response after the next', () => {
    const reader = new ResponseReader(LIMITS);
    const odd = Buffer.from(`HTTP/1.1 103 \r\nConnection: close\r\n\r\n${OK}${HELLO}`);
    expect(read(reader, 'GET', [odd], 'open').mayReuse).toBe(false);
    expect(read(reader, 'GET', [Buffer.from(`${OK}${HELLO}`)], 'open').mayReuse).toBe(true);
  });

  it('may be followed by an empty line, as aiohttp writes: by one, and by a whole one', () => {
    const informational = 'HTTP/1.1 100 \r\n\r\n';
    const read = (between: string) => readText(`${informational}${between}${OK}${HELLO}`).refusal;
    expect(read('\r\n')).toBe('');
    expect(read(`\r\n${informational}\r\n`)).toBe('');
    expect(read('\r\n\r\n')).toBe('status-line');
    expect(read('\n')).toBe('status-line');
    expect(read('\r')).toBe('line-end');
    expect(readText(`\r\n${OK}${HELLO}`).refusal).toBe('status-line');
  });

  it('of 101 are refused when no upgrade was asked for', () => {
    expect(readText('HTTP/1.1 101 Switching Protocols\r\n\r\n').outcome).toBe(PROTOCOL);
  });

  it('may be as many as they may be, and no more', () => {
    const informational = 'HTTP/1.1 103 \r\n\r\n';
    const most = informational.repeat(LIMITS.maxInformational);
    expect(readText(`${most}${OK}${HELLO}`).informational).toHaveLength(32);
    const flood = readText(informational.repeat(1_000));
    expect(flood.outcome).toBe(PROTOCOL);
    expect(flood.informational).toHaveLength(32);
  });
});

describe('contradictory framing is refused before any body is told', () => {
  it.each([
    ...['gzip', 'chunked, gzip', 'gzip, chunked', 'chunked, chunked', 'xchunked', '', ','].map(
      (coding) => `Transfer-Encoding: ${coding}`,
    ),
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding:\r\nTransfer-Encoding: chunked',
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: 5, 6',
    'Content-Length: 0x5',
  ])('%j', (fields) => {
    for (const method of ['GET', 'HEAD'])
      expect(readText(`${OK}${fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, method)).toMatchObject({
        outcome: PROTOCOL,
        hasBody: undefined,
      });
  });
});

describe('a reader that was told to forget', () => {
  it('takes nothing and tells nothing more, also in the middle of a call', () => {
    const reader = new ResponseReader(LIMITS);
    const told: string[] = [];
    const sink = { take: () => void told.push('body') };
    reader.expect('GET', {
      onInformational: () => told.push('1xx'),
      onHead: () => {
        told.push('head');
        reader.forget();
        return sink;
      },
      onDone: () => told.push('done'),
    });
    const head = `${OK}Content-Length: 5\r\n\r\n`;
    expect(reader.feed(Buffer.from(`${head}hello`))).toBe(head.length);
    expect(reader.isDone).toBe(true);
    expect(reader.feed(Buffer.from('more'))).toBe(0);
    reader.end(true);
    expect(told).toEqual(['head']);
  });
});

it('a reader at rest holds nothing of the last response: not its text, not who took it', async () => {
  const reader = new ResponseReader(LIMITS);
  const held: WeakRef<object>[] = [];
  (function readOne() {
    const taker = { take: () => undefined };
    const events = {
      onInformational: () => undefined,
      onHead: (head: object) => {
        held.push(new WeakRef(head));
        return taker;
      },
      onDone: (trailers: object | undefined) => void held.push(new WeakRef(trailers!)),
    };
    held.push(new WeakRef(taker), new WeakRef(events));
    reader.expect('GET', events);
    reader.feed(Buffer.from(`${CHUNKED}5\r\nhello\r\n0\r\nA: b\r\n\r\n`));
  })();
  await new Promise(setImmediate);
  globalThis.gc?.();
  expect(held.map((one) => one.deref())).toEqual([undefined, undefined, undefined, undefined]);
  expect(reader.isDone).toBe(true);
});
