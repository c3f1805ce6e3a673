/**
 * What one host's pool counts. Each event is counted once, at the one place where it happens; the
 * figures of the whole pool are sums over its hosts, those already forgotten included.
 */
import { Histogram } from './histogram.js';

/** The clock that ended a call: see the `…Timeout` settings; `deadline` is its total time. */
export type TimeoutKind = (typeof TIMEOUT_KINDS)[number];

export const TIMEOUT_KINDS = ['acquire', 'connect', 'headers', 'body', 'deadline'] as const;

export class Counters {
  /** Served by a connection that was open already, waited for or not. */
  hits = 0;
  /** Served by a connection straight from its dial. */
  misses = 0;
  /** Idle connections ended by the pool: expired, over the idle cap, or making room. */
  evictions = 0;
  created = 0;
  closed = 0;
  /** Dials that failed. */
  failed = 0;
  requests = 0;
  /** Of these three, those of connections that several callers share; the rest is of the others. */
  sharedCreated = 0;
  sharedClosed = 0;
  sharedRequests = 0;
  replays = 0;
  /** Connections destroyed because of bytes that answer no request. */
  poisoned = 0;
  /** Calls and acquires that ended because a clock ran out, by the clock. */
  readonly timeoutsByKind: Record<TimeoutKind, number> = {
    acquire: 0,
    connect: 0,
    headers: 0,
    body: 0,
    deadline: 0,
  };
  /** Acquires refused because the queue was full. */
  exhausted = 0;
  bytesSent = 0;
  bytesReceived = 0;
  /** Of acquires that were served, or refused after a wait; not of those their caller aborted. */
  readonly wait = new Histogram();

  get timeouts(): number {
    return TIMEOUT_KINDS.reduce((sum, kind) => sum + this.timeoutsByKind[kind], 0);
  }

  timedOut(kind: TimeoutKind): void {
    this.timeoutsByKind[kind] += 1;
  }

  add(other: Counters): void {
    for (const name of COUNTER_NAMES) this[name] += other[name];
    for (const kind of TIMEOUT_KINDS) this.timeoutsByKind[kind] += other.timeoutsByKind[kind];
    this.wait.add(other.wait);
  }
}

export const COUNTER_NAMES = [
  'hits',
  'misses',
  'evictions',
  'created',
  'closed',
  'failed',
  'requests',
  'sharedCreated',
  'sharedClosed',
  'sharedRequests',
  'replays',
  'poisoned',
  'exhausted',
  'bytesSent',
  'bytesReceived',
] as const satisfies readonly (keyof Counters)[];
