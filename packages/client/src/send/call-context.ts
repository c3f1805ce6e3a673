/**
 * What belongs to a call as a whole when it takes more than one request: a redirect is answered by
 * another request, but to its caller it is one call. It is admitted once, has one total time and one
 * list of attempts.
 *
 *   new ──admit()──▶ admitted        a drain that begins from now on lets the call finish, all hops included
 *
 * A call that is one request has none of this: there the `Attempt` itself is all there is.
 */
import type { Attempt } from '../errors.js';

export class CallContext {
  /** Everything that was tried on earlier hops, and what is tried on this one. */
  readonly attempts: Attempt[] = [];
  readonly startedAtMs: number;
  /** Of the first hop: later ones are made where no frame of the caller is left. */
  callSite: string | undefined = undefined;
  #deadlineAtMs = Infinity;
  #isAdmitted = false;

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs;
  }

  get isAdmitted(): boolean {
    return this.#isAdmitted;
  }

  admit(): void {
    this.#isAdmitted = true;
  }

  /**
   * The instant at which the call has to be over, once a hop that may take `limitMs` begins at `nowMs`.
   * The first hop fixes it; a later one, to a host with a shorter `timeout`, can bring it forward, and
   * none can put it off.
   */
  deadlineOf(nowMs: number, limitMs: number): number {
    this.#deadlineAtMs = Math.min(this.#deadlineAtMs, nowMs + limitMs);
    return this.#deadlineAtMs;
  }
}
