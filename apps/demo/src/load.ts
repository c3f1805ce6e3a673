/**
 * `npm run demo:load`: drives the running demo (or one it starts itself) for a few seconds and prints
 * the pool's hit rate before and after.
 */
import autocannon from 'autocannon';
import { ConnectionPool, getRequest } from '@hotaru/core';
import { createGateway } from './gateway.js';
import { startServices } from './services.js';

interface Figures {
  hitRate: number;
  hits: number;
  misses: number;
  evictions: number;
  created: number;
  replays: number;
}

interface PoolFigures extends Figures {
  hosts: Record<string, Figures>;
}

const CLIENTS = 40;

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
    connections: CLIENTS,
    duration: seconds,
    requests: [{ path: '/products/7' }, { path: '/products/8' }, { path: '/products' }],
  });
  const after = await poolOf(url);
  console.log(`after   ${describe(after)}`);
  console.log(explain(after));
  console.log(
    `${result['2xx']} answers in ${seconds} s, ${result.non2xx} other, ${result.errors} errors, ` +
      `p50 ${result.latency.p50} ms, p99 ${result.latency.p99} ms`,
  );
  if (result.errors > 0 || result.non2xx > 0) process.exitCode = 1;
}

async function poolOf(url: string): Promise<PoolFigures> {
  return (await client.sendRequest(url, getRequest('/pool'))).json<PoolFigures>();
}

/** Where the misses come from: a rate below 100 % should not look like a fault. */
function explain(pool: PoolFigures): string {
  const { maxIdlePerHost } = ConnectionPool.global().config.settings;
  const hosts = Object.entries(pool.hosts).map(
    ([origin, { hits, misses, evictions }]) =>
      `        ${origin.padEnd(24)} ${hits} hits, ${misses} misses, ${evictions} evicted`,
  );
  return [
    ...hosts,
    `        A miss is a call that found no idle connection and got a new one. ${CLIENTS} clients need up to ${CLIENTS} at once;`,
    `        ${maxIdlePerHost} idle ones are kept for each service (maxIdlePerHost), what comes back above that is evicted,`,
    '        and the next peak dials again. The pricing service keeps idle ones for half a second only, so its own',
    '        expire early. HOTARU_POOL_MAX_IDLE_PER_HOST=64 npm run demo keeps more of them: compare.',
  ].join('\n');
}

function describe(pool: Figures): string {
  const rate = (pool.hitRate * 100).toFixed(1);
  return `hit rate ${rate} %  (${pool.hits} hits, ${pool.misses} misses, ${pool.created} connections made, ${pool.replays} replays)`;
}
