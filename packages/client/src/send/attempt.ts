/**
 * One try to get the response of a call from one host: it acquires a connection, runs an exchange on it, replays it
 * once where that is safe, and hears clocks and aborts. It settles once, whatever happens when.
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
 * A connection in use is given back at one place, `#free`, and never while its exchange can still speak. Left to others:
 * the clocks (attempt-clock.ts), what is remembered and what an error says (call-record.ts, call-facts.ts), and whether
 * there is another attempt (policies/).
 */
import type { Connection } from '../connection/connection.js';
import type {
  Exchange,
  ExchangeEvents,
  FieldSection,
  ResponseHead,
  SendState,
} from '../connection/exchange.js';
import { withoutQuery } from '../diagnostics/call-name.js';
import { rejection } from '../diagnostics/call-stack.js';
import { AbortedError, HotaruClientError, type TransportError } from '../errors.js';
import type { PieceSink } from '../message/body-flow.js';
import { abandonSource } from '../message/request-body.js';
import { ResponseHeaders } from '../message/response-headers.js';
import type { ClientResponse } from '../message/response.js';
import type { Clock } from '../pool/clock.js';
import type { Deadlines } from '../pool/deadlines.js';
import type { HostPool } from '../pool/host-pool.js';
import { Link } from '../pool/linked-list.js';
import { offAbort, onAbort, type Abortable } from './abort-hub.js';
import { Acquisition, type AcquisitionOwner } from './acquisition.js';
import { AttemptClock, type AttemptClockOwner } from './attempt-clock.js';
import { addFacts, mayReplay, phaseOf, type CallState } from './call-facts.js';
import { CallRecord } from './call-record.js';
import type { Call } from './call.js';
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

export class Attempt
  implements
    AcquisitionOwner<Connection>,
    ExchangeEvents,
    ScopedCall,
    AttemptClockOwner,
    DeliveryOwner
{
  readonly #clock: Clock;
  readonly #host: HostPool<Connection>;
  /** Both until the answer begins: nothing is sent again after that, and the body need not be held. */
  #call: Call | undefined;
  #request: PreparedRequest | undefined;
  readonly #options: CheckedOptions;
  readonly #scope: RequestScope | undefined;
  readonly #record: CallRecord;
  readonly #clocks: AttemptClock;
  readonly #scopeLink: Link<ScopedCall> | undefined;
  #signalLink: Link<Abortable> | undefined = undefined;
  /** Gone once used: through them the promise, and so the response, would be held (leaks.ts). */
  #resolve: ((response: ClientResponse | Promise<never>) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  /** Of a call in a scope, until it is settled: what the scope ends must be no unhandled rejection. */
  #promise: Promise<ClientResponse> | undefined = undefined;
  /** Its scope has ended it. */
  #isSheltered = false;
  #state: CallState = 'acquiring';
  readonly #acquisition: Acquisition<Connection>;
  /** Held now; undefined before it is acquired and once it is given back. */
  #connection: Connection | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #delivery: Delivery | undefined = undefined;

  /** @param call which its pool has admitted. */
  constructor(
    { clock, deadlines }: CallEnvironment,
    host: HostPool<Connection>,
    request: PreparedRequest,
    call: Call,
  ) {
    const { scope } = call;
    this.#clock = clock;
    this.#host = host;
    this.#call = call;
    this.#request = request;
    this.#options = call.options;
    this.#scope = scope;
    this.#record = new CallRecord(clock, request, call);
    this.#acquisition = new Acquisition(host, this, false);
    this.#clocks = new AttemptClock(clock, deadlines, host, this.#acquisition, call, this);
    this.#scopeLink = scope === undefined ? undefined : new Link<ScopedCall>(this);
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
      const { startedAtMs } = this.#record;
      if (this.#clocks.totalAtMs <= startedAtMs) this.#clocks.deadlinePassed();
      else this.#acquire(false, startedAtMs);
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
    this.#clocks.scopeExpired();
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
    const report = {
      method: this.#record.method,
      url: this.#record.url,
      callSite: this.#record.callSite,
    };
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
    this.#clocks.scopeDeadlineMoved();
  }

  outOfTime(error: HotaruClientError): void {
    this.#end(error);
  }

  continueUpload(): void {
    this.#exchange?.continueUpload();
  }

  giveUp(): void {
    this.#exchange?.giveUp();
  }

  endDraining(): void {
    this.#delivery?.endDraining();
  }

  // ── acquiring ──────────────────────────────────────────────────────────────────────────────────

  #acquire(needsFresh: boolean, nowMs: number): void {
    this.#state = 'acquiring';
    this.#clocks.acquiring(nowMs);
    this.#acquisition.start(needsFresh, true, nowMs);
  }

  waiting(): void {
    this.#clocks.waiting();
  }

  dialling(): void {
    this.#clocks.dialling();
  }

  refused(error: Error): void {
    this.#end(error);
  }

  unfit(connection: Connection, isReused: boolean, error: TransportError): void {
    const nowMs = this.#clock.now();
    this.#record.connectedTo(connection, isReused, this.#clocks.acquiringSinceMs);
    this.#record.addAttempt(connection, error);
    // Idle connections run out, so this ends; a host that ends fresh ones would go on for ever.
    if (isReused) this.#acquire(false, nowMs);
    else this.#end(error);
  }

  /** Its own clocks begin when it is used; those of the wait for it have ended. */
  served(): void {
    this.#clocks.stopStage();
  }

  acquired(connection: Connection, isReused: boolean): void {
    this.#connection = connection;
    this.#record.connectedTo(connection, isReused, this.#clocks.acquiringSinceMs);
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

  sending(state: SendState): void {
    const nowMs = this.#clock.now();
    if (state === 'written') this.#record.sentAtMs = nowMs;
    // Once the answer has begun, only its clocks run.
    if (this.#state !== 'sending' && this.#state !== 'headers') return;
    if (state === 'written') this.#state = 'headers';
    this.#clocks.sending(state, nowMs);
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
    const call = this.#call;
    if (exchange === undefined || call === undefined) return undefined;
    const record = this.#record;
    record.headAtMs = exchange.heardAtMs;
    record.bytesSent = exchange.bytesSent;
    const delivery = new Delivery(head, hasBody, exchange, call, this.#clocks, record, this);
    if (delivery.refusal !== undefined) {
      this.#end(delivery.refusal);
      return undefined;
    }
    this.#state = 'body';
    this.#call = undefined;
    this.#request = undefined;
    this.#clocks.stopStage();
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

  get callSite(): string | undefined {
    return this.#record.callSite;
  }

  get isOver(): boolean {
    return this.#state === 'over';
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
      this.#acquire(true, nowMs);
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
      this.#resolve?.(rejection(error, this.#record.callSite, sheltered));
    }
  }

  #settle(nowMs: number): void {
    this.#state = 'over';
    this.#record.endedAtMs = nowMs;
    this.#record.bytesSent = this.#exchange?.bytesSent ?? 0;
    this.#clocks.stop();
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
