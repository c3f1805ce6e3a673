/**
 * One try to get the response of a call from one host: it acquires a connection, runs an exchange on it, replays it
 * once where that is safe, and hears clocks and aborts. It settles once, whatever happens when.
 *
 *   acquiring ─▶ sending ─▶ headers ─▶ body ─▶ over
 *       ▲           │          │
 *       └───────────┴── the connection was dead: again, on another one
 *
 *   acquiring  waits for a connection, and for a poll of its socket (acquisition.ts)
 *   sending    the request is going out (connection/exchange.ts)
 *   headers    it is out, no answer yet
 *   body       the promise is resolved with the response; its body is coming in (delivery.ts)
 *
 * A connection in use is given back at one place, `#free`, and never while its exchange can still speak. Left to others:
 * its caller's promise, signal and scope (outer-side.ts), the clocks (attempt-clock.ts), what is remembered and what an error says (call-record.ts, call-facts.ts), and whether
 * there is another attempt (policies/).
 */
import type { Connection } from '../connection/connection.js';
import type {
  Exchange,
  ExchangeEvents,
  FieldSection,
  ResponseHead,
  SendState,
} from '../connection/exchange.js';
import { AbortedError, HotaruClientError, type Phase, type TransportError } from '../errors.js';
import type { PieceSink } from '../message/body-flow.js';
import { abandonSource } from '../message/request-body.js';
import { ResponseHeaders } from '../message/response-headers.js';
import type { Clock } from '../pool/clock.js';
import type { Deadlines } from '../pool/deadlines.js';
import type { HostPool } from '../pool/host-pool.js';
import { Acquisition, type AcquisitionOwner } from './acquisition.js';
import { AttemptClock, type AttemptClockOwner } from './attempt-clock.js';
import { addFacts, phaseOf, replayOf, type CallState, type Replay } from './call-facts.js';
import { CONSTANTS } from '../config/constants.js';
import { CallRecord } from './call-record.js';
import type { Call } from './call.js';
import { Delivery, type DeliveryOwner } from './delivery.js';
import type { CheckedOptions } from './options.js';
import { OuterSide } from './outer-side.js';
import type { PreparedRequest } from './prepare.js';

