/**
 * The pool-wide limit (`maxTotal`): one permit for each connection that is open or being dialled.
 *
 * At the limit, the connection idle longest anywhere is evicted to make room; when all are busy, hosts
 * that want to dial stand in line, one place each, so a busy host can't starve the others.
 */
import { LinkedList } from './linked-list.js';
import type { Poolable } from './poolable.js';

/** A host pool, as the permits see it. */
export interface PermitTaker {
  /** The permit it asked for; it owns it now. It gives it straight back if it needs it no longer. */
  permitGranted(): void;
}

export class Permits {
  /** Every idle connection of every host, longest idle first. */
  readonly idle = new LinkedList<Poolable>();
  readonly #line = new Set<PermitTaker>();
  readonly #evict: (connection: Poolable) => void;
  #max: number;
  #used = 0;

  constructor(max: number, evict: (connection: Poolable) => void) {
    this.#max = max;
    this.#evict = evict;
  }

  get used(): number {
    return this.#used;
  }

  setMax(max: number): void {
    this.#max = max;
    while (this.#used > max && this.#evictOne());
    this.serve();
  }

  /** Asks for one permit; `permitGranted` may be called before this returns, or much later. */
  request(taker: PermitTaker): void {
    this.#line.add(taker);
    this.serve();
  }

  isWaiting(taker: PermitTaker): boolean {
    return this.#line.has(taker);
  }

  leave(taker: PermitTaker): void {
    this.#line.delete(taker);
  }

  giveBack(): void {
    this.#used -= 1;
    if (this.#used < 0) throw new Error('a permit was given back twice');
    this.serve();
  }

  /** Serves the line as far as permits go. Called again whenever a connection goes idle. */
  serve(): void {
    for (const taker of this.#line) {
      if (this.#used >= this.#max && !this.#evictOne()) return;
      // Evicting gave a permit back, which may have served the line already.
      if (this.#used >= this.#max || !this.#line.delete(taker)) continue;
      this.#used += 1;
      taker.permitGranted();
    }
  }

  #evictOne(): boolean {
    const oldest = this.idle.first;
    if (oldest === undefined) return false;
    this.#evict(oldest);
    return true;
  }
}
