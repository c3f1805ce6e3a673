/**
 * One caller's wait for a connection. Its fate is one of three, and only the first to come counts:
 *
 *   waiting ──deliver──▶ served       a connection was handed over, in the same call stack
 *          ├──fail─────▶ failed       a dial failed for it, or the queue gave it up
 *          └──cancel───▶ cancelled    its caller left: abort, deadline
 *
 * While it waits it may wait on a dial, on one after the other, or on none.
 *
 * Handing over is synchronous on purpose: through a promise, an abort could slip in between and the
 * connection would be lost (docs/rules.md, rule 7).
 */
import { Link } from './linked-list.js';
import type { PendingDial } from './pending-dials.js';
import type { Phase } from '../errors.js';

/** A dial under way, as its waiter sees it. */
export interface Dial {
  readonly phase: Phase;
  /** What it has not got yet, in words. */
  readonly unfinished: string;
  /** Gives it up: the pool itself ends, or another dial takes its place. */
  cancel(): void;
}

/** The caller's side. None of these may throw. */
export interface WaiterEvents<T> {
  connected(connection: T, reused: boolean): void;
  refused(error: Error): void;
  /**
   * It waits on this dial now, perhaps instead of another one; undefined: on none any more. Another
   * connection may still come first.
   */
  dialling(dial: Dial | undefined): void;
}

export type WaiterState = 'waiting' | 'served' | 'failed' | 'cancelled';

export class Waiter<T> {
  state: WaiterState = 'waiting';
  pending: PendingDial<T> | undefined = undefined;
  sinceMs = 0;
  /** Its place across both queues of a host. */
  ticket = 0;
  readonly link: Link<Waiter<T>> = new Link<Waiter<T>>(this);

  constructor(
    private readonly events: WaiterEvents<T>,
    /** Only a connection straight from its dial will do: a replay, or `acquireNew`. */
    readonly needsFresh: boolean,
  ) {}

  deliver(connection: T, reused: boolean): void {
    this.state = 'served';
    this.events.connected(connection, reused);
  }

  fail(error: Error): void {
    this.state = 'failed';
    this.events.refused(error);
  }

  waitOn(pending: PendingDial<T> | undefined): void {
    this.pending = pending;
    this.events.dialling(pending?.dial);
  }
}
