/** One client, its requests small: the suites over HTTP/1.1 and TLS differ in little but the target. */
import type { ClientTarget } from '../contender.js';
import type { Rig } from '../harness/rig.js';
import { CPU_US, P50, P99, REQUESTS, RSS, type Bar, type Contest } from '../harness/suite.js';
import { WorkerProcess, type Program } from '../harness/worker-process.js';
import { Measuring } from '../harness/measure.js';
import { JSON_BODY } from '../origins/answers.js';
import type { ClientJob } from '../workers/client.js';

/** Ours first, then the peers that stream bodies both ways. */
export const STREAMING_PEERS = [
  'hotaru',
  'undici-pool',
  'undici-request',
  'undici-fetch',
  'node-http',
  'got',
  'axios',
];
/** Ours first, then all the peers. */
export const PEERS = [...STREAMING_PEERS, 'ky', 'superagent'];
export const CLIENT_COLUMNS = [CPU_US, REQUESTS, P50, P99, RSS];

export function plainTarget(rig: Rig, connections: number): ClientTarget {
  return { origin: `http://127.0.0.1:${rig.port}`, connections, ca: undefined };
}

export function tlsTarget(rig: Rig, connections: number): ClientTarget {
  return { origin: `https://127.0.0.1:${rig.tlsPort}`, connections, ca: rig.ca };
}

/** What runs a contender: a worker in Node, except for the one that is written in Go. */
export async function programOf(contender: string, worker: string, rig: Rig): Promise<Program> {
  return contender === 'go' ? rig.goProgram() : worker;
}

/** One contender; undefined where it can't do that. */
export async function openClient(
  job: Omit<ClientJob, 'path' | 'expected'> & { path?: string },
  rig: Rig,
): Promise<Contest | undefined> {
  const program = await programOf(job.contender, 'workers/client', rig);
  const worker = new WorkerProcess(program, 'measured');
  const close = (): Promise<void> => worker.stop();
  try {
    const whole: ClientJob = { path: '/json', expected: JSON_BODY, ...job };
    // A program that is not JavaScript knows null only.
    const label = await worker.call<string | null | undefined>('start', whole);
    if (label === undefined || label === null) {
      await close();
      return undefined;
    }
    const measuring = new Measuring(rig.timing, [worker]);
    return { label, close, measure: async () => (await measuring.turn())[0] ?? {} };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `c = 50` → 50. */
export function concurrencyOf(caseName: string): number {
  return Number(/\d[\d ]*/.exec(caseName)?.[0].replaceAll(' ', ''));
}

/** Flat within 1.3: what a request costs in the case `many` ÷ in the case `few`. */
export function flatBar(text: string, many: string, few: string, rest: Partial<Bar> = {}): Bar {
  const cpu = (caseName: string) => ({ figure: 'cpuUs', case: caseName });
  return { text, value: cpu(many), over: cpu(few), atMost: 1.3, ...rest };
}
