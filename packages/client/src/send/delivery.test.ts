/** The response side of an attempt: what flows, pauses, is given up or is unpacked on its way to the reader. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FakeCalls, polled, type Asked } from '../../test/support/fake-calls.js';
import { CONSTANTS } from '../config/constants.js';
import { decompression } from '../policies/decompression.js';
import type { Call } from './call.js';

const KIB = 1_024;
const HIGH_WATER = CONSTANTS.bodyHighWaterBytes;

/** A response whose body is on its way. */
async function begin(fields: Record<string, string> = {}, length = -1, asked: Asked = {}) {
  const host = new FakeCalls().host();
  const shape = (call: Call): void => {
    void decompression(call, () => new Promise(() => undefined));
  };
  const { exchange, response } = await host.sending(asked, shape);
  exchange.sends('written');
  exchange.responds(200, fields, length);
  exchange.pends();
  const res = await response;
  return { host, exchange, res };
}

describe('a body', () => {
  it('pauses its exchange when much of it is unread, and resumes when the reader has caught up', async () => {
    const { exchange, res } = await begin();
    for (let bytes = 0; bytes < HIGH_WATER; bytes += 32 * KIB) exchange.gives('x'.repeat(32 * KIB));
    expect(exchange.told).toEqual(['start', 'pause']);
    exchange.gives('y'); // what was under way
    expect(exchange.told, 'once').toEqual(['start', 'pause']);
    const reader = res.body[Symbol.asyncIterator]();
    for (let bytes = 0; bytes < HIGH_WATER;) {
      const { value } = (await reader.next()) as { value: Uint8Array };
      bytes += value.length;
    }
    expect(exchange.told.filter((told) => told === 'pause')).toHaveLength(1);
    expect(exchange.told.at(-1)).toBe('resume');
  });

  it('is not paused while all of it is collected', async () => {
    const { exchange, res } = await begin();
    const text = res.text();
    for (let i = 0; i < 8; i += 1) exchange.gives('x'.repeat(32 * KIB));
    exchange.ends();
    expect((await text).length).toBe(8 * 32 * KIB);
    expect(exchange.told).not.toContain('pause');
  });

  it.each([
    ['little is left of is drained, and its connection kept', CONSTANTS.drainMaxBytes, true],
    ['too much is left of is cut off', CONSTANTS.drainMaxBytes + 1, false],
  ])('that was given up and of which %s', async (_what, bytes, isKept) => {
    const { host, exchange, res } = await begin();
    void res.discard();
    for (let left = bytes; left > 0; left -= 32 * KIB)
      exchange.gives('x'.repeat(Math.min(left, 32 * KIB)));
    if (isKept) exchange.ends();
    expect(exchange.state).toBe('released');
    expect(host.pool.idle.size).toBe(isKept ? 1 : 0);
    await res.discard();
  });

  it('that was given up while it was paused is read again', async () => {
    const { exchange, res } = await begin();
    for (let bytes = 0; bytes < HIGH_WATER; bytes += 32 * KIB) exchange.gives('x'.repeat(32 * KIB));
    void res.discard();
    expect(exchange.told.at(-1)).toBe('resume');
  });

  it('larger than allowed fails its reader, and the connection is not kept', async () => {
    const options = { maxResponseSize: 5 };
    const { host, exchange, res } = await begin({}, -1, { options });
    const text = res.text();
    exchange.gives('123');
    exchange.gives('456');
    await expect(text).rejects.toMatchObject({ code: 'HOTARU_RESPONSE_TOO_LARGE', phase: 'body' });
    expect(host.pool.idle.size).toBe(0);
  });
});

describe('a body with a coding', () => {
  const packed = gzipSync('hello '.repeat(2_000));
  const gzip = { 'content-encoding': 'gzip', 'content-length': String(packed.length), 'x-a': '1' };

  it('is unpacked, and its head says neither coding nor packed length', async () => {
    const { exchange, res } = await begin(gzip, packed.length);
    expect([...res.headers]).toEqual([['x-a', '1']]);
    const text = res.text();
    exchange.gives(packed);
    exchange.ends();
    expect(await text).toBe('hello '.repeat(2_000));
  });

  it('is counted as the caller gets it: a packed length announces nothing', async () => {
    const { exchange, res } = await begin(gzip, packed.length, {
      options: { maxResponseSize: packed.length },
    });
    const text = res.text();
    exchange.gives(packed);
    await expect(text).rejects.toMatchObject({ code: 'HOTARU_RESPONSE_TOO_LARGE' });
  });

  it('is passed on as it came with decompress: false, and with a coding that is not known', async () => {
    const plain = await begin(gzip, packed.length, { options: { decompress: false } });
    expect(plain.res.headers.get('content-encoding')).toBe('gzip');
    plain.exchange.gives(packed);
    plain.exchange.ends();
    expect(Buffer.from(await plain.res.bytes()).equals(packed)).toBe(true);
    const unknown = await begin({ 'content-encoding': 'compress' }, 2);
    unknown.exchange.gives('xy');
    unknown.exchange.ends();
    expect(await unknown.res.text()).toBe('xy');
  });

  it('that is broken fails with the name of its call', async () => {
    const { exchange, res } = await begin(gzip, 7);
    const text = res.text();
    exchange.gives('garbage');
    await expect(text).rejects.toMatchObject({
      code: 'HOTARU_DECODE_FAILED',
      message: expect.stringMatching(/^GET http:\/\/api\.test\/: the body is not valid gzip/),
    });
    expect(exchange.state).toBe('released');
  });

  it('that turns out broken after its last byte fails, too', async () => {
    const { exchange, res } = await begin(gzip, packed.length);
    const text = res.text();
    exchange.gives(packed.subarray(0, -4));
    exchange.ends();
    await expect(text).rejects.toMatchObject({ code: 'HOTARU_DECODE_FAILED' });
    await polled();
  });
});
