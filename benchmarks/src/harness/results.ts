/**
 * What was measured, as it is kept: every run of every round, so that medians, spreads, ratios and bars
 * can be computed again. One file for each Node version; a suite that is run again replaces its own part.
 */
import { cpus, release, totalmem, type as osType } from 'node:os';
import type { Bar, Column, Figures, Quantity, Suite } from './suite.js';
import { median } from './statistics.js';

export interface SuiteResult {
  readonly name: string;
  readonly title: string;
  readonly method: string;
  readonly columns: readonly Column[];
  readonly headline: Suite['headline'];
  readonly bars: readonly Bar[];
  /** ISO date of the run, and the machine it ran on. */
  readonly date: string;
  readonly machine: string;
  readonly origin: string;
  readonly rounds: number;
  readonly windowMs: number;
  /** Contenders that are not on the machine, each with the reason. */
  readonly absent?: Readonly<Record<string, string>>;
  readonly cases: readonly CaseResult[];
}

export interface CaseResult {
  readonly name: string;
  /** Ours first. */
  readonly contenders: readonly ContenderResult[];
}

export interface ContenderResult {
  readonly name: string;
  readonly label: string;
  /** One for each round, so that the same index is the same few seconds. */
  readonly rounds: readonly Figures[];
}

export interface Report {
  readonly node: string;
  readonly suites: readonly SuiteResult[];
}

/** A number with what it varied between. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A figure's rounds; empty where it was not measured. */
export function roundsOfFigure(rounds: readonly Figures[], figure: string): number[] {
  return rounds.flatMap((figures) => figures[figure] ?? []);
}

/** Floors call themselves so: they do less than the others, and are no peers. */
export function isFloor(label: string): boolean {
  return label.startsWith('floor');
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Of two contenders, round by round: what slowed the machine down in one round slowed both.
 * Undefined where one of them has no such figure.
 */
export function ratioOf(
  ours: readonly Figures[],
  theirs: readonly Figures[],
  figure: string,
): Spread | undefined {
  const ratios = ours.flatMap((figures, round) => {
    const own = figures[figure];
    const other = theirs[round]?.[figure];
    return own === undefined || other === undefined ? [] : [own / other];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

export interface BarResult {
  readonly bar: Bar;
  /** Undefined when what it needs was not measured: that is a missed bar too. */
  readonly value: number | undefined;
  readonly isMet: boolean;
}

/** Bars against a contender that is not on the machine are left out: `absent` says why. */
export function judge(result: SuiteResult): BarResult[] {
  const isHere = ({ over, value }: Bar): boolean =>
    [over, value].every((quantity) => result.absent?.[quantity?.contender ?? ''] === undefined);
  return result.bars.filter(isHere).map((bar) => {
    const values = valuesOf(result, bar.value, bar.inFloors);
    const over = bar.over === undefined ? [] : valuesOf(result, bar.over, bar.inFloors);
    const ratios = bar.over === undefined ? values : divided(values, over);
    const value = ratios.length === 0 || ratios.some(Number.isNaN) ? undefined : median(ratios);
    const isMet =
      value !== undefined &&
      value <= (bar.atMost ?? Infinity) &&
      value >= (bar.atLeast ?? -Infinity);
    return { bar, value, isMet };
  });
}

function valuesOf(result: SuiteResult, quantity: Quantity, floor: string | undefined): number[] {
  const values = roundsOf(result, quantity);
  if (floor === undefined) return values;
  return divided(values, roundsOf(result, { ...quantity, contender: floor }));
}

function divided(values: readonly number[], by: readonly number[]): number[] {
  return values.map((value, round) => value / (by[round] ?? Number.NaN));
}

function roundsOf(result: SuiteResult, { case: name, contender, figure }: Quantity): number[] {
  const { contenders = [] } = result.cases.find((one) => one.name === name) ?? {};
  const found =
    contender === undefined ? contenders[0] : contenders.find((one) => one.name === contender);
  return (found?.rounds ?? []).map((figures) => figures[figure] ?? Number.NaN);
}

export function describeMachine(isPinned: boolean): string {
  const [cpu] = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return (
    `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${gib} GiB, ${osType()} ${release().split('-')[0] ?? ''}, ` +
    (isPinned ? 'each process pinned to its core' : 'processes not pinned')
  );
}
