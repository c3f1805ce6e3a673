/**
 * A call as the scope it is made in sees it, and what is said of it: while it is open, and when it was left behind.
 */
import type { Phase } from '../errors.js';

/** A call that was left behind, as it is reported. */
export interface CallReport {
  readonly method: string;
  readonly url: string;
  /** Where the call was made; undefined unless `captureCallSites` is on. */
  readonly callSite: string | undefined;
}

export type UnreadBodyReport = CallReport;

/** A call that is not over, as it is listed. */
export interface OpenCall {
  readonly method: string;
  /** `https://api.example.com` */
  readonly origin: string;
  /** Without the query. */
  readonly path: string;
  readonly phase: Phase;
  /** Since it was made. */
  readonly ms: number;
}

/** In the error of a call that its scope has outlived. */
export const SCOPE_ENDED =
  'the request that it was made for is over; wait for calls before you answer, or hold the scope';

/** What a call was doing when its scope ended. */
export interface LeftCall extends CallReport {
  readonly left: 'in flight' | 'unread';
}

export interface ScopedCall {
  /** Rejects with the reason. A promise that was never awaited is no unhandled rejection then. */
  abortWithScope(reason: unknown): void;
  /** Fails with `HOTARU_DEADLINE_EXCEEDED`. As `abortWithScope`. */
  expireWithScope(): void;
  /** The deadline of the scope was put off, or taken away: ask for it anew. */
  scopeDeadlineMoved(): void;
  /** Undefined when it is over. */
  describe(): OpenCall | undefined;
  /**
   * Gives an unread body up, aborts what is in flight; what it was, or undefined when all was done.
   *
   * @param abortsReading a body that is being read is aborted, too.
   */
  endWithScope(abortsReading: boolean): LeftCall | undefined;
}
