/**
 * `npm run demo:load`: drives the running demo (or one it starts itself) for a few seconds and prints
 * the pool's hit rate before and after.
 */
import autocannon from 'autocannon';
import { ConnectionPool, getRequest } from '@hotaru/core';
import { createGateway } from './gateway.js';
import { startServices } from './services.js';

interface PoolFigures {
  hitRate: number;
  hits: number;
  misses: number;
  created: number;
  replays: number;
}

const seconds = Number(process.env.DEMO_LOAD_SECONDS ?? 5);
const running = `http://${process.env.DEMO_BINDING ?? '127.0.0.1:3003'}`;

/** A pool of its own: the figures printed are the gateway's alone. */
const client = new ConnectionPool();

const isRunning = await client.sendRequest(running, getRequest('/health')).then(
  (res) => res.ok,
  () => false,
);
if (isRunning) await drive(running);
else {
  console.log(`no demo at ${running}: starting one for the time being`);
  await using services = await startServices();
  const app = createGateway(services.upstreams, { binding: '127.0.0.1:0', logger: false });
  const { url } = await app.start();
  await drive(url);
  await app.stop();
}

async function drive(url: string): Promise<void> {
  const before = await poolOf(url);
  console.log(`before  ${describe(before)}`);
  const result = await autocannon({
    url,
    connections: 40,
    duration: seconds,
    requests: [{ path: '/products/7' }, { path: '/products/8' }, { path: '/products' }],
  });
  const after = await poolOf(url);
  console.log(`after   ${describe(after)}`);
  console.log(
    `${result['2xx']} answers in ${seconds} s, ${result.non2xx} other, ${result.errors} errors, ` +
      `p50 ${result.latency.p50} ms, p99 ${result.latency.p99} ms`,
  );
  if (result.errors > 0 || result.non2xx > 0) process.exitCode = 1;
}

async function poolOf(url: string): Promise<PoolFigures> {
  return (await client.sendRequest(url, getRequest('/pool'))).json<PoolFigures>();
}

function describe(pool: PoolFigures): string {
  const rate = (pool.hitRate * 100).toFixed(1);
  return `hit rate ${rate} %  (${pool.hits} hits, ${pool.misses} misses, ${pool.created} connections made, ${pool.replays} replays)`;
}
