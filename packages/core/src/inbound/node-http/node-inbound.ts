/**
 * `NodeInbound`: one request of node:http as an `Inbound`, with exactly the states of inbound.ts. What belongs to
 * the whole connection (who is under way, the write clock, whether more is accepted) is connection.ts; what
 * becomes of an unread body is linger.ts.
 *
 * node:http gives an `IncomingMessage` and a `ServerResponse`; neither leaves this folder.
 */
import { validateHeaderValue, type IncomingMessage, type ServerResponse } from 'node:http';
import { HotaruError } from '../../errors.js';
import { wireError, type HttpError } from '../../http/response/http-error.js';
import type {
  AnswerState,
  BodySink,
  BodyState,
  FieldLines,
  Gone,
  Inbound,
  InboundEvents,
  InboundHost,
  TakenOver,
} from '../inbound.js';
import { InboundConnection } from './connection.js';
import { checkHead } from './head.js';
import { writeHead } from './in-front.js';
import { settleUnreadBody } from './linger.js';

/** Before the host has set its own, and when the request is over: an idle connection then holds nothing of it. */
const NO_EVENTS: InboundEvents = Object.freeze({
  writeTimeoutMs: Infinity,
  drained() {
    // nothing waits for it
  },
  gone() {
    // it is over
  },
});

const NO_BYTES = Buffer.alloc(0);

/** A request that came with an event of its own for another protocol: what arrived behind its head. */
export type BytesBehind = Buffer | undefined;

/** A request has arrived, from a server of ours or from another one: see `nodeHandler()`. */
export function acceptRequest(
  host: InboundHost,
  request: IncomingMessage,
  response: ServerResponse,
  awaitsContinue: boolean,
  behind: BytesBehind,
  fields: FieldLines = request.rawHeaders,
): void {
  const connection = InboundConnection.of(request.socket);
  // Behind a malformed request: it may be a part of that one's body. Its connection is about to close.
  if (!connection.isAccepting) return;
  const inbound = new NodeInbound(connection, request, response, awaitsContinue, behind, fields);
  connection.begin(inbound);
  host.accept(inbound);
}

export class NodeInbound implements Inbound {
  events: InboundEvents = NO_EVENTS;
  readonly connection: InboundConnection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly target: string;
  readonly fields: FieldLines;
  // From the head: see head.ts.
  bodyLength = 0;
  headBytes = 0;
  hasRequestId = false;
  readonly flaw: HttpError | undefined;
  bodyError: HttpError | undefined = undefined;
  awaitsContinue: boolean;
  #body: BodyState = 'none';
  #answer: AnswerState = 'due';
  #sink: BodySink | undefined = undefined;
  readonly #behind: BytesBehind;
  #hearsDrain = false;

  constructor(
    connection: InboundConnection,
    request: IncomingMessage,
    response: ServerResponse,
    awaitsContinue: boolean,
    behind: BytesBehind,
    fields: FieldLines,
  ) {
    this.connection = connection;
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    this.target = request.url ?? '';
    this.fields = fields;
    this.awaitsContinue = awaitsContinue;
    this.#behind = behind;
    this.flaw = checkHead(request, this);
    // Behind the head of an upgrade there is no body: what arrives is another protocol's.
    if (behind !== undefined) this.bodyLength = 0;
    else if (this.bodyLength !== 0) this.#body = bodyStateOf(request);
  }

  get remoteAddress(): string {
    return this.request.socket.remoteAddress ?? '';
  }

  get isSecure(): boolean {
    return 'encrypted' in this.request.socket;
  }

  get body(): BodyState {
    return this.#body;
  }

  get answer(): AnswerState {
    return this.#answer;
  }

  get isGone(): boolean {
    return (
      this.#answer === 'gone' ||
      this.#answer === 'cut' ||
      this.response.destroyed ||
      this.request.socket.destroyed
    );
  }

