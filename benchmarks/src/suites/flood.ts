import { contestOf, type Outcome, type Suite } from '../harness/suite.js';
import { runOnce } from '../harness/worker-process.js';
import type { FloodJob } from '../workers/flood.js';
import { PEERS } from './client.js';

const REQUESTS = 10_000;
const CONNECTIONS = 128;
const CASE = '10 000 at once';

const suite: Suite = {
  name: 'flood',
  title: 'Client: 10 000 requests at once over at most 128 connections',
  method:
    'All are made in one turn, from cold, against the Node origin, which counts the connections: the hit rate is the ' +
    'share of requests that needed no new one.',
  contenders: PEERS,
  cases: [CASE],
  columns: [
    { figure: 'errors', heading: 'errors', digits: 0 },
    { figure: 'hitRatePercent', heading: 'hit rate %', digits: 2 },
    { figure: 'seconds', heading: 'seconds', digits: 2 },
    { figure: 'cpuUs', heading: 'CPU µs/request', digits: 0 },
    { figure: 'rssGrowthMiB', heading: 'RSS growth MiB', digits: 0 },
  ],
  headline: { figure: 'seconds', better: 'lower' },
  bars: [
    { text: 'errors', value: { figure: 'errors', case: CASE }, atMost: 0 },
    { text: 'hit rate, %', value: { figure: 'hitRatePercent', case: CASE }, atLeast: 98 },
    { text: 'RSS growth, MiB', value: { figure: 'rssGrowthMiB', case: CASE }, atMost: 200 },
  ],
  staysOpen: false,
  async open(contender, _case, rig) {
    const before = await rig.nodeOrigin.call<number>('connections');
    const job: FloodJob = {
      contender,
      requests: REQUESTS,
      path: '/json',
      target: {
        origin: `http://127.0.0.1:${rig.nodePort}`,
        connections: CONNECTIONS,
        ca: undefined,
      },
    };
    const run = await runOnce<Outcome | undefined>('workers/flood', job);
    if (run === undefined) return undefined;
    const opened = (await rig.nodeOrigin.call<number>('connections')) - before;
    const hitRatePercent = 100 * (1 - opened / REQUESTS);
    return contestOf({ label: run.label, figures: { ...run.figures, hitRatePercent } });
  },
};
export default suite;
