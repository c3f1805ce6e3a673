/**
 * `InboundConnection`: one connection of a client, as its requests see it.
 *
 *     open ──refuseRest()──▶ last      what arrives behind the current request is not run
 *       │                     │
 *       ├─────stopReading()───┴──▶ deaf   the parser has given up: nothing more can arrive
 *       ├─────takenOver()──▶ taken        it speaks another protocol, and is its new owner's
 *       └──────────the socket closes─────▶ closed   every request under way is gone
 *
 * node:http knows a connection only as the response that is being written on it: a pipelined request behind
 * that one never hears that its client has left, and a parse error behind a valid request answers that request.
 * So the connection is watched here, with one listener for all of its requests.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpError } from '../../http/response/http-error.js';
import type { Gone } from '../inbound.js';
import type { NodeInbound } from './node-inbound.js';
import { WriteClock } from './write-clock.js';

type ConnectionState = 'open' | 'last' | 'deaf' | 'taken' | 'closed';

const CONNECTION = Symbol('hotaru.connection');
interface KnownSocket extends Socket {
  [CONNECTION]?: InboundConnection | undefined;
}

export class InboundConnection {
  readonly socket: Socket;
  #state: ConnectionState = 'open';
  /** The request under way. Most connections never have more than one at a time. */
  #first: NodeInbound | undefined = undefined;
  /** The others, of a client that pipelines. */
  #others: Set<NodeInbound> | undefined = undefined;
  /** What arrived last: its response is the last one to be written. It may be over. */
  #newest: NodeInbound | undefined = undefined;
  #writeClock: WriteClock | undefined = undefined;

  /** The connection of a socket, made on first use. */
  static of(socket: Socket): InboundConnection {
    const known: KnownSocket = socket;
    return (known[CONNECTION] ??= new InboundConnection(socket));
  }

  /** Does the socket speak another protocol by now? */
  static isTaken(socket: Socket): boolean {
    return (socket as KnownSocket)[CONNECTION]?.state === 'taken';
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    if (socket.destroyed) this.#state = 'closed';
    else socket.once('close', () => this.#closed());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /**
   * Is the request run? What follows a malformed one is not: it may be a part of that one's body. A socket that is
   * taken brings none by itself: its owner has handed one back, to be answered as any other.
   */
  get isAccepting(): boolean {
    return this.#state === 'open' || this.#state === 'taken';
  }

  /** Is a response on its way whose head can no longer be replaced, or that of an earlier request? */
  get isAnswering(): boolean {
    if (this.#newest === undefined) return false;
    const { request, response } = this.#newest;
    if (this.#countUnderWay() > 1 || request.complete) return !response.writableFinished;
    return response.headersSent && !response.writableFinished;
  }

  begin(inbound: NodeInbound): void {
    this.#newest = inbound;
    if (this.#first === undefined) this.#first = inbound;
    else (this.#others ??= new Set()).add(inbound);
  }

  /** Has nothing arrived behind the request? */
  isLast(inbound: NodeInbound): boolean {
    return this.#newest === inbound;
  }

  end(inbound: NodeInbound): void {
    if (this.#first === inbound) this.#first = undefined;
    else this.#others?.delete(inbound);
  }

  /** The response to the current request is the last one. To be called before anything can follow. */
  refuseRest(response: ServerResponse): void {
    response.shouldKeepAlive = false;
    if (this.#state === 'open') this.#state = 'last';
  }

  takenOver(): void {
    this.#state = 'taken';
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
  failBody(error: HttpError): boolean {
    if (this.#newest === undefined) return false;
    const { request, response } = this.#newest;
    if (request.complete || response.writableFinished) return false;
    if (response.headersSent) response.once('finish', () => this.socket.destroySoon());
    else response.shouldKeepAlive = false;
    this.#newest.breakBody(error);
    return true;
  }

  /** Calls back when all that has arrived is answered; not when the connection closes with that answer. */
  whenAnswered(callback: () => void): void {
    const last = this.#newest?.response;
    if (last === undefined || last.writableFinished) callback();
    // Node's own listener came first: it has closed the socket by now, if it was to be closed.
    else last.once('finish', () => this.socket.writable && callback());
  }

  /** Something of the response is still here: the client has `writeTimeoutMs` to take some of it. */
  watchOutput(inbound: NodeInbound): void {
    this.#writeClock ??= new WriteClock(this.socket, (stalled) => {
      this.leave(stalled);
      this.reset();
    });
    this.#writeClock.watch(inbound);
  }

  /** Closes in a way that no client takes for an end, and drops what was not sent. */
  reset(): void {
    try {
      this.socket.resetAndDestroy();
    } catch {
      this.socket.destroy(); // only TCP has a reset
    }
  }

  /** Every request under way is gone. */
  leave(why: Gone): void {
    const first = this.#first;
    const others = this.#others;
    this.#first = undefined;
    this.#others = undefined;
    first?.left(why);
    if (others !== undefined) for (const inbound of others) inbound.left(why);
  }

  #countUnderWay(): number {
    return (this.#first === undefined ? 0 : 1) + (this.#others?.size ?? 0);
  }

  #closed(): void {
    this.#state = 'closed';
    this.#writeClock?.stop();
    this.leave('left');
    this.#newest?.bodyClosed(); // it may be answered already, with a body that was still coming
  }
}

function ignore(): void {
  // bytes behind the last request
}