/** What all calls of a pool share. */
export interface CallEnvironment {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

export class Attempt
  extends OuterSide
  implements AcquisitionOwner<Connection>, ExchangeEvents, AttemptClockOwner, DeliveryOwner
{
  readonly #clock: Clock;
  readonly #host: HostPool<Connection>;
  /** Both until the answer begins: nothing is sent again after that, and the body need not be held. */
  #call: Call | undefined;
  #request: PreparedRequest | undefined;
  readonly #options: CheckedOptions;
  readonly #clocks: AttemptClock;
  #state: CallState = 'acquiring';
  readonly #acquisition: Acquisition<Connection>;
  /** Held now; undefined before it is acquired and once it is given back. */
  #connection: Connection | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  /** How often peers did not act on the request, and said so. */
  #refusals = 0;
  /** It was sent again though a peer may have acted on it: once. */
  #hasReplayed = false;

  /** @param call which its pool has admitted. */
  constructor(
    { clock, deadlines }: CallEnvironment,
    host: HostPool<Connection>,
    request: PreparedRequest,
    call: Call,
  ) {
    super(call, new CallRecord(clock, request, call));
    this.#clock = clock;
    this.#host = host;
    this.#call = call;
    this.#request = request;
    this.#options = call.options;
    this.#acquisition = new Acquisition(host, this, false);
    this.#clocks = new AttemptClock(clock, deadlines, host, this.#acquisition, call, this);
  }

  protected begin(): void {
    const { startedAtMs } = this.record;
    if (this.#clocks.totalAtMs <= startedAtMs) this.#clocks.deadlinePassed();
    else this.#acquire(false, startedAtMs);
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  protected get phase(): Phase {
    return phaseOf(this.#state, this.#acquisition);
  }

  // ── clocks ─────────────────────────────────────────────────────────────────────────────────────

  scopeDeadlineMoved(): void {
    this.#clocks.scopeDeadlineMoved();
  }

  protected scopeExpired(): void {
    this.#clocks.scopeExpired();
  }

  outOfTime(error: HotaruClientError): void {
    this.end(error);
  }

  continueUpload(): void {
    this.#exchange?.continueUpload();
  }

  giveUp(): void {
    this.#exchange?.giveUp();
  }

  endDraining(): void {
    this.delivery?.endDraining();
  }

  // ── acquiring ──────────────────────────────────────────────────────────────────────────────────

  #acquire(needsFresh: boolean, nowMs: number): void {
    this.#state = 'acquiring';
    this.#clocks.acquiring(nowMs);
    this.#acquisition.start(needsFresh, true, nowMs);
  }

  waiting(): void {
    this.#clocks.waiting();
  }

  dialling(): void {
    this.#clocks.dialling();
  }

  refused(error: Error): void {
    this.end(error);
  }

  unfit(connection: Connection, isReused: boolean, error: TransportError): void {
    const nowMs = this.#clock.now();
    this.record.connectedTo(connection, isReused, this.#clocks.acquiringSinceMs);
    this.record.addAttempt(connection, error);
    // Idle connections run out, so this ends; a host that ends fresh ones would go on for ever.
    if (isReused) this.#acquire(false, nowMs);
    else if (connection.canShare && this.#refusals < CONSTANTS.maxRefusals) {
      this.#countRefusal(connection);
      this.#acquire(false, nowMs);
    } else this.end(error);
  }

  /** Its own clocks begin when it is used; those of the wait for it have ended. */
  served(): void {
    this.#clocks.stopStage();
  }

  acquired(connection: Connection, isReused: boolean): void {
    this.#connection = connection;
    this.record.connectedTo(connection, isReused, this.#clocks.acquiringSinceMs);
    this.#send(connection);
  }

  // ── sending ────────────────────────────────────────────────────────────────────────────────────

  #send(connection: Connection): void {
    const request = this.#request;
    if (request === undefined) throw new Error('a call that was answered is sent again');
    this.#state = 'sending';
    this.#exchange = connection.exchange(request, this, this.#host.isLastUse(connection));
    this.#exchange.start();
    this.record.sentOn(connection);
  }

  sending(state: SendState): void {
    const nowMs = this.#clock.now();
    if (state === 'written') this.record.sentAtMs = nowMs;
    // Once the answer has begun, only its clocks run.
    if (this.#state !== 'sending' && this.#state !== 'headers') return;
    if (state === 'written') this.#state = 'headers';
    this.#clocks.sending(state, nowMs);
  }

  // ── answer ─────────────────────────────────────────────────────────────────────────────────────

  onInformational(head: ResponseHead): void {
    const { onInformational } = this.#options;
    if (onInformational === undefined) return;
    try {
      onInformational(head.status, new ResponseHeaders(head));
    } catch (error) {
      this.abort(error);
    }
  }

  onHead(head: ResponseHead, hasBody: boolean): PieceSink | undefined {
    const exchange = this.#exchange;
    const call = this.#call;
    if (exchange === undefined || call === undefined) return undefined;
    const record = this.record;
    record.headAtMs = exchange.heardAtMs;
    record.bytesSent = exchange.bytesSent;
    const delivery = new Delivery(head, hasBody, exchange, call, this.#clocks, record, this);
    if (delivery.refusal !== undefined) {
      this.end(delivery.refusal);
      return undefined;
    }
    this.#state = 'body';
    this.#call = undefined;
    this.#request = undefined;
    this.#clocks.stopStage();
    this.delivery = delivery;
    this.respond(delivery.response);
    return delivery;
  }

  bodyPending(): void {
    this.delivery?.pending();
  }

  deliveryFailed(error: HotaruClientError): void {
    this.end(error);
  }

  get reportsLeaks(): boolean {
    return this.#host.settings.reportLeaks;
  }

  get callSite(): string | undefined {
    return this.record.callSite;
  }

  exchangeDone(trailers: FieldSection | undefined): void {
    const endedAtMs = this.#exchange?.heardAtMs ?? 0;
    this.record.trailerSection = trailers;
    this.#settle(endedAtMs);
    this.#free(endedAtMs);
    this.delivery?.end();
  }

  exchangeFailed(error: Error): void {
    const connection = this.#connection;
    if (connection === undefined || !(error instanceof HotaruClientError)) {
      this.end(error);
      return;
    }
    const replay = this.#replayOf(error);
    if (replay === 'none') {
      this.end(error);
      return;
    }
    const nowMs = this.#clock.now();
    if (replay === 'another') this.#countRefusal(connection);
    else this.#hasReplayed = true;
    this.#host.counters.replays += 1;
    this.record.addAttempt(connection, error);
    this.#free(nowMs);
    // All that shared a connection come here together: a dial for each would be a storm. A shared one that is dead, too,
    // is found so before anything is written to it.
    this.#acquire(replay === 'fresh' && !connection.canShare, nowMs);
  }

  #replayOf(error: HotaruClientError): Replay {
    if (this.#host.isClosed) return 'none';
    const isStale = (this.#exchange?.isStale ?? this.record.isReused) && !this.#hasReplayed;
    return replayOf(error, this.#request, this.#exchange, isStale, this.#refusals);
  }

  #countRefusal({ wantsNoReplays = false }: Connection): void {
    this.#refusals = wantsNoReplays ? CONSTANTS.maxRefusals : this.#refusals + 1;
  }

  get goodbye(): string | undefined {
    return this.#connection?.goodbye;
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────

  protected end(error: unknown, isAbort = false): void {
    const state = this.#state;
    const request = this.#request;
    if (state === 'over') return;
    if (!isAbort && error instanceof HotaruClientError)
      addFacts(error, this.phase, request, this.#exchange, this.record);
    const nowMs = this.#clock.now();
    this.#settle(nowMs);
    // Not aborted and not refused: then a clock ran out.
    if (state === 'acquiring')
      this.#acquisition.cancel(!isAbort && !(error instanceof AbortedError));
    this.#exchange?.abort();
    // What an exchange has, it gives up itself; unless nothing of it was read, and it could have been sent again.
    if (request?.body.kind === 'stream' && this.#exchange?.mayBeSentAgain !== false)
      abandonSource(request.body.source);
    this.#free(nowMs);
    this.fail(error, isAbort);
  }

  #settle(nowMs: number): void {
    this.#state = 'over';
    this.record.endedAtMs = nowMs;
    this.record.bytesSent = this.#exchange?.bytesSent ?? 0;
    this.#clocks.stop();
    this.delivery?.close();
    this.leave();
  }

  /** The one place where a call gives its connection back. */
  #free(nowMs: number): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    const isReusable = this.#exchange?.release() === true;
    this.#host.release(connection, isReusable, nowMs);
  }
}
