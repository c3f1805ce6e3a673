/** One client, its requests small: the suites over HTTP/1.1 and TLS differ in little but the target. */
import type { ClientTarget } from '../contender.js';
import type { Rig } from '../harness/rig.js';
import { CPU_US, P50, P99, REQUESTS, RSS, type Run } from '../harness/suite.js';
import { WorkerProcess } from '../harness/worker-process.js';
import { measure } from '../harness/measure.js';
import { JSON_BODY } from '../origins/answers.js';
import type { ClientJob } from '../workers/client.js';

/** Ours first, the peers, the floor. */
export const PEERS = [
  'hotaru',
  'undici-pool',
  'undici-request',
  'undici-fetch',
  'node-http',
  'got',
  'axios',
  'ky',
  'superagent',
];
export const CLIENT_COLUMNS = [CPU_US, REQUESTS, P50, P99, RSS];

export function plainTarget(rig: Rig, connections: number): ClientTarget {
  return { origin: `http://127.0.0.1:${rig.port}`, connections, ca: undefined };
}

export function tlsTarget(rig: Rig, connections: number): ClientTarget {
  return { origin: `https://127.0.0.1:${rig.tlsPort}`, connections, ca: rig.ca };
}

/** One contender for one window; undefined where it can't do that. */
export async function runClient(
  job: Omit<ClientJob, 'path' | 'expected'>,
  rig: Rig,
): Promise<Run | undefined> {
  const worker = new WorkerProcess('workers/client', 'measured');
  try {
    const whole: ClientJob = { path: '/json', expected: JSON_BODY, ...job };
    const label = await worker.call<string | undefined>('start', whole);
    if (label === undefined) return undefined;
    const [figures] = await measure(rig.timing, [worker]);
    return figures === undefined ? undefined : { label, figures };
  } finally {
    await worker.stop();
  }
}

/** `c = 50` → 50. */
export function concurrencyOf(caseName: string): number {
  return Number(/\d[\d ]*/.exec(caseName)?.[0].replaceAll(' ', ''));
}
