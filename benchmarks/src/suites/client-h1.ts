import type { Suite } from '../harness/suite.js';
import { CLIENT_COLUMNS, concurrencyOf, PEERS, plainTarget, openClient } from './client.js';

const at50 = { figure: 'cpuUs', case: 'c = 50' };

const suite: Suite = {
  name: 'client-h1',
  title: 'Client: GET of 1 KiB JSON over HTTP/1.1',
  method:
    'So many requests in flight as `c` says, over as many connections; the body is read as text.',
  contenders: [...PEERS, 'go', 'raw-net'],
  cases: ['c = 1', 'c = 50', 'c = 500'],
  columns: CLIENT_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: [
    ...(
      [
        ['undici-pool', 0.55],
        ['undici-request', 0.4],
        ['node-http', 0.3],
        ['undici-fetch', 0.05],
        ['got', 0.05],
        ['axios', 0.05],
        ['raw-net', 2],
        ['go', 0.45],
      ] as const
    ).map(([contender, atMost]) => ({
      text: `CPU per request at c = 50, ours ÷ ${contender}`,
      value: at50,
      over: { ...at50, contender },
      atMost,
    })),
    ...(['p50Ms', 'p99Ms'] as const).map((figure) => ({
      text: `${figure === 'p50Ms' ? 'p50' : 'p99'} at c = 1, ours ÷ undici-pool`,
      value: { figure, case: 'c = 1' },
      over: { figure, case: 'c = 1', contender: 'undici-pool' },
      atMost: 1,
    })),
  ],
  staysOpen: true,
  open: (contender, caseName, rig) => {
    const concurrency = concurrencyOf(caseName);
    return openClient({ contender, target: plainTarget(rig, concurrency), concurrency }, rig);
  },
};
export default suite;
