/**
 * What a report says in short, twice: a page (`benchmarks/SUMMARY.md`: a few tables, every missed bar, every place
 * where a peer is ahead), and three lines of it for the project's README. `tests/docs.test.ts` keeps both as this says.
 */
import { barLine, caseTable } from './markdown.js';
import { isFloor, judge, ratioOf, type Report, type SuiteResult } from './results.js';

/** What most readers want to see first: suite, case. */
const SHOWN = [
  ['client-h1', 'c = 50'],
  ['client-tls', 'c = 50'],
  ['gateway', 'one call for each request'],
  ['inbound', 'hello'],
] as const;

export function summaryPage(report: Report): string {
  return [
    methodOf(report),
    ...SHOWN.flatMap(([name, caseName]) => {
      const result = report.suites.find((suite) => suite.name === name);
      const one = result?.cases.find((found) => found.name === caseName);
      if (result === undefined || one === undefined) return [];
      return [
        `${result.title}, ${caseName} (\`npm run bench -- ${name}\`):`,
        caseTable(result, one),
      ];
    }),
    list('Bars that are missed:', 'Every bar is met.', report.suites.flatMap(missedBars)),
    list(
      'Where a peer is ahead, by the figure of its suite:',
      'No peer is ahead of ours in any case.',
      report.suites.flatMap(peersAhead),
    ),
  ].join('\n\n');
}

/** A line for the README: suite, case, what it does, and the contenders with the names that readers know. */
const LINES = [
  [
    'client-h1',
    'c = 50',
    'a GET of 1 KiB of JSON, 50 at once',
    { 'undici-pool': "undici's Pool", 'node-http': 'node:http', got: 'got' },
  ],
  [
    'gateway',
    'one call for each request',
    'a gateway: one call for each request',
    {
      'fastify-undici': 'Fastify + undici',
      'hono-fetch': 'Hono + fetch',
      'nestjs-http-module': 'NestJS + axios',
    },
  ],
  [
    'inbound',
    'hello',
    'hello',
    { 'node-http': 'bare node:http', fastify: 'Fastify', hono: 'Hono' },
  ],
] as const;

export function readmeLines(report: Report): string {
  return LINES.map(([name, caseName, what, peers]) => {
    const suite = report.suites.find((found) => found.name === name);
    const contenders = suite?.cases.find((found) => found.name === caseName)?.contenders ?? [];
    const ratios = Object.entries(peers).map(([peer, label]) => {
      const theirs = contenders.find((found) => found.name === peer);
      const ratio = ratioOf(contenders[0]?.rounds ?? [], theirs?.rounds ?? [], 'cpuUs')?.median;
      if (ratio === undefined) throw new Error(`the report has no ${peer} in ${name}`);
      return `${ratio.toFixed(2)} × ${label}`;
    });
    return `- ${what}: ${ratios.join(', ')}`;
  }).join('\n');
}

function methodOf({ node, suites }: Report): string {
  const [first] = suites;
  if (first === undefined) throw new Error('the report has no suite');
  return (
    `Measured by \`npm run bench\` on ${first.date.slice(0, 10)}: Node ${node}, ${first.machine}; every contender in a ` +
    `process of its own, in turn with the others, ${first.rounds} rounds of ${first.windowMs / 1_000} s, against ` +
    `${first.origin} on the other core. CPU is that of the measured process alone; a ratio is the median of the ratios of ` +
    'single rounds, ours ÷ theirs. The machine is shared: its absolute figures mean nothing on another.'
  );
}

function list(head: string, otherwise: string, items: readonly string[]): string {
  return items.length === 0
    ? otherwise
    : [head, '', ...items.map((item) => `- ${item}`)].join('\n');
}

function missedBars(result: SuiteResult): string[] {
  return judge(result)
    .filter(({ isMet }) => !isMet)
    .map((bar) => `\`${result.name}\`: ${barLine(bar).replace('**MISSED**: ', '')}`);
}

/** By the median of the rounds' ratios; floors, which do less, are not peers, nor are we ourselves. */
function peersAhead({ name, cases, headline }: SuiteResult): string[] {
  return cases.flatMap(({ name: caseName, contenders }) => {
    const ours = contenders[0]?.rounds ?? [];
    return contenders.slice(1).flatMap(({ label, rounds }) => {
      const ratio = ratioOf(ours, rounds, headline.figure)?.median;
      if (ratio === undefined || isFloor(label) || /^hotaru/i.test(label)) return [];
      const isAhead = headline.better === 'lower' ? ratio > 1 : ratio < 1;
      return isAhead
        ? [`\`${name}\`, ${caseName}: ${label}, ours ÷ theirs ${ratio.toFixed(2)}`]
        : [];
    });
  });
}
