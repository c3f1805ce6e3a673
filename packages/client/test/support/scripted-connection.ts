/**
 * A `Connection` without a socket and without a protocol: each exchange on it does what a test says, and keeps
 * the contract of connection/exchange.ts as a real one does. What the tests of `src/send` stand on.
 *
 *   new ─start()─▶ open ─responds()─▶ head ─pends()─▶ pending ─ends()─▶ ended ─release()─▶ released
 *                    └─────────────────┴─fails() | abort()──┴────────────▶ ended
 *
 * A step that no real exchange could make in its state throws: a script that is wrong must not pass for a test.
 *
 * @example
 * const connection = new ScriptedConnection(clock);
 * // … the attempt under test acquires it, and sends on it
 * const exchange = connection.last;
 * exchange.sends('written');
 * exchange.responds(200, { 'content-type': 'text/plain' }, 5);
 * exchange.gives('hello');
 * exchange.ends();
 */
import type { Connection, DialTiming, Protocol } from '../../src/connection/connection.js';
import type {
  Exchange,
  ExchangeEvents,
  ExchangeRequest,
  FieldSection,
  ResponseHead,
  SendState,
} from '../../src/connection/exchange.js';
import { ConnectionKey } from '../../src/key/connection-key.js';
import type { PieceSink } from '../../src/message/body-flow.js';
import type { Clock } from '../../src/pool/clock.js';
import { ConnectionRecord } from '../../src/pool/connection-record.js';

export interface ScriptedConnectionOptions {
  readonly id?: number;
  readonly key?: ConnectionKey;
  readonly protocol?: Protocol;
  /** How many exchanges at once; above 1 it can be shared, as one of HTTP/2. Default 1. */
  readonly capacity?: number;
  readonly dialTiming?: DialTiming;
}

export class ScriptedConnection implements Connection {
  readonly record: ConnectionRecord;
  readonly key: ConnectionKey;
  readonly protocol: Protocol;
  readonly remoteAddress = '127.0.0.1';
  readonly dialTiming: DialTiming;
  readonly canShare: boolean;
  readonly callerLimit: number;
  needsPoll = true;
  /** All exchanges that were begun on it. */
  readonly exchanges: ScriptedExchange[] = [];
  onClosed: (() => void) | undefined = undefined;
  error: Error | undefined = undefined;
  isIdle = false;
  #isOpen = true;

  constructor(
    readonly clock: Clock,
    options: ScriptedConnectionOptions = {},
  ) {
    this.record = new ConnectionRecord(this, options.id ?? 0, clock, 1 / 2);
    this.key = options.key ?? ConnectionKey.from('http://scripted.test');
    this.protocol = options.protocol ?? 'http/1.1';
    this.callerLimit = options.capacity ?? 1;
    this.canShare = this.callerLimit > 1;
    this.dialTiming = options.dialTiming ?? { dns: 0, connect: 0, tls: 0 };
  }

  get id(): number {
    return this.record.id;
  }
  get isOpen(): boolean {
    return this.#isOpen;
  }
  /** The exchange that was begun last. */
  get last(): ScriptedExchange {
    const exchange = this.exchanges.at(-1);
    if (exchange === undefined) throw new Error('no exchange was begun on this connection');
    return exchange;
  }

  exchange(request: ExchangeRequest, events: ExchangeEvents, isLastUse: boolean): ScriptedExchange {
    const exchange = new ScriptedExchange(this, request, events, isLastUse);
    this.exchanges.push(exchange);
    return exchange;
  }

  setIdle(isIdle: boolean): void {
    this.isIdle = isIdle;
  }

  reasonOf(error: Error): string {
    return error.message;
  }

  /** The peer has gone, or the pool ends it. Exchanges on it are told by their own `fails()`. */
  close(error?: Error): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.error = error;
    this.onClosed?.();
  }
}

type ExchangeState = 'new' | 'open' | 'head' | 'pending' | 'ended' | 'released';

/** From which states of the sending side each is reached (connection/exchange.ts). */
const BEFORE: Readonly<Record<SendState, readonly SendState[]>> = {
  head: [],
  continue: ['head'],
  source: ['head', 'continue', 'socket'],
  socket: ['head', 'continue', 'source', 'socket'],
  flush: ['head', 'continue', 'source', 'socket'],
  written: ['head', 'continue', 'source', 'socket', 'flush'],
  broken: ['head', 'continue', 'source', 'socket', 'flush', 'written'],
  stopped: [],
};

/** One buffer for all pieces, wiped after each: what takes them must copy them. */
const SHARED_BUFFER = Buffer.alloc(65_536);
const WIPED = 0x21;

export class ScriptedExchange implements Exchange {
  bytesSent = 0;
  responseStarted = false;
  /** Set it before `fails()`: its peer has not acted on it. */
  mayBeSentAgain = false;
  heardAtMs = 0;
  /** What its owner has called, in order. */
  readonly told: string[] = [];
  /** What `release()` answers once it has ended whole; an exchange that was cut proves nothing. */
  isReusable = true;
  #state: ExchangeState = 'new';
  #sending: SendState = 'head';
  #sink: PieceSink | undefined = undefined;
  #isWhole = false;

