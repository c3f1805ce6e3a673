/**
 * `Exchange`: the life of one inbound request, and what is drafted of its response.
 *
 *     open ──answer()──▶ answered ──written()──▶ written ──drained──▶ finished
 *      ▲                    │                                             ▲
 *      └─────reopen()───────┘         any but finished ──gone─────────────┘
 *
 * answered: a response is being written · reopen(): nothing of it was sent, and an error takes its place, once ·
 * written: the transport has all of it, and nothing more is done for it, but the client has not taken it: only of a
 * large one, otherwise it is finished at once · gone: calls made in it are aborted, its body fails.
 *
 * It is over when its response is written, its handler has returned and all that was handed to `waitUntil()` is
 * settled: then what was made for it is disposed of. The scope of its calls ends when the response is written and
 * `waitUntil()` holds it no more.
 *
 * Invariants: `answer()` says yes once, so that a deadline and a handler never both answer · the scope of
 * outbound calls is ended or aborted exactly once · after `finished` no timer is left · a request that
 * makes no outbound call and asks for no signal costs no listener, no timer and no controller: that its client
 * has left it hears from its transport, which it knows by the seam alone (inbound/inbound.ts).
 */
import type { OpenCall, RequestScope } from '@hotaru/client';
import { CONSTANTS } from '../constants.js';
import type { Gone, Inbound, InboundEvents } from '../inbound/inbound.js';
import { Correlation } from '../log/correlation.js';
import type { Logger } from '../log/logger.js';
import type { Listed } from '../log/open-requests.js';
import type { RequestOutcome } from '../log/request-log.js';
import type { Services } from '../services.js';
import { outboundScope } from './outbound-scope.js';
import { isClientGone } from './request-over.js';
import { RequestBody } from './request/request-body.js';
import { NO_TARGET, type RequestTarget } from './request/request-target.js';
import type { HttpSafety } from './request/safety.js';
import type { HeaderBag } from './response/headers.js';
import { wireError } from './response/http-error.js';
import type { Outflow } from './response/pump.js';
import { dropRepresentation } from './response/representation.js';
import { toResponse, type HttpResponse, type StreamSource } from './response/response.js';
import { UnsentBodies } from './response/unsent-bodies.js';

const NO_CALLS: readonly OpenCall[] = Object.freeze([]);

export type ExchangeState = 'open' | 'answered' | 'written' | 'finished';

export class Exchange implements InboundEvents, Listed<Exchange> {
  /** The request, from its transport's side. */
  readonly inbound: Inbound;
  readonly services: Services;
  /** The limits of the endpoint, once it is known. */
  safety: HttpSafety;
  /** What the request line named: read before anything else looks at the request. */
  target: RequestTarget = NO_TARGET;
  /** The text of the pattern that matched; undefined when none did. */
  pattern: string | undefined = undefined;
  /** The draft: what `ctx.status()` (0: nothing) and `ctx.setHeader()` said. */
  status = 0;
  headers: HeaderBag | undefined = undefined;
  /** Of the response whose head is out; 0 when there is none. */
  sentStatus = 0;
  /** `performance.now()` by which the response has to begin; `Infinity` is never, or it has begun. */
  deadlineMs = Infinity;
  /** The stream that is being sent. */
  outflow: Outflow | undefined = undefined;
  /** Set when the body stalled, was too large, or ended with the client: the rest of it cannot be waited for. */
  bodyFailure: Error | undefined = undefined;
  /** For its line in the log: `performance.now()` when it came, 0 when nothing needs it. */
  startedAtMs = 0;
  // Its place among the requests under way: see log/open-requests.ts.
  isOpen = false;
  openedBefore: Exchange | undefined = undefined;
  openedAfter: Exchange | undefined = undefined;
  /** Of the response, as far as it was written. */
  bodyBytes = 0;
  outcome: RequestOutcome = 'sent';
  /** What was going on when the client left, or the drain cut it. */
  callsWhenLeft: readonly OpenCall[] = NO_CALLS;
  #correlation: Correlation | undefined = undefined;
  /** Of the error that the response is about, for its line in the log. */
  errorCode: string | undefined = undefined;
  /** The response is about an error. */
  hasFailed = false;
  #state: ExchangeState = 'open';
  /** What keeps it from being over: the chain, a handler in it, the response, each `waitUntil()`. */
  #pending = 2;
  #isRunning = true;
  #onOver: (() => void) | undefined = undefined;
  #draining: AbortController | undefined = undefined;
  #scope: RequestScope | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #body: RequestBody | undefined = undefined;
  #log: Logger | undefined = undefined;
  #bodies: UnsentBodies | undefined = undefined;
  #isReopened = false;
  #leftBecause: Error | undefined = undefined;
  #outcomeWhenWritten: RequestOutcome = 'sent';

