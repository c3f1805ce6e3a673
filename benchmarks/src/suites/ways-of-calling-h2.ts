import { WAYS } from '../contender.js';
import type { Suite } from '../harness/suite.js';
import { VIA } from '../origins/answers.js';
import { CLIENT_COLUMNS, openClient } from './client.js';
import { cpuBars, http2Target, OURS_HTTP1 } from './http2.js';

const STREAMS = 100;

const suite: Suite = {
  name: 'ways-of-calling-h2',
  title: 'Client: the ways in which a GET can be written, over HTTP/2',
  method:
    'As ways-of-calling, over one TLS connection with 100 streams: each contender makes the same parts anew for each call.',
  contenders: ['hotaru', 'node-http2', 'undici-h2', OURS_HTTP1],
  cases: [...WAYS],
  columns: CLIENT_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: WAYS.flatMap((way) => cpuBars(way, { 'undici-h2': 1, 'node-http2': 1 })),
  staysOpen: true,
  open: async (contender, caseName, rig) => {
    const calledBy = WAYS.find((one) => one === caseName);
    const target = await http2Target(contender, 'nginx', STREAMS, rig);
    return openClient({ contender, target, concurrency: STREAMS, calledBy, proof: VIA }, rig);
  },
};
export default suite;
