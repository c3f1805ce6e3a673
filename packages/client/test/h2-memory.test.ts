/**
 * What HTTP/2 keeps: nothing of a call that is over, however it ended, and of a body that is not read no more than its
 * window. One connection serves them all, so what a stream left behind would stay for as long as that lives. The client
 * is a process of its own, which uses the built package by its name.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { CONSTANTS } from '../src/config/constants.js';
import { data, headers, rst } from './support/h2/frames.js';
import { H2Origin, type H2Script } from './support/h2/origin.js';
import { NodeHttp2Server } from './support/node-http2-server.js';

const PROGRAM = fileURLToPath(new URL('programs/keeps.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const MIB = 1_048_576;
const LARGE = Buffer.alloc(64 * MIB);
const BODIES: Record<string, Buffer> = {
  '/large': LARGE,
  '/warm': LARGE.subarray(0, 4 * MIB), // more than the largest window
  '/get': LARGE.subarray(0, 1),
};
/** Of what the kernel says of a process: its heap has a young part of 16 MiB that is not collected at once. */
const RSS_SLACK_BYTES = 48 * MIB;
/** Caches of the runtime. One object that stays of each call of one kind would be 1 250. */
const MAX_OBJECTS_KEPT = 200;
const ALL_OVER = { active: 0, waiting: 0, idle: 1, created: 1, replays: 0 };

async function keeps<Result>(what: string, url: string, ...more: string[]): Promise<Result> {
  if (!existsSync(BUILT)) throw new Error('build first: npm run build (npm test does)');
  const child = spawn(process.execPath, ['--expose-gc', PROGRAM, what, url, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  return JSON.parse(said) as Result;
}

const answer: H2Script = async (peer) => {
  for await (const request of peer.incoming())
    switch (request.target) {
      case '/silent':
        break;
      case '/refused':
        void peer.respond(request, 413, [], 'too large');
        break;
      case '/half':
        void peer.head(request, 200).then(() => peer.send(data(request.streamId, 'half')));
        break;
      case '/reset':
        void peer.send(headers(request.streamId, [[':status', '200']]), rst(request.streamId, 2));
        break;
      default:
        void peer.readBody(request).then(
          () => peer.respond(request, 200, [['x-path', request.target]], 'the answer'),
          () => undefined,
        );
    }
};

/** Sends as much as it may. */
const large = () =>
  NodeHttp2Server.start({
    more: { maxSessionMemory: 1_000 }, // MB: it counts what lies in its streams
    onStream: (stream, fields) => {
      stream.respond({ ':status': 200 });
      stream.end(BODIES[fields[':path'] ?? '']);
    },
  });

it('keeps nothing of ten thousand calls on one connection, whatever became of each', async () => {
  await using origin = await H2Origin.start();
  origin.onConnection(answer);
  interface Result {
    readonly counts: Record<string, number>;
    readonly objectsKept: number;
    readonly stats: object;
  }
  const { counts, objectsKept, stats } = await keeps<Result>('calls', origin.url);
  const each = 12_000 / 8;
  expect(counts).toEqual({
    'the answer': 2 * each,
    aborted: each,
    HOTARU_DEADLINE_EXCEEDED: each,
    '413 too large': each,
    discarded: each,
    HOTARU_BODY_TIMEOUT: each,
    HOTARU_CONNECTION_CLOSED: each,
  });
  expect(stats).toEqual(ALL_OVER);
  expect(objectsKept).toBeLessThan(MAX_OBJECTS_KEPT);
}, 60_000);

it('holds no more of a large body than its window, however slowly it is read', async () => {
  await using origin = await large();
  interface Result {
    readonly bytes: number;
    readonly rssGrowthBytes: number;
    readonly stats: object;
  }
  const { bytes, rssGrowthBytes, stats } = await keeps<Result>('slow', origin.url);
  expect(bytes).toBe(LARGE.length);
  expect(stats).toEqual(ALL_OVER);
  expect(rssGrowthBytes).toBeLessThan(RSS_SLACK_BYTES);
}, 60_000);

it('holds of each body that is not read one window, and serves others on the same connection', async () => {
  await using origin = await large();
  interface Result {
    readonly bytes: number;
    readonly rssGrowthBytes: number;
    readonly stats: object;
  }
  const { streamWindowBytes } = CONSTANTS;
  const all = 99 * streamWindowBytes;
  const { bytes, rssGrowthBytes, stats } = await keeps<Result>(
    'stalled',
    origin.url,
    String(streamWindowBytes),
  );
  // Heads of frames, and a few small answers.
  expect(bytes).toBeLessThan(all * 1.01);
  expect(stats).toEqual(ALL_OVER);
  expect(rssGrowthBytes).toBeLessThan(all + RSS_SLACK_BYTES);
}, 60_000);
