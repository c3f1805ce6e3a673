/**
 * What a suite is: cases, contenders, how one of them is measured once, what is shown of it, and the
 * bars ours has to clear. The harness does the rest: rounds, ratios, reports.
 */
import type { Rig } from './rig.js';

/** Figures of one run by name: `cpuUs`, `requestsPerSecond` … Units are in the names. */
export type Figures = Readonly<Record<string, number>>;

export interface Column {
  readonly figure: string;
  readonly heading: string;
  readonly digits: number;
}

/** Which figure of which contender in which case. */
export interface Quantity {
  readonly figure: string;
  readonly case: string;
  /** Default: ours. */
  readonly contender?: string;
}

/** `value`, or `value ÷ over`, has to be at most, or at least, so much. */
export interface Bar {
  readonly text: string;
  readonly value: Quantity;
  readonly over?: Quantity;
  /** Both are taken as multiples of what this contender, a floor, needs in the same case. */
  readonly inFloors?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Suite {
  /** The name of its file, and what `npm run bench -- <name>` takes. */
  readonly name: string;
  readonly title: string;
  /** How it is measured and what to know about it, in a sentence or two. */
  readonly method: string;
  /** Ours first. */
  readonly contenders: readonly string[];
  readonly cases: readonly string[];
  readonly columns: readonly Column[];
  /** The figure of the ratio and of the chart. */
  readonly headline: { readonly figure: string; readonly better: 'lower' | 'higher' };
  readonly bars: readonly Bar[];
  /**
   * True: a contender's process lives through all rounds of its case, warmed up once and at rest while
   * others have their turn. False: every round starts it anew, cold or with connections that the origin
   * could not hold for all of them at once.
   */
  readonly staysOpen: boolean;
  /** It measures a part of the client that stands here, and no contender: `--against` has nothing to load. */
  readonly isOfPart?: true;
  /** One contender, ready for one case; undefined where it can't do that. */
  open(contender: string, caseName: string, rig: Rig): Promise<Contest | undefined>;
}

/** Thrown for a contender that is not on this machine: the report says why, and its bars are not judged. */
export class Absent extends Error {}

/** A contender at work. */
export interface Contest {
  /** As the contender calls itself. */
  readonly label: string;
  /** Its turn in one round. */
  measure(): Promise<Figures>;
  close(): Promise<void>;
}

/** What a worker that does its work in one call answers. */
export interface Outcome {
  readonly label: string;
  readonly figures: Figures;
}

/** A contest of a single turn, which is over when it begins; undefined where the contender can't do that. */
export function contestOf(outcome: Outcome | undefined): Contest | undefined {
  if (outcome === undefined) return undefined;
  const { label, figures } = outcome;
  return { label, measure: () => Promise.resolve(figures), close: () => Promise.resolve() };
}

/** Columns that most suites share. */
export const CPU_US: Column = { figure: 'cpuUs', heading: 'CPU µs/request', digits: 1 };
export const REQUESTS: Column = { figure: 'requestsPerSecond', heading: 'requests/s', digits: 0 };
export const P50: Column = { figure: 'p50Ms', heading: 'p50 ms', digits: 3 };
export const P99: Column = { figure: 'p99Ms', heading: 'p99 ms', digits: 3 };
export const RSS: Column = { figure: 'rssMiB', heading: 'RSS MiB', digits: 0 };
