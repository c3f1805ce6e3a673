/**
 * The sockets of a server, and how they end: without losing a request.
 *
 *     in use (a response is in progress)   the response says `Connection: close`; Node closes it after that
 *     a request behind it (pipelined)      only the last response of the socket says so: all are answered
 *     silent                               closed after `silenceMs` without a byte; while other sockets still
 *                                          bring requests, after `busySilenceMs`
 *     upgraded (a WebSocket, say)          left alone until the drain times out: silence is no end there
 *
 * A socket between two requests of a busy client is silent for moments only: the next request may be on its
 * way when the drain begins. Closing at that instant would lose it. So a socket gets a moment in which one
 * more request may arrive and be answered; the same moment ends sockets that never sent anything, which
 * Node's own `closeIdleConnections()` would leave open. What HTTP/1.1 has no answer for is left: a server cannot
 * tell that it is about to close an idle socket, so a request that crosses the close on its way is lost.
 *
 * When the time is up, requests without a response are answered, and all else is cut.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { CONSTANTS } from '../../constants.js';
import type { Cut } from '../inbound.js';
import { InboundConnection } from './connection.js';

/** `_httpMessage` is the response in progress; Node itself goes by it in `closeIdleConnections()`. */
type HttpSocket = Socket & { _httpMessage?: object | null };

export class Connections {
  readonly #server: Server;
  readonly #sockets = new Set<HttpSocket>();
  readonly #onUpgrade = (_request: unknown, socket: Socket): void =>
    InboundConnection.of(socket).takenOver();

  constructor(server: Server) {
    this.#server = server;
    const forget = (socket: HttpSocket): boolean => this.#sockets.delete(socket);
    server.on('connection', (socket: HttpSocket) => {
      this.#sockets.add(socket);
      socket.once('close', () => forget(socket));
    });
    // With a listener, Node hands every upgrade over instead of a request: ours comes and goes with the user's.
    server.on('newListener', (event: string, listener: unknown) => {
      if (event === 'upgrade' && listener !== this.#onUpgrade)
        if (server.listenerCount('upgrade') === 0) server.on('upgrade', this.#onUpgrade);
    });
    server.on('removeListener', (event: string, listener: unknown) => {
      if (event === 'upgrade' && listener !== this.#onUpgrade)
        if (server.listenerCount('upgrade') === 1) server.off('upgrade', this.#onUpgrade);
    });
  }

  get size(): number {
    return this.#sockets.size;
  }

  /**
   * Accepts the clients that are connected but wait in the backlog: closing the listener would reset them. One
   * turn may have begun before they came; so turns go on until one brings none.
   */
  async acceptWaiting(): Promise<void> {
    let accepted = 0;
    const count = (): void => {
      accepted += 1;
    };
    this.#server.on('connection', count);
    for (let turn = 0; turn < CONSTANTS.maxAcceptTurns; turn++) {
      const before = accepted;
      await new Promise((resolve) => setImmediate(resolve));
      if (turn > 0 && accepted === before) break;
    }
    this.#server.off('connection', count);
  }

  /**
   * Resolves when the last socket is closed; after `timeoutMs` what is left is cut.
   *
   * @param onTimeUp told what is about to be cut; it may still answer requests that have no response.
   */
  async drain(timeoutMs: number, onTimeUp: (cut: Cut) => void): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const seen = new Map<HttpSocket, { bytes: number; since: number }>();
    let requestAt = -Infinity;
    const onRequest = (): void => {
      requestAt = performance.now();
    };
    this.#server.on('request', onRequest);
    while (this.#sockets.size > 0) {
      const now = performance.now();
      if (now >= deadline) {
        await this.#cut(onTimeUp);
        break;
      }
      const silent: HttpSocket[] = [];
      for (const socket of this.#sockets) {
        if (InboundConnection.isTaken(socket)) continue;
        const before = seen.get(socket);
        if (before === undefined || isAnswering(socket) || before.bytes !== socket.bytesRead)
          seen.set(socket, { bytes: socket.bytesRead, since: now });
        else if (now - before.since >= CONSTANTS.silenceMs) silent.push(socket);
      }
      const isBusy = now - requestAt < CONSTANTS.silenceMs;
      for (const socket of silent)
        if (!isBusy || now - (seen.get(socket)?.since ?? now) >= CONSTANTS.busySilenceMs)
          socket.destroy();
      await pause(Math.min(CONSTANTS.silenceCheckMs, deadline - now));
    }
    this.#server.off('request', onRequest);
  }

  /** Answers that are given now have a moment to be read. */
  async #cut(onTimeUp: (cut: Cut) => void): Promise<void> {
    const sockets = [...this.#sockets];
    const upgraded = sockets.filter((socket) => InboundConnection.isTaken(socket));
    const responses = sockets.filter(
      (socket) => isAnswering(socket) && !InboundConnection.isTaken(socket),
    );
    onTimeUp({ responses: responses.length, upgraded: upgraded.length });
    for (const socket of sockets) if (!responses.includes(socket)) socket.destroy();
    const endsAt = performance.now() + CONSTANTS.farewellMs;
    while (this.#sockets.size > 0 && performance.now() < endsAt)
      await pause(CONSTANTS.silenceCheckMs);
    this.destroyAll();
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function isAnswering(socket: HttpSocket): boolean {
  return (socket._httpMessage ?? null) !== null;
}

/** After the timer one more turn, in which sockets that have bytes waiting are read. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(() => setImmediate(resolve), ms));
}
