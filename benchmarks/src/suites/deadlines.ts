import { contestOf, type Figures, type Suite } from '../harness/suite.js';
import { runOnce } from '../harness/worker-process.js';

const COUNT = 20_000;
const CASE = '20 000 deadlines';

const suite: Suite = {
  name: 'deadlines',
  title: 'Pool: many deadlines at once',
  method:
    `${COUNT.toLocaleString('en').replace(',', ' ')} deadlines are set in mixed order, and each passes on a millisecond of its own. ` +
    'The clock is moved by hand: what is measured is the CPU time of setting them and of every wake-up.',
  contenders: ['hotaru'],
  cases: [CASE],
  columns: [{ figure: 'cpuMs', heading: 'CPU ms', digits: 1 }],
  headline: { figure: 'cpuMs', better: 'lower' },
  bars: [
    // 10 µs for each of them. A wake-up that looks at all of them takes 20 times as long.
    {
      text: 'CPU ms to set them and let them pass',
      value: { figure: 'cpuMs', case: CASE },
      atMost: 200,
    },
  ],
  staysOpen: false,
  isOfPart: true,
  async open() {
    const figures = await runOnce<Figures>('workers/deadlines', { count: COUNT });
    return contestOf({ label: 'hotaru: Deadlines', figures });
  },
};
export default suite;
