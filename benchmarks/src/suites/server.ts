/** A server under load: its own process is what is measured, on a core of its own. */
import type { Rig } from '../harness/rig.js';
import { CPU_US, P50, P99, REQUESTS, RSS, type Figures, type Run } from '../harness/suite.js';
import { measure } from '../harness/measure.js';
import { WorkerProcess } from '../harness/worker-process.js';
import type { ClientJob } from '../workers/client.js';
import type { ServerJob } from '../workers/server.js';

export const SERVER_COLUMNS = [CPU_US, REQUESTS, P50, P99, RSS];
/** As the report says. */
export const LOAD =
  'The load, 50 requests at a time, comes from our own client on the other core, which checks each answer.';
const CONCURRENCY = 50;

export async function runServer(
  job: Omit<ServerJob, 'upstream'>,
  { path, expected }: { path: string; expected: string },
  rig: Rig,
): Promise<Run | undefined> {
  const server = new WorkerProcess('workers/server', 'measured');
  const load = new WorkerProcess('workers/client', 'other');
  try {
    const upstream = `http://127.0.0.1:${rig.port}`;
    const { label, port } = await server.call<{ label: string; port: number }>('start', {
      ...job,
      upstream,
    } satisfies ServerJob);
    await load.call('start', {
      contender: 'hotaru',
      target: { origin: `http://127.0.0.1:${port}`, connections: CONCURRENCY, ca: undefined },
      concurrency: CONCURRENCY,
      path,
      expected,
    } satisfies ClientJob);
    const [spent, seen] = await measure(rig.timing, [server, load]);
    if (spent === undefined || seen === undefined) return undefined;
    return { label, figures: figuresOf(spent, seen) };
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

function figuresOf(server: Figures, load: Figures): Figures {
  const { requests = 0, requestsPerSecond = 0, p50Ms = 0, p99Ms = 0 } = load;
  const { cpuTotalUs = 0, rssMiB = 0 } = server;
  return { cpuUs: cpuTotalUs / requests, requestsPerSecond, p50Ms, p99Ms, rssMiB };
}
