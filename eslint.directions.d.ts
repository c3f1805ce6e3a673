/** For tests/directions.test.ts: the configuration of the linter is JavaScript. */
import type { ESLint } from 'eslint';

export interface Direction {
  readonly from: readonly string[];
  readonly except?: readonly string[];
  readonly never: readonly string[];
  readonly may: readonly string[];
  readonly why: string;
}

export const DIRECTIONS: readonly Direction[];
export const NOT_IN_WIRE: readonly string[];
export const NOT_BUILT: readonly string[];
export const directions: ESLint.Plugin;
