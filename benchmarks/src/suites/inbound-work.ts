import { HELLO, type PostAnswer } from '../contender.js';
import { ORDER, ORDER_JSON, receiptOf } from '../contenders/work/work.js';
import type { Suite } from '../harness/suite.js';
import { LOAD, openServer, SERVER_COLUMNS, type Asked } from './server.js';

const POST: PostAnswer = { id: 42, post: 'first-light', page: '3' };
const CASES: Record<string, Asked> = {
  '10 response headers': { path: '/headers', expected: HELLO },
  '10 async middlewares': { path: '/middleware', expected: HELLO },
  'POST 1 KB JSON': {
    path: '/orders',
    json: ORDER_JSON,
    expected: JSON.stringify(receiptOf(ORDER)),
  },
  'params + 100 routes': {
    path: `/users/${POST.id}/posts/${POST.post}?page=${POST.page}`,
    expected: JSON.stringify(POST),
  },
};

const suite: Suite = {
  name: 'inbound-work',
  title: 'Framework: what requests do besides hello',
  method: `Ten response headers; ten middlewares that await; 1 KiB of JSON parsed and answered with a line of it; two path parameters and a query among a hundred other routes. ${LOAD}`,
  contenders: ['hotaru', 'node-http', 'fastify', 'hono'],
  cases: Object.keys(CASES),
  columns: SERVER_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: Object.keys(CASES).map((name) => ({
    text: `CPU per request of ${name}, ours ÷ Fastify`,
    value: { figure: 'cpuUs', case: name },
    over: { figure: 'cpuUs', case: name, contender: 'fastify' },
    atMost: 0.9,
  })),
  staysOpen: true,
  open: (contender, caseName, rig) => {
    const asked = CASES[caseName];
    return asked === undefined
      ? Promise.resolve(undefined)
      : openServer({ kind: 'work', contender }, asked, rig);
  },
};
export default suite;
