import type { Suite } from '../harness/suite.js';
import { CPU_US, P50, P99, REQUESTS, RSS } from '../harness/suite.js';
import { concurrencyOf, flatBar, openClient } from './client.js';

const FEW = '10 connections';
const MANY = '5 000 connections';
const CONCURRENCY = 10;

const suite: Suite = {
  name: 'open-connections',
  title: 'Client: ten requests at a time, from ten open connections to five thousand',
  method:
    'GET of 1 KiB from the Node origin, which first had so many requests wait for each other that all the ' +
    'connections were opened. What the pool’s own books cost, as they grow. By default ' +
    'ours takes the connection that rested longest, so all of them come round and none is in the caches; the others, and ' +
    'ours with `order: lifo`, keep to the same ten.',
  contenders: ['hotaru', 'hotaru-lifo', 'undici-pool', 'node-http', 'raw-net'],
  cases: [FEW, '100 connections', '1 000 connections', MANY],
  columns: [CPU_US, REQUESTS, P50, P99, RSS],
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: [
    flatBar('CPU per request with 5 000 open connections ÷ with ten', MANY, FEW),
    {
      text: "the same, with order: 'lifo'",
      value: { figure: 'cpuUs', case: MANY, contender: 'hotaru-lifo' },
      over: { figure: 'cpuUs', case: FEW, contender: 'hotaru-lifo' },
      atMost: 1.3,
    },
  ],
  staysOpen: false,
  open: (contender, caseName, rig) => {
    const connections = concurrencyOf(caseName);
    const target = { origin: `http://127.0.0.1:${rig.nodePort}`, connections, ca: undefined };
    return openClient({ contender, target, concurrency: CONCURRENCY, opening: connections }, rig);
  },
};
export default suite;
