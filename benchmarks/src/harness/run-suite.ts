/** Rounds: in each, every contender of every case has its turn, so that all see the same machine. */
import { describeMachine, type CaseResult, type SuiteResult } from './results.js';
import type { Rig } from './rig.js';
import type { Figures, Suite } from './suite.js';
import { canPin } from './worker-process.js';

/** Told before each run: how many are done, of how many. */
export type Progress = (done: number, total: number, what: string) => void;

interface Entry {
  readonly contender: string;
  label: string;
  readonly rounds: Figures[];
  /** It can't do this, or failed at it: `undefined` while it goes. */
  isOut: boolean;
}

/** A contender that fails is out of its case, with a word about it; ours failing ends the run. */
export async function runSuite(
  suite: Suite,
  rig: Rig,
  rounds: number,
  progress: Progress,
  warn: (text: string) => void,
): Promise<SuiteResult> {
  const entries = suite.cases.map((name) => ({
    name,
    contenders: suite.contenders.map((contender): Entry => ({
      contender,
      label: contender,
      rounds: [],
      isOut: false,
    })),
  }));
  const total = rounds * suite.cases.length * suite.contenders.length;
  let done = 0;
  for (let round = 0; round < rounds; round += 1)
    for (const { name, contenders } of entries)
      for (const entry of contenders) {
        progress(done, total, `${suite.name}, ${name}: ${entry.contender}`);
        done += 1;
        if (!entry.isOut) await runOnce(suite, name, entry, rig, warn);
      }
  return {
    name: suite.name,
    title: suite.title,
    method: suite.method,
    columns: suite.columns,
    headline: suite.headline,
    bars: suite.bars,
    date: new Date().toISOString(),
    machine: describeMachine(canPin),
    origin: rig.originName,
    rounds,
    windowMs: rig.timing.windowMs,
    cases: entries.map(({ name, contenders }): CaseResult => ({
      name,
      contenders: contenders
        .filter((entry) => !entry.isOut)
        .map(({ contender, label, rounds }) => ({ name: contender, label, rounds })),
    })),
  };
}

async function runOnce(
  suite: Suite,
  caseName: string,
  entry: Entry,
  rig: Rig,
  warn: (text: string) => void,
): Promise<void> {
  try {
    const run = await suite.run(entry.contender, caseName, rig);
    if (run === undefined) entry.isOut = true;
    else {
      entry.label = run.label;
      entry.rounds.push(run.figures);
    }
  } catch (error) {
    if (entry.contender === suite.contenders[0]) throw error;
    entry.isOut = true;
    warn(`${suite.name}, ${caseName}: ${entry.contender} is out: ${String(error)}`);
  }
}
