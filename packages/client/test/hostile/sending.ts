/** How the cases about requests send one: what must be refused, and what must arrive as it was meant. */
import { ConnectionPool, type RequestInit, type SendOptions } from '@hotaru/client';
import { ScriptedUpstream, turn } from '@hotaru/client/testing';
import { expect } from 'vitest';
import { answering, attempt, codeOf, HANG_GUARD_MS } from './support.js';

export const show = (value: string) => JSON.stringify(value);

/** Refused, and the origin sees no connection that says anything. */
export async function expectRefused(request: RequestInit, options: SendOptions = {}, suffix = '') {
  await using upstream = await ScriptedUpstream.start();
  upstream.onConnection(answering);
  const pool = new ConnectionPool();
  const outcome = await attempt(pool, upstream.url + suffix, request, {
    timeout: HANG_GUARD_MS,
    ...options,
  });
  expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
  await turn();
  expect(upstream.connections.map((peer) => peer.bytesReceived).filter((n) => n > 0)).toEqual([]);
  expect(pool.stats()).toMatchObject({ active: 0, waiting: 0 });
  pool.close();
}

/** Accepted; resolves with the request as the origin read it. */
export async function sent(request: RequestInit, options: SendOptions = {}, suffix = '') {
  await using upstream = await ScriptedUpstream.start();
  upstream.onConnection(answering);
  const pool = new ConnectionPool();
  const outcome = await attempt(pool, upstream.url + suffix, request, {
    timeout: HANG_GUARD_MS,
    ...options,
  });
  if ('error' in outcome) throw outcome.error;
  await attempt(pool, upstream.url, { path: '/next' }, { timeout: HANG_GUARD_MS });
  pool.close();
  expect(upstream.requests).toHaveLength(2); // the one that was made, and the next: nothing between
  return upstream.requests[0]!;
}
