/**
 * The requests of an app, for its log: one line for each when it is over (the access log), and which are under
 * way when it has to stop.
 *
 * Only a request that was not answered in the turn it came in is kept in the list.
 */
import type { OpenCall } from '@hotaru/client';
import { CONSTANTS } from '../constants.js';
import type { Exchange } from '../http/exchange.js';
import type { HttpError } from '../http/response/http-error.js';
import type { Logger } from './logger.js';
import { OpenRequests } from './open-requests.js';

/**
 * How a request ended. `sent`: the response was handed over to the system. `client-left`: before that. `cut`: its
 * body failed after the head was out, or its client took nothing of it for `writeTimeout`. `drain-cut`: the app had
 * to stop first; a request without a response was answered with a 503.
 */
export type RequestOutcome = 'sent' | 'client-left' | 'cut' | 'drain-cut';

/** A request under way, as it is listed at the end. */
export interface OpenRequest {
  readonly requestId: string | undefined;
  readonly method: string;
  readonly path: string;
  /** Since it came. */
  readonly ms: number;
  /** What it waits for, if that is an upstream. */
  readonly calls?: readonly OpenCall[];
}

/** Where there was no response: nginx's status for a client that left, and what the drain would have said. */
const UNSENT_STATUS: Readonly<Partial<Record<RequestOutcome, number>>> = {
  'client-left': 499,
  'drain-cut': 503,
};

export class RequestLog {
  /** Is there a line for each request? Then each has an id and is timed. */
  readonly isOn: boolean;
  readonly #log: Logger;
  readonly #open = new OpenRequests<Exchange>();
  readonly #mentioned = new WeakSet<Exchange>();
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(log: Logger, isOn: boolean) {
    this.#log = log;
    this.isOn = isOn && log.isLevelEnabled('info');
  }

  /** It is not answered yet, and will be later. */
  opened(exchange: Exchange): void {
    if (exchange.startedAtMs === 0) exchange.startedAtMs = performance.now();
    this.#open.add(exchange);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#lookForUnanswered(), CONSTANTS.unansweredCheckMs);
    this.#timer.unref();
  }

  /** What the parser, or the first look at a head, has refused: it never was a request with a line of its own. */
  refused(problem: HttpError, reason?: string): void {
    const { status, code, detail } = problem;
    if (this.isOn)
      this.#log.info({ status, code, detail, reason, outcome: 'refused' }, 'a request was refused');
  }

  #lookForUnanswered(): void {
    if (this.#open.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const nowMs = performance.now();
    for (const exchange of this.#open) {
      const ms = Math.round(nowMs - exchange.startedAtMs);
      if (exchange.state !== 'open' || ms < CONSTANTS.unansweredNewsMs) continue;
      if (this.#mentioned.has(exchange)) continue;
      this.#mentioned.add(exchange);
      const calls = exchange.openCalls();
      exchange.log.warn(
        { pattern: exchange.pattern, ms, ...(calls.length > 0 && { calls }) },
        'a request is still unanswered',
      );
    }
  }

  finished(exchange: Exchange): void {
    this.#open.remove(exchange);
    if (this.isOn) this.#log.info(accessFacts(exchange), 'request');
    else if (exchange.outcome === 'client-left' && !exchange.isHeadSent)
      this.#log.info(accessFacts(exchange), 'the client left before its request was answered');
  }

  /** Those that are under way. */
  get open(): readonly Exchange[] {
    return [...this.#open];
  }

  /** How many are under way. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Those under way, the oldest first; of many only the first. */
  listOpen(): OpenRequest[] {
    const nowMs = performance.now();
    return [...this.#open].slice(0, CONSTANTS.maxListed).map((exchange) => {
      const calls = exchange.openCalls();
      return {
        requestId: exchange.loggedId,
        method: exchange.inbound.method,
        path: exchange.path,
        ms: Math.round(nowMs - exchange.startedAtMs),
        ...(calls.length > 0 && { calls }),
      };
    });
  }
}

function accessFacts(exchange: Exchange): Record<string, unknown> {
  const { inbound, sentStatus, path, pattern, startedAtMs, bodyBytes, outcome, callsWhenLeft } =
    exchange;
  return {
    requestId: exchange.loggedId,
    method: inbound.method,
    path,
    pattern,
    status: sentStatus === 0 ? (UNSENT_STATUS[outcome] ?? 200) : sentStatus,
    ms: startedAtMs === 0 ? undefined : Math.round((performance.now() - startedAtMs) * 10) / 10,
    bytes: bodyBytes,
    outcome,
    ...(exchange.errorCode !== undefined && { code: exchange.errorCode }),
    ...(callsWhenLeft.length > 0 && { calls: callsWhenLeft.slice(0, CONSTANTS.maxListed) }),
  };
}
