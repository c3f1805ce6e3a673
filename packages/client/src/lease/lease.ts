/**
 * A lease: one connection, checked out. It ends once, by `release()` or `discard()`; leaving a
 * `using` scope without either discards, because then nothing says that the connection is clean.
 */
import { CheckedOutConnection } from './checked-out.js';
import { INSPECT, shown, type InspectOptions } from '../diagnostics/inspect.js';
import { stopWatching, watchForLeak, type Leakable } from '../diagnostics/leaks.js';

/**
 * @example
 * using lease = await pool.acquire('redis.internal', 6379);
 * await lease.write('PING\r\n');
 * const answer = await lease.read();
 * lease.release();
 */
export class Lease implements Disposable {
  /** Good until the lease ends; then its `socket` is an error, as `read()` and `write()` are. */
  readonly connection: CheckedOutConnection;
  readonly #hold: LeaseHold;

  constructor(connection: CheckedOutConnection, reportsLeaks: boolean, callSite?: string) {
    this.connection = connection;
    this.#hold = new LeaseHold(connection, reportsLeaks, callSite);
    watchForLeak(this, this.#hold);
  }

  /** Resolves when the bytes were handed to the kernel. @throws `HOTARU_CONNECTION_CLOSED`, `HOTARU_INVALID_STATE` */
  write(bytes: Uint8Array | string): Promise<void> {
    return this.connection.write(bytes);
  }

  /** The next bytes; undefined once the peer has finished. @throws as `write` */
  read(): Promise<Uint8Array | undefined> {
    return this.connection.read();
  }

  /**
   * Says that the connection is clean. True when it was kept for reuse: not when bytes are left unread or
   * unwritten, a read is under way, or it has ended or reached its limits; nor the second time.
   */
  release(): boolean {
    return this.#hold.finish(true);
  }

  /** Closes the connection. */
  discard(): void {
    this.#hold.finish(false);
  }

  [INSPECT](depth: number, options: InspectOptions): string {
    return shown('Lease', { connection: this.connection }, depth, options);
  }

  [Symbol.dispose](): void {
    this.discard();
  }
}

/** What is left of a lease when its owner has dropped it: enough to take the connection back. */
class LeaseHold implements Leakable {
  #isOver = false;

  constructor(
    readonly connection: CheckedOutConnection,
    readonly reportsLeaks: boolean,
    readonly callSite: string | undefined,
  ) {}

  finish(isReusable: boolean): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    stopWatching(this);
    return CheckedOutConnection.end(this.connection, isReusable);
  }

  reclaim(): string | undefined {
    if (this.#isOver) return undefined;
    this.finish(false);
    return `a lease on ${this.connection.key.id} was never given back: call release() or discard(), or use \`using\``;
  }
}
