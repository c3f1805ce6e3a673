/**
 * One call of `sendRequest`: it acquires a connection, runs an exchange on it, replays it once where
 * that is safe, and hears clocks and aborts. It settles once, whatever happens when.
 *
 *   acquiring ─▶ sending ─▶ headers ─▶ body ─▶ over
 *       ▲           │          │
 *       └───────────┴── the connection was dead: again, on another one
 *
 *   acquiring  waits for a connection, and for a poll of its socket (acquisition.ts)
 *   sending    the request is going out (connection/exchange.ts)
 *   headers    it is out, no answer yet
 *   body       the promise is resolved with the response; its body is coming in (delivery.ts)
 *
 * A connection in use is given back at one place, `#free`, and never while its exchange can still speak.
 */
import { CONSTANTS } from '../config/constants.js';
import type { Connection } from '../connection/connection.js';
import type {
  Exchange,
  ExchangeEvents,
  FieldSection,
  ResponseHead,
  SendState,
} from '../connection/exchange.js';
import {
  AbortedError,
  HotaruClientError,
  TimeoutError,
  TransportError,
  type ErrorCode,
} from '../errors.js';
import type { PieceSink } from '../message/body-flow.js';
import type { ClientResponse } from '../message/response.js';
import { abandonSource } from '../message/request-body.js';
import { ResponseHeaders } from '../message/response-headers.js';
import type { Clock } from '../pool/clock.js';
import type { TimeoutKind } from '../pool/counters.js';
import type { Deadlines } from '../pool/deadlines.js';
import type { HostPool } from '../pool/host-pool.js';
import { Link } from '../pool/linked-list.js';
import { Acquisition, type AcquisitionChoice, type AcquisitionOwner } from './acquisition.js';
import { offAbort, onAbort, type Abortable } from './abort-hub.js';
import { CallClock, type ClockOwner, type Stage } from './call-clock.js';
import { addFacts, mayReplay, phaseOf, type CallState } from './call-facts.js';
import type { CallContext } from './call-context.js';
import { CallRecord } from './call-record.js';
import { callSiteOf } from '../diagnostics/call-site.js';
import { withoutQuery } from '../diagnostics/call-name.js';
import { rejection } from '../diagnostics/call-stack.js';
import { Delivery, type DeliveryOwner } from './delivery.js';
import type { CheckedOptions } from './options.js';
import type { PreparedRequest } from './prepare.js';
import type { RequestScope } from './request-scope.js';
import { SCOPE_ENDED, type LeftCall, type OpenCall, type ScopedCall } from './scoped-call.js';

