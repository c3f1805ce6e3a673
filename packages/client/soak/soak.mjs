/**
 * The soak: minutes of mixed traffic, good and bad, through one pool. Every few seconds the callers
 * pause, garbage is collected, and what the process holds is measured; at rest it must always hold the
 * same. Exits with 1 when
 *
 *   any call had another outcome than it should have, or hung
 *   RSS, after warm-up, grew by more than 32 MiB (the pool's own share shows in the heap)
 *   the heap, after warm-up, grew by more than 4 MiB
 *   a slot, socket, host entry, listener or timer was left behind at any pause, or at the end
 *
 *     npm run soak                       three minutes
 *     SOAK_SECONDS=60 npm run soak       of which the first quarter is warm-up
 */
import { fork } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConnectionPool } from '@hotaru/client';
import { Traffic } from './traffic.mjs';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 180);
const SAMPLE_MS = 5_000;
const CALLERS = 64;
const MIB = 1_048_576;
const MAX_RSS_GROWTH = 32 * MIB;
const MAX_HEAP_GROWTH = 4 * MIB;
/** At rest: the cleanup task, the one timer of all deadlines, and a dial that is held back. */
const MAX_TIMERS_AT_REST = 3;
const HANG_MS = 30_000;

if (!(SECONDS > 0))
  throw new Error(`SOAK_SECONDS is ${process.env.SOAK_SECONDS}; allowed: above 0`);
if (globalThis.gc === undefined)
  throw new Error('run it with node --expose-gc (npm run soak does)');

/** The system's clock, with its timers counted. */
class CountingClock {
  timers = new Set();
  now = () => performance.now();
  wallNow = () => Date.now();

  setTimer(callback, delayMs) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      callback();
    }, delayMs).unref();
    this.timers.add(timer);
    return timer;
  }

  clearTimer(timer) {
    this.timers.delete(timer);
    clearTimeout(timer);
  }
}

/** The same numbers in every run. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const turns = (count) =>
  Array.from({ length: count }).reduce(
    (before) => before.then(() => new Promise((resolve) => setImmediate(resolve))),
    Promise.resolve(),
  );
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Sockets, and everything else the process has open; undefined where the platform does not tell. */
const openFiles = () =>
  existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : undefined;
const listenersOf = (emitter) =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);

const origin = fork(fileURLToPath(new URL('origin.mjs', import.meta.url)), {
  execArgv: [],
});
const [port] = await once(origin, 'message');

const clock = new CountingClock();
const shutdown = new AbortController();
const pool = new ConnectionPool(
  {
    maxPerHost: 48,
    maxIdlePerHost: 16,
    idleTimeout: '3s',
    maxLifetime: '10s',
    cleanupInterval: '1s',
    reportLeaks: false,
  },
  { clock, resolve: async () => [{ address: '127.0.0.1', family: 4 }] },
);
pool.startCleanupTask();
const traffic = new Traffic(pool, port, shutdown.signal, mulberry32(20_261_121));
const problems = [];
const samples = [];

let running = 0;
let isOver = false;
let pause;

async function caller() {
  while (!isOver) {
    if (pause !== undefined) await pause;
    running += 1;
    await traffic.once();
    running -= 1;
  }
}

async function within(what, condition) {
  const giveUpAtMs = performance.now() + HANG_MS;
  while (!condition()) {
    if (performance.now() > giveUpAtMs) {
      problems.push(`${what}: ${JSON.stringify({ ...pool.stats(), hosts: undefined })}`);
      return;
    }
    globalThis.gc();
    await sleep(2);
  }
}

/** Everybody pauses; what is forgotten is collected; then the process is measured at rest. */
async function measure(atMs) {
  let resume = () => undefined;
  pause = new Promise((resolve) => (resume = resolve));
  await within('a call hangs', () => running === 0);
  await within('a slot was lost', () => {
    const { active, waiting, connecting } = pool.stats();
    return active + waiting + connecting === 0;
  });
  pool.cleanup();
  await turns(10);
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  const stats = pool.stats();
  const sample = {
    seconds: Math.round(atMs / 1_000),
    requests: stats.requests,
    rss,
    heapUsed,
    external,
    files: openFiles(),
    idle: stats.idle,
    hosts: Object.keys(stats.hosts).length,
    onSignal: getEventListeners(shutdown.signal, 'abort').length,
    onProcess: listenersOf(process),
    onSocket: listenersPerIdleSocket(),
    timers: clock.timers.size,
    handles: process.getActiveResourcesInfo().length,
  };
  pause = undefined;
  resume();
  return sample;
}

