/**
 * The life of one inbound request, as its outbound calls see it. All calls of a scope end with it:
 *
 *   open ──abort(reason)──▶ aborted    the caller left: every call, now and later, rejects with the reason
 *        ──end()──────────▶ ended      the handler is done: bodies nobody reads are drained or closed
 *
 * Calls are in a list, so a thousand of them cost no abort listener; the signal is made when asked for.
 */
import { TimeoutError } from '../errors.js';
import { systemClock } from '../pool/clock.js';
import { LinkedList, type Link } from '../pool/linked-list.js';

export interface UnreadBodyReport {
  readonly method: string;
  readonly url: string;
  /** Where the call was made; undefined unless `captureCallSites` is on. */
  readonly callSite: string | undefined;
}

export interface RequestScopeOptions {
  /** An instant of `performance.now()` after which every call rejects. Default: none. */
  deadlineMs?: number | undefined;
  /** Told of each body that nobody had read when the scope ended. */
  onUnreadBody?: ((report: UnreadBodyReport) => void) | undefined;
  /** Remember where each call was made: for development, it costs a stack for each call. Default false. */
  captureCallSites?: boolean | undefined;
}

/** A call, as its scope sees it. */
export interface ScopedCall {
  abort(reason: unknown): void;
  /** Gives the body up if nobody has begun to read it; the report, when that was so. */
  giveUpUnread(): UnreadBodyReport | undefined;
}

/**
 * @example
 * const scope = new RequestScope({ deadlineMs: performance.now() + 2_000 });
 * inbound.once('close', () => scope.abort(new Error('the client left')));
 * await pool.sendRequest(url, getRequest(), {}, scope);
 */
export class RequestScope {
  deadlineMs: number;
  readonly captureCallSites: boolean;
  readonly #onUnreadBody: ((report: UnreadBodyReport) => void) | undefined;
  readonly #calls = new LinkedList<ScopedCall>();
  #state: 'open' | 'aborted' | 'ended' = 'open';
  #reason: unknown = undefined;
  #controller: AbortController | undefined = undefined;
  #timer: unknown = undefined;

  constructor(options: RequestScopeOptions = {}) {
    this.deadlineMs = options.deadlineMs ?? Infinity;
    this.captureCallSites = options.captureCallSites ?? false;
    this.#onUnreadBody = options.onUnreadBody;
  }

  get aborted(): boolean {
    return this.#state === 'aborted';
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Aborts with the scope, and when the deadline passes. Made on first use. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state === 'aborted') this.#controller.abort(this.#reason);
      else if (this.deadlineMs !== Infinity && this.#state === 'open') this.#watchDeadline();
    }
    return this.#controller.signal;
  }

  track(link: Link<ScopedCall>): void {
    this.#calls.push(link);
  }

  untrack(link: Link<ScopedCall>): void {
    this.#calls.remove(link);
  }

  abort(reason: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    this.#reason = reason;
    this.#stopTimer();
    // A copy: to abort one may settle others, and take them out of the list.
    for (const call of [...this.#calls]) call.abort(reason);
    this.#controller?.abort(reason);
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#stopTimer();
    const reports = [...this.#calls].map((call) => call.giveUpUnread());
    // All are given up before anybody, who may throw, is told.
    for (const report of reports) if (report !== undefined) this.#onUnreadBody?.(report);
  }

  #watchDeadline(): void {
    const delayMs = Math.max(1, Math.ceil(this.deadlineMs - performance.now()));
    this.#timer = systemClock.setTimer(() => {
      this.abort(
        new TimeoutError('HOTARU_DEADLINE_EXCEEDED', 'the deadline of the request has passed'),
      );
    }, delayMs);
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) systemClock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
