import { contestOf, type Figures, type Suite } from '../harness/suite.js';
import { runOnce } from '../harness/worker-process.js';

const CASE = '100 idle connections';

const suite: Suite = {
  name: 'idle-hit',
  title: 'Pool: taking an idle connection and giving it back',
  method:
    '`get()` and `put()` are the hit itself; `await acquire()` and `release()` add a promise, a leak watch and the poll ' +
    'of the socket (two turns of the event loop, so what it costs is what an empty turn costs). Kept bytes: growth of the ' +
    'heap over 100 000 hits, for each idle connection.',
  contenders: ['hotaru'],
  cases: [CASE],
  columns: [
    { figure: 'getPutUs', heading: 'get + put µs', digits: 2 },
    { figure: 'acquireReleaseUs', heading: 'acquire + release µs', digits: 2 },
    { figure: 'keptBytesPerConnection', heading: 'kept bytes', digits: 0 },
  ],
  headline: { figure: 'getPutUs', better: 'lower' },
  bars: [
    { text: 'get + put, µs', value: { figure: 'getPutUs', case: CASE }, atMost: 1 },
    {
      text: 'bytes kept for each idle connection',
      value: { figure: 'keptBytesPerConnection', case: CASE },
      atMost: 16,
    },
  ],
  staysOpen: false,
  isOfPart: true,
  async open(_contender, _case, rig) {
    const job = { host: '127.0.0.1', port: rig.port };
    const figures = await runOnce<Figures>('workers/idle-hit', job, ['--expose-gc']);
    return contestOf({ label: 'hotaru: ConnectionPool', figures });
  },
};
export default suite;
