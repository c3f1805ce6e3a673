/**
 * The connections of one host that several callers hold at once, and take one more. One that has become
 * unfit meanwhile is leaving: no new caller may join, and the last one that holds it ends it.
 */
import type { Settings } from '../config/pool-config.js';
import { takesCaller, type Poolable } from './poolable.js';

export class SharedConnections<T extends Poolable> {
  readonly #open = new Set<T>();
  #leavingCount = 0;

  get size(): number {
    return this.#open.size;
  }
  /** Live ones that take no new caller: nothing to wait for. */
  get leavingCount(): number {
    return this.#leavingCount;
  }

  add(connection: T): void {
    this.#open.add(connection);
  }

  /** It is idle now: no caller holds it. */
  delete(connection: T): void {
    this.#open.delete(connection);
  }

  /** One that others use already, if it takes one more. */
  take(nowMs: number, settings: Settings): T | undefined {
    for (const connection of this.#open) {
      // Never idle, it would otherwise outlive every limit.
      if (!connection.isOpen || connection.record.isSpent(nowMs, settings))
        this.admitNoMore(connection);
      else if (takesCaller(connection)) return connection;
    }
    return undefined;
  }

  admitNoMore(connection: T): void {
    if (connection.record.isLeaving) return;
    connection.record.isLeaving = true;
    this.#leavingCount += 1;
    this.#open.delete(connection);
  }

  ended(connection: T): void {
    this.#open.delete(connection);
    if (connection.record.isLeaving) this.#leavingCount -= 1;
  }
}
