/**
 * What must hold between two transitions of a host pool. Checked on every transition outside
 * production, each in O(1), so that a defect shows where it happens and not hours later.
 */
import type { HostPool } from './host-pool.js';
import type { Poolable } from './poolable.js';

const CHECK = process.env.NODE_ENV === 'development' || process.env.NODE_ENV === 'test';

export function checkInvariants<T extends Poolable>(host: HostPool<T>): void {
  if (!CHECK) return;
  const { counters } = host;
  promise(host, host.activeCount >= 0, 'idle connections are a part of the live ones');
  promise(host, host.line.any.size === 0 || host.idle.size === 0, 'nobody waits while one is idle');
  promise(host, counters.created - counters.closed === host.liveCount, 'created − closed = live');
}

function promise<T extends Poolable>(host: HostPool<T>, holds: boolean, what: string): void {
  if (!holds)
    throw new Error(`the pool broke its invariant "${what}": ${JSON.stringify(host.snapshot())}`);
}