  get writeTimeoutMs(): number {
    return this.events.writeTimeoutMs;
  }

  // ── the body ─────────────────────────────────────────────────────────────────────────────────────

  readBody(sink: BodySink): void {
    if (this.#body !== 'unread') throw misuse('readBody()', this.#body);
    this.#body = 'reading';
    this.#sink = sink;
    const request: KnownRequest = this.request;
    request[INBOUND] = this;
    request.on('data', onData);
    request.on('end', onEnd);
    if (request.isPaused()) request.resume();
  }

  pauseBody(): void {
    if (this.#body !== 'reading') return;
    this.#body = 'paused';
    this.request.pause();
  }

  resumeBody(): void {
    if (this.#body !== 'paused') return;
    this.#body = 'reading';
    this.request.resume();
  }

  sayContinue(): void {
    if (!this.awaitsContinue) return;
    this.awaitsContinue = false;
    if (this.#answer === 'due' && !this.isGone) this.response.writeContinue();
  }

  /** The answer is out, and the rest of a small body is read for the next request's sake; a sink still gets it. */
  dropBody(): void {
    if (this.#body === 'whole' || this.#body === 'cut') return;
    this.#body = 'dropped';
    this.request.resume();
  }

  /** What still comes is thrown away; a sink may slow it down, but not for long. */
  resumeRest(): void {
    if (this.#body === 'paused') this.#body = 'reading';
    else if (this.#body === 'unread') this.#body = 'dropped'; // who read it now would take a part for the whole
    this.request.resume();
  }

  /** The parser has given up in the middle of the body. */
  breakBody(error: HttpError): void {
    if (this.#body === 'none' || this.#body === 'whole' || this.#body === 'cut') return;
    this.bodyError = error;
    this.#cutBody(error);
  }

  bodyData(chunk: Buffer): void {
    this.#sink?.data(chunk);
  }

  bodyEnd(): void {
    if (this.#body === 'cut') return;
    this.#body = 'whole';
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.end();
  }

  /** The connection has ended. Its `IncomingMessage` hears that only while its answer is due. */
  bodyClosed(): void {
    if (this.#body === 'none' || this.#body === 'whole' || this.#body === 'cut') return;
    // All of it is here, and a reader that takes its time after the answer still gets it.
    if (this.#answer === 'sent' && this.request.complete && !this.request.destroyed) return;
    this.#cutBody(wireError('HOTARU_CLIENT_GONE', 'the client left before its body was here'));
  }

  #cutBody(error: HttpError): void {
    this.#body = 'cut';
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.fail(error);
  }

  // ── the answer ───────────────────────────────────────────────────────────────────────────────────

  inform(status: 102 | 103, fields: FieldLines): void {
    if (!this.#mayAnswer('inform()', 'due') || this.request.httpVersionMinor === 0) return;
    if (status === 102) this.response.writeProcessing();
    else this.response.writeEarlyHints(hintsOf(fields));
  }

  respond(status: number, fields: FieldLines, body: string | Uint8Array | null): boolean {
    if (!this.#mayAnswer('respond()', 'due')) return false;
    const { response } = this;
    if (this.bodyLength !== 0) settleUnreadBody(this);
    writeHead(response, status, fields);
    if (body === null) response.end();
    else response.end(body);
    return this.#ended();
  }

  begin(status: number, fields: FieldLines, first: string | Uint8Array | undefined): boolean {
    if (!this.#mayAnswer('begin()', 'due')) return false;
    const { response } = this;
    if (this.bodyLength !== 0) settleUnreadBody(this);
    writeHead(response, status, fields);
    this.#answer = 'begun';
    if (first !== undefined) return this.write(first);
    response.flushHeaders();
    return true;
  }

  write(chunk: string | Uint8Array): boolean {
    if (!this.#mayAnswer('write()', 'begun')) return false;
    if (this.response.write(chunk)) return true;
    if (!this.#hearsDrain) {
      this.#hearsDrain = true;
      this.response.on('drain', () => this.events.drained());
    }
    this.connection.watchOutput(this);
    return false;
  }

  end(): boolean {
    if (!this.#mayAnswer('end()', 'begun')) return false;
    this.response.end();
    return this.#ended();
  }

  closeAfter(): void {
    if (this.connection.isLast(this)) this.connection.refuseRest(this.response);
  }

  cut(): void {
    if (this.isGone) return;
    if (this.#answer === 'sent' || this.#answer === 'taken') throw misuse('cut()', this.#answer);
    this.#over('cut');
    const { response } = this;
    // To HTTP/1.0 a closed connection is the end of the body: only a reset says otherwise.
    const isReset = this.request.httpVersionMinor === 0 && response.socket !== null;
    if (isReset) this.connection.reset();
    setImmediate(() => {
      // What was written before has had its chance to go out; a response that waits for its turn is cut when it has come.
      if (!isReset) response.destroy();
      // Behind a newer request nothing else would tell it: what Node has kept of the body goes with the socket.
      this.bodyClosed();
    });
  }

  get canTakeOver(): boolean {
    return this.#behind !== undefined && this.#answer === 'due' && !this.isGone;
  }

  takeOver(): TakenOver {
    if (!this.canTakeOver) throw misuse('takeOver()', this.#answer);
    const { response, connection } = this;
    const { socket } = connection;
    response.detachSocket(socket);
    connection.takenOver();
    this.#over('taken');
    return { socket, head: this.#behind ?? NO_BYTES };
  }

  // ── told by the connection ───────────────────────────────────────────────────────────────────────

  left(why: Gone): void {
    const { events } = this;
    this.#over('gone');
    events.gone(why);
    this.bodyClosed();
  }

  /** Is it the verb's turn? False: the client is gone, which may cross any call. */
  #mayAnswer(verb: string, state: AnswerState): boolean {
    if (this.isGone) return false;
    if (this.#answer !== state) throw misuse(verb, this.#answer);
    return true;
  }

  #ended(): boolean {
    const { response } = this;
    if (response.writableLength === 0) {
      this.#over('sent');
      return true;
    }
    this.#answer = 'ended';
    this.connection.watchOutput(this);
    response.once('finish', () => this.#finished());
    return false;
  }

  #finished(): void {
    // Node says so, too, when the connection is destroyed with the rest of it: then `gone` comes next.
    if (this.#answer !== 'ended' || this.request.socket.destroyed) return;
    const { events } = this;
    this.#over('sent');
    events.drained();
  }

  #over(state: AnswerState): void {
    this.#answer = state;
    this.events = NO_EVENTS;
    this.connection.end(this);
  }
}

const INBOUND = Symbol('hotaru.inbound');
interface KnownRequest extends IncomingMessage {
  [INBOUND]?: NodeInbound;
}

// One function for all requests: closures would cost each body two of them.
function onData(this: KnownRequest, chunk: Buffer): void {
  this[INBOUND]?.bodyData(chunk);
}

function onEnd(this: KnownRequest): void {
  this[INBOUND]?.bodyEnd();
}

/** Another server may have read the body, or lost its client, before it handed the request over. */
function bodyStateOf(request: IncomingMessage): BodyState {
  if (request.readableEnded) return 'whole';
  return request.destroyed ? 'cut' : 'unread';
}

function hintsOf(fields: FieldLines): Record<string, string | string[]> {
  const hints: Record<string, string | string[]> = {};
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] ?? '').toLowerCase();
    const value = fields[index + 1] ?? '';
    validateHeaderValue(name, value); // Node would send a line break as it is
    const before = hints[name];
    hints[name] = before === undefined ? value : [before, value].flat();
  }
  return hints;
}

function misuse(verb: string, state: string): HotaruError {
  return new HotaruError('HOTARU_INVALID_STATE', `${verb} was called when it was "${state}"`);
}
