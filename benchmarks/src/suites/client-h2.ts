import type { ClientJob } from '../workers/client.js';
import type { Suite } from '../harness/suite.js';
import { JSON_BODY, LATER, TWENTY_FIELDS, VIA } from '../origins/answers.js';
import { CLIENT_COLUMNS, openClient } from './client.js';
import { cpuBars, HTTP2_PEERS, http2Target, OURS_HTTP1, type Origin } from './http2.js';

interface Case {
  readonly streams: number;
  readonly origin: Origin;
  readonly job?: Pick<ClientJob, 'path' | 'json'>;
}

const CASES: Record<string, Case> = {
  'GET, 1 stream': { streams: 1, origin: 'nginx' },
  'GET, 10 streams': { streams: 10, origin: 'nginx' },
  'GET, 100 streams': { streams: 100, origin: 'nginx' },
  'GET, 100 streams, without TLS': { streams: 100, origin: 'plain' },
  'POST, 100 streams': { streams: 100, origin: 'sink', job: { path: '/json', json: JSON_BODY } },
  '20 fields, 100 streams': { streams: 100, origin: 'nginx', job: { path: TWENTY_FIELDS } },
  'in any order, 100 streams': { streams: 100, origin: 'node', job: { path: LATER } },
};

const suite: Suite = {
  name: 'client-h2',
  title: 'Client: 1 KiB of JSON over HTTP/2',
  method:
    'So many requests at a time on one connection, over TLS 1.3 if the case says nothing else; before it is measured, the ' +
    'origin has said that they come by HTTP/2 and on one connection. Ours over HTTP/1.1 has a connection for each. The ' +
    'body is read as text. POST goes to nghttpd, which reads it; in any order: answers of node:http2 after 1 to 31 ms.',
  contenders: HTTP2_PEERS,
  cases: Object.keys(CASES),
  columns: CLIENT_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: [
    ...cpuBars('GET, 1 stream', { 'node-http2': 0.5 }),
    ...cpuBars('GET, 10 streams', { 'node-http2': 0.3 }),
    ...cpuBars('GET, 100 streams', {
      'node-http2': 0.3,
      'undici-h2': 0.2,
      [OURS_HTTP1]: 0.8,
      go: 0.75,
    }),
    ...cpuBars('POST, 100 streams', { 'node-http2': 0.3 }),
    ...cpuBars('20 fields, 100 streams', { 'node-http2': 0.3 }),
    ...(['p50Ms', 'p99Ms'] as const).map((figure) => ({
      text: `${figure === 'p50Ms' ? 'p50' : 'p99'} with 1 stream, ours ÷ undici-h2`,
      value: { figure, case: 'GET, 1 stream' },
      over: { figure, case: 'GET, 1 stream', contender: 'undici-h2' },
      atMost: 1,
    })),
  ],
  staysOpen: true,
  async open(contender, caseName, rig) {
    const one = CASES[caseName];
    if (one === undefined) return undefined;
    const { streams, origin, job } = one;
    const target = await http2Target(contender, origin, streams, rig);
    // nghttpd knows nothing but HTTP/2, and has files only.
    const proof = origin === 'sink' ? undefined : VIA;
    return openClient({ contender, target, concurrency: streams, proof, ...job }, rig);
  },
};
export default suite;
