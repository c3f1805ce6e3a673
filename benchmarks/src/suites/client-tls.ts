import type { Suite } from '../harness/suite.js';
import { CLIENT_COLUMNS, concurrencyOf, PEERS, openClient, tlsTarget } from './client.js';

const at50 = { figure: 'cpuUs', case: 'c = 50' };

const suite: Suite = {
  name: 'client-tls',
  title: 'Client: GET of 1 KiB JSON over TLS',
  method: 'As client-h1, over TLS 1.3 with HTTP/1.1; every contender verifies the certificate.',
  contenders: [...PEERS, 'go', 'hotaru-call-ca', 'raw-tls'],
  cases: ['c = 1', 'c = 50', 'c = 500'],
  columns: CLIENT_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: [
    {
      text: 'CPU per request at c = 50, ours ÷ undici-pool',
      value: at50,
      over: { ...at50, contender: 'undici-pool' },
      atMost: 0.7,
    },
    {
      text: "CPU per request at c = 50, ours with the CA in the call's options ÷ undici-pool",
      value: { ...at50, contender: 'hotaru-call-ca' },
      over: { ...at50, contender: 'undici-pool' },
      atMost: 0.65,
    },
    {
      text: 'CPU per request at c = 50, ours ÷ go',
      value: at50,
      over: { ...at50, contender: 'go' },
      atMost: 0.75,
    },
  ],
  staysOpen: true,
  open: (contender, caseName, rig) => {
    const concurrency = concurrencyOf(caseName);
    return openClient({ contender, target: tlsTarget(rig, concurrency), concurrency }, rig);
  },
};
export default suite;
