/**
 * What a request is does not depend on where the network cuts it, or on what comes behind it: every case is read whole
 * and cut at every byte, and requests one behind the other end exactly where the next one begins.
 */
import { describe, expect, it } from 'vitest';
import { RequestReader } from '../src/index.js';
import { LIMITS } from './support/limits.js';
import { Random, seedOf, showSeed } from './support/random.js';
import { piecesOf } from './support/reading.js';
import { damagedRequest } from './support/request-damage.js';
import { validRequest, type ValidRequest } from './support/request-generator.js';
import { readRequests, type RequestsRead } from './support/request-reading.js';
import { SMUGGLING_CASES } from './support/smuggling-cases.js';

const RUN = 0xc07;
const SENTINEL = 'GET /next HTTP/1.1\r\nHost: next\r\n\r\n';

/** Whole, in two pieces for each place between two bytes, and byte by byte. */
function readEveryWay(bytes: Buffer, what: string): RequestsRead {
  const whole = readRequests(new RequestReader(LIMITS), [bytes], 'clean');
  const wanted = JSON.stringify(whole);
  const check = (cuts: readonly number[]): void => {
    const cut = readRequests(new RequestReader(LIMITS), piecesOf(bytes, cuts), 'clean');
    // As text first: thousands of readings, and nearly always the same.
    if (JSON.stringify(cut) !== wanted)
      expect(cut, `${what}, cut at ${cuts.join()}`).toEqual(whole);
  };
  for (let place = 1; place < bytes.length; place += 1) check([place]);
  check([...bytes.keys()]);
  return whole;
}

it('300 generated requests are read as they are meant, wherever they are cut', () => {
  for (let index = 0; index < 300; index += 1) {
    const { seed, bytes, expected } = validRequest(seedOf(RUN, index));
    if (bytes.length > 600) continue; // a long body is cut nowhere of interest
    const { requests, message } = readEveryWay(bytes, showSeed(seed));
    expect(message, showSeed(seed)).toBe('');
    expect(requests, showSeed(seed)).toEqual([{ ...expected, end: bytes.length }]);
  }
});

it('300 damaged requests come to the same end, wherever they are cut', () => {
  const outcomes = new Set<string>();
  for (let index = 0; index < 300; index += 1) {
    const { seed, bytes } = damagedRequest(seedOf(RUN, index));
    if (bytes.length > 600) continue;
    outcomes.add(readEveryWay(bytes, showSeed(seed)).outcome);
  }
  expect(outcomes.size).toBeGreaterThan(10);
});

describe('an attempt to smuggle a request comes to the same end, wherever it is cut', () => {
  for (const { name, bytes } of SMUGGLING_CASES)
    it(name, () => {
      readEveryWay(Buffer.from(bytes, 'latin1'), name);
    });
});

describe('requests one behind the other', () => {
  /** Valid ones that let another one follow. */
  function several(seed: number, count: number): ValidRequest[] {
    const found: ValidRequest[] = [];
    for (let index = 0; found.length < count; index += 1) {
      const request = validRequest(seedOf(seed, index));
      const { mayReuse, form } = request.expected;
      if (mayReuse && form !== 'authority') found.push(request);
    }
    return found;
  }

  it('end exactly where the next one begins, wherever they are cut', () => {
    for (let index = 0; index < 300; index += 1) {
      const random = new Random(seedOf(RUN, index));
      const list = several(random.seed, 1 + random.below(4));
      const bytes = Buffer.concat(list.map((one) => one.bytes));
      const cuts = random.several(random.below(6), () => random.below(bytes.length + 1));
      const { requests, outcome } = readRequests(
        new RequestReader(LIMITS),
        piecesOf(bytes, cuts),
        'clean',
      );
      let end = 0;
      const expected = list.map((one) => ({ ...one.expected, end: (end += one.bytes.length) }));
      expect(requests, showSeed(random.seed)).toEqual(expected);
      expect(outcome).toBe('ended');
    }
  });

  it('what `feed` leaves is the next request, byte for byte', () => {
    for (let index = 0; index < 300; index += 1) {
      const { seed, bytes } = validRequest(seedOf(RUN, index));
      const reader = new RequestReader(LIMITS);
      let hasEnded = false;
      reader.expect({ onHead: () => undefined, onDone: () => (hasEnded = true) });
      const both = Buffer.concat([bytes, Buffer.from(SENTINEL)]);
      const used = reader.feed(both);
      expect(hasEnded).toBe(true);
      expect(both.subarray(used).toString('latin1'), showSeed(seed)).toBe(SENTINEL);
      expect(reader.feed(both.subarray(used))).toBe(0); // not before it is expected
    }
  });

  it('nothing is read after one that is wrong, says close or opens a tunnel', () => {
    for (const first of [
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n',
    ]) {
      const bytes = Buffer.from(first + SENTINEL);
      const { requests } = readEveryWay(bytes, first);
      expect(requests.map(({ target }) => target)).not.toContain('/next');
    }
  });
});

it('equal lengths are never folded into one: in one field, in two, in any spelling, in any place', () => {
  const random = new Random(RUN);
  for (let index = 0; index < 500; index += 1) {
    const digits = random.pick(['0', '5', '05', '123']);
    const names = ['Content-Length', 'content-length', 'CONTENT-LENGTH'];
    const between = random.pick(['', 'X: y\r\n', 'Content-Lengths: 5\r\n']);
    const blanks = random.pick(['', ' ', '  ']);
    const lines = random.oneIn(3)
      ? `${random.pick(names)}: ${digits}${blanks},${blanks}${digits}\r\n`
      : `${random.pick(names)}: ${digits}\r\n${between}${random.pick(names)}:${blanks}${digits}\r\n`;
    const text = `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\nhello`;
    const read = readRequests(new RequestReader(LIMITS), [Buffer.from(text)], 'clean');
    expect(read, JSON.stringify(text)).toMatchObject({
      outcome: 'content-length',
      status: 400,
      requests: [],
    });
  }
});
