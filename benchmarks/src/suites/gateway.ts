import type { Suite } from '../harness/suite.js';
import { JSON_BODY } from '../origins/answers.js';
import { LOAD, openServer, SERVER_COLUMNS } from './server.js';

const CASE = 'one call for each request';
const cpu = { figure: 'cpuUs', case: CASE };

const suite: Suite = {
  name: 'gateway',
  title: 'Gateway: a handler that awaits one upstream call and returns its JSON',
  method: `1 KiB of JSON, parsed and written again (reply-from passes it through). ${LOAD}`,
  contenders: [
    'hotaru',
    'fastify-undici',
    'fastify-reply-from',
    'hono-fetch',
    'express-axios',
    'nestjs-http-module',
    'floor-node-http',
  ],
  cases: [CASE],
  columns: SERVER_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  // “Twice as good as” is half of its cost.
  bars: (
    [
      ['fastify-undici', 2],
      ['hono-fetch', 7],
      ['express-axios', 10],
      ['nestjs-http-module', 10],
    ] as const
  ).map(([contender, atLeast]) => ({
    text: `CPU per request, ${contender} ÷ ours`,
    value: { ...cpu, contender },
    over: cpu,
    atLeast,
  })),
  staysOpen: true,
  open: (contender, _case, rig) =>
    openServer({ kind: 'gateway', contender }, { path: '/', expected: JSON_BODY }, rig),
};
export default suite;
