import type { Suite } from '../harness/suite.js';
import { MIB } from '../origins/answers.js';
import { openTransfer } from './bodies.js';
import { STREAMING_PEERS } from './client.js';

const suite: Suite = {
  name: 'slow-consumer',
  title: 'Client: 64 MiB for a slow consumer',
  method:
    'The reader rests 5 ms after each MiB. How far the memory of the process rises above what it was.',
  contenders: STREAMING_PEERS,
  cases: ['64 MiB'],
  columns: [
    { figure: 'rssGrowthMiB', heading: 'RSS growth MiB', digits: 1 },
    { figure: 'seconds', heading: 'seconds', digits: 2 },
  ],
  headline: { figure: 'rssGrowthMiB', better: 'lower' },
  bars: [
    {
      text: 'RSS growth in MiB',
      value: { figure: 'rssGrowthMiB', case: '64 MiB' },
      atMost: 32,
    },
  ],
  staysOpen: false,
  open: (contender, _case, rig) =>
    openTransfer(contender, { direction: 'slow', bytes: 64 * MIB }, rig),
};
export default suite;
