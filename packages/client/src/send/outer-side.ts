/**
 * The outer side of an attempt: the promise of its caller, and what may end it from outside, a signal or a scope. What
 * goes on inside, and when it ends by itself, is left to attempt.ts.
 *
 *   pending ──respond()──▶ responded      signal and scope still end the body that is coming in
 *      │                       │
 *      └──fail()───────────────┴──leave()──▶ neither of them knows it any longer; its scope may still have a body that
 *                                            nothing has asked for
 *
 * What its scope ends is no unhandled rejection: nothing may be there any more that waits for it.
 */
import { withoutQuery } from '../diagnostics/call-name.js';
import { rejection } from '../diagnostics/call-stack.js';
import { AbortedError, type Phase } from '../errors.js';
import type { ClientResponse } from '../message/response.js';
import { Link } from '../pool/linked-list.js';
import { offAbort, onAbort, type Abortable } from './abort-hub.js';
import type { CallRecord } from './call-record.js';
import type { Call } from './call.js';
import type { Delivery } from './delivery.js';
import type { RequestScope } from './request-scope.js';
import { SCOPE_ENDED, type LeftCall, type OpenCall, type ScopedCall } from './scoped-call.js';

export abstract class OuterSide implements ScopedCall, Abortable {
  protected readonly record: CallRecord;
  /** From the head of the response on. */
  protected delivery: Delivery | undefined = undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #scope: RequestScope | undefined;
  #signalLink: Link<Abortable> | undefined = undefined;
  readonly #scopeLink: Link<ScopedCall> | undefined;
  /** Gone once used: through them the promise, and so the response, would be held (leaks.ts). */
  #resolve: ((response: ClientResponse | Promise<never>) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  /** Of a call in a scope, until it is settled. */
  #promise: Promise<ClientResponse> | undefined = undefined;
  /** Its scope has ended it. */
  #isSheltered = false;

  constructor(call: Call, record: CallRecord) {
    const { scope } = call;
    this.record = record;
    this.#signal = call.options.signal;
    this.#scope = scope;
    this.#scopeLink = scope === undefined ? undefined : new Link<ScopedCall>(this);
  }

  abstract readonly isOver: boolean;
  protected abstract readonly phase: Phase;
  /** Neither its scope is over nor its signal aborted: now it begins. */
  protected abstract begin(): void;
  /** Ends it in whatever state it is. */
  protected abstract end(error: unknown, isAbort: boolean): void;
  /** Ends it because its scope has run out of time. */
  protected abstract scopeExpired(): void;
  abstract scopeDeadlineMoved(): void;

  // ── the promise ────────────────────────────────────────────────────────────────────────────────

  /** Once. */
  start(): Promise<ClientResponse> {
    const promise = new Promise<ClientResponse>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#enter();
    });
    if (this.#scope !== undefined) this.#shelter(this.#scope, promise);
    return promise;
  }

  #enter(): void {
    const scope = this.#scope;
    const signal = this.#signal;
    if (scope?.isOver === true) this.end(scope.refusal(), scope.aborted && !scope.expired);
    else if (signal?.aborted === true) this.abort(signal.reason);
    else {
      if (signal !== undefined) onAbort(signal, (this.#signalLink = new Link<Abortable>(this)));
      if (this.#scopeLink !== undefined) scope?.track(this.#scopeLink);
      this.begin();
    }
  }

  #shelter(scope: RequestScope, promise: Promise<ClientResponse>): void {
    if (!this.isOver) this.#promise = promise;
    else if (scope.isOver) promise.catch(ignore);
  }

  protected respond(response: ClientResponse | undefined): void {
    if (response !== undefined) this.#resolve?.(response);
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#promise = undefined;
  }

  /** The promise, or the body if there is a response, fails. An abort's reason is passed on as it is. */
  protected fail(error: unknown, isAbort: boolean): void {
    if (this.delivery !== undefined) {
      this.delivery.fail(error, isAbort);
      if (isAbort) this.#untrack(); // its caller has given the body up
    } else if (isAbort) this.#reject?.(error);
    else {
      const sheltered = this.#isSheltered ? this.#promise : undefined;
      this.#resolve?.(rejection(error, this.record.callSite, sheltered));
    }
  }

  // ── signal and scope ───────────────────────────────────────────────────────────────────────────

  /** Rejects with the reason as it is: it is the caller's own. */
  abort(reason: unknown): void {
    this.end(reason, true);
  }

  abortWithScope(reason: unknown): void {
    this.#promise?.catch(ignore);
    this.end(reason, true);
  }

  expireWithScope(): void {
    this.#isSheltered = true;
    this.scopeExpired();
  }

  describe(): OpenCall | undefined {
    if (this.isOver) return undefined;
    const { method, target, origin, elapsedMs } = this.record;
    const path = withoutQuery(target);
    return { method, origin: origin.text, path, phase: this.phase, ms: Math.round(elapsedMs) };
  }

  endWithScope(abortsReading: boolean): LeftCall | undefined {
    const { delivery } = this;
    const { method, url, callSite } = this.record;
    if (delivery?.isUnread === true) {
      delivery.giveUp();
      return { method, url, callSite, left: 'unread' };
    }
    // What was discarded is being drained, for a bounded time, so that its connection can be kept.
    if (this.isOver || delivery?.isDraining === true) return undefined;
    if (delivery !== undefined && !abortsReading) return undefined;
    this.#isSheltered = true;
    this.end(new AbortedError(SCOPE_ENDED), false);
    return { method, url, callSite, left: 'in flight' };
  }

  /** It is over. */
  protected leave(): void {
    const signal = this.#signal;
    if (signal !== undefined && this.#signalLink !== undefined) offAbort(signal, this.#signalLink);
    if (this.#scope !== undefined) this.#leaveScope();
  }

  /** The scope still watches a body that is not being read, even when it has come whole. */
  #leaveScope(): void {
    if (this.delivery?.isUnread === true) this.delivery.onTouched(() => this.#untrack());
    else this.#untrack();
  }

  #untrack(): void {
    if (this.#scopeLink !== undefined) this.#scope?.untrack(this.#scopeLink);
  }
}

function ignore(): void {
  // see abortWithScope
}
