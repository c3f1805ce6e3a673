/** What a host tells of itself when a caller waits in vain: a snapshot, and errors that say what stands in the way. */
import { PoolError, type PoolSnapshot } from '../errors.js';
import type { HostPool } from './host-pool.js';
import type { Poolable } from './poolable.js';
import { stateInWords } from './pool-words.js';
import type { Dial, Waiter } from './waiter.js';

export function snapshotOf<T extends Poolable>(host: HostPool<T>): PoolSnapshot {
  const sinceMs = host.line.oldest?.sinceMs;
  return {
    key: host.key,
    active: host.activeCount,
    idle: host.idle.size,
    connecting: host.dialingCount,
    waiting: host.waiterCount,
    oldestWaitMs: sinceMs === undefined ? 0 : host.clock.now() - sinceMs,
    maxPerHost: host.settings.maxPerHost,
  };
}

export function poolClosed<T extends Poolable>(host: HostPool<T>, why: string): PoolError {
  return poolError(host, 'HOTARU_POOL_CLOSED', why);
}

export function poolExhausted<T extends Poolable>(host: HostPool<T>): PoolError {
  return poolError(host, 'HOTARU_POOL_EXHAUSTED', 'no more requests may wait for a connection');
}

export function acquireTimeout<T extends Poolable>(
  host: HostPool<T>,
  limitMs: number,
  settingName: string,
): PoolError {
  const why = `no connection within the ${settingName} of ${limitMs} ms`;
  // What stands in the way of more connections explains the wait.
  return poolError(host, 'HOTARU_ACQUIRE_TIMEOUT', why, host.lastDialError);
}

/**
 * The dial that stands in the way of a waiter whose time runs out: nothing else would have served it for
 * most of its wait. Undefined when connections came and went meanwhile: then it waited for the pool.
 */
export function hungDialOf<T extends Poolable>(
  host: HostPool<T>,
  waiter: Waiter<T> | undefined,
): Dial | undefined {
  if (waiter === undefined) return undefined;
  const isAnyStaying = host.stayingCount > 0;
  // What stays would have served it, unless it needs a fresh one.
  if (isAnyStaying && !waiter.needsFresh) return undefined;
  const pending = waiter.pending ?? (isAnyStaying ? undefined : host.oldestDial);
  if (pending === undefined) return undefined;
  const hungSinceMs = host.liveCount > 0 ? pending.startedAtMs : host.lastLiveAtMs;
  const nowMs = host.clock.now();
  const isMost = nowMs - hungSinceMs >= (nowMs - waiter.sinceMs) / 2;
  return isMost ? pending.dial : undefined;
}

function poolError<T extends Poolable>(
  host: HostPool<T>,
  code: 'HOTARU_POOL_EXHAUSTED' | 'HOTARU_POOL_CLOSED' | 'HOTARU_ACQUIRE_TIMEOUT',
  why: string,
  cause?: Error,
): PoolError {
  const now = snapshotOf(host);
  const state = stateInWords({
    ...now,
    maxPending: host.settings.maxPending,
    sharedBy: host.protocol.state === 'shared' ? host.protocol.callerLimit : undefined,
    isPoolFull: host.isWaitingForPermit,
    servedByDials: host.servedByDials,
  });
  return new PoolError(code, `${why} (${state})`, now, { cause });
}
