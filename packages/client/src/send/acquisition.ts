/**
 * Getting a connection that may be written to: an idle one or a place in the queue, and then a whole poll of
 * its socket, so that bytes that no request had asked for are found before anything is sent (turn.ts). One that others
 * use now, or that was heard from in this turn, may need no poll: it says so.
 *
 *   start ─▶ waiting ─▶ polling ─▶ acquired
 *              │  ╲        └─────▶ unfit       it ended, or spoke unasked, while it was polled
 *              │   ╲─────────────▶ acquired    it needs no poll
 *              ├─────────────────▶ refused     the dial failed, the queue is full, the pool is closed
 *              └──cancel()───────▶ over        in both states; a connection not yet used is given back
 */
import type { Connection } from '../connection/connection.js';
import { afterPoll, type PolledTask } from '../connection/turn.js';
import { ConnectError, HotaruClientError, TransportError, type Phase } from '../errors.js';
import type { HostPool } from '../pool/host-pool.js';
import { hungDialOf } from '../pool/host-report.js';
import type { Dial, Waiter, WaiterEvents } from '../pool/waiter.js';

export interface AcquisitionOwner<T extends Connection> {
  /** It is the owner's now, to be given back by `host.release()`. */
  acquired(connection: T, isReused: boolean): void;
  /** It ended while it was polled, and has been given back. */
  unfit(connection: T, isReused: boolean, error: TransportError): void;
  refused(error: Error): void;
  /** The wait has ended with a connection, which is polled now: the clocks of the wait end. */
  served(): void;
  /** It waits in the queue, on no dial: an acquire timeout applies, counted from the start. */
  waiting(): void;
  /** It waits on a dial: from now on a connect timeout applies, too. */
  dialling(): void;
}

export class Acquisition<T extends Connection> implements WaiterEvents<T>, PolledTask {
  readonly #host: HostPool<T>;
  readonly #owner: AcquisitionOwner<T>;
  /** Over raw bytes a peer may speak first, as SMTP does: its words are the user's to read. */
  readonly #mayPeerSpeakFirst: boolean;
  #state: 'waiting' | 'polling' | 'over' = 'over';
  #waiter: Waiter<T> | undefined = undefined;
  #dial: Dial | undefined = undefined;
  #connection: T | undefined = undefined;
  #isReused = false;

  constructor(host: HostPool<T>, owner: AcquisitionOwner<T>, mayPeerSpeakFirst: boolean) {
    this.#host = host;
    this.#owner = owner;
    this.#mayPeerSpeakFirst = mayPeerSpeakFirst;
  }

  /** Where it stands, for errors. */
  get phase(): Phase {
    return this.#state === 'polling' ? 'send' : (this.#dial?.phase ?? 'queue');
  }

  get isDialling(): boolean {
    return this.#dial !== undefined;
  }

  /** Its time has run out, after `limitMs`: what for, as an error; undefined when it did not wait for a dial. */
  connectTimeout(limitMs: number, settingName: string): ConnectError | undefined {
    const isOfPool = settingName !== 'connectTimeout';
    const dial = isOfPool ? hungDialOf(this.#host, this.#waiter) : this.#dial;
    if (dial === undefined) return undefined;
    return new ConnectError(
      'HOTARU_CONNECT_TIMEOUT',
      `no connection after ${limitMs} ms (${settingName}): ${dial.unfinished}`,
      { phase: dial.phase },
    );
  }

  /**
   * @param needsFresh only a connection straight from its dial will do.
   * @param isAdmitted a drain that has begun lets it finish.
   */
  start(needsFresh: boolean, isAdmitted: boolean, nowMs?: number): void {
    this.#state = 'waiting';
    this.#dial = undefined;
    const connection = needsFresh ? undefined : this.#host.take(nowMs);
    if (connection !== undefined) {
      this.#poll(connection, true);
      return;
    }
    this.#owner.waiting();
    const waiter = this.#host.wait(this, needsFresh, isAdmitted);
    if (waiter.state === 'waiting') this.#waiter = waiter;
  }

  /** `isOutOfTime`: its caller leaves because a clock ran out. */
  cancel(isOutOfTime = false): void {
    const state = this.#state;
    this.#state = 'over';
    if (this.#waiter !== undefined) this.#host.cancel(this.#waiter, isOutOfTime);
    this.#waiter = undefined;
    // Nothing was written yet: the connection is as good as it was.
    if (state === 'polling' && this.#connection !== undefined)
      this.#host.release(this.#connection, true);
  }

  connected(connection: T, isReused: boolean): void {
    this.#waiter = undefined;
    this.#owner.served();
    this.#poll(connection, isReused);
  }

  #poll(connection: T, isReused: boolean): void {
    this.#connection = connection;
    this.#isReused = isReused;
    this.#state = 'polling';
    if (!connection.needsPoll || (!isReused && this.#mayPeerSpeakFirst)) this.onPolled();
    else afterPoll(this);
  }

  refused(error: Error): void {
    this.#waiter = undefined;
    this.#state = 'over';
    // One failed dial may refuse many: each gets an error to write its own facts on.
    this.#owner.refused(error instanceof HotaruClientError ? error.copy() : error);
  }

  dialling(dial: Dial | undefined): void {
    const wasDialling = this.#dial !== undefined;
    this.#dial = dial;
    // From one dial to the next the clock runs on.
    if (dial === undefined) this.#owner.waiting();
    else if (!wasDialling) this.#owner.dialling();
  }

  onPolled(): void {
    const connection = this.#connection;
    if (this.#state !== 'polling' || connection === undefined) return;
    this.#state = 'over';
    this.#connection = undefined;
    if (connection.isOpen) {
      this.#owner.acquired(connection, this.#isReused);
      return;
    }
    this.#host.release(connection, false);
    const cause = connection.error;
    const what =
      cause === undefined
        ? connection.canShare
          ? 'the peer took no more requests on the connection, before anything was sent'
          : 'the peer ended the connection, or spoke unasked, before anything was sent'
        : `the connection broke before anything was sent: ${connection.reasonOf(cause)}`;
    const error = new TransportError('HOTARU_CONNECTION_CLOSED', what, { cause });
    this.#owner.unfit(connection, this.#isReused, error);
  }
}
