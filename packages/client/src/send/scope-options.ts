/** What a scope, and a child of one, may be given. */
import { CONSTANTS } from '../config/constants.js';
import { checkNames } from '../config/own-options.js';
import { invalidRequest } from '../errors.js';
import type { CallReport, UnreadBodyReport } from './scoped-call.js';

/** Header fields, name and value. */
export type ScopeFields = readonly (readonly [name: string, value: string])[];

export interface RequestScopeOptions {
  /** An instant of `performance.now()` after which every call rejects. Default: none. */
  deadlineMs?: number | undefined;
  /** Told of each body that was still unread when the scope ended. */
  onUnreadBody?: ((report: UnreadBodyReport) => void) | undefined;
  /** Told of each call that was still in flight when the scope ended, and was aborted. */
  onOpenCall?: ((report: CallReport) => void) | undefined;
  /**
   * Asked for each request that is sent in the scope: fields it carries unless the caller gave it some of the
   * same name. For a request id, a trace.
   */
  fields?: (() => ScopeFields) | undefined;
  /** Remember where each call was made: for diagnostics, it costs a stack trace for each call. Default false. */
  captureCallSites?: boolean | undefined;
}

const ALLOWED = [
  'deadlineMs',
  'onUnreadBody',
  'onOpenCall',
  'fields',
  'captureCallSites',
] as const satisfies readonly (keyof RequestScopeOptions)[];

/** @throws RequestError `HOTARU_INVALID_REQUEST` naming an option that is none, and what is allowed. */
export function checkScopeOptions(options: RequestScopeOptions): Partial<RequestScopeOptions> {
  return checkNames(options, 'the options of a scope', ALLOWED);
}

/** @throws RequestError `HOTARU_INVALID_REQUEST` for what is no instant of `performance.now()`. */
export function checkDeadline(deadlineMs: unknown): number {
  const isNumber = typeof deadlineMs === 'number' && !Number.isNaN(deadlineMs);
  // A time of day is decades ahead of what performance.now() says: it would be no deadline at all.
  const isTimeOfDay = isNumber && deadlineMs >= CONSTANTS.leastTimeOfDayMs && deadlineMs < Infinity;
  if (isNumber && !isTimeOfDay) return deadlineMs;
  const given = typeof deadlineMs === 'string' ? JSON.stringify(deadlineMs) : String(deadlineMs);
  throw invalidRequest(
    `deadlineMs is ${given}${isTimeOfDay ? ', as Date.now() counts' : ''}; allowed: an instant of performance.now(), such as performance.now() + 2_000, or Infinity for none`,
  );
}
