/**
 * The sockets of a server, and how they end: without losing a request.
 *
 *     in use (a response is in progress)   the response says `Connection: close`; Node closes it after that
 *     a request behind it (pipelined)      only the last response of the socket says so: all are answered
 *     silent                               closed after `silenceMs` without a byte
 *     upgraded (a WebSocket, say)          left alone until the drain times out: silence is no end there
 *
 * A socket between two requests of a busy client is silent for moments only: the next request may be on its
 * way when the drain begins. Closing at that instant would lose it. So a socket gets a moment in which one
 * more request may arrive and be answered; the same moment ends sockets that never sent anything, which
 * Node's own `closeIdleConnections()` would leave open.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CONSTANTS } from '../constants.js';

/** `_httpMessage` is the response in progress; Node itself goes by it in `closeIdleConnections()`. */
type HttpSocket = Socket & { _httpMessage?: object | null };

/** What a drain had to cut. */
export interface Cut {
  readonly responses: number;
  readonly upgraded: number;
}

export class Connections {
  readonly #sockets = new Set<HttpSocket>();
  readonly #upgraded = new WeakSet<Duplex>();
  readonly #onUpgrade = (_request: unknown, socket: Duplex): void => {
    this.#upgraded.add(socket);
  };

  constructor(server: Server) {
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
   * Resolves when the last socket is closed, at the latest after `timeoutMs`, when what is left is destroyed.
   *
   * @returns what was cut.
   */
  async drain(timeoutMs: number): Promise<Cut> {
    const deadline = performance.now() + timeoutMs;
    const seen = new Map<HttpSocket, { bytes: number; since: number }>();
    while (this.#sockets.size > 0) {
      const now = performance.now();
      if (now >= deadline) return this.destroy();
      for (const socket of this.#sockets) {
        if (this.#upgraded.has(socket)) continue;
        const before = seen.get(socket);
        const isInUse = (socket._httpMessage ?? null) !== null;
        if (before === undefined || isInUse || before.bytes !== socket.bytesRead)
          seen.set(socket, { bytes: socket.bytesRead, since: now });
        else if (now - before.since >= CONSTANTS.silenceMs) socket.destroy();
      }
      await pause(Math.min(CONSTANTS.silenceCheckMs, deadline - now));
    }
    return { responses: 0, upgraded: 0 };
  }

  /** @returns what was cut. */
  destroy(): Cut {
    let responses = 0;
    let upgraded = 0;
    for (const socket of this.#sockets) {
      if (this.#upgraded.has(socket)) upgraded++;
      else if ((socket._httpMessage ?? null) !== null) responses++;
      socket.destroy();
    }
    return { responses, upgraded };
  }
}

/** After the timer one more turn, in which sockets that have bytes waiting are read. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(() => setImmediate(resolve), ms));
}
