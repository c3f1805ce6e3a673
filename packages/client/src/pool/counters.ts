/**
 * What one host's pool counts. Each event is counted once, at the one place where it happens; the
 * figures of the whole pool are sums over its hosts, those already forgotten included.
 */
import { Histogram } from './histogram.js';

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
  replays = 0;
  /** Connections destroyed because of bytes nobody asked for. */
  poisoned = 0;
  timeouts = 0;
  /** Acquires refused because the queue was full. */
  exhausted = 0;
  bytesSent = 0;
  bytesReceived = 0;
  readonly wait = new Histogram();

  add(other: Counters): void {
    for (const name of COUNTER_NAMES) this[name] += other[name];
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
  'replays',
  'poisoned',
  'timeouts',
  'exhausted',
  'bytesSent',
  'bytesReceived',
] as const satisfies readonly (keyof Counters)[];
