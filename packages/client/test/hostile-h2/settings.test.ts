/** SETTINGS (RFC 9113 §6.5) and windows (§6.9), which may change to anything at any time. The origin checks each byte. */
import { ConnectionPool } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { attempt, HANG_GUARD_MS } from '../hostile/support.js';
import { CODE, SETTING, settings, windowUpdate } from '../support/h2/frames.js';
import { answering, H2Origin, type H2Script } from '../support/h2/origin.js';
import {
  H2,
  NEXT_BODY,
  post,
  promises,
  PROTOCOL,
  whole,
  type Came,
  type H2Case,
} from './support.js';

const HELLO: Came = { body: 'hello' };
const MIB = 1_048_576;
const BODY = Buffer.alloc(300_000, 'x');

function refused(
  name: string,
  pair: [number, number],
  goaway: number = CODE.protocolError,
): H2Case {
  return { name, origin: () => settings(pair), expect: PROTOCOL, reuse: false, goaway };
}

promises('a value that is not allowed ends the connection (§6.5.2)', [
  refused('ENABLE_PUSH of a server: 1', [SETTING.enablePush, 1]),
  refused('ENABLE_PUSH: 2', [SETTING.enablePush, 2]),
  refused('INITIAL_WINDOW_SIZE: 2^31', [SETTING.initialWindowSize, 2 ** 31], CODE.flowControlError),
  refused('MAX_FRAME_SIZE: 16383', [SETTING.maxFrameSize, 16_383]),
  refused('MAX_FRAME_SIZE: 0', [SETTING.maxFrameSize, 0]),
  refused('MAX_FRAME_SIZE: 2^24', [SETTING.maxFrameSize, 2 ** 24]),
  {
    name: 'INITIAL_WINDOW_SIZE that takes a window beyond 2^31 − 1',
    request: () => post(),
    atHead: true,
    origin: (id) => [
      windowUpdate(id, 0x7fff_0000),
      settings([SETTING.initialWindowSize, 0x7fff_ffff]),
    ],
    expect: PROTOCOL,
    reuse: false,
    goaway: CODE.flowControlError,
  },
]);

promises('a value that is allowed', [
  ...(
    [
      ['MAX_FRAME_SIZE: 16384', SETTING.maxFrameSize, 16_384],
      ['MAX_FRAME_SIZE: 2^24 − 1', SETTING.maxFrameSize, 2 ** 24 - 1],
      ['ENABLE_PUSH: 0', SETTING.enablePush, 0],
      ['MAX_CONCURRENT_STREAMS: 2^32 − 1', SETTING.maxConcurrentStreams, 2 ** 32 - 1],
      ['MAX_HEADER_LIST_SIZE: 2^32 − 1', SETTING.maxHeaderListSize, 2 ** 32 - 1],
      ['INITIAL_WINDOW_SIZE: 2^31 − 1', SETTING.initialWindowSize, 2 ** 31 - 1],
      ['HEADER_TABLE_SIZE: 2^32 − 1', SETTING.headerTableSize, 2 ** 32 - 1],
    ] as const
  ).map(([name, id, value]): H2Case => ({
    name,
    greeting: [settings([id, value])],
    request: () => post(BODY),
    origin: (streamId) => whole(streamId, 'hello'),
    expect: HELLO,
    reuse: true,
  })),
]);

/** A POST of 300 000 bytes to an origin that says what happens to its windows. */
function upload(name: string, greeting: Uint8Array[], script: H2Script): H2Case {
  return {
    name,
    greeting,
    request: () => post(BODY),
    atHead: true,
    origin: {
      script: async (peer, request) => {
        await script(peer);
        await peer.readBody(request);
        expect(request.body.equals(BODY)).toBe(true);
        await peer.send(whole(request.streamId, 'hello'));
      },
    },
    expect: HELLO,
    reuse: true,
  };
}

