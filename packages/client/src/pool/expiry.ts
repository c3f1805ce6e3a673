/** Which idle connections have had their time: what a sweep evicts, and when the next one will expire. */
import type { Settings } from '../config/pool-config.js';
import type { Poolable } from './poolable.js';

export interface Expiry {
  readonly expired: readonly Poolable[];
  /** When the next of the others expires, on the monotonic clock; Infinity for never. */
  readonly nextAtMs: number;
}

export function splitExpired(
  idle: Iterable<Poolable>,
  nowMs: number,
  wallMs: number,
  settings: Settings,
): Expiry {
  const expired: Poolable[] = [];
  let nextAtMs = Infinity;
  for (const connection of idle) {
    if (isExpired(connection, nowMs, wallMs, settings)) expired.push(connection);
    else nextAtMs = Math.min(nextAtMs, connection.record.expiresAtMs(settings));
  }
  return { expired, nextAtMs };
}

/** Must not be handed out again: ended, too old, used up, or idle for too long. */
export function isExpired(
  { isOpen, record }: Poolable,
  nowMs: number,
  wallMs: number,
  settings: Settings,
): boolean {
  return (
    !isOpen || record.isSpent(nowMs, settings) || record.isIdleTooLong(nowMs, wallMs, settings)
  );
}
