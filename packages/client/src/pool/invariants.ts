/**
 * What must hold between two transitions of a host pool. Checked on every transition unless `NODE_ENV` is
 * `production`, each in O(1), so that a defect shows where it happens and not hours later.
 */
import { isDevelopment } from '../config/node-env.js';
import type { HostPool } from './host-pool.js';
import { snapshotOf } from './host-report.js';
import type { Poolable } from './poolable.js';

const CHECK = isDevelopment();

export function checkInvariants<T extends Poolable>(host: HostPool<T>): void {
  if (!CHECK) return;
  const { counters } = host;
  assertInvariant(host, host.activeCount >= 0, 'idle connections are a part of the live ones');
  assertInvariant(
    host,
    host.heldCount >= (host.idle.size === host.liveCount ? 0 : 1),
    'a live connection is idle or held',
  );
  assertInvariant(
    host,
    host.line.any.size === 0 || (host.idle.first?.callerLimit ?? 0) === 0,
    'no caller waits while one is idle that could take it',
  );
  assertInvariant(
    host,
    counters.created - counters.closed === host.liveCount,
    'created − closed = live',
  );
}

export function assertInvariant<T extends Poolable>(
  host: HostPool<T>,
  holds: boolean,
  what: string,
): void {
  if (CHECK && !holds)
    throw new Error(`the pool broke its invariant "${what}": ${JSON.stringify(snapshotOf(host))}`);
}
