/** Rounds: in each, every contender has its turn, one after another, so that all see the same machine. */
import { describeMachine, type CaseResult, type SuiteResult } from './results.js';
import type { Rig } from './rig.js';
import { Absent, type Contest, type Figures, type Suite } from './suite.js';
import { canPin } from './worker-process.js';

/** Told before each turn: how many are done, of how many. */
export type Progress = (done: number, total: number, what: string) => void;

/** One contender in one case. */
interface Entry {
  readonly case: string;
  readonly contender: string;
  label: string;
  contest: Contest | undefined;
  readonly rounds: Figures[];
  /** It can't do this, or failed at it. */
  isOut: boolean;
  /** Why it is not on this machine. */
  absent: string | undefined;
}

/** A contender that fails is out of its case, with a word about it; ours failing ends the run. */
export async function runSuite(
  suite: Suite,
  rig: Rig,
  rounds: number,
  progress: Progress,
  warn: (text: string) => void,
): Promise<SuiteResult> {
  const cases = suite.cases.map((name) =>
    suite.contenders.map((contender): Entry => ({
      case: name,
      contender,
      label: contender,
      contest: undefined,
      rounds: [],
      isOut: false,
      absent: undefined,
    })),
  );
  const total = rounds * cases.flat().length;
  let done = 0;
  const round = async (entries: readonly Entry[]): Promise<void> => {
    for (const entry of entries) {
      progress(done, total, `${suite.name}, ${entry.case}: ${entry.contender}`);
      done += 1;
      if (!entry.isOut) await turn(suite, entry, rig, warn);
    }
  };
  // Those that stay open do so for one case; the others' cases take turns too, as some bars compare them.
  const groups = suite.staysOpen ? cases : [cases.flat()];
  for (const entries of groups)
    try {
      for (let i = 0; i < rounds; i += 1) await round(entries);
    } finally {
      await Promise.all(entries.map(close));
    }
  return resultOf(suite, rig, rounds, cases);
}

async function turn(
  suite: Suite,
  entry: Entry,
  rig: Rig,
  warn: (text: string) => void,
): Promise<void> {
  try {
    entry.contest ??= await suite.open(entry.contender, entry.case, rig);
    if (entry.contest === undefined) entry.isOut = true;
    else {
      entry.label = entry.contest.label;
      entry.rounds.push(await entry.contest.measure());
      if (!suite.staysOpen) await close(entry);
    }
  } catch (error) {
    await close(entry);
    if (entry.contender === suite.contenders[0]) throw error;
    entry.isOut = true;
    if (error instanceof Absent) entry.absent = error.message;
    else warn(`${suite.name}, ${entry.case}: ${entry.contender} is out: ${String(error)}`);
  }
}

async function close(entry: Entry): Promise<void> {
  const { contest } = entry;
  entry.contest = undefined;
  await contest?.close();
}

function resultOf(
  suite: Suite,
  rig: Rig,
  rounds: number,
  cases: readonly (readonly Entry[])[],
): SuiteResult {
  const { name, title, method, columns, headline, bars } = suite;
  return {
    name,
    title,
    method,
    columns,
    headline,
    bars,
    date: new Date().toISOString(),
    machine: describeMachine(canPin),
    origin: rig.originName,
    rounds,
    windowMs: rig.timing.windowMs,
    absent: Object.fromEntries(
      cases
        .flat()
        .flatMap(({ contender, absent }) => (absent === undefined ? [] : [[contender, absent]])),
    ),
    cases: suite.cases.map((caseName, index): CaseResult => ({
      name: caseName,
      contenders: (cases[index] ?? [])
        .filter((entry) => !entry.isOut)
        .map((entry) => ({ name: entry.contender, label: entry.label, rounds: entry.rounds })),
    })),
  };
}
