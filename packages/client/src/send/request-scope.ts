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
 * A child has these states for itself, and never reaches up: however it ends, its parent and its siblings go on.
 *
 *   its parent           the child
 *   becomes aborted      is aborted for the same reason, or has expired      ┐ a child that is held, and open or on its
 *   becomes ended        ends in the same way; what still reads a body in a  ┘ way to an end, waits for its own holds
 *                        child that had ended before, or waits to, is aborted or goes on
 *   is aborting          stays as it is; its signal aborts, as that of its parent does
 *   lifts its deadline,
 *   or is held           has only its own deadline
 *
 * A child is in the list of its parent only while it could be told something: it has a call, a signal, a hold or a
 * child of its own. Else it looks, when it is asked, how its parent is (`#current`). So children that are over, and
 * children that were used and dropped, leave nothing in their parent, however many there were.
 *
 * Calls are in a list, so a thousand of them cost no abort listener; the signal is made when asked for.
 */
import { AbortedError, TimeoutError } from '../errors.js';
import { systemClock, timerDelay } from '../pool/clock.js';
import { Link, LinkedList } from '../pool/linked-list.js';
import {
  checkDeadline,
  checkScopeOptions,
  type RequestScopeOptions,
  type ScopeFields,
} from './scope-options.js';
import {
  SCOPE_ENDED,
  type CallReport,
  type LeftCall,
  type OpenCall,
  type ScopedCall,
  type UnreadBodyReport,
} from './scoped-call.js';

type ScopeState = 'open' | 'aborting' | 'ending' | 'aborted' | 'ended';

const NO_CALLS: readonly OpenCall[] = Object.freeze([]);
const NO_LINKS: readonly ScopedCall[] = Object.freeze([]);
const NO_CHILDREN: readonly RequestScope[] = Object.freeze([]);
const OF_REQUEST = 'the deadline of the request that it was made for has passed';
const OF_CHILD = 'the deadline of the scope that it was made in has passed';

/**
 * @example
 * const scope = new RequestScope({ deadlineMs: performance.now() + 2_000 });
 * inbound.once('close', () => scope.abort(new Error('the client left')));
 * await pool.sendRequest(url, getRequest(), {}, scope);
 * scope.end();
 */
export class RequestScope {
  readonly captureCallSites: boolean;
  /** Its own: what applies is `deadlineMs`. */
  #deadlineMs: number;
  readonly #onUnreadBody: ((report: UnreadBodyReport) => void) | undefined;
  readonly #onOpenCall: ((report: CallReport) => void) | undefined;
  /** Fields that each request of the scope carries; undefined for none. */
  readonly fields: (() => ScopeFields) | undefined;
  /** What was going on when the deadline passed. */
  callsAtDeadline: readonly OpenCall[] = NO_CALLS;
  /** Why its calls fail; undefined unless the deadline has passed. */
  #expiry: string | undefined = undefined;
  readonly #calls = new LinkedList<ScopedCall>();
  /** Only through `#current`, unless it is known to be in the list of its parent. */
  #state: ScopeState = 'open';
  #holds = 0;
  #abortsReading = false;
  #reason: unknown = undefined;
  #controller: AbortController | undefined = undefined;
  #timer: unknown = undefined;
  #parent: RequestScope | undefined = undefined;
  /** In the list of the parent, or out of it. */
  #link: Link<RequestScope> | undefined = undefined;
  #children: LinkedList<RequestScope> | undefined = undefined;

  /** @throws RequestError `HOTARU_INVALID_REQUEST` for an unknown option, or a deadline that is no instant. */
  constructor(options: RequestScopeOptions = {}) {
    const own = checkScopeOptions(options);
    this.#deadlineMs = checkDeadline(own.deadlineMs === undefined ? Infinity : own.deadlineMs);
    this.captureCallSites = own.captureCallSites ?? false;
    this.fields = own.fields;
    this.#onUnreadBody = own.onUnreadBody;
    this.#onOpenCall = own.onOpenCall;
  }