  constructor(
    readonly connection: ScriptedConnection,
    readonly request: ExchangeRequest,
    readonly events: ExchangeEvents,
    readonly isLastUse: boolean,
  ) {}

  get state(): ExchangeState {
    return this.#state;
  }

  // ── for its owner ──────────────────────────────────────────────────────────────────────────────

  start(): void {
    this.#must(this.#state === 'new', 'start');
    this.told.push('start');
    this.#state = 'open';
    this.connection.record.requestCount += 1;
  }

  pause(): void {
    this.told.push('pause');
  }

  resume(): void {
    this.told.push('resume');
  }

  continueUpload(): void {
    this.told.push('continueUpload');
  }

  giveUp(): void {
    this.told.push('giveUp');
    if (this.#isOpen) this.fails(new Error('the request could not be written'));
  }

  abort(): void {
    if (this.#state === 'ended' || this.#state === 'released') return;
    this.told.push('abort');
    this.#state = 'ended';
  }

  release(): boolean {
    this.#must(this.#state !== 'released', 'release');
    this.abort();
    this.told.push('release');
    this.#state = 'released';
    return this.#isWhole && this.isReusable && this.connection.isOpen;
  }

  // ── for the test: what the protocol does ───────────────────────────────────────────────────────

  /** The sending side goes on; `bytes` were handed over meanwhile. */
  sends(state: SendState, bytes = state === 'head' ? 0 : 1): void {
    this.#must(this.#isOpen && BEFORE[state].includes(this.#sending), `sends ${state}`);
    this.#sending = state;
    this.bytesSent += bytes;
    this.events.sending(state);
  }

  informs(status: number, fields: Readonly<Record<string, string>> = {}): void {
    this.#must(this.#state === 'open' && status < 200, `informs ${status}`);
    this.#heard();
    this.events.onInformational(headOf(status, fields, -1));
  }

  /** `bodyLength`: as announced; −1 for a body of any length, undefined for none. */
  responds(
    status: number,
    fields: Readonly<Record<string, string>> = {},
    bodyLength?: number,
  ): void {
    this.#must(this.#state === 'open' && status >= 200, `responds ${status}`);
    this.#heard();
    this.#state = 'head';
    const sink = this.events.onHead(
      headOf(status, fields, bodyLength ?? -1),
      bodyLength !== undefined,
    );
    if (bodyLength !== undefined) this.#sink = sink;
  }

  /** What came so far is dealt with, and the body is not whole. */
  pends(): void {
    this.#must(this.#state === 'head', 'pends');
    this.#state = 'pending';
    this.events.bodyPending();
  }

  /** A piece of the body. */
  gives(piece: string | Uint8Array): void {
    this.#must(this.#state === 'head' || this.#state === 'pending', 'gives');
    const bytes = Buffer.from(piece);
    this.#must(
      bytes.length > 0 && bytes.length <= SHARED_BUFFER.length,
      `gives ${bytes.length} bytes`,
    );
    this.#heard();
    bytes.copy(SHARED_BUFFER);
    const error = this.#sink?.take(SHARED_BUFFER, 0, bytes.length);
    SHARED_BUFFER.fill(WIPED, 0, bytes.length);
    if (error !== undefined) this.fails(error);
  }

  /** The response is whole. */
  ends(trailers?: Readonly<Record<string, string>>): void {
    this.#must(this.#state === 'head' || this.#state === 'pending', 'ends');
    this.#heard();
    this.#state = 'ended';
    this.#isWhole = true;
    this.events.exchangeDone(trailers === undefined ? undefined : sectionOf('', trailers));
  }

  fails(error: Error): void {
    this.#must(this.#isOpen, 'fails');
    this.#state = 'ended';
    this.events.exchangeFailed(error);
  }

  get #isOpen(): boolean {
    return this.#state === 'open' || this.#state === 'head' || this.#state === 'pending';
  }

  #heard(): void {
    this.responseStarted = true;
    this.heardAtMs = this.connection.clock.now();
  }

  #must(holds: boolean, step: string): void {
    if (!holds)
      throw new Error(
        `an exchange that is ${this.#state} (${this.#sending}) does not do this: ${step}`,
      );
  }
}

/** As a protocol without reason phrases has it. */
function headOf(
  status: number,
  fields: Readonly<Record<string, string>>,
  bodyLength: number,
): ResponseHead {
  const isEncoded = Object.keys(fields).some((name) => name.toLowerCase() === 'content-encoding');
  const section = sectionOf(`${status}\n`, fields);
  return { ...section, status, reasonStart: 0, reasonEnd: 0, isEncoded, bodyLength };
}

function sectionOf(start: string, fields: Readonly<Record<string, string>>): FieldSection {
  let text = start;
  const offsets: number[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const valueStart = text.length + name.length + 1;
    offsets.push(text.length, text.length + name.length, valueStart, valueStart + value.length);
    text += `${name}=${value}\n`;
  }
  return { text, offsets };
}
