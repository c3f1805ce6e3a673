/**
 * A call: what its caller asked, and what holds for it as a whole however many requests it takes. A redirect is
 * answered by another request, but to its caller it is one call. It is admitted once, has one total time and one list
 * of attempts.
 *
 *   new ──isAdmitted──▶ admitted        a drain that begins from now on lets the call finish, all requests included
 *
 * What was asked is never changed: a further request is a further `Call`, made by `another()`, which begins with what
 * holds for the first. Policies write what they decide to the last fields; an attempt (attempt.ts) reads them.
 */
import { callSiteOf } from '../diagnostics/call-site.js';
import { ownOptions } from '../config/own-options.js';
import type { Settings } from '../config/pool-config.js';
import type { Attempt } from '../errors.js';
import type { TlsOptions } from '../key/tls-identity.js';
import type { BodyCodings } from '../message/body-decoder.js';
import type { RequestInit } from '../message/request.js';
import type { Clock } from '../pool/clock.js';
import type { CheckedOptions } from './options.js';
import type { RequestScope } from './request-scope.js';
import type { Target } from './target.js';

/** The pool, as its calls see it. */
export interface PoolOfCalls {
  readonly clock: Clock;
  /** Where a URL leads. @throws RequestError `HOTARU_INVALID_REQUEST` */
  resolve(url: string | URL, tls: TlsOptions | undefined, publicOnly: boolean): Target;
  /** More, or fewer, calls are under way that may be between two of their requests. */
  underWay(change: 1 | -1): void;
}

export class Call {
  readonly pool: PoolOfCalls;
  readonly url: string | URL;
  readonly request: RequestInit;
  readonly options: CheckedOptions;
  readonly scope: RequestScope | undefined;
  /** Where its URL leads. */
  readonly target: Target;
  /** When the caller asked. */
  readonly calledAtMs: number;
  /** When this request of the call began. */
  readonly startedAtMs: number;
  /** The caller's line, where call sites are recorded. */
  readonly callSite: string | undefined;
  isAdmitted: boolean;
  /** What was tried and failed, for all its requests. Undefined as long as there is but one: that has its own. */
  attempts: Attempt[] | undefined;
  #ownDeadlineAtMs: number;
  /** Of the body of its response: which codings are offered and undone; undefined for none. */
  codings: BodyCodings | undefined = undefined;
  /** Of that body, as the caller gets it. */
  maxResponseBytes = Infinity;
  /** The same, of what is kept in memory for a caller who asks for all of it. */
  maxBufferedBytes = Infinity;

  /**
   * @param before the request before this one, if it is not the first.
   * @throws RequestError `HOTARU_INVALID_REQUEST` for a URL that leads nowhere.
   */
  constructor(
    pool: PoolOfCalls,
    url: string | URL,
    request: RequestInit,
    options: CheckedOptions,
    scope: RequestScope | undefined,
    before?: Call,
  ) {
    this.pool = pool;
    this.url = url;
    this.request = request;
    this.options = options;
    this.scope = scope;
    this.target = pool.resolve(url, options.tls, options.publicOnly);
    this.startedAtMs = pool.clock.now();
    if (before === undefined) {
      this.calledAtMs = this.startedAtMs;
      // Here its caller is on the stack; later requests are made where no frame of it is left.
      const wantsCallSite = this.settings.reportLeaks || scope?.captureCallSites === true;
      this.callSite = wantsCallSite ? callSiteOf(new Error()) : undefined;
      this.isAdmitted = false;
      this.attempts = undefined;
      this.#ownDeadlineAtMs = Infinity;
    } else {
      this.calledAtMs = before.calledAtMs;
      this.callSite = before.callSite;
      this.isAdmitted = before.isAdmitted;
      this.attempts = before.attempts ??= [];
      this.#ownDeadlineAtMs = before.#ownDeadlineAtMs;
    }
  }

  /** Another request of the same call. @throws as the constructor */
  another(url: string | URL, request: RequestInit, options: CheckedOptions): Call {
    // Made by a policy, where nothing has looked yet at what Object.prototype was given.
    return new Call(this.pool, url, ownOptions(request), options, this.scope, this);
  }

  /** Those of the host that it leads to. */
  get settings(): Settings {
    return this.target.origin.settings;
  }

  /** The instant at which it has to be over, without the deadline of its scope, which may be lifted. */
  get ownDeadlineAtMs(): number {
    return this.#ownDeadlineAtMs;
  }

  get deadlineAtMs(): number {
    const own = this.#ownDeadlineAtMs;
    return this.scope === undefined ? own : Math.min(own, this.scope.deadlineMs);
  }

  /** Brings its deadline forward; nothing puts it off. */
  endBy(atMs: number): void {
    this.#ownDeadlineAtMs = Math.min(this.#ownDeadlineAtMs, atMs);
  }
}
