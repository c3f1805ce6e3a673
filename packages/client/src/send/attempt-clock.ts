/**
 * The clocks of one attempt: which of them runs when, and what it means that it runs out. The times are those of the
 * call where it says so, else of its host, as they are set at that moment.
 *
 *   clock      runs while                                              runs out
 *   acquire    it waits for a connection                               HOTARU_ACQUIRE_TIMEOUT, HOTARU_CONNECT_TIMEOUT
 *   send       the peer takes nothing of the body                      HOTARU_BODY_TIMEOUT
 *   continue   the body waits for 100                                  the body is sent
 *   grace      a write has failed, and an answer may be here already   the exchange gives up
 *   headers    the request is out                                      HOTARU_HEADERS_TIMEOUT
 *   body       a reader waits for what the peer owes                   HOTARU_BODY_TIMEOUT
 *   drain      the rest of an unwanted body comes                      it is cut off
 *   total      always                                                  HOTARU_DEADLINE_EXCEEDED, or the scope expires
 */
import { CONSTANTS } from '../config/constants.js';
import type { Connection } from '../connection/connection.js';
import type { SendState } from '../connection/exchange.js';
import { TimeoutError, type ErrorCode, type HotaruClientError } from '../errors.js';
import type { Clock } from '../pool/clock.js';
import type { TimeoutKind } from '../pool/counters.js';
import type { Deadlines } from '../pool/deadlines.js';
import type { HostPool } from '../pool/host-pool.js';
import { acquireTimeout } from '../pool/host-report.js';
import type { Acquisition } from './acquisition.js';
import type { Call } from './call.js';
import { CallClock, type Stage } from './call-clock.js';
import type { CheckedOptions } from './options.js';
import type { RequestScope } from './request-scope.js';

export interface AttemptClockOwner {
  /** What the peer said when it announced the end of the connection in use, if it did. */
  readonly goodbye: string | undefined;
  readonly isOver: boolean;
  /** It ends with this. */
  outOfTime(error: HotaruClientError): void;
  /** The wait for 100 is over. */
  continueUpload(): void;
  /** The grace after a failed write is over. */
  giveUp(): void;
  /** The time for the rest of an unwanted body is over. */
  endDraining(): void;
}

const KIND_OF_TIMEOUT = {
  HOTARU_HEADERS_TIMEOUT: 'headers',
  HOTARU_BODY_TIMEOUT: 'body',
  HOTARU_DEADLINE_EXCEEDED: 'deadline',
} as const satisfies Partial<Record<ErrorCode, TimeoutKind>>;

export class AttemptClock extends CallClock {
  readonly #host: HostPool<Connection>;
  readonly #acquisition: Acquisition<Connection>;
  readonly #owner: AttemptClockOwner;
  readonly #options: CheckedOptions;
  readonly #scope: RequestScope | undefined;
  readonly #calledAtMs: number;
  /** Without the deadline of the scope. */
  readonly #ownTotalAtMs: number;
  #acquiringSinceMs = 0;

  constructor(
    clock: Clock,
    deadlines: Deadlines,
    host: HostPool<Connection>,
    acquisition: Acquisition<Connection>,
    call: Call,
    owner: AttemptClockOwner,
  ) {
    super(clock, deadlines, call.deadlineAtMs);
    this.#host = host;
    this.#acquisition = acquisition;
    this.#owner = owner;
    this.#options = call.options;
    this.#scope = call.scope;
    this.#calledAtMs = call.calledAtMs;
    this.#ownTotalAtMs = call.ownDeadlineAtMs;
  }

  // ── what it waits for ──────────────────────────────────────────────────────────────────────────

  get acquiringSinceMs(): number {
    return this.#acquiringSinceMs;
  }

  acquiring(nowMs: number): void {
    this.#acquiringSinceMs = nowMs;
    this.stopStage();
  }

