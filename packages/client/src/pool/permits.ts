/**
 * The pool-wide limit (`maxTotal`): one permit for each connection that is open or being dialled.
 *
 * At the limit, the connection idle longest anywhere is evicted to make room, then a dial is given up
 * that no caller waits for: it may hang, and must not hold up other hosts. When neither is left, hosts
 * that want to dial stand in a queue, one place each. A host with nothing of its own stands before the
 * others, and the next connection released anywhere ends for it: a busy host can't starve it.
 *
 * A connection that many callers share may always have a holder, and so never be released for good. The next one that a
 * caller gives back or asks for yields then: it takes no new callers, and ends with its last holder. As many yield as
 * are wanted: one for each host with nothing of its own, and for each permit above the limit. One is taken back when
 * fewer are wanted; and when another one yields in its place, because it has not ended for a while: it may have one
 * long user, whom its other callers need not wait for.
 */
import { CONSTANTS } from '../config/constants.js';
import { LinkedList, type Link } from './linked-list.js';
import type { Poolable } from './poolable.js';

/** A host pool, as the permits see it. */
export interface PermitTaker {
  /** Its place in the queue. */
  readonly permitLink: Link<PermitTaker>;
  /** Has it no connection that will take its callers, and no dial? Then nothing but a permit can help it. */
  readonly isStarving: boolean;
  /**
   * The permit it asked for; it owns it now, and gives it straight back if it needs it no longer. True
   * when it wants another one.
   */
  permitGranted(): boolean;
}

/** A host with connections that yield. */
export interface YieldingHost {
  /** Its place among those. */
  readonly yieldLink: Link<YieldingHost>;
  /** Takes back one of them, unless the host itself needs their places. */
  takeBack(): boolean;
}

/** A host with dials under way that no caller of it waits for. */
export interface DialHolder {
  /** Its place among those. */
  readonly dialLink: Link<DialHolder>;
  /** Gives up one of these dials, and its permit. */
  giveUpDial(): void;
}

export class Permits {
  /** Every idle connection of every host, longest idle first. */
  readonly idle = new LinkedList<Poolable>();
  readonly #abandoned = new LinkedList<DialHolder>();
  readonly #line = new LinkedList<PermitTaker>();
  readonly #starving = new LinkedList<PermitTaker>();
  readonly #yielding = new LinkedList<YieldingHost>();
  readonly #evict: (connection: Poolable) => void;
  #max: number;
  #used = 0;
  #yieldingCount = 0;
  /** From when on another one may yield in the place of those that do; and how long the last ones were given. */
  #rotatesAtMs = -Infinity;
  #rotationMs = 0;
  #isServing = false;

  constructor(max: number, evict: (connection: Poolable) => void) {
    this.#max = max;
    this.#evict = evict;
  }

  get used(): number {
    return this.#used;
  }
  get isFree(): boolean {
    return this.#used < this.#max;
  }
  /** Above the limit, because it was lowered. */
  get isOverdrawn(): boolean {
    return this.#used > this.#max;
  }
  /** Is there a host that has nothing, and waits for others to release something? */
  get hasStarving(): boolean {
    return this.#starving.size > 0;
  }

  /** Should one more connection that callers share yield? */
  wantsYield(nowMs: number): boolean {
    const wanted = this.#wanted;
    if (wanted === 0) return false;
    return wanted > this.#yieldingCount || nowMs >= this.#rotatesAtMs;
  }

  get #wanted(): number {
    return this.#starving.size + Math.max(0, this.#used - this.#max);
  }

  setMax(max: number): void {
    this.#max = max;
    while (this.#used > max && this.#evictOne());
    this.serve();
    this.takeBack();
  }

  /** One more connection yields: perhaps in the place of another one. */
  yields(nowMs: number): void {
    const isInTurn = this.#wanted < this.#yieldingCount;
    const lastMs = isInTurn ? this.#rotationMs : 0;
    this.#rotationMs = Math.max(CONSTANTS.yieldMs, Math.min(2 * lastMs, CONSTANTS.yieldMaxMs));
    this.#rotatesAtMs = nowMs + this.#rotationMs;
    this.takeBack();
  }

  countYielding(change: number): void {
    this.#yieldingCount += change;
  }

  setYielding(host: YieldingHost, isYielding: boolean): void {
    if (isYielding === (host.yieldLink.list !== undefined)) return;
    if (isYielding) this.#yielding.push(host.yieldLink);
    else this.#yielding.remove(host.yieldLink);
  }

  /** Takes back what yields and need not: of the host that has done without for longest first. */
  takeBack(): void {
    while (this.#wanted < this.#yieldingCount && this.#yielding.size > 0) {
      const host = firstOf(this.#yielding, (one) => one.takeBack());
      if (host === undefined) return;
    }
  }

  /** Asks for one permit; `permitGranted` may be called before this returns, or much later. */
  request(taker: PermitTaker): void {
    this.#join(taker);
    this.serve();
  }

  isWaiting(taker: PermitTaker): boolean {
    return taker.permitLink.list !== undefined;
  }

  leave(taker: PermitTaker): void {
    if (this.#drop(taker)) this.takeBack();
  }

  #drop({ permitLink }: PermitTaker): boolean {
    return permitLink.list?.remove(permitLink) === true;
  }

  /** While it holds dials that no caller waits for, one that waits elsewhere may have their permits. */
  setAbandoned(holder: DialHolder, isAbandoned: boolean): void {
    if (isAbandoned === (holder.dialLink.list !== undefined)) return;
    if (isAbandoned) this.#abandoned.push(holder.dialLink);
    else this.#abandoned.remove(holder.dialLink);
    if (isAbandoned) this.serve();
  }

  giveBack(): void {
    this.#used -= 1;
    if (this.#used < 0) throw new Error('a permit was given back twice');
    this.serve();
    this.takeBack();
  }

  /** Serves the queue as far as permits go. Called again whenever a connection goes idle. */
  serve(): void {
    // A permit that is given back meanwhile is found by the loop: no recursion, however long the queue.
    if (this.#isServing || this.#starving.size + this.#line.size === 0) return;
    this.#isServing = true;
    try {
      while (this.#starving.size + this.#line.size > 0 && this.#makeRoom()) {
        // Read again: closing a connection may have changed the queue.
        const taker = this.#starving.first ?? this.#line.first;
        if (taker === undefined) return;
        this.#drop(taker);
        this.#used += 1;
        if (taker.permitGranted()) this.#join(taker);
      }
    } finally {
      this.#isServing = false;
    }
    this.takeBack(); // those that were served need no connection of another host any more
  }

  /** Puts a host at the end of the queue; one that is in it keeps its place, unless it has lost all its connections. */
  #join(taker: PermitTaker): void {
    const line = taker.isStarving ? this.#starving : this.#line;
    if (taker.permitLink.list === line) return;
    this.#drop(taker);
    line.push(taker.permitLink);
  }

  #makeRoom(): boolean {
    while (!this.isFree) if (!this.#evictOne() && !this.#giveUpDial()) return false;
    return true;
  }

  #giveUpDial(): boolean {
    const usedBefore = this.#used;
    this.#abandoned.first?.giveUpDial();
    return this.#used < usedBefore;
  }

  #evictOne(): boolean {
    const oldest = this.idle.first;
    if (oldest === undefined) return false;
    this.#evict(oldest);
    return this.idle.first !== oldest;
  }
}

/** The first for which `test` is true. A copy is walked: the test may change the list. */
function firstOf<T>(list: LinkedList<T>, test: (value: T) => boolean): T | undefined {
  return [...list].find(test);
}
