/**
 * What a connection pool is good for, counted where it can't be faked: at the upstream, which counts
 * the sockets it accepts.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectionPool, getRequest } from '@hotaru/client';

let accepted = 0;
const upstream = http.createServer((request, response) =>
  response.end(`you asked for ${request.url}`),
);
upstream.on('connection', () => (accepted += 1));
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;

const pool = new ConnectionPool({ maxPerHost: 10 });

await measure(
  '50 requests in sequence, without pooling',
  50,
  sequentially,
  new ConnectionPool({ enablePooling: false }),
);
await measure('50 requests in sequence', 50, sequentially, pool);
await measure('200 requests at once, at most 10 connections', 200, atOnce, pool);

await pool.drain();
upstream.close();

type Run = (count: number, ask: (i: number) => Promise<void>) => Promise<void>;

async function sequentially(count: number, ask: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < count; i += 1) await ask(i);
}

async function atOnce(count: number, ask: (i: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => ask(i)));
}

async function measure(what: string, count: number, run: Run, by: ConnectionPool): Promise<void> {
  const acceptedBefore = accepted;
  const before = by.stats();
  const startedAtMs = performance.now();
  await run(count, async (i) => {
    const res = await by.sendRequest(url, getRequest(`/${i}`));
    await res.text();
  });
  const tookMs = performance.now() - startedAtMs;
  const after = by.stats();
  const hits = after.hits - before.hits;
  const misses = after.misses - before.misses;
  console.log(what);
  console.log(`  sockets the upstream accepted   ${accepted - acceptedBefore}`);
  console.log(
    `  hits ${hits}, misses ${misses}, hit rate ${((100 * hits) / (hits + misses)).toFixed(1)} %`,
  );
  console.log(`  longest wait ${after.wait.max.toFixed(1)} ms, all in ${tookMs.toFixed(0)} ms\n`);
}
