/**
 * The idle connections of one host, the one idle longest first. Each has a place among the idle ones of all hosts,
 * too, from where its permit may be taken for another host (permits.ts). When one becomes idle, and what it means
 * that one is evicted, is left to the host pool.
 */
import type { Settings } from '../config/pool-config.js';
import { isExpired, splitExpired } from './expiry.js';
import { LinkedList } from './linked-list.js';
import type { Permits } from './permits.js';
import { takesCaller, type Poolable } from './poolable.js';

export class IdleConnections extends LinkedList<Poolable> {
  readonly #permits: Permits;
  readonly #evict: (connection: Poolable) => void;

  constructor(permits: Permits, evict: (connection: Poolable) => void) {
    super();
    this.#permits = permits;
    this.#evict = evict;
  }

  enter(connection: Poolable): void {
    this.push(connection.record.hostLink);
    this.#permits.idle.push(connection.record.poolLink);
    connection.setIdle(true);
  }

  leave(connection: Poolable): void {
    this.forget(connection);
    connection.setIdle(false);
  }

  /** It has ended, idle or not. */
  forget(connection: Poolable): void {
    this.remove(connection.record.hostLink);
    this.#permits.idle.remove(connection.record.poolLink);
  }

  /** One that is good for a caller. Those that are not, met on the way, are evicted. */
  take(nowMs: number, wallMs: number, settings: Settings): Poolable | undefined {
    for (;;) {
      let next = settings.order === 'fifo' ? this.first : this.last;
      if (next === undefined) return undefined;
      // One is enough for many callers: those left alone expire, where turns would keep all of them for ever.
      if (next.canShare && this.last !== undefined) next = this.last;
      if (this.#takeOne(next, nowMs, wallMs, settings)) return next;
      if (isIdle(next)) return this.#takeBeside(nowMs, wallMs, settings);
    }
  }

  /** The next one in line takes no callers for now: one of the others may. */
  #takeBeside(nowMs: number, wallMs: number, settings: Settings): Poolable | undefined {
    // A copy: each eviction lets others act, who may take or evict in their turn.
    for (const other of [...this])
      if (isIdle(other) && this.#takeOne(other, nowMs, wallMs, settings)) return other;
    return undefined;
  }

  /** False when it is not to be had: evicted, or left idle because its peer takes no callers for now. */
  #takeOne(connection: Poolable, nowMs: number, wallMs: number, settings: Settings): boolean {
    const isGood = !isExpired(connection, nowMs, wallMs, settings);
    if (isGood && takesCaller(connection)) {
      this.leave(connection);
      connection.record.taken(nowMs, wallMs);
      return true;
    }
    if (!isGood || !connection.isOpen || !connection.canShare) this.#evict(connection);
    return false;
  }

  /** Returns when the next one expires, on the monotonic clock; Infinity for never. */
  evictExpired(nowMs: number, wallMs: number, settings: Settings): number {
    const { expired, nextAtMs } = splitExpired(this, nowMs, wallMs, settings);
    // Not while walking: each eviction lets others dial, who may evict in their turn.
    for (const connection of expired) if (isIdle(connection)) this.#evict(connection);
    return nextAtMs;
  }
}

export function isIdle(connection: Poolable): boolean {
  return connection.record.hostLink.list !== undefined;
}
