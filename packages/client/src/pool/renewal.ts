/**
 * Connections that are always in use never become idle, and still end at their age. Their callers need others then,
 * which are dialled a little before, so that at each moment one takes callers. Which, and when: a pure function of
 * time. That they are dialled, and when this is asked again, is left to the host pool.
 */
import { CONSTANTS } from '../config/constants.js';
import type { Settings } from '../config/pool-config.js';
import { roomOf, type Poolable } from './poolable.js';
import { isSharedSpent } from './shared-connections.js';

export interface Renewal {
  /** Callers that will have no place on another connection when theirs ends. */
  readonly missing: number;
  /** When this is to be asked again, on the monotonic clock; Infinity for never. */
  readonly nextAtMs: number;
}

export function renewalOf(
  shared: Iterable<Poolable>,
  idle: Iterable<Poolable>,
  nowMs: number,
  settings: Settings,
): Renewal {
  let moving = 0;
  let room = 0;
  let nextAtMs = Infinity;
  for (const connection of shared) {
    const atMs = renewalAtMs(connection, settings);
    if (atMs > nowMs) {
      room += roomOf(connection);
      nextAtMs = Math.min(nextAtMs, atMs);
    } else if (!isSharedSpent(connection, nowMs, settings)) moving += connection.record.holders;
  }
  for (const connection of idle)
    if (renewalAtMs(connection, settings) > nowMs) room += roomOf(connection);
  const missing = Math.max(0, moving - room);
  // Their dial may fail, or be too few.
  if (missing > 0) nextAtMs = Math.min(nextAtMs, nowMs + CONSTANTS.slowDialMs);
  return { missing, nextAtMs };
}

/** When the one that takes its place should be dialled. */
export function renewalAtMs({ record }: Poolable, settings: Settings): number {
  const leadMs = Math.min(
    CONSTANTS.renewalLeadMs,
    settings.maxLifetime * CONSTANTS.renewalLeadShare,
  );
  return record.spentAtMs(settings) - leadMs;
}

/** When the next connection will have had its time, held or idle. One that has had its uses has had its time already. */
export function nextExpiryAtMs(
  shared: Iterable<Poolable>,
  idle: Iterable<Poolable>,
  settings: Settings,
): number {
  let atMs = Infinity;
  for (const connection of shared) {
    const { record } = connection;
    // When it was made it was not too old: so it is its uses, if anything.
    const isUsedUp = isSharedSpent(connection, record.createdAtMs, settings);
    atMs = Math.min(atMs, isUsedUp ? -Infinity : record.spentAtMs(settings));
  }
  for (const { record } of idle) atMs = Math.min(atMs, record.expiresAtMs(settings));
  return atMs;
}
