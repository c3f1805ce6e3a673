import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectGarbage, rejection } from '../../test/support/waiting.js';
import { CONSTANTS } from '../config/constants.js';
import { ChunkedDecoder } from '../../../wire/src/http1/chunked.js';
import { ConnectionPool } from '../connection-pool.js';
import { TransportError } from '../errors.js';
import { chunkedBody, ScriptedUpstream } from '../testing/index.js';
import type { BodyProducer } from './body-flow.js';
import { ResponseBody } from './response-body.js';

const UNKNOWN = -1;
const USED = { code: 'HOTARU_BODY_USED' };
const TOO_LARGE = { code: 'HOTARU_RESPONSE_TOO_LARGE' };
const HELLO = Buffer.from('hello world');

class Producer implements BodyProducer {
  readonly asked: string[] = [];
  pauseBody(): void {
    this.asked.push('pause');
  }
  resumeBody(): void {
    this.asked.push('resume');
  }
  abandonBody(): void {
    this.asked.push('abandon');
  }
}

interface Limits {
  maxBytes?: number;
  maxBufferedBytes?: number;
  producer?: BodyProducer;
}

function bodyOf(announcedBytes: number, limits: Limits = {}): ResponseBody {
  const { maxBytes = Infinity, maxBufferedBytes = Infinity, producer = new Producer() } = limits;
  return new ResponseBody(producer, announcedBytes, maxBytes, maxBufferedBytes);
}

/** As a connection does it: out of the middle of a buffer that is overwritten right after. */
function give(body: ResponseBody, piece: Uint8Array): TransportError | undefined {
  const lent = Buffer.alloc(piece.length + 16, '<');
  lent.set(piece, 8);
  const error = body.take(lent, 8, 8 + piece.length);
  lent.fill('!');
  return error;
}

/** As a call does it: a piece that is too much is the end of the body. */
function giveOrFail(body: ResponseBody, piece: Uint8Array): void {
  const error = give(body, piece);
  if (error !== undefined) body.fail(error);
}

function arrived(bytes: Uint8Array, announcedBytes = bytes.length): ResponseBody {
  const body = bodyOf(announcedBytes);
  give(body, bytes);
  body.end();
  return body;
}

async function piecesOf(body: ResponseBody): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body.iterate()) pieces.push(piece);
  return pieces;
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = places.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b);
  const pieces = [0, ...ends].map((start, i) => bytes.subarray(start, ends[i]));
  return pieces.filter((piece) => piece.length > 0);
}

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const filled = (length: number) => Buffer.alloc(length, EVERY_BYTE);

describe('a small body that came at once', () => {
  describe.each<[string, Uint8Array, string]>([
    ['ASCII', Buffer.from('{"a":1}\r\n\0'), '{"a":1}\r\n\0'],
    ['UTF-8', Buffer.from('hé — 蛍 🔥'), 'hé — 蛍 🔥'],
    ['a byte order mark', Buffer.from('\ufeffhé'), 'hé'],
    ['two byte order marks', Buffer.from('\ufeff\ufeffa'), '\ufeffa'],
    ['a byte order mark alone', Buffer.from('\ufeff'), ''],
    ['invalid UTF-8', Uint8Array.of(0x61, 0xff, 0xe8, 0x9b, 0x62), 'a\ufffd\ufffdb'],
    ['every byte there is', EVERY_BYTE, new TextDecoder().decode(EVERY_BYTE)],
    ['8192 bytes', filled(8_192), new TextDecoder().decode(filled(8_192))],
    ['8193 bytes', filled(8_193), new TextDecoder().decode(filled(8_193))],
    ['8192 of ASCII', Buffer.alloc(8_192, 'abc'), Buffer.alloc(8_192, 'abc').toString()],
    ['8193 of ASCII', Buffer.alloc(8_193, 'abc'), Buffer.alloc(8_193, 'abc').toString()],
  ])('%s', (_what, bytes, text) => {
    it('is its text', () => {
      expect(arrived(bytes).takeText()).toBe(text);
    });

    it('is its bytes, exactly', async () => {
      expect(await arrived(bytes).collect()).toEqual(Buffer.from(bytes));
    });

    it('is one piece', async () => {
      expect(await piecesOf(arrived(bytes))).toEqual([Buffer.from(bytes)]);
    });

    it('is the same to a reader who came before its end was known', async () => {
      const [collected, iterated] = [bodyOf(bytes.length), bodyOf(bytes.length)];
      for (const body of [collected, iterated]) give(body, bytes);
      const reading = [collected.collect(), piecesOf(iterated)] as const;
      for (const body of [collected, iterated]) body.end();
      expect(await reading[0]).toEqual(Buffer.from(bytes));
      expect(await reading[1]).toEqual([Buffer.from(bytes)]);
    });

    it('is the same to a reader who came before it', async () => {
      const [collected, iterated] = [bodyOf(bytes.length), bodyOf(bytes.length)];
      const reading = [collected.collect(), piecesOf(iterated)] as const;
      for (const body of [collected, iterated]) {
        give(body, bytes);
        body.end();
      }
      expect(await reading[0]).toEqual(Buffer.from(bytes));
      expect(await reading[1]).toEqual([Buffer.from(bytes)]);
    });
  });

  it('is no text before its end is known', async () => {
    const body = bodyOf(HELLO.length);
    give(body, HELLO);
    expect(body.takeText()).toBeUndefined();
    expect(body.use).toBe('unread');
    body.end();
    expect(await body.collect()).toEqual(HELLO);
  });

  it('is not given to a caller that has left', async () => {
    const error = new Error('left');
    const body = bodyOf(HELLO.length);
    give(body, HELLO);
    body.fail(error, true);
    expect(await rejection(body.iterate().next())).toBe(error);
  });
});

