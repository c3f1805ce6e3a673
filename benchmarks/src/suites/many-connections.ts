import type { Suite } from '../harness/suite.js';
import { CPU_US, P50, P99, REQUESTS, RSS } from '../harness/suite.js';
import { concurrencyOf, flatBar, plainTarget, openClient } from './client.js';

const FEW = '10 connections';
const MANY = '5 000 connections';

const suite: Suite = {
  name: 'many-connections',
  title: 'Client: from ten busy connections to five thousand',
  method: 'GET of 1 KiB from one host, one request in flight on each connection.',
  contenders: ['hotaru', 'undici-pool', 'node-http', 'raw-net'],
  cases: [FEW, '100 connections', '1 000 connections', MANY],
  columns: [CPU_US, REQUESTS, P50, P99, RSS],
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: [
    flatBar('CPU per request with 5 000 busy connections ÷ with ten', MANY, FEW),
    flatBar('the same, as a multiple of what bare sockets need', MANY, FEW, {
      inFloors: 'raw-net',
    }),
  ],
  staysOpen: false,
  open: (contender, caseName, rig) => {
    const concurrency = concurrencyOf(caseName);
    return openClient({ contender, target: plainTarget(rig, concurrency), concurrency }, rig);
  },
};
export default suite;
