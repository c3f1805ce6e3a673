import { contestOf, type Outcome, type Suite } from '../harness/suite.js';
import { runOnce } from '../harness/worker-process.js';
import type { FloodJob } from '../workers/flood.js';
import { http2Target, OURS_HTTP1 } from './http2.js';

const REQUESTS = 10_000;
const STREAMS = 100;
const CASE = '10 000 at once';

const suite: Suite = {
  name: 'flood-h2',
  title: 'Client: 10 000 requests at once over one HTTP/2 connection',
  method:
    'All are made in one turn, from cold, over TLS: 100 streams, and the rest waits (ours over HTTP/1.1: 100 connections).',
  contenders: ['hotaru', 'node-http2', 'undici-h2', OURS_HTTP1],
  cases: [CASE],
  columns: [
    { figure: 'errors', heading: 'errors', digits: 0 },
    { figure: 'seconds', heading: 'seconds', digits: 2 },
    { figure: 'cpuUs', heading: 'CPU µs/request', digits: 0 },
    { figure: 'rssGrowthMiB', heading: 'RSS growth MiB', digits: 0 },
  ],
  headline: { figure: 'seconds', better: 'lower' },
  bars: [
    { text: 'errors', value: { figure: 'errors', case: CASE }, atMost: 0 },
    { text: 'RSS growth, MiB', value: { figure: 'rssGrowthMiB', case: CASE }, atMost: 100 },
    {
      text: 'CPU per request, ours ÷ undici-h2',
      value: { figure: 'cpuUs', case: CASE },
      over: { figure: 'cpuUs', case: CASE, contender: 'undici-h2' },
      atMost: 1,
    },
  ],
  staysOpen: false,
  async open(contender, _case, rig) {
    const target = await http2Target(contender, 'nginx', STREAMS, rig);
    const job: FloodJob = { contender, requests: REQUESTS, path: '/json', target };
    return contestOf(await runOnce<Outcome | undefined>('workers/flood', job));
  },
};
export default suite;