  /**
   * A scope inside this one, for a part of the work that may end before the rest: one of two requests that race,
   * a try that has less time than the whole. Its calls end with it or with this scope, whichever is first; when it
   * ends by itself, this scope and its other children go on.
   *
   * An option that is not given is this scope's own: `fields`, `captureCallSites`, both callbacks. `deadlineMs`, an
   * instant of `performance.now()`, has no default: of the two deadlines the earlier one counts. To hold this scope
   * or to lift its deadline takes that deadline, and no other, from its children. What is made of a scope that is
   * over is over, too.
   *
   * @throws RequestError `HOTARU_INVALID_REQUEST` for an unknown option, or a deadline that is no instant.
   * @example
   * const part = scope.child({ deadlineMs: performance.now() + 300 });
   * const extras = await pool.sendRequest(url, getRequest('/extras'), {}, part).catch(() => undefined);
   */
  child(options: RequestScopeOptions = {}): RequestScope {
    const own = checkScopeOptions(options);
    const child = new RequestScope({
      deadlineMs: own.deadlineMs,
      onUnreadBody: own.onUnreadBody ?? this.#onUnreadBody,
      onOpenCall: own.onOpenCall ?? this.#onOpenCall,
      fields: own.fields ?? this.fields,
      captureCallSites: own.captureCallSites ?? this.captureCallSites,
    });
    child.#parent = this;
    return child;
  }

