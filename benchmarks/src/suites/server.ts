/** A server under load: its own process is what is measured, on a core of its own. */
import type { Rig } from '../harness/rig.js';
import { CPU_US, P50, P99, REQUESTS, RSS, type Figures, type Contest } from '../harness/suite.js';
import { Measuring } from '../harness/measure.js';
import { WorkerProcess } from '../harness/worker-process.js';
import type { ClientJob } from '../workers/client.js';
import type { ServerJob } from '../workers/server.js';

export const SERVER_COLUMNS = [CPU_US, REQUESTS, P50, P99, RSS];
/** As the report says. */
export const LOAD =
  'The load, 50 requests at a time, comes from our own client on the other core, which checks each answer.';
const CONCURRENCY = 50;

/** What the load asks for, and the answer it wants. */
export interface Asked {
  readonly path: string;
  /** Sent by POST; left out for GET. */
  readonly json?: string;
  readonly expected: string;
}

export async function openServer(
  job: Omit<ServerJob, 'upstream'>,
  { path, json, expected }: Asked,
  rig: Rig,
): Promise<Contest> {
  const server = new WorkerProcess('workers/server', 'measured');
  const load = new WorkerProcess('workers/client', 'other');
  const close = async (): Promise<void> => {
    await Promise.all([server.stop(), load.stop()]);
  };
  try {
    const upstream = `http://127.0.0.1:${rig.port}`;
    const whole: ServerJob = { ...job, upstream };
    const { label, port } = await server.call<{ label: string; port: number }>('start', whole);
    const source: ClientJob = {
      contender: 'hotaru',
      target: { origin: `http://127.0.0.1:${port}`, connections: CONCURRENCY, ca: undefined },
      concurrency: CONCURRENCY,
      path,
      json,
      expected,
    };
    await load.call('start', source);
    const measuring = new Measuring(rig.timing, [server, load]);
    return {
      label,
      close,
      async measure() {
        const [spent = {}, seen = {}] = await measuring.turn();
        return figuresOf(spent, seen);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function figuresOf(server: Figures, load: Figures): Figures {
  const { requests = 0, requestsPerSecond = 0, p50Ms = 0, p99Ms = 0 } = load;
  const { cpuTotalUs = 0, rssMiB = 0 } = server;
  return { cpuUs: cpuTotalUs / requests, requestsPerSecond, p50Ms, p99Ms, rssMiB };
}
