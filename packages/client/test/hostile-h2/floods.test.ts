/**
 * Floods: an origin that goes on for ever with what costs it nothing. Each ends at a bound, long before its deadline,
 * with an error that says so; and the next call works.
 */
import { ConnectionPool } from '@hotaru/client';
import { describe, expect, it } from 'vitest';
import { attempt, HANG_GUARD_MS } from '../hostile/support.js';
import {
  continuation,
  data,
  frame,
  FLAG,
  FRAME,
  headers,
  ping,
  priority,
  rst,
  settings,
} from '../support/h2/frames.js';
import { encodeFields } from '../support/h2/hpack.js';
import { answering, H2Origin } from '../support/h2/origin.js';
import { H2, NEXT_BODY, ok } from './support.js';

const MIB = 1_048_576;
const NOTHING = Buffer.alloc(0);
const HEAD = encodeFields([[':status', '200']]);

/** What comes before, and what comes again and again. */
type Flood = (id: number) => readonly [before: Buffer, unit: Buffer];

const FLOODS: Record<string, Flood> = {
  PING: () => [NOTHING, ping()],
  'SETTINGS, empty': () => [NOTHING, settings()],
  'SETTINGS that say the same': () => [NOTHING, settings([3, 100])],
  'DATA without a byte': (id) => [ok(id), data(id, '')],
  'DATA of padding alone': (id) => [ok(id), data(id, '', { padding: 0 })],
  PRIORITY: (id) => [NOTHING, priority(id)],
  'frames of unknown types': () => [NOTHING, frame(0xbe, 0, 0, 'grease')],
  'PONG for no PING': () => [NOTHING, ping('unasked!', true)],
  'CONTINUATION without a byte': (id) => [
    headers(id, HEAD, { endHeaders: false }),
    continuation(id, NOTHING, false),
  ],
  'CONTINUATION with fields': (id) => [
    headers(id, HEAD, { endHeaders: false }),
    continuation(id, encodeFields([['x', 'y']]), false),
  ],
  'informational heads': (id) => [NOTHING, headers(id, [[':status', '103']])],
  'RST_STREAM of one stream': (id) => [NOTHING, rst(id, 8)],
  'an acknowledgement that was not asked for': () => [NOTHING, frame(FRAME.settings, FLAG.ack, 0)],
};

describe.each(Object.entries(FLOODS))('a flood of %s', (_name, flood) => {
  it('ends at a bound', async () => {
    await using origin = await H2Origin.start();
    let closed = false;
    origin.script([
      async (peer) => {
        peer.manners.isStrict = false;
        const { streamId } = await peer.readRequest();
        const [before, unit] = flood(streamId);
        if (before.length > 0) await peer.send(before);
        ({ closed } = await peer.socket.endless(unit, 16 * MIB));
      },
      answering(NEXT_BODY),
    ]);
    const pool = new ConnectionPool(H2);
    const outcome = await attempt(pool, origin.url, {}, { timeout: HANG_GUARD_MS });
    expect(outcome).toMatchObject({
      code: expect.stringMatching(/^HOTARU_(PROTOCOL_ERROR|CONNECTION_CLOSED)$/) as string,
    });
    await origin.waitForOpen(0); // the flood of a stream that was reset goes on
    const next = await attempt(pool, origin.url, { path: '/next' }, { timeout: HANG_GUARD_MS });
    expect(next).toMatchObject({ status: 200, body: NEXT_BODY });
    pool.close();
    await origin.waitForOpen(0);
    expect(closed, 'the client closed the connection').toBe(true);
  });
});

describe('a peer that never reads', () => {
  it('makes no endless queue of answers to its PINGs', async () => {
    await using origin = await H2Origin.start();
    let closed = false;
    origin.script([
      async (peer) => {
        peer.manners.isStrict = false;
        await peer.readRequest();
        peer.socket.pauseReading();
        ({ closed } = await peer.socket.endless(ping(), 16 * MIB));
      },
      answering(NEXT_BODY),
    ]);
    const pool = new ConnectionPool(H2);
    const outcome = await attempt(pool, origin.url, {}, { timeout: HANG_GUARD_MS });
    expect(outcome).toHaveProperty('error');
    expect(await attempt(pool, origin.url, {}, { timeout: HANG_GUARD_MS })).toMatchObject({
      body: NEXT_BODY,
    });
    pool.close();
    await origin.waitForOpen(0);
    expect(closed).toBe(true);
  });
});
