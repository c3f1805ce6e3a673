import type { Suite } from '../harness/suite.js';
import { JSON_BODY } from '../origins/answers.js';
import { CLIENT_COLUMNS, concurrencyOf, PEERS, plainTarget, openClient } from './client.js';

const suite: Suite = {
  name: 'client-post',
  title: 'Client: POST of 1 KiB JSON over HTTP/1.1',
  method: 'A JSON text is posted, 1 KiB of JSON comes back and is read as text.',
  contenders: [...PEERS, 'raw-net'],
  cases: ['c = 50'],
  columns: CLIENT_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: [],
  staysOpen: true,
  open: (contender, caseName, rig) => {
    const concurrency = concurrencyOf(caseName);
    const target = plainTarget(rig, concurrency);
    return openClient({ contender, target, concurrency, json: JSON_BODY }, rig);
  },
};
export default suite;