  /** In the queue, on no dial: counted from the start. */
  waiting(): void {
    this.arm('acquire', this.#host.settings.acquireTimeout, this.#acquiringSinceMs);
  }

  dialling(): void {
    const { connectTimeoutMs } = this.#options;
    if (connectTimeoutMs === undefined) return;
    const { acquireTimeout } = this.#host.settings;
    const leftMs = this.#acquiringSinceMs + acquireTimeout - this.now();
    this.arm('acquire', Math.min(leftMs, connectTimeoutMs));
  }

  /** While the request goes out: one clock for each thing that is waited for. */
  sending(state: SendState, nowMs: number): void {
    switch (state) {
      case 'written':
        this.arm('headers', this.#headersTimeoutMs(), nowMs);
        return;
      case 'socket':
      case 'flush':
        this.arm('send', this.#bodyTimeoutMs(), nowMs); // anew with each slice that was taken
        return;
      case 'source': // only the peer is on the clock: a caller's own body may take the time it takes
        this.stopStage();
        return;
      case 'continue':
        this.arm('continue', CONSTANTS.expectContinueMs, nowMs);
        return;
      case 'broken':
        this.arm('grace', CONSTANTS.writeErrorGraceMs, nowMs);
        return;
      case 'head':
      case 'stopped':
    }
  }

  /** A reader waits for the next piece of the body. */
  reading(): void {
    this.arm('body', this.#bodyTimeoutMs());
  }

  draining(): void {
    this.arm('drain', CONSTANTS.drainMaxMs);
  }

  scopeDeadlineMoved(): void {
    const scopeDeadlineMs = this.#scope?.deadlineMs ?? Infinity;
    this.moveTotal(Math.min(this.#ownTotalAtMs, scopeDeadlineMs));
  }

  #headersTimeoutMs(): number {
    return this.#options.headersTimeoutMs ?? this.#host.settings.headersTimeout;
  }

  #bodyTimeoutMs(): number {
    return this.#options.bodyTimeoutMs ?? this.#host.settings.bodyTimeout;
  }

  // ── what has run out ───────────────────────────────────────────────────────────────────────────

  protected timeRanOut(stage: Stage | 'total'): void {
    switch (stage) {
      case 'total':
        this.deadlinePassed();
        return;
      case 'acquire':
        this.#acquireTimedOut();
        return;
      case 'headers':
        this.#timedOut('HOTARU_HEADERS_TIMEOUT', `no answer within ${this.#headersTimeoutMs()} ms`);
        return;
      case 'send':
        this.#timedOut(
          'HOTARU_BODY_TIMEOUT',
          `the peer took nothing of the request body for ${this.#bodyTimeoutMs()} ms`,
        );
        return;
      case 'body':
        this.#timedOut(
          'HOTARU_BODY_TIMEOUT',
          `nothing of the response body came for ${this.#bodyTimeoutMs()} ms`,
        );
        return;
      case 'continue':
        this.stopStage();
        this.#owner.continueUpload();
        return;
      case 'grace':
        this.#owner.giveUp();
        return;
      case 'drain':
        this.#owner.endDraining();
        return;
      case 'none':
        this.stopStage();
    }
  }

  /** All the time that the call had is over. */
  deadlinePassed(): void {
    const scope = this.#scope;
    if (scope !== undefined && this.totalAtMs >= scope.deadlineMs) {
      // All calls of the scope run out of time with it; this one among them, before this returns.
      if (!scope.isOver) scope.deadlineReached();
      this.scopeExpired();
      return;
    }
    const ms = Math.round(this.totalAtMs - this.#calledAtMs);
    this.#timedOut('HOTARU_DEADLINE_EXCEEDED', `the call is not done within ${ms} ms, all it had`);
  }

  scopeExpired(): void {
    const ms = Math.round(this.now() - this.#calledAtMs);
    const expiry = this.#scope?.expiry ?? '';
    this.#timedOut('HOTARU_DEADLINE_EXCEEDED', `${expiry}, ${ms} ms after the call began`);
  }

  #acquireTimedOut(): void {
    const host = this.#host;
    const { settings } = host;
    const waitedMs = this.now() - this.#acquiringSinceMs;
    const isOfPool = !this.#acquisition.isDialling || waitedMs >= settings.acquireTimeout;
    const limitMs = isOfPool
      ? settings.acquireTimeout
      : (this.#options.connectTimeoutMs ?? settings.connectTimeout);
    const settingName = isOfPool ? 'acquireTimeout' : 'connectTimeout';
    const connectTimeout = this.#acquisition.connectTimeout(limitMs, settingName);
    host.counters.timedOut(connectTimeout === undefined ? 'acquire' : 'connect');
    this.#owner.outOfTime(connectTimeout ?? acquireTimeout(host, limitMs, settingName));
  }

  #timedOut(code: keyof typeof KIND_OF_TIMEOUT, what: string): void {
    if (this.#owner.isOver) return;
    this.#host.counters.timedOut(KIND_OF_TIMEOUT[code]);
    const { goodbye } = this.#owner;
    const said = goodbye === undefined ? '' : ` (the peer had said ${goodbye})`;
    this.#owner.outOfTime(new TimeoutError(code, what + said));
  }
}
