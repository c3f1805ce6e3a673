/**
 * Responses damaged at random, the same way in every run: whatever the damage, the call settles, and the
 * next request on the pool gets its own answer. The table-driven cases say what must happen; this says
 * what must never.
 */
import { ConnectionPool } from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { answering, attempt, chunked, HANG_GUARD_MS, ok, randomOf, whole } from './support.js';

const ROUNDS = 250;
const MAX_DAMAGES = 4;

const SOUND = [
  whole('hello', 'Content-Type: text/plain', 'Connection: keep-alive'),
  chunked(
    '5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n',
    'Keep-Alive: timeout=5, max=9',
  ),
  `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${whole('hello')}`,
  'HTTP/1.1 204 No Content\r\nDate: today\r\n\r\n',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello',
  ok(['Set-Cookie: a=1', 'Set-Cookie: b=2'], 'until the end'),
];

/** What damages: bytes that parsers trip over, and pieces of other responses. */
const SHARDS = [
  '\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '0', '5', 'f', '-', '+', '\x80', '\xff', '\x7f',
  '\r\n\r\n', '0\r\n\r\n', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n', 'Connection: close\r\n', whole('evil'), 'ffffffff',
]; // prettier-ignore

function damaged(sound: string, random: (below: number) => number): string {
  let bytes = sound;
  for (let left = 1 + random(MAX_DAMAGES); left > 0; left -= 1) {
    const at = random(bytes.length + 1);
    const length = random(6);
    const shard = SHARDS[random(SHARDS.length)] ?? '';
    const kind = random(4);
    if (kind === 0) bytes = bytes.slice(0, at) + shard + bytes.slice(at);
    else if (kind === 1) bytes = bytes.slice(0, at) + bytes.slice(at + length);
    else if (kind === 2) bytes = bytes.slice(0, at) + shard + bytes.slice(at + shard.length);
    else bytes = bytes.slice(0, at) + bytes.slice(at, at + 20) + bytes.slice(at);
  }
  return bytes;
}

describe('a response damaged at random', () => {
  for (const [index, sound] of SOUND.entries())
    for (const ending of ['FIN', 'RST', 'silence'] as const)
      it(`(response ${index}, then ${ending}) settles its call and never answers another`, async () => {
        await using upstream = await ScriptedUpstream.start();
        const random = randomOf(index * 1_000 + ending.length);
        let bytes = '';
        upstream.onConnection(async (peer) => {
          for await (const request of peer.incoming()) {
            if (request.target.startsWith('/own')) {
              await peer.respond(200, { 'x-answers': request.target });
              continue;
            }
            await peer.write(bytes);
            if (ending === 'FIN') peer.end();
            else if (ending === 'RST') await peer.resetAfter('', 0);
            return answering(peer);
          }
        });
        const pool = new ConnectionPool();
        const timeout = ending === 'silence' ? 25 : HANG_GUARD_MS;
        for (let round = 0; round < (ending === 'silence' ? 60 : ROUNDS); round += 1) {
          bytes = damaged(sound, random);
          const outcome = await attempt(pool, upstream.url, {}, { timeout });
          if ('error' in outcome) expect(outcome.code, JSON.stringify(bytes)).toBeDefined();
          const path = `/own/${round}`;
          const next = await attempt(pool, upstream.url, { path }, { timeout: HANG_GUARD_MS });
          expect(next, JSON.stringify(bytes)).toMatchObject({ headers: { 'x-answers': path } });
        }
        pool.close();
        await upstream.waitForOpen(0);
      });
});