/** The most listeners that any idle connection's socket has. */
function listenersPerIdleSocket() {
  const taken = [];
  for (;;) {
    const connection = pool.get(traffic.url);
    if (connection === undefined) break;
    taken.push(connection);
  }
  const most = Math.max(0, ...taken.map(({ socket }) => listenersOf(socket)));
  for (const connection of taken) pool.put(connection);
  return most;
}

const mib = (bytes) => (bytes / MIB).toFixed(1);
function print(sample) {
  const { seconds, requests, rss, heapUsed, external, files, idle, hosts } = sample;
  const { onSignal, onProcess, onSocket, timers, handles } = sample;
  console.log(
    `${seconds} s  ${requests} requests  RSS ${mib(rss)} MiB  heap ${mib(heapUsed)}  external ${mib(external)}  ` +
      `files ${files ?? '?'} (idle ${idle})  hosts ${hosts}  ` +
      `listeners: signal ${onSignal}, process ${onProcess}, socket ${onSocket}  timers ${timers}  handles ${handles}`,
  );
}

function check(condition, what) {
  if (!condition) problems.push(what);
}

const filesBefore = openFiles();
const onProcessBefore = listenersOf(process);
const startedAtMs = performance.now();
const elapsedMs = () => performance.now() - startedAtMs;
const callers = Array.from({ length: CALLERS }, caller);
while (elapsedMs() < SECONDS * 1_000 && problems.length === 0) {
  await sleep(Math.min(SAMPLE_MS, SECONDS * 1_000 - elapsedMs()));
  const sample = await measure(elapsedMs());
  samples.push(sample);
  print(sample);
  const at = `at ${sample.seconds} s`;
  check(sample.onSignal === 0, `${at} the signal has ${sample.onSignal} listeners`);
  check(sample.onProcess === onProcessBefore, `${at} the process has more listeners`);
  check(sample.timers <= MAX_TIMERS_AT_REST, `${at} there are ${sample.timers} timers`);
  check(
    sample.onSocket === 0 ||
      sample.onSocket <= (samples.find((s) => s.onSocket > 0)?.onSocket ?? 0),
    `${at} a socket has ${sample.onSocket} listeners`,
  );
  if (sample.files !== undefined)
    check(
      sample.files - sample.idle <= filesBefore,
      `${at} ${sample.files} files are open: ${sample.idle} idle connections, ${filesBefore} before`,
    );
  check(sample.hosts <= sample.idle, `${at} ${sample.hosts} hosts are known, most of them empty`);
  check(traffic.failures.length === 0, `${at} ${traffic.failures.length} calls went wrong`);
}
isOver = true;
await Promise.all(callers);
const { requests, created, replays, poisoned, timeouts, evictions } = pool.stats();
await pool.drain();
const { idle, active, connecting, waiting } = pool.stats();
check(idle + active + connecting + waiting === 0, 'a gauge is not zero after drain()');
check(clock.timers.size === 0, `${clock.timers.size} timers are left after drain()`);

const warm = samples.filter(({ seconds }) => seconds >= SECONDS / 4);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
/** From the first third of the samples after warm-up to the last: a single peak is no growth. */
function growth(name) {
  const third = Math.max(1, Math.floor(warm.length / 3));
  const values = warm.map((sample) => sample[name]);
  return median(values.slice(-third)) - median(values.slice(0, third));
}
check(
  problems.length > 0 || warm.length >= 3,
  `only ${warm.length} samples after warm-up: soak for longer`,
);
check(growth('rss') <= MAX_RSS_GROWTH, `RSS grew by ${mib(growth('rss'))} MiB`);
check(growth('heapUsed') <= MAX_HEAP_GROWTH, `the heap grew by ${mib(growth('heapUsed'))} MiB`);

console.log(JSON.stringify(traffic.counts));
console.log(JSON.stringify({ requests, created, replays, poisoned, timeouts, evictions }));
console.log(
  `after warm-up: RSS ${mib(growth('rss'))} MiB (at most ${mib(MAX_RSS_GROWTH)}), ` +
    `heap ${mib(growth('heapUsed'))} MiB (at most ${mib(MAX_HEAP_GROWTH)})`,
);
for (const problem of [...new Set(problems)].slice(0, 20)) console.error(`problem: ${problem}`);
for (const failure of traffic.failures.slice(0, 10)) console.error(failure);
console.log(problems.length === 0 ? 'soak: ok' : 'soak: FAILED');
origin.disconnect();
process.exitCode = problems.length === 0 ? 0 : 1;
