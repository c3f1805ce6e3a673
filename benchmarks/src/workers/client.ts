/** Drives one client: so many requests at a time, each answer checked, until its parent has seen enough. */
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchClient, ClientTarget, Reading, Way } from '../contender.js';
import { serve } from '../harness/serve.js';
import { loadClient } from './load-contender.js';
import { openAll } from './open-all.js';
import { prove } from './proof.js';
import { Window } from './window.js';

export interface ClientJob {
  /** The name of its file in contenders/client. */
  contender: string;
  target: ClientTarget;
  concurrency: number;
  path: string;
  /** Other origins to ask in turn, each once before the lanes start. Default: that of the target. */
  origins?: readonly string[];
  /** So many connections are opened before the lanes start (Node origin). */
  opening?: number;
  /** Where the origin says what it is asked by: see proof.ts. Floors are not asked. */
  proof?: string | undefined;
  /** How the GET is written. Default: as the contender's documents do. */
  calledBy?: Way | undefined;
  /** Sent by POST; undefined for GET. */
  json?: string | undefined;
  /** How the answer is read, and how much of it there has to be; undefined: as text, compared with `expected`. */
  reading?: { way: Reading; amount: number };
  /** The answer to expect. Floors don't read theirs. */
  expected: string;
}

const window = new Window();
let error: unknown;
let isRunning = false;
let startLanes: () => Promise<void>[] = () => [];
let lanes: Promise<void>[] = [];

serve({
  /** The contender's label once it is ready; undefined where it can't do that. */
  async start(job: ClientJob): Promise<string | undefined> {
    const contender = await loadClient(job.contender);
    const client = await contender.start(job.target);
    if (client === undefined) return undefined;
    const once = requestOf(client, job, contender.isFloor === true ? '' : job.expected);
    if (once === undefined) return undefined;
    if (job.proof !== undefined && contender.isFloor !== true)
      await prove(client, job.target, job.concurrency, job.proof);
    await meetAll(once, job);
    await openAll(client, job.opening ?? 0);
    startLanes = () => Array.from({ length: job.concurrency }, () => run(once));
    return contender.label;
  },
  run() {
    isRunning = true;
    lanes = startLanes();
  },
  begin: () => window.begin(),
  async end() {
    // Five thousand at a time may take longer than the window: each lane's share, at least.
    while (window.count < lanes.length && error === undefined) await pause(5);
    const figures = window.end();
    isRunning = false;
    await Promise.all(lanes);
    if (error !== undefined) throw error;
    return figures;
  },
});

async function run(once: () => Promise<void>): Promise<void> {
  try {
    while (isRunning) {
      const startedAtMs = performance.now();
      await once();
      window.note(performance.now() - startedAtMs);
    }
  } catch (failure) {
    error ??= failure;
  }
}

/** Ten at a time, so that no backlog of connections to accept overflows. */
async function meetAll(once: () => Promise<void>, { origins = [] }: ClientJob): Promise<void> {
  for (let met = 0; met < origins.length; met += 10)
    await Promise.all(Array.from({ length: 10 }, once));
}

function requestOf(
  client: BenchClient,
  { path, json, origins, reading, calledBy }: ClientJob,
  expected: string,
): (() => Promise<void>) | undefined {
  const check = (text: string): void => {
    if (text !== expected) throw new Error(`an answer of ${text.length} characters: ${text}`);
  };
  if (origins !== undefined) {
    if (client.getFrom === undefined) return undefined;
    let next = 0;
    const urls = origins.map((origin) => origin + path);
    return async () => check((await client.getFrom?.(urls[next++ % urls.length] ?? '')) ?? '');
  }
  if (reading !== undefined) {
    if (client.read === undefined) return undefined;
    const { way, amount } = reading;
    return async () => {
      const found = await client.read?.(path, way);
      if (found !== amount) throw new Error(`${way} of ${path}: ${found} of ${amount}`);
    };
  }
  if (calledBy !== undefined) {
    if (client.getBy === undefined) return undefined;
    return async () => check((await client.getBy?.(calledBy, path)) ?? '');
  }
  if (json !== undefined) return async () => check(await client.post(path, json));
  return async () => check(await client.get(path));
}
