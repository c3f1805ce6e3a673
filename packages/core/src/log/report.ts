/** The one log line of a request that failed: our fault is an error, an upstream's a warning, the client's is its own. */
import { HotaruClientError } from '@hotaru/client';
import type { Exchange } from '../http/exchange.js';
import type { HttpError } from '../http/response/http-error.js';

const UNREPORTED: ReadonlySet<string | undefined> = new Set([
  // The client's choice: any client could fill the log with it.
  'HOTARU_UNSUPPORTED_TRANSFER_CODING',
  // The drain lists what it cuts: no failure of the request.
  'HOTARU_DRAIN_TIMEOUT',
]);

export function report(exchange: Exchange, problem: HttpError): void {
  if (problem.status < 500 || UNREPORTED.has(problem.code)) return;
  const { status, cause } = problem;
  const calls = exchange.callsAtDeadline;
  const facts = {
    err: cause ?? problem,
    status,
    pattern: exchange.pattern,
    // What the request waited for when its time was up, whichever clock was first to say so.
    ...(calls.length > 0 && { calls }),
  };
  if (exchange.isOutOfTime) exchange.log.error(facts, 'the request was not answered in time');
  else if (cause instanceof HotaruClientError && status !== 500)
    exchange.log.warn(facts, 'an upstream call failed');
  else exchange.log.error(facts, 'the request failed');
}

/** A body that broke after the head was out: an upstream's is a warning, as its other failures are. */
export function reportCut(exchange: Exchange, error: unknown): void {
  const level = error instanceof HotaruClientError ? 'warn' : 'error';
  exchange.log[level](
    { err: error, status: exchange.sentStatus, pattern: exchange.pattern },
    'the response was cut: its body failed',
  );
}