describe('a body', () => {
  const reads: [string, (body: ResponseBody) => unknown][] = [
    ['takeText', (body) => body.takeText()],
    ['collect', (body) => body.collect()],
    ['iterate', (body) => piecesOf(body)],
    ['discard', (body) => body.discard()],
  ];

  it.each(reads)('can be read once only: after %s() it is used', async (_name, read) => {
    const body = arrived(HELLO);
    await read(body);
    expect(body.takeText()).toBeUndefined();
    await expect(body.collect()).rejects.toMatchObject(USED);
    expect(() => body.iterate()).toThrow(expect.objectContaining(USED));
  });

  it.each(['collect', 'iterate'] as const)('is not handed out as text during %s()', (read) => {
    const body = bodyOf(UNKNOWN);
    give(body, HELLO);
    void body[read]();
    body.end();
    expect(body.takeText()).toBeUndefined();
  });

  it.each(reads.slice(0, 3))('says once that it is being read: by %s()', async (_name, read) => {
    let claims = 0;
    const body = arrived(HELLO);
    body.onTouched = () => (claims += 1);
    await read(body);
    await rejection(body.collect());
    expect(claims).toBe(1);
  });

  it.each<[string, (body: ResponseBody) => void]>([
    ['that nothing was asked of', () => undefined],
    ['that a stream has', (body) => body.claim()],
  ])('says once that it was given up, %s', (_what, before) => {
    let touched = 0;
    const body = arrived(HELLO);
    body.onTouched = () => (touched += 1);
    before(body);
    expect(touched).toBe(0);
    body.discard();
    body.leave();
    expect(touched).toBe(1);
  });

  it('says nothing more when it is given up after its reading began', async () => {
    let touched = 0;
    const body = bodyOf(UNKNOWN);
    body.onTouched = () => (touched += 1);
    give(body, HELLO);
    await body.iterate().next();
    body.discard();
    expect(touched).toBe(1);
  });

  it('that came in two pieces is no text at once, and unread still', async () => {
    const body = bodyOf(HELLO.length);
    for (const piece of cut(HELLO, [6])) give(body, piece);
    body.end();
    expect(body.takeText()).toBeUndefined();
    expect(await body.collect()).toEqual(HELLO);
  });

  it('of unannounced length is read as it comes', async () => {
    expect(arrived(HELLO, UNKNOWN).takeText()).toBe('hello world');
    expect(await arrived(HELLO, UNKNOWN).collect()).toEqual(HELLO);
    expect(await piecesOf(arrived(HELLO, UNKNOWN))).toEqual([HELLO]);
    const body = bodyOf(UNKNOWN);
    give(body, HELLO.subarray(0, 3));
    const collected = body.collect();
    for (const piece of cut(HELLO.subarray(3), [1, 5])) give(body, piece);
    body.end();
    expect(await collected).toEqual(HELLO);
  });

  it('that is empty is no bytes and no pieces', async () => {
    const empty = (announcedBytes: number) => {
      const body = bodyOf(announcedBytes);
      body.end();
      return body;
    };
    for (const announcedBytes of [UNKNOWN, 0]) {
      expect(await empty(announcedBytes).collect()).toHaveLength(0);
      expect(await piecesOf(empty(announcedBytes))).toEqual([]);
    }
  });
});

