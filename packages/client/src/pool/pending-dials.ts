/**
 * The dials under way to one host, oldest first, and which waiter waits on which of them: a waiter's
 * connect clock runs while it waits on a dial, no matter who caused that dial.
 *
 *   prompt ──▶ slow ──▶ forsaken       slow: under way for a second: another one is started beside it
 *      └──────────────────▲            forsaken: a caller ran out of time on it: another one may take
 *                                      its place when a limit allows no more, or when there are two
 *                                      dials for each caller that waits
 *
 * A slow or forsaken dial goes on, and what comes of it is used; it only no longer counts as one that a
 * waiter can rely on. Each dial has at least one waiter as long as there is a waiter without a dial.
 */
import { CONSTANTS } from '../config/constants.js';
import type { Dial, Waiter } from './waiter.js';

export class PendingDial<T> {
  state: 'prompt' | 'slow' | 'forsaken' = 'prompt';
  /** Oldest first. */
  readonly waiters = new Set<Waiter<T>>();

  constructor(
    readonly dial: Dial,
    readonly startedAtMs: number,
  ) {}
}

export class PendingDials<T> {
  readonly #dials = new Set<PendingDial<T>>();
  #promptCount = 0;
  #slowCount = 0;
  /** Forsaken ones that were given up since the last dial that succeeded; and the oldest ones of those. */
  #replacedInARow = 0;
  #oldestReplacedInARow = 0;
  #lastReplacedAtMs = -Infinity;

  get size(): number {
    return this.#dials.size;
  }
  /** Those that a waiter can rely on. */
  get promptCount(): number {
    return this.#promptCount;
  }
  [Symbol.iterator](): IterableIterator<PendingDial<T>> {
    return this.#dials.values();
  }

  add(pending: PendingDial<T>): void {
    this.#dials.add(pending);
    this.#promptCount += 1;
  }

  /** False when it was over already. Its waiters stay on it until they are given another one. */
  remove(pending: PendingDial<T>): boolean {
    if (!this.#dials.delete(pending)) return false;
    if (pending.state === 'prompt') this.#promptCount -= 1;
    if (pending.state === 'slow') this.#slowCount -= 1;
    return true;
  }

  succeeded(): void {
    this.#replacedInARow = 0;
    this.#oldestReplacedInARow = 0;
  }

  // ── slow dials ─────────────────────────────────────────────────────────────────────────────────

  /** Marks what has become slow by now. */
  age(nowMs: number): void {
    for (const pending of this.#dials)
      if (pending.state === 'prompt' && nowMs >= pending.startedAtMs + this.#slowAfterMs)
        this.#demote(pending, 'slow');
  }

  /** A caller ran out of time while it waited on this dial. */
  forsake(pending: PendingDial<T>): void {
    if (this.#dials.has(pending)) this.#demote(pending, 'forsaken');
  }

  /** The instant at which the next dial becomes slow; Infinity for none. */
  get nextSlowAtMs(): number {
    for (const pending of this.#dials)
      if (pending.state === 'prompt') return pending.startedAtMs + this.#slowAfterMs;
    return Infinity;
  }

  /**
   * The forsaken dial whose place the next one takes, and the instant from which it may. A host that is
   * merely slower than its callers must get connections done, too: the youngest goes, and the oldest of all
   * has its place for a second, the next such one for two, and so on. A host that is down must not be stormed
   * by callers who leave early: after a few in a row, each waits as long as a dial after a failed one.
   */
  get replaceable(): { pending: PendingDial<T>; atMs: number } | undefined {
    let youngest: PendingDial<T> | undefined;
    for (const pending of this.#dials) if (pending.state === 'forsaken') youngest = pending;
    if (youngest === undefined) return undefined;
    const keptMs = this.#isOldest(youngest)
      ? Math.min(CONSTANTS.slowDialMs * 2 ** this.#oldestReplacedInARow, CONSTANTS.slowDialMaxMs)
      : 0;
    const isSpaced = this.#replacedInARow >= CONSTANTS.dialsReplacedBeforeSpacing;
    const spacedAtMs = isSpaced ? this.#lastReplacedAtMs + CONSTANTS.dialBackoffMaxMs : 0;
    return { pending: youngest, atMs: Math.max(youngest.startedAtMs + keptMs, spacedAtMs) };
  }

  replace(pending: PendingDial<T>, nowMs: number): void {
    this.#replacedInARow += 1;
    if (this.#isOldest(pending)) this.#oldestReplacedInARow += 1;
    this.#lastReplacedAtMs = nowMs;
    this.remove(pending);
  }

  #isOldest(pending: PendingDial<T>): boolean {
    return this.oldest === pending;
  }

  /** No caller is left, and the last ones ran out of time: the next one gets a dial of its own. */
  forsakeAll(): void {
    for (const pending of this.#dials) this.#demote(pending, 'forsaken');
  }

  /** Longer with each slow one: a host that is down gets a few dials more, not one each second. */
  get #slowAfterMs(): number {
    return CONSTANTS.slowDialMs * 2 ** Math.min(this.#slowCount, 16);
  }

  #demote(pending: PendingDial<T>, state: 'slow' | 'forsaken'): void {
    if (pending.state === 'prompt') this.#promptCount -= 1;
    if (pending.state === 'slow') this.#slowCount -= 1;
    if (state === 'slow') this.#slowCount += 1;
    pending.state = state;
  }

  // ── waiters ────────────────────────────────────────────────────────────────────────────────────

  /** A dial that no waiter waits on; one that can be relied on, if there is one. */
  get withoutWaiter(): PendingDial<T> | undefined {
    let found: PendingDial<T> | undefined;
    for (const pending of this.#dials) {
      if (pending.waiters.size > 0) continue;
      if (pending.state === 'prompt') return pending;
      found ??= pending;
    }
    return found;
  }

  get oldest(): PendingDial<T> | undefined {
    for (const pending of this.#dials) return pending;
    return undefined;
  }

  get youngest(): PendingDial<T> | undefined {
    let last: PendingDial<T> | undefined;
    for (const pending of this.#dials) last = pending;
    return last;
  }

  assign(waiter: Waiter<T>, pending: PendingDial<T>): void {
    pending.waiters.add(waiter);
    waiter.waitOn(pending);
  }

  /** One waiter for each dial: the others wait for something else now, a connection that is live. */
  unshare(): void {
    for (const { waiters } of this.#dials) {
      let isFirst = true;
      for (const waiter of waiters) {
        if (isFirst) isFirst = false;
        else {
          waiters.delete(waiter);
          waiter.waitOn(undefined);
        }
      }
    }
  }
}
