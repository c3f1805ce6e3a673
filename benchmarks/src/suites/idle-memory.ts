import { contestOf, type Outcome, type Suite } from '../harness/suite.js';
import { runOnce } from '../harness/worker-process.js';
import type { IdleMemoryJob } from '../workers/idle-memory.js';

const CONNECTIONS = 1_000;

const suite: Suite = {
  name: 'idle-memory',
  title: 'Client: memory of an idle connection',
  method:
    `Resident memory after ${CONNECTIONS} connections were opened, used once and left idle (Node origin), against before, each after garbage ` +
    'collections and with a young generation of 1 MiB, so that the connections are what is seen.',
  contenders: ['hotaru', 'undici-pool', 'node-http', 'raw-net', 'raw-tls'],
  cases: ['plain', 'TLS'],
  columns: [{ figure: 'kibPerConnection', heading: 'KiB/connection', digits: 1 }],
  headline: { figure: 'kibPerConnection', better: 'lower' },
  bars: [
    {
      text: 'KiB for each idle plain connection (1.3 MB for 100)',
      value: { figure: 'kibPerConnection', case: 'plain' },
      atMost: 12.7,
    },
    {
      text: 'idle TLS connection, ours ÷ bare TLS socket',
      value: { figure: 'kibPerConnection', case: 'TLS' },
      over: { figure: 'kibPerConnection', case: 'TLS', contender: 'raw-tls' },
      atMost: 1.15,
    },
  ],
  staysOpen: false,
  async open(contender, caseName, rig) {
    const { nodePort, nodeTlsPort, ca } = rig;
    const job: IdleMemoryJob = {
      contender,
      target:
        caseName === 'TLS'
          ? { origin: `https://127.0.0.1:${nodeTlsPort}`, connections: CONNECTIONS, ca }
          : { origin: `http://127.0.0.1:${nodePort}`, connections: CONNECTIONS, ca: undefined },
    };
    const options = ['--expose-gc', '--max-semi-space-size=1'];
    return contestOf(await runOnce<Outcome | undefined>('workers/idle-memory', job, options));
  },
};
export default suite;
