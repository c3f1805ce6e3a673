/**
 * What the pool knows of one connection, from its dial to its end: age, use, what the peer said about
 * keeping it, and its place in the queues. Pure data and pure functions of time.
 */
import { CONSTANTS } from '../config/constants.js';
import type { Settings } from '../config/pool-config.js';
import type { Clock } from './clock.js';
import { Link } from './linked-list.js';
import type { Poolable } from './poolable.js';
import type { Sharing } from './shared-connections.js';

export class ConnectionRecord {
  readonly id: number;
  /** Wall clock, ms since the epoch. */
  readonly createdAt: number;
  readonly createdAtMs: number;
  lastUsedAt: number;
  lastUsedAtMs: number;
  /** The wall clock less the monotonic one, as they were when it was last taken. */
  #wallOffsetMs: number;
  requestCount = 0;
  /** Callers that hold it now. */
  holders = 0;
  /** Its state among those that several callers hold at once (shared-connections.ts). */
  sharing: Sharing = 'apart';
  /** The peer's `Keep-Alive: timeout=` less its margin: a field, never a socket timeout. */
  idleHintMs = Infinity;
  /** The peer's `Keep-Alive: max=`: requests it still takes. */
  requestsLeft = Infinity;
  /** 0.9 … 1.1: connections opened together must not end together. */
  readonly lifetimeFactor: number;
  readonly hostLink: Link<Poolable>;
  readonly poolLink: Link<Poolable>;
  readonly sharedLink: Link<Poolable>;

  constructor(owner: Poolable, id: number, clock: Clock, random: number) {
    this.id = id;
    this.createdAtMs = clock.now();
    this.createdAt = clock.wallNow();
    this.lastUsedAtMs = this.createdAtMs;
    this.lastUsedAt = this.createdAt;
    this.#wallOffsetMs = this.createdAt - this.createdAtMs;
    this.lifetimeFactor = 1 + (random * 2 - 1) * CONSTANTS.lifetimeJitter;
    this.hostLink = new Link<Poolable>(owner);
    this.poolLink = new Link<Poolable>(owner);
    this.sharedLink = new Link<Poolable>(owner);
  }

  /** A caller takes it. */
  taken(nowMs: number, wallMs: number): void {
    this.#wallOffsetMs = wallMs - nowMs;
  }

  /**
   * A caller gives it back. The wall clock is not read again: if the machine was frozen meanwhile, the connection
   * counts as idle for as long, which is the safe side.
   */
  touch(nowMs: number): void {
    this.lastUsedAtMs = nowMs;
    this.lastUsedAt = Math.round(nowMs + this.#wallOffsetMs);
  }

  /** Has it reached its age or its number of requests, with `toCome` of them? True while busy too. */
  isSpent(nowMs: number, settings: Settings, toCome = 0): boolean {
    return (
      nowMs - this.createdAtMs >= settings.maxLifetime * this.lifetimeFactor ||
      this.requestCount + toCome >= settings.maxRequestsPerConnection ||
      this.requestsLeft <= 0
    );
  }

  /**
   * Has it been idle too long? The larger of the two ages counts: a frozen machine's monotonic clock
   * stood still while the peer closed (docs/rules.md, rule 10).
   */
  isIdleTooLong(nowMs: number, wallMs: number, settings: Settings): boolean {
    const idleMs = Math.max(nowMs - this.lastUsedAtMs, wallMs - this.lastUsedAt);
    return idleMs >= Math.min(settings.idleTimeout, this.idleHintMs);
  }

  /** When an idle connection expires, on the monotonic clock. */
  expiresAtMs(settings: Settings): number {
    return Math.min(
      this.lastUsedAtMs + Math.min(settings.idleTimeout, this.idleHintMs),
      this.spentAtMs(settings),
    );
  }

  /** When it will be too old, on the monotonic clock. */
  spentAtMs(settings: Settings): number {
    return this.createdAtMs + settings.maxLifetime * this.lifetimeFactor;
  }
}
