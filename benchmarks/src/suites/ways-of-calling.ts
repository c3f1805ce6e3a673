import { WAYS } from '../contender.js';
import type { Suite } from '../harness/suite.js';
import { CLIENT_COLUMNS, openClient, plainTarget } from './client.js';

const CONCURRENCY = 50;

const suite: Suite = {
  name: 'ways-of-calling',
  title: 'Client: the ways in which a GET can be written',
  method:
    'Each case is one way to say the same request (undici is given the same work: the same parts made anew for ' +
    'each call). 50 requests in flight, 1 KiB of JSON is read as text.',
  contenders: ['hotaru', 'undici-pool'],
  cases: [...WAYS],
  columns: CLIENT_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: WAYS.map((way) => ({
    text: `CPU per request, ${way}, ours ÷ undici-pool`,
    value: { figure: 'cpuUs', case: way },
    over: { figure: 'cpuUs', case: way, contender: 'undici-pool' },
    atMost: 1,
  })),
  staysOpen: true,
  open: (contender, caseName, rig) => {
    const calledBy = WAYS.find((one) => one === caseName);
    const target = plainTarget(rig, CONCURRENCY);
    return openClient({ contender, target, concurrency: CONCURRENCY, calledBy }, rig);
  },
};
export default suite;
