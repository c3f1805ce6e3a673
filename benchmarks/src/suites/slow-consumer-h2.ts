import type { Suite } from '../harness/suite.js';
import { MIB } from '../origins/answers.js';
import { openTransfer } from './bodies.js';
import { HTTP2_PEERS, http2Target } from './http2.js';

const CASE = '64 MiB';

const suite: Suite = {
  name: 'slow-consumer-h2',
  title: 'Client: 64 MiB for a slow consumer over HTTP/2',
  method: 'As slow-consumer, over one TLS connection.',
  contenders: HTTP2_PEERS,
  cases: [CASE],
  columns: [
    { figure: 'rssGrowthMiB', heading: 'RSS growth MiB', digits: 1 },
    { figure: 'seconds', heading: 'seconds', digits: 2 },
  ],
  headline: { figure: 'rssGrowthMiB', better: 'lower' },
  bars: [{ text: 'RSS growth in MiB', value: { figure: 'rssGrowthMiB', case: CASE }, atMost: 32 }],
  staysOpen: false,
  async open(contender, _case, rig) {
    const target = await http2Target(contender, 'nginx', 1, rig);
    return openTransfer(contender, { direction: 'slow', bytes: 64 * MIB }, rig, target);
  },
};
export default suite;
