/**
 * The life of one inbound request, as its outbound calls see it. All calls of a scope end with it:
 *
 *   open ──abort(reason)──▶ aborted     the caller left: every call, now and later, rejects with the reason
 *    │ └───end()──────────▶ ended       the handler is done: calls without an answer are aborted, bodies
 *    │                                  that were not read are drained or closed, later calls are refused
 *    │ while it is held: the end waits for the last hold; until then calls go on and may be made
 *    ├─abort(reason)─▶ aborting ──last hold released──▶ aborted       the signal aborts at once
 *    └─end()─────────▶ ending ────last hold released──▶ ended
 *
 * `liftDeadline()` in the state open: what is left of the request, a stream say, has no end of its own.
 * `expire()` is an abort because the deadline has passed: each call then fails with an error that names it.
 *
 * Calls are in a list, so a thousand of them cost no abort listener; the signal is made when asked for.
 */
import { AbortedError, invalidRequest, TimeoutError, type Phase } from '../errors.js';
import { systemClock, timerDelay } from '../pool/clock.js';
import { LinkedList, type Link } from '../pool/linked-list.js';

/** A call that was left behind, as it is reported. */
export interface CallReport {
  readonly method: string;
  readonly url: string;
  /** Where the call was made; undefined unless `captureCallSites` is on. */
  readonly callSite: string | undefined;
}

export type UnreadBodyReport = CallReport;

const NO_CALLS: readonly OpenCall[] = Object.freeze([]);

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

/** In the error of a call that its scope has outlived. */
export const SCOPE_ENDED =
  'the request that it was made for is over; wait for calls before you answer, or hold the scope';

/** What a call was doing when its scope ended. */
export interface LeftCall extends CallReport {
  readonly left: 'in flight' | 'unread';
}

/** A call, as its scope sees it. */
export interface ScopedCall {
  /** Rejects with the reason. A promise that was never awaited is no unhandled rejection then. */
  abortWithScope(reason: unknown): void;
  /** Fails with `HOTARU_DEADLINE_EXCEEDED`. As `abortWithScope`. */
  expireWithScope(): void;
  /** From now on only its own limits apply. */
  liftScopeDeadline(): void;
  /** Undefined when it is over. */
  describe(): OpenCall | undefined;
  /**
   * Gives an unread body up, aborts what is in flight; what it was, or undefined when all was done.
   *
   * @param abortsReading a body that is being read is aborted, too.
   */
  endWithScope(abortsReading: boolean): LeftCall | undefined;
}

/**
 * @example
 * const scope = new RequestScope({ deadlineMs: performance.now() + 2_000 });
 * inbound.once('close', () => scope.abort(new Error('the client left')));
 * await pool.sendRequest(url, getRequest(), {}, scope);
 * scope.end();
 */
export class RequestScope {
  readonly captureCallSites: boolean;
  #deadlineMs: number;
  readonly #onUnreadBody: ((report: UnreadBodyReport) => void) | undefined;
  readonly #onOpenCall: ((report: CallReport) => void) | undefined;
  /** Fields that each request of the scope carries; undefined for none. */
  readonly fields: (() => ScopeFields) | undefined;
  /** What was going on when the deadline passed. */
  callsAtDeadline: readonly OpenCall[] = NO_CALLS;
  #isExpired = false;
  readonly #calls = new LinkedList<ScopedCall>();
  #state: 'open' | 'aborting' | 'ending' | 'aborted' | 'ended' = 'open';
  #holds = 0;
  #abortsReading = false;
  #reason: unknown = undefined;
  #controller: AbortController | undefined = undefined;
  #timer: unknown = undefined;

