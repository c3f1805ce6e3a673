/**
 * Floods (docs/rules.md, rule 3; CVE-2023-39326, CVE-2022-32213 and kin): whatever never
 * ends comes to an error at its bound, at once and not at the deadline, and the connection goes. What is
 * large but within the bounds is legal.
 */
import { gzipSync } from 'node:zlib';
import { ConnectionPool, type ErrorCode, type SendOptions } from '@hotaru/client';
import { ScriptedUpstream, type ScriptedPeer } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { answering, attempt, chunked, codeOf, ok, promises, whole } from './support.js';

const MIB = 1_048_576;
/** Far above what a flood may take, far below where a test would only find the deadline. */
const FLOOD_GUARD_MS = 5_000;
const FLOOD_BOUND_BYTES = 64 * MIB;

interface Flood {
  readonly name: string;
  /** What comes before the endless part. */
  readonly start: string;
  readonly unit: string;
  readonly method?: string;
  readonly code?: ErrorCode;
  readonly options?: SendOptions;
}

const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED_HEAD = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

const FLOODS: Flood[] = [
  { name: 'an endless reason phrase', start: 'HTTP/1.1 200 ', unit: 'OK ' },
  { name: 'an endless status', start: 'HTTP/1.1 ', unit: '2' },
  { name: 'an endless protocol name', start: '', unit: 'HTTP/' },
  { name: 'endless junk', start: '', unit: '\xff\xfe\xfd' },
  { name: 'endless zeros', start: '', unit: '\0' },
  { name: 'endless blanks', start: '', unit: ' ' },
  { name: 'endless empty lines before the answer', start: '', unit: '\r\n' },
  { name: 'an endless field name', start: HEAD, unit: 'X' },
  { name: 'an endless field value', start: `${HEAD}X: `, unit: 'y' },
  { name: 'endless blanks before a value', start: `${HEAD}X:`, unit: ' ' },
  { name: 'endless tabs after a value', start: `${HEAD}X: y`, unit: '\t' },
  { name: 'endless small fields', start: HEAD, unit: 'X: y\r\n' },
  { name: 'endless fields without a value', start: HEAD, unit: 'X:\r\n' },
  { name: 'endless large fields', start: HEAD, unit: `X: ${'y'.repeat(8_000)}\r\n` },
  { name: 'endless equal lengths', start: HEAD, unit: 'Content-Length: 5\r\n' },
  { name: 'an endless list of lengths', start: `${HEAD}Content-Length: 5`, unit: ', 5' },
  { name: 'an endless length', start: `${HEAD}Content-Length: `, unit: '0' },
  { name: 'an endless folded field', start: `${HEAD}X: y\r\n`, unit: ' y\r\n' },
  { name: 'endless 100s', start: '', unit: 'HTTP/1.1 100 Continue\r\n\r\n' },
  { name: 'endless 103s', start: '', unit: 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' },
  { name: 'endless 199s', start: '', unit: 'HTTP/1.1 199 X\r\n\r\n' },
  { name: 'an endless chunk size', start: CHUNKED_HEAD, unit: '0' },
  { name: 'an endless chunk size of ones', start: CHUNKED_HEAD, unit: '1' },
  { name: 'an endless chunk extension', start: `${CHUNKED_HEAD}5;`, unit: 'a' },
  { name: 'endless chunk extensions', start: `${CHUNKED_HEAD}5`, unit: ';a=b' },
  { name: 'an endless quoted chunk extension', start: `${CHUNKED_HEAD}5;a="`, unit: ';' },
  { name: 'endless blanks after a chunk size', start: `${CHUNKED_HEAD}5`, unit: ' ' },
  {
    name: 'tiny chunks with large extensions (CVE-2023-39326)',
    start: CHUNKED_HEAD,
    unit: `1;${'a'.repeat(1_000)}\r\nx\r\n`,
  },
  { name: 'an endless extension of the last chunk', start: `${CHUNKED_HEAD}0;`, unit: 'a' },
  { name: 'endless trailers', start: `${CHUNKED_HEAD}0\r\n`, unit: 'X: y\r\n' },
  { name: 'an endless trailer', start: `${CHUNKED_HEAD}0\r\nX: `, unit: 'y' },
  { name: 'an endless trailer name', start: `${CHUNKED_HEAD}0\r\n`, unit: 'X' },
  { name: 'endless fields of a HEAD', start: HEAD, unit: 'X: y\r\n', method: 'HEAD' },
  { name: 'endless fields of a 103', start: 'HTTP/1.1 103 Early Hints\r\n', unit: 'X: y\r\n' },
  {
    name: 'an endless chunked body above maxResponseSize',
    start: CHUNKED_HEAD,
    unit: `400\r\n${'x'.repeat(1_024)}\r\n`,
    code: 'HOTARU_RESPONSE_TOO_LARGE',
    options: { maxResponseSize: 100_000 },
  },
  {
    name: 'an endless body without framing above maxResponseSize',
    start: `${HEAD}\r\n`,
    unit: 'x'.repeat(1_000),
    code: 'HOTARU_RESPONSE_TOO_LARGE',
    options: { maxResponseSize: 100_000 },
  },
  {
    name: 'an endless body by length above maxResponseSize',
    start: `${HEAD}Content-Length: 9000000000\r\n\r\n`,
    unit: 'x'.repeat(1_000),
    code: 'HOTARU_RESPONSE_TOO_LARGE',
    options: { maxResponseSize: 100_000 },
  },
];

async function flooded(
  flood: Flood,
  deliver: (peer: ScriptedPeer) => Promise<unknown>,
): Promise<void> {
  await using upstream = await ScriptedUpstream.start();
  upstream.script([
    async (peer) => {
      await peer.readRequest();
      await deliver(peer);
      await peer.waitForClose();
    },
    answering,
  ]);
  const pool = new ConnectionPool();
  const outcome = await attempt(
    pool,
    upstream.url,
    { method: flood.method ?? 'GET' },
    { timeout: FLOOD_GUARD_MS, ...flood.options },
  );
  expect(codeOf(outcome)).toBe(flood.code ?? 'HOTARU_PROTOCOL_ERROR');
  await upstream.waitForOpen(0);
  const next = await attempt(pool, upstream.url, { path: '/own' });
  expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
  expect(upstream.accepted).toBe(2);
  pool.close();
}

describe('a flood ends in an error at its bound', () => {
  for (const flood of FLOODS) {
    it(flood.name, () =>
      flooded(flood, async (peer) => {
        await peer.write(flood.start).catch(() => undefined);
        const report = await peer.endless(flood.unit, FLOOD_BOUND_BYTES);
        expect(report.closed).toBe(true);
        expect(report.bytesWritten).toBeLessThan(16 * MIB);
      }),
    );
  }
});

describe('a flood in small pieces ends in an error too, and does not cost the square of its size', () => {
  const dripped = FLOODS.filter((flood) => flood.code === undefined && flood.unit.length < 10);
  for (const flood of dripped)
    it(flood.name, () =>
      flooded(flood, async (peer) => {
        const bytes = flood.start + flood.unit.repeat(Math.ceil(200_000 / flood.unit.length));
        await peer.drip(bytes, 251).catch(() => undefined);
      }),
    );
});

promises('a body above maxResponseSize', [
  {
    name: 'is refused at its head when the length says so',
    origin: (peer) => peer.write(ok(['Content-Length: 1001'])),
    options: { maxResponseSize: 1_000 },
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
  },
  {
    name: 'is refused when chunks add up to more',
    origin: chunked(`1f4\r\n${'x'.repeat(500)}\r\n`.repeat(3) + '0\r\n\r\n'),
    options: { maxResponseSize: 1_000 },
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
  },
  {
    name: 'is refused when one chunk announces more',
    origin: chunked(`ffffff\r\n${'x'.repeat(2_000)}`),
    options: { maxResponseSize: 1_000 },
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
  },
  {
    name: 'is refused when it is delimited by the close',
    origin: ok([], 'x'.repeat(1_001)),
    options: { maxResponseSize: 1_000 },
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
  },
  {
    name: 'is refused by one byte',
    origin: whole('x'.repeat(1_001)),
    options: { maxResponseSize: 1_000 },
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
  },
  {
    name: 'is refused by the pool’s own setting',
    origin: whole('x'.repeat(1_001)),
    pool: { maxResponseSize: 1_000 },
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
  },
  {
    name: 'is not when it has just that many bytes',
    origin: whole('x'.repeat(1_000)),
    options: { maxResponseSize: 1_000 },
    expect: { body: 'x'.repeat(1_000), reuse: true },
  },
  {
    name: 'does not concern a HEAD, which has no body',
    request: { method: 'HEAD' },
    origin: ok(['Content-Length: 100000']),
    options: { maxResponseSize: 1_000 },
    expect: { body: '', reuse: true },
  },
  {
    name: 'does not concern a 304',
    origin: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 100000\r\n\r\n',
    options: { maxResponseSize: 1_000 },
    expect: { status: 304, body: '', reuse: true },
  },
]);

promises('a body collected in memory', [
  {
    name: 'above maxBufferedSize is refused',
    origin: whole('x'.repeat(200_000)),
    pool: { maxBufferedSize: 100_000 },
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
  },
  {
    name: 'of a compressed bomb that is not unpacked stays small',
    origin: (peer) => {
      const bomb = gzipSync(Buffer.alloc(1 * MIB));
      return peer.write(Buffer.concat([Buffer.from(ok([`Content-Length: ${bomb.length}`])), bomb]));
    },
    pool: { maxBufferedSize: 100_000 },
    expect: { reuse: true },
  },
]);

promises('what is large but within bounds', [
  {
    name: 'two hundred fields are read',
    origin: ok(
      [...Array.from({ length: 200 }, (_, n) => `X-${n}: ${n}`), 'Content-Length: 5'],
      'hello',
    ),
    expect: { body: 'hello', reuse: true, headers: { 'x-0': '0', 'x-199': '199' } },
  },
  {
    name: 'a field of 8 KiB is read',
    origin: ok([`X-A: ${'y'.repeat(8_192)}`, 'Content-Length: 5'], 'hello'),
    expect: { body: 'hello', reuse: true, headers: { 'x-a': 'y'.repeat(8_192) } },
  },
  {
    name: 'a head of 32 KiB is read',
    origin: ok(
      [...Array.from({ length: 8 }, () => `X-A: ${'y'.repeat(4_000)}`), 'Content-Length: 5'],
      'hello',
    ),
    expect: { body: 'hello', reuse: true },
  },
  {
    name: 'a chunk extension of 1 KiB is read over',
    origin: chunked(`5;${'a'.repeat(1_024)}\r\nhello\r\n0\r\n\r\n`),
    expect: { body: 'hello', reuse: true },
  },
  {
    name: 'fifty trailers are read',
    origin: chunked(
      `5\r\nhello\r\n0\r\n${Array.from({ length: 50 }, (_, n) => `X-${n}: ${n}\r\n`).join('')}\r\n`,
    ),
    expect: { body: 'hello', reuse: true },
  },
  {
    name: 'ten thousand chunks of one byte are read',
    origin: chunked(`${'1\r\nx\r\n'.repeat(10_000)}0\r\n\r\n`),
    expect: { body: 'x'.repeat(10_000), reuse: true },
  },
  {
    name: 'a thousand chunks with a signature each are read',
    origin: chunked(
      `${`40;chunk-signature=${'a'.repeat(64)}\r\n${'x'.repeat(64)}\r\n`.repeat(1_000)}0\r\n\r\n`,
    ),
    expect: { body: 'x'.repeat(64_000), reuse: true },
  },
  {
    name: 'four megabytes are read',
    origin: (peer) => peer.write(whole('x'.repeat(4 * MIB))),
    expect: { body: 'x'.repeat(4 * MIB), reuse: true },
  },
]);