  constructor(services: Services, safety: HttpSafety, inbound: Inbound) {
    this.services = services;
    this.safety = safety;
    this.inbound = inbound;
    inbound.events = this;
    if (services.requests.isOn) this.startedAtMs = performance.now();
  }

  get state(): ExchangeState {
    return this.#state;
  }

  /** Is nothing more done for the response? */
  get isWritten(): boolean {
    return this.#state === 'written' || this.#state === 'finished';
  }

  /** Has the client left before it had the whole response? */
  get isGone(): boolean {
    return this.#leftBecause !== undefined || this.inbound.isGone;
  }

  /** Is the head of a response out? Then nothing of it can be changed. */
  get isHeadSent(): boolean {
    return this.sentStatus !== 0;
  }

  get isOver(): boolean {
    return this.#pending === 0;
  }

  get body(): RequestBody {
    return (this.#body ??= new RequestBody(this, this.safety));
  }

  /** In its one form, without the query: see routing/path.ts. */
  get path(): string {
    return this.target.path;
  }

  /** Its request id and its trace. Made on first use. */
  get correlation(): Correlation {
    return (this.#correlation ??= new Correlation(
      this.inbound,
      this.services.correlation,
      this.inbound.hasRequestId,
    ));
  }

  /** The request id, where log lines are to have it. */
  get loggedId(): string | undefined {
    return this.services.correlation.logsId ? this.correlation.requestId : undefined;
  }

  /** The id to say in the response: there is one if it came with the request, or if a log line or a call has it. */
  get toldId(): string | undefined {
    const { correlation, requests } = this.services;
    if (!correlation.tellsId) return undefined;
    return this.#correlation !== undefined || requests.isOn || this.inbound.hasRequestId
      ? this.correlation.requestId
      : undefined;
  }

  /** The outbound calls that are not over. */
  openCalls(): readonly OpenCall[] {
    return this.#scope?.openCalls() ?? NO_CALLS;
  }

  /** The outbound calls that were not over when the time of the request was up. */
  get callsAtDeadline(): readonly OpenCall[] {
    return this.#scope?.callsAtDeadline ?? NO_CALLS;
  }