/** What all calls of a pool share. */
export interface CallEnvironment {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

const KIND_OF_TIMEOUT = {
  HOTARU_HEADERS_TIMEOUT: 'headers',
  HOTARU_BODY_TIMEOUT: 'body',
  HOTARU_DEADLINE_EXCEEDED: 'deadline',
} as const satisfies Partial<Record<ErrorCode, TimeoutKind>>;

const FIRST_TRY: AcquisitionChoice = { needsFresh: false, isAdmitted: false };
const NEXT_TRY: AcquisitionChoice = { needsFresh: false, isAdmitted: true };
const REPLAY: AcquisitionChoice = { needsFresh: true, isAdmitted: true };

export class Attempt
  implements AcquisitionOwner<Connection>, ExchangeEvents, ScopedCall, ClockOwner, DeliveryOwner
{
  readonly #clock: Clock;
  readonly #host: HostPool<Connection>;
  /** Until the answer begins; nothing is sent again after that, and the body need not be held. */
  #request: PreparedRequest | undefined;
  readonly #options: CheckedOptions;
  readonly #scope: RequestScope | undefined;
  readonly #record: CallRecord;
  readonly #callClock: CallClock;
  /** Without the deadline of the scope. */
  readonly #ownTotalAtMs: number;
  readonly #scopeLink: Link<ScopedCall> | undefined;
  #signalLink: Link<Abortable> | undefined = undefined;
  readonly callSite: string | undefined;
  readonly #context: CallContext | undefined;
  /** Gone once used: through them the promise, and so the response, would be held (leaks.ts). */
  #resolve: ((response: ClientResponse | Promise<never>) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  /** Of a call in a scope, until it is settled: what the scope ends must be no unhandled rejection. */
  #promise: Promise<ClientResponse> | undefined = undefined;
  /** Its scope has ended it. */
  #isSheltered = false;
  #state: CallState = 'acquiring';
  readonly #acquisition: Acquisition<Connection>;
  #acquiringSinceMs = 0;
  /** Held now; undefined before it is acquired and once it is given back. */
  #connection: Connection | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #delivery: Delivery | undefined = undefined;

  constructor(
    { clock, deadlines }: CallEnvironment,
    host: HostPool<Connection>,
    request: PreparedRequest,
    options: CheckedOptions,
    scope: RequestScope | undefined,
    context: CallContext | undefined,
  ) {
    this.#clock = clock;
    this.#host = host;
    this.#request = request;
    this.#options = options;
    this.#scope = scope;
    this.#context = context;
    const { settings } = host;
    this.#record = new CallRecord(clock, request, context);
    this.#acquisition = new Acquisition(host, this, false);
    const { startedAtMs } = this.#record;
    const limitMs = options.timeoutMs ?? settings.timeout;
    const totalAtMs = context?.deadlineOf(startedAtMs, limitMs) ?? startedAtMs + limitMs;
    this.#ownTotalAtMs = totalAtMs;
    this.#callClock = new CallClock(
      clock,
      deadlines,
      scope === undefined ? totalAtMs : Math.min(totalAtMs, scope.deadlineMs),
      this,
    );
    this.#scopeLink = scope === undefined ? undefined : new Link<ScopedCall>(this);
    const wantsCallSite = settings.reportLeaks || scope?.captureCallSites === true;
    this.callSite = wantsCallSite ? (context?.callSite ?? callSiteOf(new Error())) : undefined;
    this.#record.callSite = this.callSite;
    if (context !== undefined) context.callSite = this.callSite;
  }

