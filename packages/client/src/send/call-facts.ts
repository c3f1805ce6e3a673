/** What a failed call can say for certain, and what follows from it: may it be sent again? */
import type { Connection } from '../connection/connection.js';
import type { Exchange } from '../connection/exchange.js';
import { CONSTANTS } from '../config/constants.js';
import { RequestError, type HotaruClientError, type Phase } from '../errors.js';
import type { Acquisition } from './acquisition.js';
import type { CallRecord } from './call-record.js';
import type { PreparedRequest } from './prepare.js';

export type CallState = 'acquiring' | 'sending' | 'headers' | 'body' | 'over';

export function phaseOf(state: CallState, acquisition: Acquisition<Connection>): Phase {
  switch (state) {
    case 'acquiring':
      return acquisition.phase;
    case 'sending':
      return 'send';
    case 'headers':
      return 'headers';
    default:
      return 'body';
  }
}

/** Sent again, does it do its work once? When nothing was written, or when twice is the same as once. */
function isRepeatable(
  request: PreparedRequest | undefined,
  exchange: Exchange | undefined,
): boolean {
  if (exchange === undefined || exchange.bytesSent === 0 || exchange.mayBeSentAgain) return true;
  if (request === undefined) return false; // let go of, because the answer had begun
  return request.isIdempotent && request.body.kind !== 'stream'; // a stream can't be rewound
}

/** What is done at once about an exchange that has failed: nothing, or the request is sent on … */
export type Replay = 'none' | 'another' | 'fresh';

/**
 * `another` connection: the peer of this one has not acted on the request, for certain (docs/rules.md, rule 12). Whatever
 * the method, but not for ever. `fresh`: a reused connection died before the first byte of an answer; the peer most
 * likely closed it while it was idle (rule 1).
 *
 * @param refusals how often it was sent to `another` one before.
 */
export function replayOf(
  error: HotaruClientError,
  request: PreparedRequest | undefined,
  exchange: Exchange | undefined,
  isStale: boolean,
  refusals: number,
): Replay {
  if (exchange === undefined || exchange.responseStarted) return 'none';
  if (exchange.mayBeSentAgain) return refusals < CONSTANTS.maxRefusals ? 'another' : 'none';
  const mayReplay =
    isStale && error.code === 'HOTARU_CONNECTION_CLOSED' && isRepeatable(request, exchange);
  return mayReplay ? 'fresh' : 'none';
}

export function addFacts(
  error: HotaruClientError,
  phase: Phase,
  request: PreparedRequest | undefined,
  exchange: Exchange | undefined,
  record: CallRecord,
): void {
  record.name(error);
  error.phase ??= phase;
  error.elapsedMs = record.elapsedMs;
  error.bytesSent = exchange?.bytesSent ?? 0;
  error.responseStarted = exchange?.responseStarted ?? false;
  error.reusedConnection = record.isReused;
  error.attempts = record.attempts;
  error.retrySafe =
    !error.responseStarted && !(error instanceof RequestError) && isRepeatable(request, exchange);
}
