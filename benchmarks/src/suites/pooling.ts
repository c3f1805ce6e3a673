import type { ClientTarget } from '../contender.js';
import type { Rig } from '../harness/rig.js';
import { CPU_US, P50, P99, REQUESTS, type Contest, type Suite } from '../harness/suite.js';
import { WorkerProcess } from '../harness/worker-process.js';
import { openClient } from './client.js';

const DELAY_MS = 20;
/** Few, so that handshakes do not wait for each other's CPU time. */
const CONCURRENCY = 5;
/** Which of the origin's ports each case goes to. */
const CASES: Record<string, (rig: Rig) => number> = {
  plain: (rig) => rig.port,
  'TLS, sessions resumed': (rig) => rig.tlsPort,
  // A Node origin always resumes: without nginx this case shows what the one before it does.
  'TLS, full handshakes': (rig) => rig.nginx?.tlsFullPort ?? rig.nodeTlsPort,
};
const WITHOUT = 'hotaru-no-pooling';

const suite: Suite = {
  name: 'pooling',
  title: 'Pool: what reuse saves, twenty milliseconds away',
  method:
    `GET of 1 KiB, ${CONCURRENCY} in flight, through a TCP relay that delays every byte by ${DELAY_MS} ms each way; a new ` +
    'connection pays its round trip too, so that 2 is all there is to gain without TLS. Sessions of TLS 1.3 are resumed in one round trip, like a full handshake: what ' +
    'resumption saves there is CPU time.',
  contenders: ['hotaru', WITHOUT],
  cases: Object.keys(CASES),
  columns: [P50, P99, REQUESTS, CPU_US],
  headline: { figure: 'p50Ms', better: 'lower' },
  bars: Object.keys(CASES).flatMap((name) => [
    {
      text: `p50, ${name}, with pooling ÷ without`,
      value: { figure: 'p50Ms', case: name },
      over: { figure: 'p50Ms', case: name, contender: WITHOUT },
      atMost: 0.7,
    },
    {
      text: `throughput, ${name}, with pooling ÷ without`,
      value: { figure: 'requestsPerSecond', case: name },
      over: { figure: 'requestsPerSecond', case: name, contender: WITHOUT },
      atLeast: 2,
    },
  ]),
  staysOpen: true,
  open: (contender, caseName, rig) => openThroughRelay(contender, caseName, rig),
};
export default suite;

async function openThroughRelay(
  contender: string,
  caseName: string,
  rig: Rig,
): Promise<Contest | undefined> {
  const port = CASES[caseName]?.(rig);
  const relay = new WorkerProcess('origins/relay', 'other');
  const relayPort = await relay.call<number>('start', { port, delayMs: DELAY_MS });
  const target: ClientTarget =
    caseName === 'plain'
      ? { origin: `http://127.0.0.1:${relayPort}`, connections: CONCURRENCY, ca: undefined }
      : { origin: `https://127.0.0.1:${relayPort}`, connections: CONCURRENCY, ca: rig.ca };
  const contest = await openClient({ contender, target, concurrency: CONCURRENCY }, rig);
  if (contest === undefined) {
    await relay.stop();
    return undefined;
  }
  return {
    label: contest.label,
    measure: () => contest.measure(),
    async close() {
      await Promise.all([contest.close(), relay.stop()]);
    },
  };
}
