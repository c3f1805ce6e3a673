import { HELLO, type PostAnswer } from '../contender.js';
import type { Suite } from '../harness/suite.js';
import { LOAD, openServer, SERVER_COLUMNS } from './server.js';

const POST: PostAnswer = { id: 42, post: 'first-light', page: '3' };
const CASES: Record<string, { path: string; expected: string }> = {
  hello: { path: '/', expected: HELLO },
  'params + JSON': {
    path: `/users/${POST.id}/posts/${POST.post}?page=${POST.page}`,
    expected: JSON.stringify(POST),
  },
};
const hello = { figure: 'cpuUs', case: 'hello' };

const suite: Suite = {
  name: 'inbound',
  title: 'Framework: requests coming in',
  method: `\`hello\` answers a short text; \`params + JSON\` takes two path parameters and a query and answers JSON. ${LOAD}`,
  contenders: ['hotaru', 'node-http', 'fastify', 'hono', 'express', 'koa', 'nestjs', 'h3'],
  cases: Object.keys(CASES),
  columns: SERVER_COLUMNS,
  headline: { figure: 'cpuUs', better: 'lower' },
  bars: (
    [
      ['node-http', 1.15],
      ['fastify', 1],
      ['hono', 1],
    ] as const
  ).map(([contender, atMost]) => ({
    text: `CPU per request of hello, ours ÷ ${contender}`,
    value: hello,
    over: { ...hello, contender },
    atMost,
  })),
  staysOpen: true,
  open: (contender, caseName, rig) => {
    const wanted = CASES[caseName];
    return wanted === undefined
      ? Promise.resolve(undefined)
      : openServer({ kind: 'server', contender }, wanted, rig);
  },
};
export default suite;
