/** `pool.stats()`: counters and gauges as a plain object, for one host and for all of them. */
import { Counters, type TimeoutKind } from './counters.js';
import type { WaitSummary } from './histogram.js';
import type { HostPool } from './host-pool.js';
import type { Poolable } from './poolable.js';

export interface HostStats {
  hits: number;
  misses: number;
  evictions: number;
  /** Connections in the pool, ready to be taken: the same as `idle`. */
  pooledConnections: number;
  /** hits / (hits + misses); 0 before the first acquire. */
  hitRate: number;
  created: number;
  closed: number;
  /** Dials that failed. */
  failed: number;
  idle: number;
  active: number;
  connecting: number;
  waiting: number;
  requests: number;
  replays: number;
  poisoned: number;
  /** Calls and acquires that ended because a clock ran out: the sum of `timeoutsByKind`. */
  timeouts: number;
  /**
   * `acquire`: no connection came free within `acquireTimeout`. `connect`: its dial took longer than
   * `connectTimeout`, or than `acquireTimeout` with no connection that could have come free.
   * `headers`, `body`: the peer stalled. `deadline`: the total time of the call, whatever it was doing.
   */
  timeoutsByKind: Record<TimeoutKind, number>;
  /** Acquires refused at once because the queue was full. */
  exhausted: number;
  bytesSent: number;
  bytesReceived: number;
  /** The same, by what is spoken. */
  protocols: Record<'http/1.1' | 'h2', ProtocolStats>;
  /**
   * ms each acquire waited until it had a connection, or was refused one: its dial failed or its time ran
   * out. Served at once is a wait of 0 ms. Not counted: refused at once (`exhausted`), aborted by the caller.
   */
  wait: WaitSummary;
}

/** What one protocol has a part in. Connections for raw bytes count as `http/1.1`, whatever is spoken on them. */
export interface ProtocolStats {
  /** Open now, idle or in use. */
  connections: number;
  /** Calls and leases that hold one now: of HTTP/2 these are streams, many on one connection. */
  inUse: number;
  created: number;
  closed: number;
  requests: number;
}

export interface PoolStats extends HostStats {
  hosts: Record<string, OneHostStats>;
}

export interface OneHostStats extends HostStats {
  /**
   * Calls that one connection takes at once: 1 of HTTP/1.1; of HTTP/2 the streams that the peer allowed last, at most
   * `maxStreams`, and 0 while it takes none. null while it is not known what the host speaks.
   */
  callsPerConnection: number | null;
}

interface Gauges {
  idle: number;
  active: number;
  connecting: number;
  waiting: number;
}

/** Not shown by themselves. */
interface Holds {
  held: number;
  sharedHeld: number;
}

export function statsOf<T extends Poolable>(host: HostPool<T>): OneHostStats {
  const callsPerConnection = host.protocol.callerLimit ?? null;
  return { ...toStats(host.counters, gaugesOf(host), holdsOf(host)), callsPerConnection };
}

/** `retired`: what hosts counted that the pool has forgotten since. */
export function sumStats<T extends Poolable>(
  hosts: Iterable<HostPool<T>>,
  retired: Counters,
): HostStats {
  const counters = new Counters();
  counters.add(retired);
  const gauges: Gauges = { idle: 0, active: 0, connecting: 0, waiting: 0 };
  const holds: Holds = { held: 0, sharedHeld: 0 };
  for (const host of hosts) {
    counters.add(host.counters);
    const own = gaugesOf(host);
    gauges.idle += own.idle;
    gauges.active += own.active;
    gauges.connecting += own.connecting;
    gauges.waiting += own.waiting;
    holds.held += host.heldCount;
    holds.sharedHeld += host.sharedHeldCount;
  }
  return toStats(counters, gauges, holds);
}

function gaugesOf<T extends Poolable>(host: HostPool<T>): Gauges {
  return {
    idle: host.idle.size,
    active: host.activeCount,
    connecting: host.dialingCount,
    waiting: host.waiterCount,
  };
}

function holdsOf<T extends Poolable>(host: HostPool<T>): Holds {
  return { held: host.heldCount, sharedHeld: host.sharedHeldCount };
}

/** HTTP/2 is what is shared: HTTP/1.1 counts nothing of its own, and has the rest. */
function protocolsOf(counters: Counters, { held, sharedHeld }: Holds): HostStats['protocols'] {
  const h2: ProtocolStats = {
    connections: counters.sharedCreated - counters.sharedClosed,
    inUse: sharedHeld,
    created: counters.sharedCreated,
    closed: counters.sharedClosed,
    requests: counters.sharedRequests,
  };
  return {
    'http/1.1': {
      connections: counters.created - counters.closed - h2.connections,
      inUse: held - sharedHeld,
      created: counters.created - h2.created,
      closed: counters.closed - h2.closed,
      requests: counters.requests - h2.requests,
    },
    h2,
  };
}

function toStats(counters: Counters, gauges: Gauges, holds: Holds): HostStats {
  const served = counters.hits + counters.misses;
  return {
    hits: counters.hits,
    misses: counters.misses,
    evictions: counters.evictions,
    pooledConnections: gauges.idle,
    hitRate: served === 0 ? 0 : counters.hits / served,
    created: counters.created,
    closed: counters.closed,
    failed: counters.failed,
    ...gauges,
    requests: counters.requests,
    replays: counters.replays,
    poisoned: counters.poisoned,
    timeouts: counters.timeouts,
    timeoutsByKind: { ...counters.timeoutsByKind },
    exhausted: counters.exhausted,
    bytesSent: counters.bytesSent,
    bytesReceived: counters.bytesReceived,
    protocols: protocolsOf(counters, holds),
    wait: counters.wait.summary(),
  };
}
