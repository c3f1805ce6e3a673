/**
 * Streams of one connection do not depend on each other (docs/rules.md, rule 12): a reader that is slow, stops or leaves
 * holds back its own stream alone, its credit is given back, and memory stays within the windows.
 */
import { ConnectionPool, type ClientResponse } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { attempt, HANG_GUARD_MS, randomOf } from '../hostile/support.js';
import { CODE, data, FRAME } from '../support/h2/frames.js';
import { answering, H2Origin, type H2Script } from '../support/h2/origin.js';
import type { H2Peer } from '../support/h2/peer.js';
import type { H2Request } from '../support/h2/request.js';
import { until } from '../support/waiting.js';
import { H2, ok, streamed } from './support.js';

const MIB = 1_048_576;
/** What the client may have of one stream before its reader takes any. */
const MAX_STREAM_WINDOW_BYTES = 2 * MIB;

async function scene(script: H2Script) {
  const origin = (await H2Origin.start()).onConnection(script);
  const pool = new ConnectionPool(H2);
  const dispose = async () => {
    pool.close();
    await origin.close();
  };
  return { origin, pool, [Symbol.asyncDispose]: dispose };
}

/** `/large` has a body without end; everything else is answered at once. */
function largeOrNot(sentOf: Map<number, number>): H2Script {
  return async (peer) => {
    for await (const request of peer.incoming()) {
      if (request.target === '/large') void endless(peer, request, sentOf);
      else await peer.respond(request, 200, [], request.target);
    }
  };
}

/** Sends within the windows until the client has enough. */
async function endless(peer: H2Peer, request: H2Request, sentOf: Map<number, number>) {
  const block = Buffer.alloc(16_384, 'x');
  await peer.send(ok(request.streamId));
  try {
    for (let sent = 0; ; sent += block.length) {
      sentOf.set(request.streamId, sent);
      await peer.body(request, block);
    }
  } catch {
    // the client has left
  }
}

async function settled(sentOf: ReadonlyMap<number, number>, streamId: number): Promise<number> {
  let before = -1;
  let unchanged = 0;
  await until(() => {
    const now = sentOf.get(streamId) ?? -1;
    unchanged = now === before ? unchanged + 1 : 0;
    before = now;
    return now > 0 && unchanged > 50;
  }, 'the window of the stream is full');
  return before;
}

describe('a body that is not read', () => {
  it('holds back its stream alone, within its window', async () => {
    const sentOf = new Map<number, number>();
    await using all = await scene(largeOrNot(sentOf));
    const unread = await all.pool.sendRequest(all.origin.url, { path: '/large' });
    const held = await settled(sentOf, 1);
    expect(held).toBeLessThanOrEqual(MAX_STREAM_WINDOW_BYTES);
    for (let i = 0; i < 100; i += 1) {
      const response = await all.pool.sendRequest(all.origin.url, { path: `/${i}` });
      expect(await response.text()).toBe(`/${i}`);
    }
    expect(all.origin.accepted).toBe(1);
    expect(sentOf.get(1)).toBe(held);
    const reader = unread.body.getReader();
    let read = 0;
    while (read < 4 * MIB) read += (await reader.read()).value?.length ?? 0;
    expect(sentOf.get(1)).toBeGreaterThan(held);
    await reader.cancel();
    await until(() => all.origin.requests[0]?.resetCode === CODE.cancel, 'the client leaves it');
  });

  it('of many streams at once leaves room for others: credit of the connection goes back as data comes', async () => {
    const sentOf = new Map<number, number>();
    await using all = await scene(largeOrNot(sentOf));
    const unread: ClientResponse[] = [];
    for (let i = 0; i < 20; i += 1)
      unread.push(await all.pool.sendRequest(all.origin.url, { path: '/large' }));
    for (const { streamId } of all.origin.requests) await settled(sentOf, streamId);
    const response = await all.pool.sendRequest(all.origin.url, { path: '/small' });
    expect(await response.text()).toBe('/small');
    expect(all.origin.accepted).toBe(1);
    for (const { body } of unread) await body.cancel();
  });
});

describe('a slow reader', () => {
  it('of 48 MiB costs no memory beyond its window', async () => {
    const sentOf = new Map<number, number>();
    await using all = await scene(largeOrNot(sentOf));
    const response = await all.pool.sendRequest(all.origin.url, { path: '/large' });
    const reader = response.body.getReader();
    globalThis.gc?.();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    let read = 0;
    while (read < 48 * MIB) {
      read += (await reader.read()).value?.length ?? 0;
      if (read % (8 * MIB) < 65_536) {
        await turn();
        globalThis.gc?.();
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        expect((sentOf.get(1) ?? 0) - read).toBeLessThanOrEqual(2 * MAX_STREAM_WINDOW_BYTES);
      }
    }
    await reader.cancel();
    expect(most).toBeLessThan(32 * MIB);
  });
});

