/**
 * What one call remembers for its response and its errors: when each phase began, which connection
 * carried it, what was tried before.
 */
import { nameCall } from '../diagnostics/call-name.js';
import type { Connection } from '../connection/connection.js';
import type { FieldSection } from '../connection/exchange.js';
import type { Attempt, HotaruClientError } from '../errors.js';
import type { ConnectionInfo, ResponseSource, ResponseTiming } from '../message/response.js';
import { ResponseHeaders } from '../message/response-headers.js';
import type { Clock } from '../pool/clock.js';
import type { Call } from './call.js';
import type { PreparedRequest } from './prepare.js';
import type { Origin } from './target.js';

const NO_ATTEMPTS: readonly Attempt[] = Object.freeze([]);
const NO_HEADERS = new ResponseHeaders({ text: '', offsets: [] });

export class CallRecord implements ResponseSource {
  /** When the caller asked: before the first request, if this one follows a redirect. */
  readonly calledAtMs: number;
  readonly startedAtMs: number;
  connectedAtMs = 0;
  sentAtMs = 0;
  headAtMs = 0;
  endedAtMs = 0;
  isReused = false;
  bytesSent = 0;
  trailerSection: FieldSection | undefined = undefined;
  readonly method: string;
  readonly origin: Origin;
  /** Path and query. */
  readonly target: string;
  /** The caller's line, where call sites are recorded: for errors of a body that no async function awaits. */
  readonly callSite: string | undefined;
  readonly #clock: Clock;
  #connection: Connection | undefined = undefined;
  #requestCount = 0;
  #attempts: Attempt[] | undefined;

  constructor(clock: Clock, request: PreparedRequest, call: Call) {
    this.#clock = clock;
    // Neither the request nor the call: a response that is kept holds this record, and would hold the body that was sent.
    this.method = request.method;
    this.origin = request.origin;
    this.target = request.target;
    this.callSite = call.callSite;
    this.calledAtMs = call.calledAtMs;
    this.startedAtMs = call.startedAtMs;
    this.#attempts = call.attempts;
  }

  connectedTo(connection: Connection, isReused: boolean, askedAtMs: number): void {
    this.#connection = connection;
    this.isReused = isReused;
    // When both were there: one that came out of use, or was dialled, after it was asked for, or one that was idle.
    this.connectedAtMs = Math.max(askedAtMs, connection.record.lastUsedAtMs);
  }

  sentOn(connection: Connection): void {
    this.#requestCount = connection.record.requestCount;
  }

  addAttempt(connection: Connection, error: HotaruClientError): void {
    this.#attempts ??= [];
    this.#attempts.push({
      connectionId: connection.id,
      reusedConnection: this.isReused,
      code: error.code,
      message: error.message,
    });
  }

  get url(): string {
    return this.origin.text + this.target;
  }

  /** Puts on an error which call it is about, and what is known of that. */
  name(error: HotaruClientError): void {
    nameCall(error, this.method, this.origin.text, this.target);
    error.elapsedMs ??= this.elapsedMs;
    error.bytesSent = this.bytesSent;
    error.responseStarted = this.headAtMs > 0;
    error.reusedConnection = this.isReused;
    error.attempts = this.attempts;
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.calledAtMs;
  }

  get attempts(): readonly Attempt[] {
    return this.#attempts ?? NO_ATTEMPTS;
  }

  get trailers(): ResponseHeaders {
    const section = this.trailerSection;
    return section === undefined ? NO_HEADERS : new ResponseHeaders(section);
  }

  get connectionInfo(): ConnectionInfo {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('a response came without a connection');
    return {
      id: connection.id,
      reused: this.isReused,
      requestCount: this.#requestCount,
      protocol: connection.protocol,
      remoteAddress: connection.remoteAddress,
    };
  }

  timing(): ResponseTiming {
    const dial = this.isReused ? undefined : this.#connection?.dialTiming;
    const { dns = 0, connect = 0, tls = 0 } = dial ?? {};
    const waitedMs = this.connectedAtMs - this.startedAtMs;
    return {
      queue: Math.max(0, waitedMs - dns - connect - tls),
      dns,
      connect,
      tls,
      // An early answer comes before the request is out: both figures then stop at zero.
      send: Math.max(0, this.sentAtMs - this.connectedAtMs),
      ttfb: this.sentAtMs === 0 ? 0 : Math.max(0, this.headAtMs - this.sentAtMs),
      total: (this.endedAtMs || this.#clock.now()) - this.calledAtMs,
    };
  }
}