  /** Has it had all the time there is for an answer? A call that ran out of its own time is another matter. */
  get isOutOfTime(): boolean {
    if (this.callsAtDeadline.length > 0 || this.#scope?.expired === true) return true;
    // The clock of a call that had all of this time may be the first to say so.
    return performance.now() >= this.deadlineMs - CONSTANTS.clockSlackMs;
  }

  get log(): Logger {
    return (this.#log ??= this.services.log.child({
      ...(this.services.correlation.logsId && { requestId: this.correlation.requestId }),
      method: this.inbound.method,
      path: this.path,
    }));
  }

  /** Outbound calls made for this request live in it. Made on first use, with one listener. */
  get scope(): RequestScope {
    if (this.#scope !== undefined) return this.#scope;
    const scope = outboundScope(this);
    this.#scope = scope;
    if (this.#leftBecause !== undefined) scope.abort(this.#leftBecause);
    else if (this.isWritten) scope.end('is aborted');
    return scope;
  }

  /** Aborts when the app begins to stop. Made on first use. */
  get draining(): AbortSignal {
    const { draining } = this.services;
    if (this.#draining === undefined) {
      this.#draining = draining.forRequest();
      if (this.isOver) draining.forget(this.#draining);
    }
    return this.#draining.signal;
  }

  /** Its calls may go on until the promise is settled, and an app that stops waits for it. */
  waitUntil(promise: PromiseLike<unknown>): void {
    const release = this.scope.hold();
    if (!this.isOver) this.#pending++;
    const isCounted = this.#pending > 0;
    const done = Promise.resolve(promise).then(ignore, (error: unknown) => {
      this.log.error({ err: error }, 'work that was handed to ctx.waitUntil() failed');
    });
    this.services.background.add(
      done.then(() => {
        release();
        if (isCounted) this.#settleOne();
      }),
      release,
    );
  }

  /** The handler goes on by itself, within its middleware. */
  handlerWaits(): void {
    this.#pending++;
  }

  handlerSettled(): void {
    this.#settleOne();
  }

  /** The chain is done, whatever came of it; a handler that it did not wait for may go on. */
  handlerReturned(): void {
    if (!this.#isRunning) return; // a thenable may call back twice
    this.#isRunning = false;
    this.#settleOne();
  }

  /** Called when it is over; there is one. */
  onOver(callback: () => void): void {
    this.#onOver = callback;
  }

  #settleOne(): void {
    if (--this.#pending > 0) return;
    if (this.#draining !== undefined) this.services.draining.forget(this.#draining);
    this.#onOver?.();
  }

  /** Calls `onPassed` when the deadline passes before a response has begun. */
  startDeadline(ms: number, onPassed: () => void): void {
    this.deadlineMs = performance.now() + ms;
    this.#timer = setTimeout(() => {
      // The calls first: the answer ends the scope.
      this.#scope?.expire();
      if (this.#state === 'open') onPassed();
    }, ms);
  }

  /** What a handler or a middleware came up with, as a response; it may be changed, or replaced by another. */
  respond(outcome: unknown): HttpResponse {
    const response = toResponse(outcome, this);
    const { body } = response;
    if (body === null || typeof body === 'string' || body instanceof Uint8Array) return response;
    if (this.#bodies === undefined) {
      this.#bodies = new UnsentBodies();
      if (this.isWritten) this.#bodies.close();
    }
    this.#bodies.note(body);
    return response;
  }

  /** The stream goes out: how it ends is no longer this exchange's concern. */
  sends(source: StreamSource): void {
    this.#bodies?.taken(source);
  }

  /** May the caller write the response now? Only the first one may. */
  answer(): boolean {
    if (this.#state !== 'open') return false;
    this.#state = 'answered';
    if (this.deadlineMs !== Infinity) this.#liftDeadline();
    return true;
  }

  /**
   * May another response, about an error, be written? Only if nothing of the first one was sent, and once:
   * what failed then may fail again.
   */
  reopen(): boolean {
    if (this.#state !== 'answered' || this.inbound.answer !== 'due' || this.#isReopened)
      return false;
    this.#isReopened = true;
    this.#state = 'open';
    return true;
  }

  /**
   * An error takes the place of the response: what was drafted about its body goes. Other headers stay, for
   * they are about the request: a request id, CORS, cookies.
   */
  dropRepresentation(): void {
    this.status = 0;
    if (this.headers !== undefined) dropRepresentation(this.headers);
  }

  /** The head goes out in time: from now on a stream ends with its source, its client or the write clock. */
  #liftDeadline(): void {
    clearTimeout(this.#timer);
    this.deadlineMs = Infinity;
    this.#scope?.liftDeadline();
  }

  /** The transport has all of the response, and the client has to take the rest of it: then it is finished. */
  written(): void {
    if (this.#state !== 'answered') return;
    this.#state = 'written';
    this.#outcomeWhenWritten = this.outcome;
    this.#endWork();
    this.#settleOne();
  }

  /** The response is out, or there is no client to take it. */
  finish(): void {
    if (this.#state === 'finished') return;
    const hasEndedWork = this.#state === 'written';
    this.#state = 'finished';
    clearTimeout(this.#timer);
    if (!hasEndedWork) this.#endWork();
    this.services.requests.finished(this);
    if (!hasEndedWork) this.#settleOne();
  }

  #endWork(): void {
    this.#bodies?.close();
    this.#scope?.end('is aborted');
  }

  /** Nothing of the request matters any more: its client has left, or is given up. */
  leave(reason: Error): void {
    if (this.#state === 'finished') return;
    if (this.outcome !== 'drain-cut') {
      this.outcome = isClientGone(reason) ? 'client-left' : 'cut';
      this.callsWhenLeft = this.openCalls();
    }
    this.#leftBecause = reason;
    this.#scope?.abort(reason);
    this.failBody(reason);
    this.finish();
    this.outflow?.left();
  }

  /** The app has to stop: that is how it ends, whichever part hears of it first. */
  drainTimedOut(reason: Error): void {
    this.outcome = 'drain-cut';
    this.callsWhenLeft = this.openCalls();
    this.#scope?.abort(reason);
  }

  // ── told and asked by the transport ──────────────────────────────────────────────────────────────

  get writeTimeoutMs(): number {
    return this.safety.writeTimeout;
  }

  drained(): void {
    if (this.#state === 'written') {
      this.outcome = this.#outcomeWhenWritten; // even if the app has begun to cut what was left
      this.finish();
    } else this.outflow?.drained();
  }

  gone(why: Gone): void {
    if (why === 'left') {
      this.leave(wireError('HOTARU_CLIENT_GONE', 'the client has left'));
      return;
    }
    const { late, timeoutMs, unsentBytes } = why;
    if (late === this.inbound)
      this.log.warn(
        { writeTimeout: timeoutMs, unsentBytes },
        'the response was cut: its client stopped reading',
      );
    this.leave(
      wireError(
        'HOTARU_WRITE_TIMEOUT',
        `the client took nothing of the response for ${timeoutMs} ms`,
      ),
    );
  }

  failBody(error: Error): void {
    this.bodyFailure ??= error;
    this.#body?.fail(error);
  }
}

function ignore(): void {
  // how it ended does not matter to the request
}