describe('a stream that is given up', () => {
  it('gives the credit of the connection back, more than its window in all', async () => {
    const sentOf = new Map<number, number>();
    await using all = await scene(largeOrNot(sentOf));
    for (let round = 0; round < 10; round += 1) {
      const responses = await Promise.all(
        Array.from({ length: 10 }, () => all.pool.sendRequest(all.origin.url, { path: '/large' })),
      );
      await Promise.all(responses.map(({ body }) => body.cancel()));
    }
    const response = await all.pool.sendRequest(all.origin.url, { path: '/large' });
    const reader = response.body.getReader();
    let read = 0;
    while (read < 4 * MIB) read += (await reader.read()).value?.length ?? 0;
    await reader.cancel();
    expect(all.origin.accepted).toBe(1);
    expect(all.pool.stats()).toMatchObject({ waiting: 0 });
  });

  it('while its frames are still on their way: they count, and are dropped', async () => {
    let droppedBytes = 0;
    const late = async (peer: H2Peer, request: H2Request) => {
      await peer.send(ok(request.streamId));
      await peer.until(() => request.resetCode !== undefined, 'the client gives it up');
      for (let i = 0; i < 14; i += 1) {
        droppedBytes += 16_384;
        await peer.send(data(request.streamId, Buffer.alloc(16_384)));
      }
    };
    await using all = await scene(async (peer) => {
      for await (const request of peer.incoming())
        if (request.target === '/large') void late(peer, request).catch(() => undefined);
        else await peer.respond(request, 200, [], 'after');
    });
    while (droppedBytes < 18 * MIB) {
      const responses = await Promise.all(
        Array.from({ length: 10 }, () => all.pool.sendRequest(all.origin.url, { path: '/large' })),
      );
      await Promise.all(responses.map(({ body }) => body.cancel()));
      const next = await all.pool.sendRequest(all.origin.url);
      expect(await next.text()).toBe('after');
      // A body that was given up keeps its place for a moment, and the places of one connection run out.
      await until(() => all.pool.stats().active === 0, 'the places are given back');
    }
    expect(all.origin.connections[0]?.rules.ourWindow).toBeGreaterThan(0);
    expect(all.origin.accepted).toBe(1);
  });
});

describe('an upload that the origin does not take', () => {
  it('holds back its stream alone', async () => {
    await using all = await scene(async (peer) => {
      for await (const request of peer.incoming()) {
        if (request.target === '/slow') request.givesCredit = false;
        else await peer.readBody(request).then(() => peer.respond(request, 200, [], 'taken'));
      }
    });
    const abort = new AbortController();
    const slow = attempt(
      all.pool,
      all.origin.url,
      { path: '/slow', method: 'POST', body: Buffer.alloc(4 * MIB) },
      { signal: abort.signal },
    );
    await all.origin.waitForRequests(1);
    await until(() => all.origin.requests[0]?.bodyBytes === 65_535, 'its window is full');
    for (let i = 0; i < 10; i += 1) {
      const request = { method: 'POST', body: Buffer.alloc(200_000) };
      const outcome = await attempt(all.pool, all.origin.url, request, { timeout: HANG_GUARD_MS });
      expect(outcome).toMatchObject({ body: 'taken' });
    }
    abort.abort(new Error('enough'));
    expect(await slow).toHaveProperty('error');
    expect(all.origin.accepted).toBe(1);
  });
});

describe('many calls at once', () => {
  it('each get their own answer, in whatever order answers come', async () => {
    const random = randomOf(10);
    await using all = await scene(async (peer) => {
      const held: H2Request[] = [];
      for await (const request of peer.incoming()) {
        held.push(request);
        if (held.length < 100) continue;
        while (held.length > 0) {
          const [next] = held.splice(random(held.length), 1);
          await peer.readBody(next!);
          await peer.respond(next!, 200, [], `${next!.target} ${next!.text()}`);
        }
      }
    });
    for (let round = 0; round < 2; round += 1) {
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          attempt(
            all.pool,
            all.origin.url,
            { ...(i % 3 === 0 ? streamed('a', `${i}`) : {}), path: `/${i}` },
            { timeout: HANG_GUARD_MS },
          ),
        ),
      );
      expect(outcomes.map((outcome) => 'body' in outcome && outcome.body)).toEqual(
        outcomes.map((_, i) => `/${i} ${i % 3 === 0 ? `a${i}` : ''}`),
      );
    }
    expect(all.origin.accepted).toBe(1);
    expect(all.origin.requests).toHaveLength(200);
  });

  it('leave nothing behind: five hundred of them, and again', async () => {
    await using all = await scene(answering('ok'));
    const round = async () => {
      for (let done = 0; done < 500; done += 100)
        await Promise.all(
          Array.from({ length: 100 }, async () =>
            (await all.pool.sendRequest(all.origin.url)).text(),
          ),
        );
    };
    await round();
    const [peer] = all.origin.connections;
    expect(peer?.framesOf(FRAME.rstStream)).toEqual([]);
    await round();
    expect(all.origin.accepted).toBe(1);
    expect(all.pool.stats()).toMatchObject({ waiting: 0, connecting: 0, replays: 0 });
  });
});