  /** Once. */
  start(): Promise<ClientResponse> {
    const promise = new Promise<ClientResponse>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#begin();
    });
    if (this.#scope !== undefined) this.#shelter(this.#scope, promise);
    return promise;
  }

  #begin(): void {
    const scope = this.#scope;
    const options = this.#options;
    if (scope?.isOver === true) this.#end(scope.refusal(), scope.aborted && !scope.expired);
    else if (options.signal?.aborted === true) this.abort(options.signal.reason);
    else {
      if (options.signal !== undefined)
        onAbort(options.signal, (this.#signalLink = new Link(this)));
      if (this.#scopeLink !== undefined) scope?.track(this.#scopeLink);
      if (this.#callClock.totalAtMs <= this.#record.startedAtMs) this.timeRanOut('total');
      else {
        const choice = this.#context?.isAdmitted === true ? NEXT_TRY : FIRST_TRY;
        this.#acquire(choice, this.#record.startedAtMs);
      }
    }
  }

  #shelter(scope: RequestScope, promise: Promise<ClientResponse>): void {
    if (this.#state !== 'over') this.#promise = promise;
    else if (scope.isOver) promise.catch(ignore);
  }

  // ── aborts and clocks ──────────────────────────────────────────────────────────────────────────

  /** Rejects with the reason as it is: it is the caller's own. */
  abort(reason: unknown): void {
    this.#end(reason, true);
  }

  abortWithScope(reason: unknown): void {
    this.#promise?.catch(ignore);
    this.#end(reason, true);
  }

  expireWithScope(): void {
    this.#isSheltered = true;
    if (this.#scope !== undefined) this.#timedOutWith(this.#scope);
  }

  describe(): OpenCall | undefined {
    if (this.#state === 'over') return undefined;
    const { method, target, origin } = this.#record;
    return {
      method,
      origin: origin.text,
      path: withoutQuery(target),
      phase: phaseOf(this.#state, this.#acquisition),
      ms: Math.round(this.#clock.now() - this.#record.calledAtMs),
    };
  }

  endWithScope(abortsReading: boolean): LeftCall | undefined {
    const delivery = this.#delivery;
    const report = { method: this.#record.method, url: this.#record.url, callSite: this.callSite };
    if (delivery?.isUnread === true) {
      delivery.giveUp();
      return { ...report, left: 'unread' };
    }
    // What was discarded is being drained, for a bounded time, so that its connection can be kept.
    if (this.#state === 'over' || delivery?.isDraining === true) return undefined;
    if (delivery !== undefined && !abortsReading) return undefined;
    this.#isSheltered = true;
    this.#end(new AbortedError(SCOPE_ENDED));
    return { ...report, left: 'in flight' };
  }

  scopeDeadlineMoved(): void {
    const scopeDeadlineMs = this.#scope?.deadlineMs ?? Infinity;
    this.#callClock.moveTotal(Math.min(this.#ownTotalAtMs, scopeDeadlineMs));
  }

  timeRanOut(stage: Stage | 'total'): void {
    switch (stage) {
      case 'total':
        this.#deadlinePassed();
        return;
      case 'acquire':
        this.#acquireTimedOut();
        return;
      case 'headers':
        this.#timedOut('HOTARU_HEADERS_TIMEOUT', `no answer within ${this.#headersTimeoutMs} ms`);
        return;
      case 'send':
        this.#timedOut(
          'HOTARU_BODY_TIMEOUT',
          `the peer took nothing of the request body for ${this.#bodyTimeoutMs} ms`,
        );
        return;
      case 'body':
        this.#timedOut(
          'HOTARU_BODY_TIMEOUT',
          `nothing of the response body came for ${this.#bodyTimeoutMs} ms`,
        );
        return;
      case 'continue':
        this.#callClock.stopStage();
        this.#exchange?.continueUpload();
        return;
      case 'grace':
        this.#exchange?.giveUp();
        return;
      case 'drain':
        this.#delivery?.endDraining();
        return;
      case 'none':
        this.#callClock.stopStage();
    }
  }

  #deadlinePassed(): void {
    const scope = this.#scope;
    const { totalAtMs } = this.#callClock;
    if (scope === undefined || totalAtMs < scope.deadlineMs) {
      const ms = Math.round(totalAtMs - this.#record.calledAtMs);
      const what = `the call is not done within ${ms} ms, all it had`;
      this.#timedOut('HOTARU_DEADLINE_EXCEEDED', what);
      return;
    }
    // All calls of the scope run out of time with it; this one among them, before this returns.
    if (!scope.isOver) scope.deadlineReached();
    this.#timedOutWith(scope);
  }

  #timedOutWith(scope: RequestScope): void {
    const ms = Math.round(this.#clock.now() - this.#record.calledAtMs);
    const what = `${scope.expiry}, ${ms} ms after the call began`;
    this.#timedOut('HOTARU_DEADLINE_EXCEEDED', what);
  }

  #acquireTimedOut(): void {
    const host = this.#host;
    const { settings } = host;
    const waitedMs = this.#clock.now() - this.#acquiringSinceMs;
    const isOfPool = !this.#acquisition.isDialling || waitedMs >= settings.acquireTimeout;
    const limitMs = isOfPool
      ? settings.acquireTimeout
      : (this.#options.connectTimeoutMs ?? settings.connectTimeout);
    const settingName = isOfPool ? 'acquireTimeout' : 'connectTimeout';
    const connectTimeout = this.#acquisition.connectTimeout(limitMs, settingName);
    host.counters.timedOut(connectTimeout === undefined ? 'acquire' : 'connect');
    this.#end(connectTimeout ?? host.timeoutError(limitMs, settingName));
  }

  #timedOut(code: keyof typeof KIND_OF_TIMEOUT, what: string): void {
    if (this.#state === 'over') return;
    this.#host.counters.timedOut(KIND_OF_TIMEOUT[code]);
    this.#end(new TimeoutError(code, what));
  }

  // ── acquiring ──────────────────────────────────────────────────────────────────────────────────

  #acquire(choice: AcquisitionChoice, nowMs: number): void {
    this.#state = 'acquiring';
    this.#acquiringSinceMs = nowMs;
    this.#callClock.stopStage();
    this.#acquisition.start(choice, nowMs);
  }

  waiting(): void {
    this.#callClock.arm('acquire', this.#host.settings.acquireTimeout, this.#acquiringSinceMs);
  }

  dialling(): void {
    const { connectTimeoutMs } = this.#options;
    if (connectTimeoutMs === undefined) return;
    const { acquireTimeout } = this.#host.settings;
    const leftMs = this.#acquiringSinceMs + acquireTimeout - this.#clock.now();
    this.#callClock.arm('acquire', Math.min(leftMs, connectTimeoutMs));
  }

  refused(error: Error): void {
    this.#end(error);
  }

  unfit(connection: Connection, isReused: boolean, error: TransportError): void {
    const nowMs = this.#clock.now();
    this.#record.connectedTo(connection, isReused, this.#acquiringSinceMs);
    this.#record.addAttempt(connection, error);
    // Idle connections run out, so this ends; a host that ends fresh ones would go on for ever.
    if (isReused) this.#acquire(NEXT_TRY, nowMs);
    else this.#end(error);
  }

  /** Its own clocks begin when it is used; those of the wait for it have ended. */
  served(): void {
    this.#callClock.stopStage();
  }

  acquired(connection: Connection, isReused: boolean): void {
    this.#connection = connection;
    this.#record.connectedTo(connection, isReused, this.#acquiringSinceMs);
    this.#send(connection);
  }

  // ── sending ────────────────────────────────────────────────────────────────────────────────────

  #send(connection: Connection): void {
    const request = this.#request;
    if (request === undefined) throw new Error('a call that was answered is sent again');
    this.#state = 'sending';
    this.#exchange = connection.exchange(request, this, this.#host.isLastUse(connection));
    this.#exchange.start();
    this.#record.sentOn(connection);
  }

  /** Which clock runs while the request goes out: one for each thing that is waited for. */
  sending(state: SendState): void {
    const nowMs = this.#clock.now();
    if (state === 'written') this.#record.sentAtMs = nowMs;
    // Once the answer has begun, only its clocks run.
    if (this.#state !== 'sending' && this.#state !== 'headers') return;
    switch (state) {
      case 'written':
        this.#state = 'headers';
        this.#callClock.arm('headers', this.#headersTimeoutMs, nowMs);
        return;
      case 'socket':
      case 'flush':
        this.#callClock.arm('send', this.#bodyTimeoutMs, nowMs); // anew with each slice that was taken
        return;
      case 'source': // only the peer is on the clock: a caller's own body may take the time it takes
        this.#callClock.stopStage();
        return;
      case 'continue':
        this.#callClock.arm('continue', CONSTANTS.expectContinueMs, nowMs);
        return;
      case 'broken':
        this.#callClock.arm('grace', CONSTANTS.writeErrorGraceMs, nowMs);
        return;
      case 'head':
      case 'stopped':
    }
  }

  // ── answer ─────────────────────────────────────────────────────────────────────────────────────

  onInformational(head: ResponseHead): void {
    const { onInformational } = this.#options;
    if (onInformational === undefined) return;
    try {
      onInformational(head.status, new ResponseHeaders(head.text, head.offsets));
    } catch (error) {
      this.abort(error);
    }
  }

  onHead(head: ResponseHead, hasBody: boolean): PieceSink | undefined {
    const exchange = this.#exchange;
    if (exchange === undefined) return undefined;
    const options = this.#options;
    const { settings } = this.#host;
    this.#record.headAtMs = exchange.heardAtMs;
    this.#record.bytesSent = exchange.bytesSent;
    const delivery = new Delivery(
      head,
      hasBody,
      exchange,
      settings,
      options,
      this.#callClock,
      this.#record,
      this,
    );
    if (delivery.refusal !== undefined) {
      this.#end(delivery.refusal);
      return undefined;
    }
    this.#state = 'body';
    this.#request = undefined;
    this.#callClock.stopStage();
    this.#delivery = delivery;
    if (delivery.response !== undefined) this.#resolve?.(delivery.response);
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#promise = undefined;
    return delivery;
  }

  bodyPending(): void {
    this.#delivery?.pending();
  }

  deliveryFailed(error: HotaruClientError): void {
    this.#end(error);
  }

  get reportsLeaks(): boolean {
    return this.#host.settings.reportLeaks;
  }

  get #headersTimeoutMs(): number {
    return this.#options.headersTimeoutMs ?? this.#host.settings.headersTimeout;
  }

  get #bodyTimeoutMs(): number {
    return this.#options.bodyTimeoutMs ?? this.#host.settings.bodyTimeout;
  }

  exchangeDone(trailers: FieldSection | undefined): void {
    const endedAtMs = this.#exchange?.heardAtMs ?? 0;
    this.#record.trailerSection = trailers;
    this.#settle(endedAtMs);
    this.#free(endedAtMs);
    this.#delivery?.end();
  }

  exchangeFailed(error: Error): void {
    const connection = this.#connection;
    if (
      connection !== undefined &&
      !this.#host.isClosed &&
      mayReplay(error, this.#request, this.#exchange, this.#record.isReused)
    ) {
      const nowMs = this.#clock.now();
      this.#host.counters.replays += 1;
      this.#record.addAttempt(connection, error);
      this.#free(nowMs);
      this.#acquire(REPLAY, nowMs);
    } else this.#end(error);
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────

  #end(error: unknown, isAbort = false): void {
    const state = this.#state;
    const request = this.#request;
    if (state === 'over') return;
    if (!isAbort && error instanceof HotaruClientError)
      addFacts(error, phaseOf(state, this.#acquisition), request, this.#exchange, this.#record);
    const nowMs = this.#clock.now();
    this.#settle(nowMs);
    // Not aborted and not refused: then a clock ran out.
    if (state === 'acquiring')
      this.#acquisition.cancel(!isAbort && !(error instanceof AbortedError));
    if (this.#exchange !== undefined) this.#exchange.abort();
    else if (request?.body.kind === 'stream') abandonSource(request.body.source);
    this.#free(nowMs);
    if (this.#delivery !== undefined) this.#delivery.fail(error, isAbort);
    else if (isAbort) this.#reject?.(error);
    else {
      const sheltered = this.#isSheltered ? this.#promise : undefined;
      this.#resolve?.(rejection(error, this.callSite, sheltered));
    }
  }

  #settle(nowMs: number): void {
    this.#state = 'over';
    this.#record.endedAtMs = nowMs;
    this.#record.bytesSent = this.#exchange?.bytesSent ?? 0;
    this.#callClock.stop();
    this.#delivery?.close();
    const { signal } = this.#options;
    if (signal !== undefined && this.#signalLink !== undefined) offAbort(signal, this.#signalLink);
    this.#leaveScope();
  }

  /** The scope still watches a body that is not being read, even when it has come whole. */
  #leaveScope(): void {
    const scope = this.#scope;
    if (scope === undefined || this.#scopeLink === undefined) return;
    if (this.#delivery?.isUnread === true) this.#delivery.onRead(() => this.#leaveScope());
    else scope.untrack(this.#scopeLink);
  }

  /** The one place where a call gives its connection back. */
  #free(nowMs: number): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    const isReusable = this.#exchange?.release() === true;
    this.#host.release(connection, isReusable, nowMs);
  }
}

function ignore(): void {
  // see abortWithScope
}
