/**
 * `npm run bench` for every suite, `npm run bench -- client-h1 gateway` for some. See README.md here.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { against, checkoutAt } from './harness/against.js';
import { absentLines, barLine, resultTables } from './harness/markdown.js';
import { ReportFolder } from './harness/report.js';
import { judge, type SuiteResult } from './harness/results.js';
import { Rig, timingOf } from './harness/rig.js';
import { runSuite } from './harness/run-suite.js';
import type { Suite } from './harness/suite.js';
import { loadSuite, SUITES } from './suites/index.js';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));
const OPTIONS = {
  /** Fail when a bar is missed. */
  check: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '5' },
  /** The length of each measured window. */
  seconds: { type: 'string', default: '0.5' },
  /** CPU time that a contender spends before its first window. Default: 1.5; next to none for windows below 0.5 s. */
  warm: { type: 'string' },
  /** Where reports are written, in a folder for each version of Node. */
  results: { type: 'string', default: RESULTS },
  /** Write none. */
  dry: { type: 'boolean', default: false },
  /** Measure nothing: draw and judge the report that is there. */
  report: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  /** Another checkout, built: ours of here and ours of there, in turn, and nothing else. Writes no report. */
  against: { type: 'string' },
} as const;

const { values, positionals } = readArguments();
const unknown = positionals.filter((name) => !SUITES.includes(name));
if (unknown.length > 0)
  fail(`no suite is called ${unknown.join(', ')}; there are: ${SUITES.join(', ')}`);
const rounds = positive('rounds', values.rounds);
if (!Number.isInteger(rounds)) fail(`--rounds is ${values.rounds}; allowed: a whole number`);
const windowMs = positive('seconds', values.seconds) * 1_000;
const warmCpuMs = values.warm === undefined ? undefined : positive('warm', values.warm) * 1_000;
const folder = new ReportFolder(values.results);
const checkout =
  values.against === undefined ? undefined : tried(() => checkoutAt(values.against ?? ''));
const names = positionals.length === 0 ? SUITES : positionals;

if (values.list) console.log(SUITES.join('\n'));
else {
  const missed = values.report ? await redraw() : await run();
  if (values.check && missed > 0) fail(`bars missed: ${missed}`);
}

/** Returns how many bars were missed. */
async function run(): Promise<number> {
  const rig = await Rig.start(timingOf(windowMs, warmCpuMs));
  let missed = 0;
  const failures: string[] = [];
  const warn = (text: string): void => {
    failures.push(text);
    clearProgress();
    console.warn(text);
  };
  try {
    for (const name of names) {
      const result = await runSuite(await suiteOf(name), rig, rounds, showProgress, warn);
      clearProgress();
      missed += show(result);
      // After each suite: what is measured is not lost if a later one fails.
      if (!values.dry && checkout === undefined) await folder.add(result);
    }
  } finally {
    await rig.close();
  }
  if (failures.length > 0) fail(`contenders that failed: ${failures.length}`);
  return missed;
}

async function suiteOf(name: string): Promise<Suite> {
  const suite = await loadSuite(name);
  return checkout === undefined ? suite : tried(() => against(suite, checkout));
}

async function redraw(): Promise<number> {
  const report = await folder.read();
  if (!values.dry) await folder.write(report);
  const wanted = report.suites.filter(({ name }) => names.includes(name));
  return wanted.reduce((missed, result) => missed + show(result), 0);
}

function show(result: SuiteResult): number {
  const bars = judge(result);
  console.log(`\n${result.name}: ${result.title}\n\n${resultTables(result)}`);
  for (const line of absentLines(result)) console.log(line);
  for (const bar of bars) console.log(barLine(bar));
  return bars.filter(({ isMet }) => !isMet).length;
}

function showProgress(done: number, total: number, what: string): void {
  const percent = Math.round((100 * done) / total);
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${percent} % ${what}`);
  else if (done % Math.ceil(total / 10) === 0) process.stderr.write(`${percent} % ${what}\n`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    const allowed = Object.keys(OPTIONS).map((name) => `--${name}`);
    return fail(`${(error as Error).message}; options: ${allowed.join(', ')}`);
  }
}

/** What is wrong with what was asked for is said in a line. */
function tried<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    return fail((error as Error).message);
  }
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
