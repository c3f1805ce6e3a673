/**
 * The queue of waiters for one host, first come, first served. In fact two queues, because a released
 * connection suits only waiters that take a used one; a ticket keeps the order across both.
 */
import { LinkedList } from './linked-list.js';
import type { Waiter } from './waiter.js';

export class WaiterLine<T> {
  /** Any connection serves them. */
  readonly any = new LinkedList<Waiter<T>>();
  /** They take only a connection straight from its dial. */
  readonly fresh = new LinkedList<Waiter<T>>();
  #tickets = 0;

  get size(): number {
    return this.any.size + this.fresh.size;
  }

  /** The one that has waited longest. */
  get oldest(): Waiter<T> | undefined {
    return older(this.any.first, this.fresh.first);
  }

  /** The next ticket: a waiter that joins from now on has this one or a later one. */
  get nextTicket(): number {
    return this.#tickets;
  }

  join(waiter: Waiter<T>, nowMs: number): void {
    waiter.sinceMs = nowMs;
    waiter.ticket = this.#tickets++;
    this.#queueOf(waiter).push(waiter.link);
  }

  remove(waiter: Waiter<T>): void {
    this.#queueOf(waiter).remove(waiter.link);
  }

  /** The oldest that waits on no dial. */
  get oldestWithoutDial(): Waiter<T> | undefined {
    return older(withoutDial(this.any), withoutDial(this.fresh));
  }

  #queueOf(waiter: Waiter<T>): LinkedList<Waiter<T>> {
    return waiter.needsFresh ? this.fresh : this.any;
  }
}

function older<T>(a: Waiter<T> | undefined, b: Waiter<T> | undefined): Waiter<T> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.ticket < b.ticket ? a : b;
}

function withoutDial<T>(queue: LinkedList<Waiter<T>>): Waiter<T> | undefined {
  for (const waiter of queue) if (waiter.pending === undefined) return waiter;
  return undefined;
}
