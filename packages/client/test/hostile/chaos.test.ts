/**
 * Everything at once: many calls on few connections to an origin that breaks its word at random, the
 * same way in every run. What must hold whatever happens: every call settles, an answer is one's own, a
 * POST arrives at most once, and in the end nothing is held.
 */
import { ConnectionPool, type PoolConfigInput, type RequestInit } from '@hotaru/client';
import { ScriptedUpstream, turn, type PeerScript, type ScriptedPeer } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { attempt, HANG_GUARD_MS, randomOf } from './support.js';

const CALLS = 300;
const EVIL = 'HTTP/1.1 200 OK\r\nX-Answers: evil\r\nContent-Length: 4\r\n\r\nevil';

type Deed = (peer: ScriptedPeer, target: string) => Promise<unknown>;

const answer: Deed = (peer, target) => peer.respond(200, { 'x-answers': target }, target);

/** What the origin may do with a request; false ends the connection's script. */
const DEEDS: [weight: number, name: string, deed: Deed, goesOn: boolean][] = [
  [10, 'answers', answer, true],
  [4, 'answers in chunks', (peer, target) => peer.respond(200, { 'x-answers': target }, [target, 'x']), true],
  [2, 'answers late', (peer, target) => turn().then(() => answer(peer, target)), true],
  [2, 'drips', (peer, target) => peer.drip(`HTTP/1.1 200 OK\r\nX-Answers: ${target}\r\nContent-Length: 0\r\n\r\n`, 9), true],
  [2, 'answers and closes', (peer, target) => answer(peer, target).then(() => peer.end()), false],
  [1, 'answers and resets', (peer, target) => answer(peer, target).then(() => peer.reset()), false],
  [1, 'says close', (peer, target) => peer.respond(200, { 'x-answers': target, connection: 'close' }), true],
  [1, 'closes', async (peer) => peer.end(), false],
  [1, 'resets', async (peer) => peer.reset(), false],
  [1, 'cuts the head', (peer) => peer.endAfter('HTTP/1.1 200 OK\r\nX', 17), false],
  [1, 'cuts the body', (peer) => peer.endAfter('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab', 99), false],
  [1, 'poisons', (peer, target) => answer(peer, target).then(() => peer.write(EVIL)), false],
  [1, 'talks junk', (peer) => peer.write('\0\0\0'), false],
]; // prettier-ignore

function chaotic(random: (below: number) => number): PeerScript {
  const total = DEEDS.reduce((sum, [weight]) => sum + weight, 0);
  return async (peer) => {
    for await (const request of peer.incoming()) {
      let place = random(total);
      const chosen = DEEDS.find(([weight]) => (place -= weight) < 0);
      if (chosen === undefined) throw new Error('no deed');
      await chosen[2](peer, request.target);
      if (!chosen[3]) return;
    }
  };
}

const POOLS: Record<string, PoolConfigInput> = {
  'one connection': { maxPerHost: 1 },
  'three connections': { maxPerHost: 3 },
  'twenty connections, last in first out': { maxPerHost: 20, order: 'lifo' },
  'two idle connections': { maxPerHost: 10, maxIdlePerHost: 2 },
  'five requests a connection': { maxPerHost: 5, maxRequestsPerConnection: 5 },
};

describe('an origin that breaks its word at random', () => {
  for (const [index, [what, config]] of Object.entries(POOLS).entries())
    it(`gets no POST twice, and each answer goes to its own request: ${what}`, async () => {
      await using upstream = await ScriptedUpstream.start();
      const random = randomOf(4_711 + index);
      upstream.onConnection(chaotic(random));
      const pool = new ConnectionPool({ ...config, maxPending: CALLS });
      const outcomes = await Promise.all(
        Array.from({ length: CALLS }, async (_, n) => {
          const isPost = n % 3 === 0;
          const request: RequestInit = isPost
            ? { method: 'POST', path: `/post/${n}`, body: `order ${n}` }
            : { path: `/get/${n}` };
          const abort = new AbortController();
          const isAborted = n % 17 === 5;
          if (isAborted) void turn().then(() => abort.abort(new Error('enough')));
          const options = { timeout: HANG_GUARD_MS, signal: abort.signal };
          return [
            request.path,
            isAborted,
            await attempt(pool, upstream.url, request, options),
          ] as const;
        }),
      );
      for (const [path, isAborted, outcome] of outcomes)
        if (!('error' in outcome)) expect(outcome.headers['x-answers']).toBe(path);
        else if (!isAborted)
          expect(outcome.code).toMatch(/^HOTARU_(CONNECTION_CLOSED|PROTOCOL_ERROR)$/);
      const posts = upstream.requests.filter(({ method }) => method === 'POST');
      expect(new Set(posts.map(({ target }) => target)).size).toBe(posts.length);
      const answered = outcomes.filter(([, , outcome]) => !('error' in outcome)).length;
      expect(answered).toBeGreaterThan(CALLS / 2);
      expect(pool.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
      await pool.drain({ timeout: HANG_GUARD_MS });
      await upstream.waitForOpen(0);
      expect(pool.stats()).toMatchObject({ idle: 0, pooledConnections: 0 });
    });
});
