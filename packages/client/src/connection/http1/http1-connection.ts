/**
 * A connection that speaks HTTP/1.1: one caller at a time, one exchange after another. Between two of them nothing
 * may arrive.
 *
 *   idle, bytes arrive     → closed, counted as poisoned (docs/rules.md, rule 2); a 408 is the peer's plain goodbye
 *   idle, FIN or error     → closed
 *   closed                 → `onClosed` told the pool, once
 */
import { peerProtocol, type ResponseReader } from '@hotaru/wire';
import { INSPECT, shown, type InspectOptions } from '../../diagnostics/inspect.js';
import { ConnectionRecord } from '../../pool/connection-record.js';
import type { ConnectionKey } from '../../key/connection-key.js';
import { factsOf, type Connection, type DialTiming } from '../connection.js';
import type { ExchangeEvents, ExchangeRequest } from '../exchange.js';
import type { ByteSink, Transport } from '../transport.js';
import { Http1Exchange } from './exchange.js';
import { ADVICE } from '../protocol-error.js';

export interface Http1ConnectionParts {
  readonly id: number;
  /** 0 … 1, for its lifetime. */
  readonly random: number;
  readonly dialTiming: DialTiming;
}

export class Http1Connection implements Connection, ByteSink {
  readonly record: ConnectionRecord;
  readonly canShare = false;
  readonly callerLimit = 1;
  /** Whatever lies in the socket of an idle one would be taken for the answer. */
  readonly needsPoll = true;
  readonly protocol = 'http/1.1';
  readonly key: ConnectionKey;
  readonly dialTiming: DialTiming;
  readonly remoteAddress: string | undefined;
  onClosed: (() => void) | undefined = undefined;
  /** Made on first use, and kept: of one that is not in use it holds nothing. */
  reader: ResponseReader | undefined = undefined;

  constructor(
    readonly transport: Transport,
    { id, random, dialTiming }: Http1ConnectionParts,
  ) {
    this.record = new ConnectionRecord(this, id, transport.clock, random);
    this.key = transport.key;
    this.dialTiming = dialTiming;
    this.remoteAddress = transport.remoteAddress;
    transport.belongsTo(this);
  }

  get id(): number {
    return this.record.id;
  }
  get isOpen(): boolean {
    return this.transport.isOpen;
  }
  get error(): Error | undefined {
    return this.transport.error;
  }

  reasonOf(error: Error): string {
    return this.transport.reasonOf(error);
  }

  exchange(request: ExchangeRequest, events: ExchangeEvents, isLastUse: boolean): Http1Exchange {
    return new Http1Exchange(this, request, events, isLastUse);
  }

  setIdle(isIdle: boolean): void {
    this.transport.setIdle(isIdle);
  }

  close(): void {
    this.transport.close();
  }

  [INSPECT](depth: number, options: InspectOptions): string {
    return shown('Http1Connection', factsOf(this), depth, options);
  }

  // ── what arrives while no caller uses it ───────────────────────────────────────────────────────

  onBytes(bytes: Buffer): void {
    if (isRequestTimeout(bytes)) this.close();
    else this.transport.poison(this.#otherProtocol(bytes));
  }

  /** A peer that speaks before it was asked, on a new connection, most likely speaks something else. */
  #otherProtocol(bytes: Buffer): Error | undefined {
    if (this.record.requestCount > 0) return undefined;
    const protocol = peerProtocol(bytes, 0, bytes.length);
    return protocol === undefined ? undefined : new Error(ADVICE[protocol]);
  }

  onEnd(): void {
    this.close();
  }

  onClose(): void {
    this.onClosed?.();
  }

  onDrain(): void {
    // nothing waits to be written
  }

  onWriteError(): boolean {
    return false;
  }
}

/** A server that gives up on an idle connection may say so before it closes it (RFC 9110 §15.5.9). */
function isRequestTimeout(bytes: Buffer): boolean {
  return /^HTTP\/1\.[01] 408[ \r]/.test(bytes.toString('latin1', 0, 13));
}
