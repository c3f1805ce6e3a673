/**
 * The beginning of a connection (RFC 9113 §3.4): a dial ends when the origin's SETTINGS have come, so all that is wrong
 * before is an error of the dial: nothing of a request was written, and the next call dials anew.
 */
import { ConnectionPool, type PoolConfigInput } from '@hotaru/client';
import { describe, expect, it } from 'vitest';
import { attempt, HANG_GUARD_MS } from '../hostile/support.js';
import {
  data,
  frame,
  FLAG,
  FRAME,
  goaway,
  ping,
  settings,
  settingsAck,
} from '../support/h2/frames.js';
import { answering, H2Origin } from '../support/h2/origin.js';
import { H2, NEXT_BODY, post } from './support.js';

/** What the origin begins with instead; and then, it says nothing. */
const OPENINGS: Record<string, Uint8Array> = {
  'an answer of HTTP/1.1': Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
  garbage: Buffer.from('\x00\x01\x02garbage that is no frame at all'),
  'a banner of SSH': Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
  'a PING': ping(),
  'an acknowledgement': settingsAck(),
  DATA: data(1, 'early'),
  GOAWAY: goaway(0, 11, 'go away'),
  'SETTINGS of 5 bytes': frame(FRAME.settings, FLAG.none, 0, '12345'),
  'SETTINGS with a bad value': settings([5, 0]),
};

async function opening(
  greeting: readonly Uint8Array[],
  end: boolean,
  config: PoolConfigInput = {},
) {
  await using origin = await H2Origin.start();
  origin.script([
    {
      greeting,
      run: (peer) => {
        peer.manners.isStrict = false;
        peer.manners.acknowledgesSettings = false;
        if (end) peer.socket.end();
      },
    },
    answering(NEXT_BODY),
  ]);
  const pool = new ConnectionPool({ ...H2, ...config });
  const call = () => attempt(pool, origin.url, post(), { timeout: HANG_GUARD_MS });
  const outcome = await call();
  const next = await call();
  pool.close();
  await origin.waitForOpen(0);
  return { outcome, next, origin };
}

describe('an origin that begins with', () => {
  it.each(Object.entries(OPENINGS))('%s is an error of the dial', async (_what, greeting) => {
    const { outcome, next, origin } = await opening([greeting], false);
    expect(outcome).toMatchObject({
      code: expect.stringMatching(/^HOTARU_(CONNECT_FAILED|PROTOCOL_ERROR)$/) as string,
      error: { phase: 'connect', retrySafe: true },
    });
    expect(next).toMatchObject({ status: 200, body: NEXT_BODY });
    expect(origin.requests).toHaveLength(1);
    expect(origin.accepted).toBe(2);
  });

  it('nothing, and FIN', async () => {
    const { outcome, next } = await opening([], true);
    expect(outcome).toMatchObject({ code: 'HOTARU_CONNECT_FAILED', error: { phase: 'connect' } });
    expect(next).toMatchObject({ body: NEXT_BODY });
  });

  it('nothing at all: connectTimeout ends it', async () => {
    const { outcome, next } = await opening([], false, { connectTimeout: 80 });
    expect(outcome).toMatchObject({ code: 'HOTARU_CONNECT_TIMEOUT' });
    expect(next).toMatchObject({ body: NEXT_BODY });
  });

  it('half a SETTINGS: the same', async () => {
    const half = settings([3, 1]).subarray(0, 11);
    const { outcome, next } = await opening([half], false, { connectTimeout: 80 });
    expect(outcome).toMatchObject({ code: 'HOTARU_CONNECT_TIMEOUT' });
    expect(next).toMatchObject({ body: NEXT_BODY });
  });
});
