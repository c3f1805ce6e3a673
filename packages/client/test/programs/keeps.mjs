/**
 * What a process keeps of its HTTP/2 calls, told as JSON in one line. It uses the built package by its name; its origin
 * lives elsewhere, so that only the client is measured.
 * usage: node --expose-gc keeps.mjs <what> <url>
 */
import { setImmediate as turn } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { ConnectionPool } from '@hotaru/client';

const [, , what, url] = process.argv;
const AT_ONCE = 100;
const BODY_PAUSE_MS = 20;
const pool = new ConnectionPool({
  http2: 'prior-knowledge',
  maxPerHost: 1,
  maxStreams: AT_ONCE,
  reportLeaks: false,
});

const get = (path, options) => pool.sendRequest(url, { path }, options);
const outcomeOf = (promise) => promise.then(String, (error) => error.code ?? error.message);

async function collected() {
  for (let times = 0; times < 5; times += 1) {
    globalThis.gc();
    await turn();
  }
  return process.memoryUsage();
}

/** How many there are in the heap: exact, where its bytes depend on when it was collected. */
async function objectsLeft() {
  await pool.sendRequest(url, { path: '/get' }).then((response) => response.text());
  await new Promise((resolve) => setTimeout(resolve, 2 * BODY_PAUSE_MS)); // bodies that pause are over, too
  await collected();
  return queryObjects(Object, { format: 'count' });
}

/** Calls that end in one way each. */
const KINDS = [
  async () => (await get('/get')).text(),
  async () => {
    const request = { method: 'POST', path: '/post', body: 'x'.repeat(1_000) };
    return (await pool.sendRequest(url, request)).text();
  },
  async () => {
    const controller = new AbortController();
    const sent = get('/silent', { signal: controller.signal });
    void turn().then(() => controller.abort(new Error('aborted')));
    return sent;
  },
  () => get('/silent', { timeout: 2 }),
  async () => {
    // The rest of it is never asked for.
    async function* body() {
      yield 'a part';
      await new Promise((resolve) => setTimeout(resolve, BODY_PAUSE_MS));
      yield 'another';
    }
    const response = await pool.sendRequest(url, {
      method: 'POST',
      path: '/refused',
      body: body(),
    });
    return `${response.status} ${await response.text()}`;
  },
  async () => {
    await (await get('/half')).discard();
    return 'discarded';
  },
  async () => (await get('/half', { bodyTimeout: 2 })).text(),
  async () => (await get('/reset')).text(),
];

const PROGRAMS = {
  /** Ends of all kinds, many times over, on one connection. */
  async calls() {
    const counts = {};
    const run = async (calls) => {
      let next = 0;
      const caller = async () => {
        for (let i = next++; i < calls; i = next++) {
          const outcome = await outcomeOf(KINDS[i % KINDS.length]());
          counts[outcome] = (counts[outcome] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, caller));
    };
    const calls = 10_000;
    await run(2_000);
    const before = await objectsLeft();
    await run(calls);
    return { counts, objectsKept: (await objectsLeft()) - before };
  },

  /** One large body, read with a pause after each piece. */
  async slow() {
    await (await get('/warm')).bytes(); // code is compiled, buffers are there
    const before = (await collected()).rss;
    let peak = before;
    let bytes = 0;
    for await (const piece of (await get('/large')).body) {
      bytes += piece.length;
      for (let turns = 0; turns < 3; turns += 1) await turn();
      peak = Math.max(peak, process.memoryUsage.rss());
    }
    return { bytes, rssGrowthBytes: peak - before };
  },

  /** Answers that nothing reads. */
  async stalled() {
    await (await get('/warm')).bytes();
    const before = (await collected()).rss;
    const bytesBefore = pool.stats().bytesReceived;
    const responses = await Promise.all(Array.from({ length: AT_ONCE - 1 }, () => get('/warm')));
    const received = () => pool.stats().bytesReceived - bytesBefore;
    const least = Number(process.argv[4]) * responses.length;
    while (received() < least) await turn();
    // The origin has been heard since, more than once: what it may send, it has sent.
    for (let times = 0; times < 3; times += 1) await (await get('/get')).text();
    const result = { bytes: received(), rssGrowthBytes: process.memoryUsage.rss() - before };
    await Promise.all(responses.map((response) => response.discard()));
    return result;
  },
};

const result = await PROGRAMS[what]();
const { active, waiting, idle, created, replays } = pool.stats();
console.log(JSON.stringify({ ...result, stats: { active, waiting, idle, created, replays } }));
pool.close();