promises('the windows of an upload (§6.9.2): all of it comes, and never a byte too many', [
  upload('as they are', [settings()], () => undefined),
  upload('none at first', [settings([SETTING.initialWindowSize, 0])], async (peer) => {
    await turn();
    const [request] = peer.requests;
    expect(request?.bodyBytes).toBe(0);
    await peer.send(windowUpdate(request!.streamId, 1));
    await peer.until(() => request?.bodyBytes === 1, 'one byte comes');
    await turn();
    expect(request?.bodyBytes).toBe(1);
    await peer.send(settings([SETTING.initialWindowSize, 65_535]));
  }),
  upload('that shrink below zero, and grow again', [settings()], async (peer) => {
    const [request] = peer.requests;
    peer.manners.givesCredit = false;
    await peer.until(() => (request?.bodyBytes ?? 0) > 0, 'some comes');
    await peer.send(settings([SETTING.initialWindowSize, 0]));
    await peer.until(() => peer.rules.streams.get(1)!.theirWindow < 0, 'the window is negative');
    const before = request?.bodyBytes;
    await turn();
    expect(request?.bodyBytes).toBe(before);
    await peer.send(settings([SETTING.initialWindowSize, 400_000]), windowUpdate(0, MIB));
    await peer.until(() => request?.complete === true, 'the rest comes');
  }),
  upload('that shrink in the middle', [settings()], async (peer) => {
    const [request] = peer.requests;
    for (const size of [40_000, 10, 0, 20_000, 65_535]) {
      await peer.send(settings([SETTING.initialWindowSize, size]));
      await turn();
    }
    expect(request?.resetCode).toBeUndefined();
  }),
  upload('of larger frames', [settings([SETTING.maxFrameSize, 100_000])], () => undefined),
  upload('of frames that grow and shrink', [settings()], async (peer) => {
    for (const size of [100_000, 16_384, 2 ** 24 - 1, 16_384])
      await peer.send(settings([SETTING.maxFrameSize, size]));
  }),
  upload('of the connection alone', [settings([SETTING.initialWindowSize, MIB])], () => undefined),
]);

promises('a window that is never opened', [
  {
    name: 'ends an upload by the clock of bodies; the connection goes on',
    greeting: [settings([SETTING.initialWindowSize, 0])],
    request: () => post(),
    options: { bodyTimeout: 50 },
    atHead: true,
    origin: () => [],
    expect: { error: 'HOTARU_BODY_TIMEOUT' },
    reuse: true,
    reset: CODE.cancel,
  },
]);

describe('MAX_CONCURRENT_STREAMS', () => {
  const limit = (value: number) => settings([SETTING.maxConcurrentStreams, value]);

  async function scene(greeting: Uint8Array[], run: H2Script, config = {}) {
    const origin = await H2Origin.start();
    origin.script([{ greeting, run }, answering(NEXT_BODY)]);
    const pool = new ConnectionPool({ ...H2, ...config });
    const call = (path: string, options = {}) =>
      attempt(pool, origin.url, { path }, { timeout: HANG_GUARD_MS, ...options });
    const dispose = async () => {
      pool.close();
      await origin.close();
    };
    return { origin, pool, call, [Symbol.asyncDispose]: dispose };
  }

  it('of 0 lets nothing out, until it is raised', async () => {
    await using all = await scene([limit(0)], answering('late'), { maxPerHost: 1 });
    const call = all.call('/');
    const peer = await all.origin.connection(0);
    await peer.until(() => peer.received.length > 0, 'the client begins');
    for (let i = 0; i < 5; i += 1) await turn();
    expect(all.origin.requests).toHaveLength(0);
    await peer.send(limit(1));
    expect(await call).toMatchObject({ status: 200, body: 'late' });
    expect(all.origin.accepted).toBe(1);
  });

  it('of 0 for ever ends a call by its own clock', async () => {
    await using all = await scene([limit(0)], answering(), { maxPerHost: 1, acquireTimeout: 60 });
    expect(await all.call('/')).toMatchObject({ code: 'HOTARU_ACQUIRE_TIMEOUT' });
    expect(all.pool.stats()).toMatchObject({ waiting: 0, active: 0 });
  });

  it('of 2 is kept to by ten calls on one connection', async () => {
    await using all = await scene([limit(2)], answering('in turn'), { maxPerHost: 1 });
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, i) => all.call(`/${i}`)));
    expect(outcomes.every((outcome) => 'body' in outcome && outcome.body === 'in turn')).toBe(true);
    expect(all.origin.accepted).toBe(1);
  });

  it('lowered to 0 in the middle lets what is under way come to its end, and raised, more', async () => {
    await using all = await scene([limit(10)], async (peer) => {
      const first = await peer.readRequest();
      await peer.send(limit(0));
      await turn();
      await peer.respond(first, 200, [], 'the first');
      await answering('later')(peer);
    });
    expect(await all.call('/first')).toMatchObject({ body: 'the first' });
    const next = all.call('/next');
    for (let i = 0; i < 5; i += 1) await turn();
    expect(all.origin.requests).toHaveLength(1);
    await (await all.origin.connection(0)).send(limit(10));
    expect(await next).toMatchObject({ body: 'later' });
    expect(all.origin.accepted).toBe(1);
  });

  it('lowered below what is under way cuts nothing', async () => {
    await using all = await scene(
      [limit(5)],
      async (peer) => {
        await peer.until(() => peer.requests.length === 5, 'five are under way');
        await peer.send(limit(1));
        for (const request of peer.requests) await peer.respond(request, 200, [], 'held');
        await answering('later')(peer);
      },
      { maxPerHost: 1 },
    );
    const five = await Promise.all(Array.from({ length: 5 }, (_, i) => all.call(`/${i}`)));
    expect(five.every((outcome) => 'body' in outcome && outcome.body === 'held')).toBe(true);
    expect(all.origin.accepted).toBe(1);
  });
});
