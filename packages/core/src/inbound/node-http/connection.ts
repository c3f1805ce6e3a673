/**
 * `InboundConnection`: one connection of a client, as its requests see it.
 *
 *     open ──refuseRest()──▶ last      what arrives behind the current request is not run
 *       │                     │
 *       ├─────stopReading()───┴──▶ deaf  the parser has given up: nothing more can arrive
 *       └──────────the socket closes─────▶ closed   every request under way hears that its client has left
 *
 * node:http knows a connection only as the response that is being written on it: a pipelined request behind
 * that one never hears that its client has left, and a parse error behind a valid request answers that request.
 * So the connection is watched here, with one listener for all of its requests.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { WriteClock, type Outgoing } from './write-clock.js';

/** A request under way, as its connection sees it. */
export interface RequestUnderWay extends Outgoing {
  /** @returns the reason for all requests of the connection to be given up. */
  writeTimedOut(unsentBytes: number): Error;
  /**
   * The client has left: nothing of the request matters any more.
   *
   * @param reason why, when it did not leave by itself.
   */
  leave(reason?: Error): void;
  /** The rest of the body cannot come. */
  failBody(error: Error): void;
}

type ConnectionState = 'open' | 'last' | 'deaf' | 'closed';

const CONNECTION = Symbol('hotaru.connection');
interface KnownSocket extends Socket {
  [CONNECTION]?: InboundConnection | undefined;
}

export class InboundConnection {
  readonly socket: Socket;
  #state: ConnectionState = 'open';
  /** The request under way. Most connections never have more than one at a time. */
  #first: RequestUnderWay | undefined = undefined;
  /** The others, of a client that pipelines. */
  #others: Set<RequestUnderWay> | undefined = undefined;
  /** What arrived last: its response is the last one to be written. */
  #lastRequest: IncomingMessage | undefined = undefined;
  #lastResponse: ServerResponse | undefined = undefined;
  #last: RequestUnderWay | undefined = undefined;
  #writeClock: WriteClock | undefined = undefined;

  /** The connection of a socket, made on first use. */
  static of(socket: Socket): InboundConnection {
    const known: KnownSocket = socket;
    return (known[CONNECTION] ??= new InboundConnection(socket));
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    if (socket.destroyed) this.#state = 'closed';
    else socket.once('close', () => this.#closed());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Is the request run? What follows a malformed one is not: it may be a part of that one's body. */
  get isAccepting(): boolean {
    return this.#state === 'open';
  }

  /** Is a response on its way whose head can no longer be replaced, or that of an earlier request? */
  get isAnswering(): boolean {
    return this.#countUnderWay() > 1 || this.#lastRequest?.complete === true
      ? this.#lastResponse?.writableFinished === false
      : this.#lastResponse?.headersSent === true && !this.#lastResponse.writableFinished;
  }

  begin(last: RequestUnderWay, request: IncomingMessage, response: ServerResponse): void {
    this.#last = last;
    this.#lastRequest = request;
    this.#lastResponse = response;
    if (this.#first === undefined) this.#first = last;
    else (this.#others ??= new Set()).add(last);
  }

  /** Has nothing arrived behind the request? */
  isLast(request: RequestUnderWay): boolean {
    return this.#last === request;
  }

  end(request: RequestUnderWay): void {
    // It holds the body that it has read: a connection may be idle for long after this.
    if (this.#last === request) this.#last = undefined;
    if (this.#first === request) this.#first = undefined;
    else this.#others?.delete(request);
  }

  /** The response to the current request is the last one. To be called before anything can follow. */
  refuseRest(response: ServerResponse): void {
    response.shouldKeepAlive = false;
    if (this.#state === 'open') this.#state = 'last';
  }

  /** The parser has given up. What the socket still brings is thrown away, but its end is seen. */
  stopReading(): void {
    if (this.#state === 'deaf' || this.#state === 'closed') return;
    this.#state = 'deaf';
    const { socket } = this;
    socket.removeAllListeners('data');
    socket.on('data', ignore); // also takes the handle back from Node's parser
    socket.resume();
  }

  /**
   * The body that was coming in is broken. Its request answers, if anything of an answer can still be said;
   * and its response, even one that has begun, is the last.
   *
   * @returns false when all that has arrived is whole.
   */
  failBody(error: Error): boolean {
    const response = this.#lastResponse;
    if (this.#lastRequest === undefined || this.#lastRequest.complete) return false;
    if (response === undefined || response.writableFinished) return false;
    if (response.headersSent) response.once('finish', () => this.socket.destroySoon());
    else response.shouldKeepAlive = false;
    this.#last?.failBody(error);
    return true;
  }

  /** Calls back when all that has arrived is answered; not when the connection closes with that answer. */
  whenAnswered(callback: () => void): void {
    const last = this.#lastResponse;
    if (last === undefined || last.writableFinished) callback();
    // Node's own listener came first: it has closed the socket by now, if it was to be closed.
    else last.once('finish', () => this.socket.writable && callback());
  }

  /** Something of the response is still here: the client has `writeTimeoutMs` to take some of it. */
  watchOutput(request: RequestUnderWay): void {
    this.#writeClock ??= new WriteClock(this.socket, (late, unsentBytes) => {
      this.leave((late as RequestUnderWay).writeTimedOut(unsentBytes));
      this.reset();
    });
    this.#writeClock.watch(request);
  }

  /** Closes in a way that no client takes for an end, and drops what was not sent. */
  reset(): void {
    try {
      this.socket.resetAndDestroy();
    } catch {
      this.socket.destroy(); // only TCP has a reset
    }
  }

  /** Ends with all that is under way on it, in a way that no client takes for the end of a body. */
  cut(reason: Error): void {
    const isHttp10 = this.#lastRequest?.httpVersionMinor === 0;
    this.leave(reason);
    if (isHttp10) this.reset();
    else this.socket.destroy();
  }

  /** Every request under way hears that its client has left. */
  leave(reason?: Error): void {
    const underWay = [this.#first, ...(this.#others ?? [])];
    this.#first = undefined;
    this.#others = undefined;
    for (const request of underWay) request?.leave(reason);
  }

  #countUnderWay(): number {
    return (this.#first === undefined ? 0 : 1) + (this.#others?.size ?? 0);
  }

  #closed(): void {
    this.#state = 'closed';
    this.#writeClock?.stop();
    this.leave();
  }
}

function ignore(): void {
  // bytes behind the last request
}
