/** A window over one process or several at once: warm, begin, wait, end. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Timing } from './rig.js';
import type { Figures } from './suite.js';
import type { WorkerProcess } from './worker-process.js';

export async function measure(
  { warmMs, windowMs }: Timing,
  workers: readonly WorkerProcess[],
): Promise<Figures[]> {
  await pause(warmMs);
  await Promise.all(workers.map((worker) => worker.call('begin')));
  await pause(windowMs);
  return Promise.all(workers.map((worker) => worker.call<Figures>('end')));
}