  /** @throws RequestError `HOTARU_INVALID_REQUEST` for a deadline that is no instant. */
  constructor(options: RequestScopeOptions = {}) {
    this.#deadlineMs = checkDeadline(
      options.deadlineMs === undefined ? Infinity : options.deadlineMs,
    );
    this.captureCallSites = options.captureCallSites ?? false;
    this.fields = options.fields;
    this.#onUnreadBody = options.onUnreadBody;
    this.#onOpenCall = options.onOpenCall;
  }

  /** For calls that begin now, an instant of `performance.now()`; none while the scope is held. */
  get deadlineMs(): number {
    return this.#holds > 0 ? Infinity : this.#deadlineMs;
  }

  get aborted(): boolean {
    return this.#state === 'aborted' || this.#state === 'aborting';
  }

  /** Aborted or ended: a call that begins now is refused with `refusal()`. */
  get isOver(): boolean {
    return this.#state === 'aborted' || this.#state === 'ended';
  }

  /** Why the scope was aborted. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Aborted, because its deadline has passed. */
  get expired(): boolean {
    return this.#isExpired;
  }

  /** The calls that are not over: without an answer, or with a body that is still coming. */
  openCalls(): OpenCall[] {
    return [...this.#calls].map((call) => call.describe()).filter((call) => call !== undefined);
  }

  /** What a call is refused with once the scope is over. */
  refusal(): unknown {
    if (this.#isExpired) return deadlinePassed();
    return this.#state === 'aborted' ? this.#reason : new AbortedError(SCOPE_ENDED);
  }

  /** Aborts with the scope, and when the deadline passes. Made on first use. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.#reason);
      else if (this.#deadlineMs !== Infinity && this.#state === 'open' && this.#timer === undefined)
        this.#watchDeadline();
    }
    return this.#controller.signal;
  }

  track(link: Link<ScopedCall>): void {
    this.#calls.push(link);
  }

  untrack(link: Link<ScopedCall>): void {
    this.#calls.remove(link);
  }

  /**
   * Puts the end of the scope off: for work that goes on after the request. Calls under way, and those made
   * meanwhile, have no deadline of the scope's; one that has passed ends them with the last hold.
   *
   * @returns releases the hold; only its first call counts.
   */
  hold(): () => void {
    if (this.isOver) return ignore;
    this.#holds += 1;
    // Calls under way as well as later ones: `hold()` is often given the promise of a call that has begun.
    if (this.#state === 'open' && this.#deadlineMs !== Infinity) {
      for (const call of this.#calls) call.liftScopeDeadline();
      if (this.#timer === undefined) this.#watchDeadline();
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      if (this.#holds > 0) return;
      if (this.#state === 'aborting') this.#abortCalls();
      else if (this.#state === 'ending') this.#endCalls();
    };
  }

  abort(reason: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'aborting';
    this.#reason = reason;
    this.#stopTimer();
    if (this.#holds === 0) this.#abortCalls();
    this.#controller?.abort(reason);
  }

  /**
   * Takes the deadline away, also from calls under way: each keeps the timeouts of its own. For a request whose
   * response has begun in time, and goes on as a stream.
   */
  liftDeadline(): void {
    if (this.#state !== 'open' || this.#deadlineMs === Infinity) return;
    this.#deadlineMs = Infinity;
    this.#stopTimer();
    for (const call of this.#calls) call.liftScopeDeadline();
  }

  /** The deadline has passed. As `abort()`, with `HOTARU_DEADLINE_EXCEEDED` as reason. */
  expire(): void {
    if (this.#state !== 'open') return;
    this.callsAtDeadline = this.openCalls();
    this.#isExpired = true;
    this.abort(deadlinePassed());
  }

  /**
   * Calls without an answer are aborted, bodies that were not read are given up.
   *
   * @param reading what becomes of a body that is being read: it is read to its end (default), or aborted.
   */
  end(reading: 'goes on' | 'is aborted' = 'goes on'): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#abortsReading = reading === 'is aborted';
    this.#stopTimer();
    if (this.#holds === 0) this.#endCalls();
  }

  #abortCalls(): void {
    this.#state = 'aborted';
    // A copy: to abort one may settle others, and take them out of the list.
    for (const call of [...this.#calls])
      if (this.#isExpired) call.expireWithScope();
      else call.abortWithScope(this.#reason);
  }

  #endCalls(): void {
    this.#state = 'ended';
    if (this.#calls.size === 0) return;
    const left = [...this.#calls].map((call) => call.endWithScope(this.#abortsReading));
    // All have ended before a callback, which may throw, is called.
    for (const call of left) {
      if (call === undefined) continue;
      const { left: what, ...report } = call;
      if (what === 'unread') this.#onUnreadBody?.(report);
      else this.#onOpenCall?.(report);
    }
  }

  #watchDeadline(): void {
    const delayMs = timerDelay(this.#deadlineMs, performance.now());
    this.#timer = systemClock.setTimer(() => {
      // A timer keeps 24 days at most: a deadline may be further off.
      if (performance.now() < this.#deadlineMs) this.#watchDeadline();
      else this.expire();
    }, delayMs);
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) systemClock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}

function checkDeadline(deadlineMs: unknown): number {
  if (typeof deadlineMs === 'number' && !Number.isNaN(deadlineMs)) return deadlineMs;
  const given = typeof deadlineMs === 'string' ? JSON.stringify(deadlineMs) : String(deadlineMs);
  throw invalidRequest(
    `deadlineMs is ${given}; allowed: an instant of performance.now(), such as performance.now() + 2_000, or Infinity for none`,
  );
}

/** The same promise, but what it rejects with because its scope is over is no unhandled rejection. */
export function sheltered<T>(promise: Promise<T>, scope: RequestScope): Promise<T> {
  const outer = new Promise<T>((resolve, reject) => {
    promise.then(resolve, (error: unknown) => {
      if (scope.isOver) outer.catch(ignore);
      reject(error);
    });
  });
  return outer;
}

function ignore(): void {
  // nothing to do
}

function deadlinePassed(): TimeoutError {
  return new TimeoutError(
    'HOTARU_DEADLINE_EXCEEDED',
    'the deadline of the request that it was made for has passed',
  );
}
