/**
 * What the pool asks of the things it keeps. Sockets and protocols live behind this interface, so the
 * pool's own tests keep plain integers in it.
 */
import type { ConnectionRecord } from './connection-record.js';

export interface Poolable {
  /** The pool's notes on this connection; one object for its whole life, so age never restarts. */
  readonly record: ConnectionRecord;
  /** Open both ways, with nothing unexpected received. */
  readonly isOpen: boolean;
  /** May several callers hold it at once? HTTP/2 yes; HTTP/1.1, WebSocket and raw use no. */
  readonly canShare: boolean;
  /** Callers it takes at once. Of one that can be shared the peer may change it at any time, to 0 too. */
  readonly callerLimit: number;
  /**
   * Takes one slot: false when it has none left. A connection that can be shared counts its own slots
   * and has given one back before it is released.
   */
  reserve(): boolean;
  /** Called when the connection goes idle (true) and when it is taken again (false). */
  setIdle(idle: boolean): void;
  /** Ends it at once. May be called twice. */
  close(): void;
  /** Set by the pool; the connection calls it once, when it has ended for whatever reason. */
  onClosed: (() => void) | undefined;
  /**
   * Set by the pool on one that can be shared, which calls it when its `callerLimit` has changed, and when it
   * takes no more callers at all while some still hold it (`isOpen` is false: GOAWAY).
   */
  onLimitChanged?: (() => void) | undefined;
}
