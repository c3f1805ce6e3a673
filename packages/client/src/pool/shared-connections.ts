/**
 * The connections of one host that several callers hold at once.
 *
 *   apart ──a caller is handed it──▶ open ⇄ full           by its slots (`takesCaller`)
 *     ▲                               │ ▲     │ ▲
 *     └──its last holder has left─────┤ │     │ │ its place is wanted no more
 *                                     ▼ │     ▼ │
 *                                     yielding             its place is wanted elsewhere: no new caller
 *
 *   any held one ──age, uses, GOAWAY, found unfit──▶ leaving ──its last holder has left──▶ closed
 *
 *   apart      idle, or for one caller at a time: not among the connections here
 *   yielding   a fresh waiter, `maxPerHost` or another host needs its place (host-pool.ts, permits.ts). It ends
 *              with its last holder, unless that need goes first: one long stream must not block all callers
 *   leaving    for good
 *
 * A caller goes to the connection that was full last, then to the one that came first: so the load keeps few
 * connections busy, and the others become idle and expire.
 */
import type { Settings } from '../config/pool-config.js';
import { LinkedList } from './linked-list.js';
import type { Permits, YieldingHost } from './permits.js';
import { takesCaller, type Poolable } from './poolable.js';

export type Sharing = 'apart' | 'open' | 'full' | 'yielding' | 'leaving';

export class SharedConnections<T extends Poolable> {
  /** Those that take a caller; the first one in line gets the next. */
  readonly #open = new LinkedList<Poolable>();
  readonly #full = new LinkedList<Poolable>();
  readonly #yielding = new LinkedList<Poolable>();
  readonly #permits: Permits;
  readonly #host: YieldingHost;
  #leavingCount = 0;

  constructor(permits: Permits, host: YieldingHost) {
    this.#permits = permits;
    this.#host = host;
  }

  get openCount(): number {
    return this.#open.size;
  }
  get yieldingCount(): number {
    return this.#yielding.size;
  }
  /** Live ones that take no new caller: nothing to wait for. */
  get leavingCount(): number {
    return this.#leavingCount;
  }
  /** Those that will make room with their last holder. */
  get departingCount(): number {
    return this.#yielding.size + this.#leavingCount;
  }

  /** Callers hold these, and others may join them, now or later: those with room first. */
  *[Symbol.iterator](): IterableIterator<T> {
    yield* this.#open as Iterable<T>;
    yield* this.#full as Iterable<T>;
    yield* this.#yielding as Iterable<T>;
  }

  /** One that others use already, and takes one more. Those that have had their time, met on the way, leave. */
  take(nowMs: number, settings: Settings): T | undefined {
    for (;;) {
      const connection = this.#open.first as T | undefined;
      if (connection === undefined) return undefined;
      if (connection.isOpen && !isSharedSpent(connection, nowMs, settings)) return connection;
      this.leave(connection);
    }
  }

  /** Its holders or its limit have changed. */
  changed(connection: T): void {
    const { record } = connection;
    if (record.sharing === 'yielding' || record.sharing === 'leaving') return;
    const sharing = record.holders === 0 ? 'apart' : takesCaller(connection) ? 'open' : 'full';
    if (sharing !== record.sharing) this.#move(connection, sharing);
  }

  /** Its place is wanted. */
  yield(connection: T): void {
    const { sharing } = connection.record;
    if (sharing === 'open' || sharing === 'full') this.#move(connection, 'yielding');
  }

  /** The one whose place is missed least: the last in line. */
  get last(): T | undefined {
    return (this.#open.last ?? this.#full.last) as T | undefined;
  }

  /** The one that has yielded for longest has its place again; it may have been judged unfit meanwhile. */
  takeBack(): T | undefined {
    const connection = this.#yielding.first as T | undefined;
    if (connection === undefined) return undefined;
    this.#move(connection, takesCaller(connection) ? 'open' : 'full');
    return connection;
  }

  leave(connection: T): void {
    if (connection.record.sharing !== 'leaving') this.#move(connection, 'leaving');
  }

  ended(connection: T): void {
    if (connection.record.sharing !== 'apart') this.#move(connection, 'apart');
  }

  #move({ record }: T, sharing: Sharing): void {
    const { sharedLink } = record;
    const before = this.#yielding.size;
    if (record.sharing === 'leaving') this.#leavingCount -= 1;
    if (sharing === 'leaving') this.#leavingCount += 1;
    sharedLink.list?.remove(sharedLink);
    // The one that was full last has the most holders: it stays the first to fill up.
    if (sharing === 'open' && record.sharing === 'full') this.#open.unshift(sharedLink);
    else this.#listOf(sharing)?.push(sharedLink);
    record.sharing = sharing;
    if (this.#yielding.size === before) return;
    this.#permits.countYielding(this.#yielding.size - before);
    this.#permits.setYielding(this.#host, this.#yielding.size > 0);
  }

  #listOf(sharing: Sharing): LinkedList<Poolable> | undefined {
    switch (sharing) {
      case 'open':
        return this.#open;
      case 'full':
        return this.#full;
      case 'yielding':
        return this.#yielding;
      default:
        return undefined;
    }
  }
}

/** Its age and its uses, those to come included: a caller that was handed it has perhaps not begun its request yet. */
export function isSharedSpent(connection: Poolable, nowMs: number, settings: Settings): boolean {
  const { record, underWay } = connection;
  const toCome = underWay === undefined ? 0 : record.holders - underWay;
  return record.isSpent(nowMs, settings, toCome);
}