  /** For calls that begin now, an instant of `performance.now()`; none while the scope is held. */
  get deadlineMs(): number {
    if (this.#holds > 0) return Infinity;
    const parent = this.#parent;
    return parent === undefined ? this.#deadlineMs : Math.min(this.#deadlineMs, parent.deadlineMs);
  }

  get aborted(): boolean {
    const state = this.#current();
    return state === 'aborted' || state === 'aborting' || this.#isParentAborting();
  }

  /** Aborted or ended: a call that begins now is refused with `refusal()`. */
  get isOver(): boolean {
    const state = this.#current();
    return state === 'aborted' || state === 'ended';
  }

  /** Why the scope was aborted. */
  get reason(): unknown {
    return this.#current() === 'open' && this.#isParentAborting()
      ? this.#parent?.reason
      : this.#reason;
  }

  /** Aborted, because its deadline has passed. */
  get expired(): boolean {
    return this.#current() === 'open' ? this.#parent?.expired === true : this.#expiry !== undefined;
  }

  /** The calls that are not over, those of its children included: without an answer, or with a body still coming. */
  openCalls(): OpenCall[] {
    const open: OpenCall[] = [];
    this.#listCalls(open);
    return open;
  }

  /** What a call is refused with once the scope is over. */
  refusal(): unknown {
    const state = this.#current();
    if (this.#expiry !== undefined) return deadlinePassed(this.#expiry);
    return state === 'aborted' ? this.#reason : new AbortedError(SCOPE_ENDED);
  }

  /** Aborts with the scope, and when the deadline passes. Made on first use. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.reason);
      else if (this.#state === 'open') {
        this.#attach();
        this.#watchDeadline();
      }
    }
    return this.#controller.signal;
  }

  /** @internal */
  track(link: Link<ScopedCall>): void {
    this.#calls.push(link);
    this.#attach();
  }

  /** @internal */
  untrack(link: Link<ScopedCall>): void {
    if (this.#calls.remove(link)) this.#detachIfIdle();
  }

  /**
   * Puts the end of the scope off: for work that goes on after the request. Calls under way, and those made
   * meanwhile, have no deadline of the scope's; one that has passed ends them with the last hold.
   *
   * @returns releases the hold; only its first call counts.
   */
  hold(): () => void {
    if (this.isOver) return ignore;
    const hasDeadline = this.#state === 'open' && this.deadlineMs !== Infinity;
    this.#holds += 1;
    this.#attach();
    if (hasDeadline) {
      // Calls under way as well as later ones: `hold()` is often given the promise of a call that has begun.
      this.#deadlineMoved();
      this.#watchDeadline();
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      if (this.#holds > 0) return;
      if (this.#state === 'aborting') this.#abortCalls();
      else if (this.#state === 'ending') this.#endCalls();
      else this.#detachIfIdle();
    };
  }

  abort(reason: unknown): void {
    if (this.#current() !== 'open') return;
    this.#state = 'aborting';
    this.#reason = reason;
    this.#stopTimer();
    if (this.#holds === 0) this.#abortCalls();
    this.#abortSignal(reason);
  }

  /**
   * Takes the deadline away, also from calls under way: each keeps the timeouts of its own, and, in a child, the
   * deadline of the parent. For a request whose response has begun in time, and goes on as a stream.
   */
  liftDeadline(): void {
    if (this.#current() !== 'open' || this.#deadlineMs === Infinity) return;
    this.#deadlineMs = Infinity;
    this.#stopTimer();
    this.#deadlineMoved();
  }

  /** The deadline has passed. As `abort()`, with `HOTARU_DEADLINE_EXCEEDED` as reason. */
  expire(): void {
    this.#expire(this.#parent === undefined ? OF_REQUEST : OF_CHILD);
  }

  /** @internal The deadline has passed, in the words of an error of a call. */
  get expiry(): string {
    return this.#expiry ?? OF_REQUEST;
  }

  /**
   * The instant `deadlineMs` has come: expires the scope whose deadline that was, this one or the one it is in.
   *
   * @internal
   */
  deadlineReached(): void {
    const parent = this.#parent;
    if (parent !== undefined && parent.deadlineMs <= this.#deadlineMs) parent.deadlineReached();
    else this.expire();
  }

  /**
   * Calls without an answer are aborted, bodies that were not read are given up.
   *
   * @param reading what becomes of a body that is being read: it is read to its end (default), or aborted.
   */
  end(reading: 'goes on' | 'is aborted' = 'goes on'): void {
    if (this.#current() !== 'open') return;
    this.#state = 'ending';
    this.#abortsReading = reading === 'is aborted';
    this.#stopTimer();
    if (this.#holds === 0) this.#endCalls();
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────

  #expire(expiry: string): void {
    if (this.#current() !== 'open') return;
    this.callsAtDeadline = this.openCalls();
    this.#expiry = expiry;
    this.abort(deadlinePassed(expiry));
  }

  #abortCalls(): void {
    this.#state = 'aborted';
    this.#cutCalls();
    for (const child of this.#listChildren()) child.#parentAborted();
    this.#detach();
  }

  #cutCalls(): void {
    // A copy: to abort one may settle others, and take them out of the list.
    for (const call of [...this.#calls])
      if (this.#expiry !== undefined) call.expireWithScope();
      else call.abortWithScope(this.#reason);
  }

  #parentAborted(): void {
    const parent = this.#parent;
    if (parent === undefined) return;
    if (this.#state === 'ended' || this.#state === 'ending') {
      // What is left of it: those that still read a body, and those of its children.
      this.#expiry = parent.#expiry;
      this.#reason = parent.#reason;
      this.#state = 'aborting';
      if (this.#holds === 0) this.#abortCalls();
    } else if (parent.#expiry !== undefined) this.#expire(parent.#expiry);
    else this.abort(parent.#reason);
  }

  /** The signals of the children, too: of those that wait for a hold of this scope, or for one of their own. */
  #abortSignal(reason: unknown): void {
    this.#controller?.abort(reason);
    for (const child of this.#listChildren()) child.#abortSignal(reason);
  }

  #endCalls(): void {
    if (this.#calls.size === 0 && this.#children === undefined) {
      this.#state = 'ended';
      this.#detach();
      return;
    }
    const left: [RequestScope, LeftCall][] = [];
    this.#leave(left);
    // All have ended before a callback, which may throw, is called.
    for (const [scope, { left: what, ...report }] of left)
      if (what === 'unread') scope.#onUnreadBody?.(report);
      else scope.#onOpenCall?.(report);
  }

  #leave(left: [RequestScope, LeftCall][]): void {
    this.#state = 'ended';
    for (const call of this.#calls.size === 0 ? NO_LINKS : [...this.#calls]) {
      const what = call.endWithScope(this.#abortsReading);
      if (what !== undefined) left.push([this, what]);
    }
    for (const child of this.#listChildren()) child.#parentEnded(this.#abortsReading, left);
    this.#detachIfIdle();
  }

  #parentEnded(abortsReading: boolean, left: [RequestScope, LeftCall][]): void {
    if (this.#state === 'aborting' || this.#state === 'aborted') return;
    this.#abortsReading ||= abortsReading;
    if (this.#state === 'open') {
      this.#state = 'ending';
      this.#stopTimer();
    }
    if (this.#holds === 0) this.#leave(left);
  }

  // ── parent and children ────────────────────────────────────────────────────────────────────────

  /** Its state, now: a child that was not in the list of its parent has not been told how that ended. */
  #current(): ScopeState {
    const parent = this.#parent;
    if (this.#state !== 'open' || parent === undefined || this.#isAttached() || !parent.isOver)
      return this.#state;
    this.#expiry = parent.#expiry;
    this.#reason = parent.#reason;
    return (this.#state = parent.#state);
  }

  #isAttached(): boolean {
    return this.#link?.list !== undefined;
  }

  #isParentAborting(): boolean {
    return this.#state === 'open' && this.#parent?.aborted === true;
  }

  #attach(): void {
    const parent = this.#parent;
    if (parent === undefined || this.#isAttached()) return;
    (parent.#children ??= new LinkedList()).push((this.#link ??= new Link<RequestScope>(this)));
    parent.#attach();
  }

  #detachIfIdle(): void {
    if (this.#link === undefined || this.#calls.size > 0) return;
    if (this.#children !== undefined && this.#children.size > 0) return;
    if (this.#state !== 'ended' && (this.#controller !== undefined || this.#holds > 0)) return;
    this.#stopTimer(); // a call has a clock of its own for the deadline, and nothing else is told of it
    this.#detach();
  }

  #detach(): void {
    const parent = this.#parent;
    if (parent === undefined || this.#link === undefined) return;
    if (parent.#children?.remove(this.#link) === true) parent.#detachIfIdle();
  }

  /** A copy: what happens to one may take it out of the list, or others. */
  #listChildren(): readonly RequestScope[] {
    return this.#children === undefined || this.#children.size === 0
      ? NO_CHILDREN
      : [...this.#children];
  }

  #listCalls(open: OpenCall[]): void {
    for (const call of this.#calls) {
      const described = call.describe();
      if (described !== undefined) open.push(described);
    }
    for (const child of this.#listChildren()) child.#listCalls(open);
  }

  // ── deadline ───────────────────────────────────────────────────────────────────────────────────

  #deadlineMoved(): void {
    for (const call of this.#calls) call.scopeDeadlineMoved();
    for (const child of this.#listChildren()) child.#deadlineMoved();
  }

  /** From now on a timer watches: no call may be there that would. In a child that of the parent, too. */
  #watchDeadline(): void {
    const parent = this.#parent;
    if (parent !== undefined) parent.#watchDeadline();
    if (this.#timer !== undefined || this.#deadlineMs === Infinity || this.#current() !== 'open')
      return;
    this.#setTimer();
  }

  #setTimer(): void {
    const delayMs = timerDelay(this.#deadlineMs, performance.now());
    this.#timer = systemClock.setTimer(() => {
      // A timer keeps 24 days at most: a deadline may be further off.
      if (performance.now() < this.#deadlineMs) this.#setTimer();
      else this.deadlineReached();
    }, delayMs);
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) systemClock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}

function ignore(): void {
  // nothing to do
}

function deadlinePassed(expiry: string): TimeoutError {
  return new TimeoutError('HOTARU_DEADLINE_EXCEEDED', expiry);
}
