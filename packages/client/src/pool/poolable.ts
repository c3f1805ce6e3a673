/**
 * What the pool asks of the things it keeps. Sockets and protocols live behind this interface, so the
 * pool's own tests keep plain integers in it.
 *
 * Slots are counted by the pool alone: `record.holders` goes up when a caller is handed the connection, and down when
 * it calls `HostPool.release()`. So nothing has to be given back when a caller leaves before it has begun anything.
 */
import type { Settings } from '../config/pool-config.js';
import type { ConnectionRecord } from './connection-record.js';

export interface Poolable {
  /** The pool's notes on this connection; one object for its whole life, so age never restarts. */
  readonly record: ConnectionRecord;
  /**
   * Open both ways, with nothing unexpected received. Of one that can be shared: does it take new callers, now or
   * later? False after GOAWAY, though it still serves the callers it has.
   */
  readonly isOpen: boolean;
  /** May several callers hold it at once? HTTP/2 yes; HTTP/1.1, WebSocket and raw use no. */
  readonly canShare: boolean;
  /**
   * Callers that may hold it at once. Of one that can be shared: the lower of the peer's limit and our own, 0 while it
   * takes none. It may fall below the number of callers that hold it. What they begin then may be refused, as if the
   * peer had not acted on it.
   */
  readonly callerLimit: number;
  /**
   * What was begun on it and has not ended, as the connection counts it, where it does. Checked in development: never
   * more than its holders, so each caller ends what it began before it gives the connection back.
   */
  readonly underWay?: number;
  /** Called when the connection goes idle (true) and when it is taken again (false). */
  setIdle(idle: boolean): void;
  /** Ends it at once. May be called twice. */
  close(): void;
  /** Set by the pool; the connection calls it once, when it has ended for whatever reason. */
  onClosed: (() => void) | undefined;
  /**
   * Set by the pool on one that can be shared, which calls it each time its `callerLimit` has changed or its `isOpen`
   * has become false while it goes on for its callers. Callers may be handed the connection within that call.
   */
  onLimitChanged?: (() => void) | undefined;
  /** New settings, for one that can be shared. `onLimitChanged` need not be called: the pool looks anyway. */
  reconfigured?(settings: Settings): void;
}

/** May one more caller be handed it now? */
export function takesCaller({ isOpen, record, callerLimit }: Poolable): boolean {
  return isOpen && record.holders < callerLimit;
}

/** Callers that it takes beside those that hold it. */
export function roomOf({ isOpen, callerLimit, record }: Poolable): number {
  return isOpen ? Math.max(0, callerLimit - record.holders) : 0;
}
