import type { Suite } from '../harness/suite.js';
import { CPU_US, P50, P99, REQUESTS, RSS } from '../harness/suite.js';
import { concurrencyOf, flatBar, plainTarget, openClient } from './client.js';

const CASES = ['1 host', '10 hosts', '100 hosts', '1 000 hosts', '10 000 hosts'];
const FEW = '1 host';
const MANY = '10 000 hosts';
const CONCURRENCY = 50;

const suite: Suite = {
  name: 'many-hosts',
  title: 'Client: from one host to ten thousand',
  method:
    'GET of 1 KiB, 50 in flight, from so many hosts in turn (addresses of the loopback network, which is Linux’s way). ' +
    'Where there are more hosts than 50, each has one connection, and all of them stay open.',
  contenders: ['hotaru', 'undici-request', 'node-http', 'raw-net'],
  cases: CASES,
  columns: [CPU_US, REQUESTS, P50, P99, RSS],
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: [
    flatBar('CPU per request with 10 000 hosts ÷ with one', MANY, FEW),
    flatBar('the same, as a multiple of what bare sockets need', MANY, FEW, {
      inFloors: 'raw-net',
    }),
  ],
  staysOpen: false,
  open: (contender, caseName, rig) => {
    const target = plainTarget(rig, CONCURRENCY);
    const origins = Array.from(
      { length: concurrencyOf(caseName) },
      (_, i) => `http://127.1.${i >> 8}.${i & 255}:${rig.port}`,
    );
    return openClient({ contender, target, concurrency: CONCURRENCY, origins }, rig);
  },
};
export default suite;