describe('a body of announced length', () => {
  it('is one exact buffer, however it is cut and whenever it is collected', async () => {
    const input = fc.record({
      bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
      places: fc.array(fc.nat(300), { maxLength: 8 }),
      isAnnounced: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
      claimAt: fc.nat(10),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ bytes, places, isAnnounced, claimAt }) => {
        const pieces = cut(bytes, places);
        const body = bodyOf(isAnnounced ? bytes.length : UNKNOWN);
        // Before the first piece, between two, after the last, after the end.
        const moment = Math.min(claimAt, pieces.length + 1);
        let collected: Promise<Buffer> | undefined;
        for (let i = 0; i <= pieces.length; i += 1) {
          if (i === moment) collected = body.collect();
          if (i < pieces.length) expect(give(body, pieces[i]!)).toBeUndefined();
        }
        body.end();
        collected ??= body.collect();
        expect(await collected).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('is collected in memory of its length, and of its own', async () => {
    const body = bodyOf(HELLO.length);
    give(body, HELLO.subarray(0, 4));
    const collected = body.collect();
    give(body, HELLO.subarray(4));
    body.end();
    expect((await collected).buffer.byteLength).toBe(HELLO.length);
  });

  it.each([0, 1])('is whole %i bytes above what is gathered in one place', async (more) => {
    const bytes = filled(CONSTANTS.gatherMaxBytes + more);
    const body = bodyOf(bytes.length);
    give(body, bytes.subarray(0, 100));
    const collected = body.collect();
    for (let at = 100; at < bytes.length; at += 65_536) give(body, bytes.subarray(at, at + 65_536));
    body.end();
    expect((await collected).equals(bytes)).toBe(true);
  });

  it('takes memory for what came, not for what was said', async () => {
    const error = new Error('that was all');
    const body = bodyOf(2 ** 30);
    give(body, HELLO);
    const before = process.memoryUsage().arrayBuffers;
    const collected = rejection(body.collect());
    give(body, HELLO);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(CONSTANTS.gatherMaxBytes);
    body.fail(error);
    expect(await collected).toBe(error);
  });

  it('that was cut holds no memory, though its response is kept', async () => {
    const body = bodyOf(CONSTANTS.gatherMaxBytes);
    const collected = rejection(body.collect());
    give(body, HELLO);
    const during = process.memoryUsage().arrayBuffers;
    body.fail(new Error('that was all'));
    await collected;
    const freed = () => during - process.memoryUsage().arrayBuffers;
    await collectGarbage(() => freed() > CONSTANTS.gatherMaxBytes / 2);
    expect(freed()).toBeGreaterThan(CONSTANTS.gatherMaxBytes / 2);
    expect(body.use).toBe('collecting'); // it is here still
  });

  it('lets the producer go on when it is collected after a pause', async () => {
    const producer = new Producer();
    const bytes = filled(CONSTANTS.bodyHighWaterBytes + 1);
    const body = bodyOf(bytes.length, { producer });
    give(body, bytes.subarray(0, -1));
    expect(producer.asked).toEqual(['pause']);
    const collected = body.collect();
    expect(producer.asked).toEqual(['pause', 'resume']);
    give(body, bytes.subarray(-1));
    body.end();
    expect((await collected).equals(bytes)).toBe(true);
  });

  it.each([0, 1, 5, 10])('that is cut after %i bytes is never half a body', async (place) => {
    const error = new Error('cut');
    const body = bodyOf(HELLO.length);
    const collected = rejection(body.collect());
    if (place > 0) give(body, HELLO.subarray(0, place));
    body.fail(error);
    expect(await collected).toBe(error);
  });

  it('that is cut is never half a body to a later reader, and never text', async () => {
    const error = new Error('cut');
    const body = bodyOf(HELLO.length);
    give(body, HELLO.subarray(0, 5));
    body.fail(error);
    expect(body.takeText()).toBeUndefined();
    expect(await rejection(body.collect())).toBe(error);
  });
});

describe('a body that is too large', () => {
  it('is refused though it is small, and came at once', () => {
    expect(give(bodyOf(11, { maxBytes: 10 }), HELLO)).toMatchObject(TOO_LARGE);
    expect(give(bodyOf(11, { maxBytes: 11 }), HELLO)).toBeUndefined();
  });

  it.each([
    ['altogether', { maxBytes: 10 }],
    ['to be collected', { maxBufferedBytes: 10 }],
  ])('%s is refused while it is collected, as soon as it is', async (_what, limits) => {
    const body = bodyOf(HELLO.length, limits);
    const collected = rejection(body.collect());
    expect(give(body, HELLO.subarray(0, 10))).toBeUndefined();
    giveOrFail(body, HELLO.subarray(10));
    expect(await collected).toMatchObject(TOO_LARGE);
  });

  it.each([
    ['came at once', [HELLO]],
    ['came in pieces', cut(HELLO, [4])],
  ])('to be collected is refused, and the rest given up, when it %s before', async (_, pieces) => {
    const producer = new Producer();
    const body = bodyOf(HELLO.length, { maxBufferedBytes: 10, producer });
    for (const piece of pieces) expect(give(body, piece)).toBeUndefined();
    await expect(body.collect()).rejects.toMatchObject(TOO_LARGE);
    expect(producer.asked).toEqual(['abandon']);
  });

  it('to be collected is refused when it has come altogether, as text and as bytes', async () => {
    const body = bodyOf(HELLO.length, { maxBufferedBytes: 10 });
    give(body, HELLO);
    body.end();
    expect(body.takeText()).toBeUndefined();
    await expect(body.collect()).rejects.toMatchObject(TOO_LARGE);
  });

  it('to be collected can be iterated', async () => {
    const body = bodyOf(HELLO.length, { maxBufferedBytes: 10 });
    give(body, HELLO);
    body.end();
    expect(await piecesOf(body)).toEqual([HELLO]);
  });
});

describe('a body read in part', () => {
  const first = HELLO.subarray(0, 5);

  async function half(producer = new Producer()) {
    const body = bodyOf(UNKNOWN, { producer });
    const iterator = body.iterate();
    give(body, first);
    expect((await iterator.next()).value).toEqual(first);
    return { body, iterator, producer };
  }

  it('is given up by discard(), and its reader hears that it was cut', async () => {
    const { body, iterator, producer } = await half();
    const waiting = rejection(iterator.next());
    body.discard();
    expect(await waiting).toMatchObject(USED);
    expect(await rejection(iterator.next())).toMatchObject(USED);
    expect(producer.asked.at(-1)).toBe('abandon');
    expect(body.use).toBe('discarded');
  });

  it('is given up by its iterator, which has then come to its end', async () => {
    const { iterator, producer } = await half();
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(producer.asked.at(-1)).toBe('abandon');
  });

  it('keeps nothing of what came after', async () => {
    const { body } = await half();
    body.discard();
    expect(give(body, HELLO)).toBeUndefined();
    body.end();
    expect(body.isWholeAndHere).toBe(false);
  });

  it('is not touched by discard() once it is at its end', async () => {
    const { body, iterator } = await half();
    body.end();
    body.discard();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(body.use).toBe('reading');
  });

  it('is not cut by discard() while it is collected', async () => {
    const body = bodyOf(UNKNOWN);
    const collected = body.collect();
    give(body, first);
    body.discard();
    give(body, HELLO.subarray(5));
    body.end();
    expect(await collected).toEqual(HELLO);
  });

  it('has one read at a time', async () => {
    const { body, iterator } = await half();
    const waiting = iterator.next();
    expect(await rejection(iterator.next())).toMatchObject({ code: 'HOTARU_INVALID_STATE' });
    give(body, HELLO);
    expect((await waiting).value).toEqual(HELLO);
  });
});

describe('a body in tiny pieces', () => {
  const BYTES = 3_000_000;
  const WIRE = Buffer.from('1\r\nx\r\n'.repeat(10_000));

  /** How much memory is held, beyond what was held before. */
  function meter(): () => Promise<number> {
    const held = () => {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    let before = 0;
    return async () => {
      await collectGarbage(undefined, 2);
      const now = held();
      before ||= now;
      return now - before;
    };
  }

  async function heldBy(fill: (body: ResponseBody) => void): Promise<number> {
    const grown = meter();
    const body = bodyOf(UNKNOWN);
    const collected = body.collect();
    await grown();
    fill(body);
    const most = await grown();
    body.end();
    expect(await collected).toHaveLength(BYTES);
    return most;
  }

  it('chunks of one byte take at most twice their size', async () => {
    const held = await heldBy((body) => {
      const decoder = new ChunkedDecoder(CONSTANTS, false);
      const lent = Buffer.alloc(WIRE.length);
      for (let sent = 0; sent < BYTES; sent += 10_000) {
        WIRE.copy(lent);
        decoder.feed(lent, 0, (bytes, start, end) => body.take(bytes, start, end));
      }
    });
    expect(held).toBeLessThan(2 * BYTES);
  });

  it('reads of one byte take at most twice their size', async () => {
    const lent = Buffer.from('x');
    const held = await heldBy((body) => {
      for (let sent = 0; sent < BYTES; sent += 1) body.take(lent, 0, 1);
    });
    expect(held).toBeLessThan(2 * BYTES);
  });

  it('of a decoder take at most twice their size', async () => {
    const held = await heldBy((body) => {
      for (let sent = 0; sent < BYTES; sent += 1) body.push(Buffer.from('x'));
    });
    expect(held).toBeLessThan(2 * BYTES);
  });

  it('is given to a slow reader in few pieces', async () => {
    const body = bodyOf(UNKNOWN);
    const lent = Buffer.from('x');
    for (let sent = 0; sent < 60_000; sent += 1) body.take(lent, 0, 1);
    body.end();
    const pieces = await piecesOf(body);
    expect(pieces.length).toBeLessThan(30);
    expect(Buffer.concat(pieces)).toHaveLength(60_000);
  });
});

describe('on a socket', () => {
  let upstream: ScriptedUpstream;
  let pool: ConnectionPool;

  beforeEach(async () => {
    upstream = await ScriptedUpstream.start();
    pool = new ConnectionPool();
  });
  afterEach(async () => {
    pool.close();
    await upstream.close();
  });

  /** `pieces` are written one by one, all of them after collecting has begun. */
  async function collected(fields: string, ...pieces: Uint8Array[]): Promise<string> {
    const sent = pool.sendRequest(upstream.url);
    const peer = await upstream.connection(0);
    await peer.readRequest();
    await peer.write(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`);
    const text = (await sent).text();
    for (const piece of pieces) await peer.write(piece);
    return text;
  }

  it('a body of announced length is whole, though each read goes into the same buffer', async () => {
    const text = 'hello — '.repeat(20_000);
    const pieces = cut(Buffer.from(text), [1, 1_000, 70_000]);
    const length = Buffer.byteLength(text);
    expect(await collected(`Content-Length: ${length}`, ...pieces)).toBe(text);
  });

  describe('a chunked body is whole, though its length was announced as less', () => {
    const fields = 'Content-Length: 5\r\nTransfer-Encoding: chunked';

    it.each([
      ['one chunk', ['hello world']],
      ['chunks, of which the first is of that length', ['hello', ' world']],
      ['chunks, of which the last is of that length', ['hello ', 'world']],
    ])('in %s', async (_what, chunks) => {
      expect(await collected(fields, chunkedBody(chunks))).toBe('hello world');
    });

    it.each([
      ['text', 'hello world'],
      ['bytes', HELLO],
    ] as const)('to who asks for %s after it has come', async (method, expected) => {
      upstream.onConnection(async (peer) => {
        await peer.readRequest();
        const head = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`);
        await peer.write(Buffer.concat([head, chunkedBody(['hello', ' world'])]));
      });
      const res = await pool.sendRequest(upstream.url);
      expect(await res[method]()).toEqual(expected);
    });
  });

  it('a packed body is whole, though the length that was announced is not its own', async () => {
    const packed = gzipSync(HELLO);
    const fields = `Content-Encoding: gzip\r\nContent-Length: ${packed.length}`;
    expect(await collected(fields, packed)).toBe('hello world');
  });
});
