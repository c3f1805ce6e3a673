/**
 * `npm run bench` for every suite, `npm run bench -- client-h1 gateway` for some. See README.md here.
 */
import { parseArgs } from 'node:util';
import { judge, type SuiteResult } from './harness/results.js';
import { addToReport } from './harness/report.js';
import { Rig } from './harness/rig.js';
import { runSuite } from './harness/run-suite.js';
import { barLine, resultTables } from './harness/markdown.js';
import { loadSuite, SUITES } from './suites/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
    dry: { type: 'boolean', default: false },
  },
});

const unknown = positionals.filter((name) => !SUITES.includes(name));
if (unknown.length > 0)
  fail(`no suite is called ${unknown.join(', ')}; there are: ${SUITES.join(', ')}`);
const rounds = positive('rounds', values.rounds);
if (!Number.isInteger(rounds)) fail(`--rounds is ${values.rounds}; allowed: a whole number`);
const windowMs = positive('seconds', values.seconds) * 1_000;

if (values.list) console.log(SUITES.join('\n'));
else await run(positionals.length === 0 ? SUITES : positionals);

async function run(names: readonly string[]): Promise<void> {
  const timing = { warmMs: Math.max(500, windowMs * 0.7), windowMs };
  const rig = await Rig.start(timing);
  let missed = 0;
  try {
    for (const name of names) {
      const result = await runSuite(await loadSuite(name), rig, rounds, showProgress, warn);
      clearProgress();
      missed += show(result);
      // After each suite: what is measured is not lost if a later one fails.
      if (!values.dry) await addToReport(result);
    }
  } finally {
    await rig.close();
  }
  if (values.check && missed > 0) fail(`${missed} bars missed`);
}

function show(result: SuiteResult): number {
  const bars = judge(result);
  console.log(`\n${result.name}: ${result.title}\n\n${resultTables(result)}`);
  for (const bar of bars) console.log(barLine(bar));
  return bars.filter(({ isMet }) => !isMet).length;
}

function showProgress(done: number, total: number, what: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[K${Math.round((100 * done) / total)} % ${what}`);
  else if (done % Math.ceil(total / 10) === 0)
    process.stderr.write(`${Math.round((100 * done) / total)} % ${what}\n`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

function warn(text: string): void {
  clearProgress();
  console.warn(text);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1_000)) fail(`--${name} is ${text}; allowed: a number above 0`);
  return value;
}

function fail(text: string): never {
  console.error(text);
  process.exit(1);
}
