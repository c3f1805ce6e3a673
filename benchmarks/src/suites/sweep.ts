import { contestOf, type Figures, type Suite } from '../harness/suite.js';
import { runOnce } from '../harness/worker-process.js';

const HOSTS = 1_500;
const CASE = '1 500 hosts';

const suite: Suite = {
  name: 'sweep',
  title: 'Pool: idle connections that expire one after the other',
  method:
    'One idle connection to each host, and each expires on a millisecond of its own (the clock is moved by hand, the ' +
    'sockets are real). CPU time until all are closed: with the cleanup task, which wakes up for each; and with one ' +
    '`cleanup()` behind all of them, which looks at each host once.',
  contenders: ['hotaru'],
  cases: [CASE],
  columns: [
    { figure: 'sweepsCpuMs', heading: 'all sweeps, CPU ms', digits: 1 },
    { figure: 'oneScanCpuMs', heading: 'one scan, CPU ms', digits: 1 },
  ],
  headline: { figure: 'sweepsCpuMs', better: 'lower' },
  bars: [
    {
      // Both close every connection. A sweep may cost as much again for its timer and its place in the heap, and no
      // more: one that looks at every host would make it 1 500 scans.
      text: 'CPU of all sweeps ÷ one full scan that closes as many',
      value: { figure: 'sweepsCpuMs', case: CASE },
      over: { figure: 'oneScanCpuMs', case: CASE },
      atMost: 2,
    },
  ],
  staysOpen: false,
  isOfPart: true,
  async open(_contender, _case, rig) {
    const figures = await runOnce<Figures>('workers/sweep', { port: rig.port, hosts: HOSTS });
    return contestOf({ label: 'hotaru: ConnectionPool', figures });
  },
};
export default suite;
