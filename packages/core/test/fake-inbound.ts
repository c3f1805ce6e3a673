/**
 * A request without a transport: an `Inbound` whose events a test makes happen, and which keeps what is done to it.
 * And what an `Exchange` needs around it.
 */
import { Background } from '../src/background.js';
import { Exchange } from '../src/http/exchange.js';
import { HttpSafety, type HttpSafetyOptions } from '../src/http/request/safety.js';
import type { HttpError } from '../src/http/response/http-error.js';
import { Draining } from '../src/inbound/draining.js';
import type {
  AnswerState,
  BodySink,
  BodyState,
  FieldLines,
  Gone,
  Inbound,
  InboundEvents,
  TakenOver,
} from '../src/inbound/inbound.js';
import { checkCorrelation } from '../src/log/correlation.js';
import { RequestLog } from '../src/log/request-log.js';
import { App } from '../src/index.js';
import type { Services } from '../src/services.js';
import { memoryLogger } from './helpers.js';

type FakeHead = Partial<
  Pick<Inbound, 'method' | 'target' | 'fields' | 'bodyLength' | 'awaitsContinue' | 'flaw'>
>;

export class FakeInbound implements Inbound {
  events!: InboundEvents;
  readonly method: string;
  readonly target: string;
  readonly fields: FieldLines;
  readonly headBytes = 0;
  readonly hasRequestId: boolean;
  readonly flaw: HttpError | undefined;
  readonly remoteAddress = '127.0.0.1';
  readonly isSecure = false;
  readonly canTakeOver = false;
  readonly bodyLength: number;
  body: BodyState;
  bodyError: HttpError | undefined = undefined;
  awaitsContinue: boolean;
  answer: AnswerState = 'due';
  isGone = false;
  /** Does the system take all that is written? */
  takesAll = true;
  /** Bytes of the body that are here before it is asked for: they come during `readBody()`. */
  hasArrived = '';
  /** The verbs that were called, in their order. */
  readonly calls: string[] = [];
  status = 0;
  sentFields: FieldLines = [];
  sent = '';
  #sink: BodySink | undefined = undefined;

  constructor({
    method = 'GET',
    target = '/',
    fields = ['host', 'x'],
    bodyLength = 0,
    awaitsContinue = false,
    flaw,
  }: FakeHead = {}) {
    this.method = method;
    this.target = target;
    this.fields = fields;
    this.hasRequestId = fields.includes('x-request-id');
    this.bodyLength = bodyLength;
    this.body = bodyLength === 0 ? 'none' : 'unread';
    this.awaitsContinue = awaitsContinue;
    this.flaw = flaw;
  }

  // ── what its client does ─────────────────────────────────────────────────────────────────────────

  /** The client takes what was written. */
  drain(): void {
    this.takesAll = true;
    const { events } = this;
    if (this.answer === 'ended') this.answer = 'sent';
    events.drained();
  }

  leave(why: Gone = 'left'): void {
    this.isGone = true;
    this.answer = 'gone';
    this.events.gone(why);
  }

  send(bytes: string): void {
    this.#sink?.data(Buffer.from(bytes));
  }

  sendEnd(): void {
    this.body = 'whole';
    this.#sink?.end();
  }

  breakBody(error: HttpError): void {
    this.body = 'cut';
    this.bodyError = error;
    this.#sink?.fail(error);
  }

  // ── the verbs ────────────────────────────────────────────────────────────────────────────────────

  readBody(sink: BodySink): void {
    this.calls.push('readBody');
    if (this.body !== 'unread') throw new Error(`readBody() in ${this.body}`);
    this.body = 'reading';
    this.#sink = sink;
    if (this.hasArrived !== '') this.send(this.hasArrived);
  }

  pauseBody(): void {
    if (this.body === 'reading') this.body = 'paused';
  }

  resumeBody(): void {
    if (this.body === 'paused') this.body = 'reading';
  }

  sayContinue(): void {
    if (!this.awaitsContinue) return;
    this.awaitsContinue = false;
    this.calls.push('sayContinue');
  }

  inform(): void {
    this.calls.push('inform');
  }

  respond(status: number, fields: FieldLines, body: string | Uint8Array | null): boolean {
    this.#begun('respond', 'due', status, fields);
    if (body !== null) this.sent += Buffer.from(body).toString();
    return this.#ended();
  }

  begin(status: number, fields: FieldLines, first: string | Uint8Array | undefined): boolean {
    this.#begun('begin', 'due', status, fields);
    this.answer = 'begun';
    if (first !== undefined) this.sent += Buffer.from(first).toString();
    return this.takesAll;
  }

  write(chunk: string | Uint8Array): boolean {
    this.#begun('write', 'begun', this.status, this.sentFields);
    this.sent += Buffer.from(chunk).toString();
    return this.takesAll;
  }

  end(): boolean {
    this.#begun('end', 'begun', this.status, this.sentFields);
    return this.#ended();
  }

  closeAfter(): void {
    this.calls.push('closeAfter');
  }

  cut(): void {
    this.calls.push('cut');
    this.answer = 'cut';
    this.isGone = true;
  }

  takeOver(): TakenOver {
    throw new Error('there is no socket');
  }

  #begun(verb: string, state: AnswerState, status: number, fields: FieldLines): void {
    this.calls.push(verb);
    if (this.answer !== state) throw new Error(`${verb}() in ${this.answer}`);
    this.status = status;
    this.sentFields = fields;
  }

  #ended(): boolean {
    this.answer = this.takesAll ? 'sent' : 'ended';
    return this.takesAll;
  }
}

/** What a request is served with: an access log in memory, and an app that never starts. */
export function fakeServices(): { services: Services; lines: Record<string, unknown>[] } {
  const { log, lines } = memoryLogger('info');
  const app = new App({ logger: log, mode: 'production' });
  const services: Services = {
    app,
    pool: app.pool,
    log,
    requests: new RequestLog(log, true),
    correlation: checkCorrelation(),
    isDevelopment: false,
    hasDiagnostics: false,
    draining: new Draining(),
    background: new Background(),
    requestContainer: () => {
      throw new Error('there is no container');
    },
  };
  return { services, lines };
}

export function fakeExchange(head: FakeHead = {}, safety: HttpSafetyOptions = {}) {
  const inbound = new FakeInbound(head);
  const { services, lines } = fakeServices();
  const exchange = new Exchange(services, new HttpSafety(safety), inbound);
  return { inbound, exchange, services, lines };
}
