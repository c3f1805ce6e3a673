/**
 * What is known of the protocol of one origin, as far as a pool cares: how many callers one connection serves at
 * once, and so how many dials its waiters need. Which protocol that is, is left to what dials.
 *
 *   unknown ──learned──▶ exclusive ⇄ shared      each dial that comes through says which; a user may have said it before
 *
 *   unknown     one dial finds out, for all waiters: if it can be shared, a dial for each would be wasted
 *   exclusive   a dial for each waiter (HTTP/1.1, raw bytes)
 *   shared      a dial for as many waiters as one connection takes (streams of HTTP/2), and for each waiter
 *               that needs a fresh one; while the peer takes none, one dial if there is nothing to wait for
 *
 * A host is asked for dials again after each of them, so nothing here waits: when the one dial has failed the
 * next one finds out, and when it hangs another one is started beside it, as for any dial (dialer.ts).
 */
import type { Poolable } from './poolable.js';

/** What decides how many dials are needed. */
export interface DialDemand {
  readonly waiterCount: number;
  /** Those of them that take only a connection straight from its dial. */
  readonly freshCount: number;
  /** Live connections that may still take callers, sooner or later. */
  readonly stayingCount: number;
  /** Callers that one connection serves in all its life. */
  readonly usesPerConnection: number;
}

export class OriginProtocol {
  #state: 'unknown' | 'exclusive' | 'shared';
  /** Callers that one connection takes at once. */
  #callerLimit: number;

  /**
   * `unknown` where an offered protocol may turn out to be one that is shared. `callerLimit`: what is expected of a
   * shared one, until a dial says more.
   */
  constructor(state: 'unknown' | 'exclusive' | 'shared', callerLimit = 1) {
    this.#state = state;
    this.#callerLimit = state === 'shared' ? callerLimit : 1;
  }

  get state(): 'unknown' | 'exclusive' | 'shared' {
    return this.#state;
  }

  /** What it speaks was changed: nothing that was learned holds. */
  reset(state: 'unknown' | 'exclusive' | 'shared', callerLimit = 1): void {
    this.#state = state;
    this.#callerLimit = state === 'shared' ? callerLimit : 1;
  }

  /** Callers that one connection takes at once, as far as is known: what its peer allowed last, at most our own limit. */
  get callerLimit(): number | undefined {
    return this.#state === 'unknown' ? undefined : this.#callerLimit;
  }
  get isUnknown(): boolean {
    return this.#state === 'unknown';
  }
  /** Do connections to it take no callers for now? */
  get takesNone(): boolean {
    return this.#state === 'shared' && this.#callerLimit === 0;
  }
  /** Callers that one more connection would serve at once; at least one. */
  get callersPerConnection(): number {
    return this.#state === 'shared' ? Math.max(1, this.#callerLimit) : 1;
  }

  /** A dial came through. An origin may speak something else than before: it was upgraded, or downgraded. */
  learned({ canShare, callerLimit }: Poolable): void {
    this.#state = canShare ? 'shared' : 'exclusive';
    this.#callerLimit = canShare ? callerLimit : 1;
  }

  /** The peer of a shared connection that stays takes more callers than before, or fewer. */
  limitChanged({ callerLimit }: Poolable): void {
    // An old connection says nothing of what the next one will be.
    if (this.#state === 'shared') this.#callerLimit = callerLimit;
  }

  /** Dials that the waiters need. */
  dialsFor(demand: DialDemand): number {
    const { waiterCount } = demand;
    // First, and of nothing but this: every caller that has to wait comes here.
    if (this.#state === 'exclusive' || waiterCount === 0) return waiterCount;
    if (this.#state === 'unknown') return 1;
    if (this.#callerLimit === 0) return demand.stayingCount === 0 ? 1 : 0;
    const served = Math.min(this.#callerLimit, demand.usesPerConnection);
    return Math.max(demand.freshCount, Math.ceil(waiterCount / served));
  }

  /** Dials that make the host ready for so many callers more. */
  dialsForSpares(count: number): number {
    // While the peer takes none, one dial shows whether it still does.
    if (this.takesNone) return Math.min(1, count);
    return this.#state === 'exclusive' ? count : Math.ceil(count / this.callersPerConnection);
  }

  /** Of so many dials, for waiters or not, those that may be under way at once. */
  atOnce(dials: number): number {
    return this.#state === 'unknown' ? Math.min(1, dials) : dials;
  }

  /**
   * Waiters that the dials under way are expected to serve. `room`: dials that the limits of the host would
   * allow. One that finds out stands for all of these: if it can't be shared, they follow.
   */
  servedBy(dials: number, room: number): number {
    switch (this.#state) {
      case 'unknown':
        return dials === 0 ? 0 : Math.max(dials, room);
      case 'exclusive':
        return dials;
      case 'shared':
        return dials * this.callersPerConnection;
    }
  }
}
