/** The state of a host in words, for messages of errors: its figures, each with the setting that bounds it. */
import type { PoolSnapshot } from '../errors.js';

export interface HostState extends PoolSnapshot {
  readonly maxPending: number;
  /** Of connections that callers share: how many one takes at once. Undefined where each has its own. */
  readonly sharedBy?: number | undefined;
  /** No more is dialled: the pool has as many connections as `maxTotal` allows. */
  readonly isPoolFull: boolean;
  /** Waiters that the dials under way are expected to serve. */
  readonly servedByDials: number;
}

export function stateInWords(state: HostState): string {
  const { active, idle, connecting, maxPerHost, isPoolFull } = state;
  const connections = `${active} active, ${idle} idle, ${connecting} connecting, of at most ${maxPerHost} (maxPerHost)${sharingInWords(state)}`;
  const limit = isPoolFull ? '; the pool has all it may have (maxTotal)' : '';
  return `${connections}${limit}; ${waitersInWords(state)}`;
}

function sharingInWords({ sharedBy }: HostState): string {
  if (sharedBy === undefined) return '';
  if (sharedBy === 0)
    return '; over HTTP/2, and the peer takes no calls for now (its stream limit is 0)';
  return `; over HTTP/2, and each takes ${sharedBy} ${sharedBy === 1 ? 'call' : 'calls'} at once`;
}

/** Only those that no dial under way is meant for are counted against `maxPending`. */
function waitersInWords({ waiting, servedByDials, oldestWaitMs, maxPending }: HostState): string {
  const forDials = Math.min(waiting, servedByDials);
  const inLine = `${waiting - forDials} in line of at most ${maxPending} (maxPending)`;
  const oldest = waiting === 0 ? '' : `, the oldest for ${Math.round(oldestWaitMs)} ms`;
  if (forDials === 0) return `${inLine}${oldest}`;
  return `${waiting} waiting: ${forDials} for the dials, ${inLine}${oldest}`;
}
