/**
 * One dial: takes the layers of a route (route.ts) one after the other, and makes a connection of the socket that
 * the last one gives: of the protocol that was chosen there (opening.ts). Settles exactly once.
 *
 *   first layer ──done──▶ … ──done──▶ last layer ──done──▶ (HTTP/2: its opening) ──▶ connected
 *        └─────────────┬────────────────┴─────────────────────────┤
 *                      └─────cancel()──────▶ cancelled            └──▶ failed
 *
 *   failed      a layer, its socket, the opening, or the one time limit over all
 *   cancelled   the pool gives it up
 *
 * Whatever ends it early has one thing to tear down: the outermost socket, if there is one yet. The sockets are
 * watched here for all layers, and for the connection after them.
 */
import type { Socket } from 'node:net';
import { ConnectError } from '../../errors.js';
import type { ConnectionKey } from '../../key/connection-key.js';
import { offerInWords, type Http2Setting } from '../../key/offered-protocols.js';
import type { Clock } from '../../pool/clock.js';
import type { Counters } from '../../pool/counters.js';
import type { DialEvents } from '../../pool/dialer.js';
import type { Dial } from '../../pool/waiter.js';
import type { Connection, DialTiming, Protocol } from '../connection.js';
import { Http1Connection } from '../http1/http1-connection.js';
import { Transport } from '../transport.js';
import { reasonOf } from './dial-reason.js';
import type { DialPhase, Layer, LayerEvents, Reached, Reading, Route } from './layer.js';
import { chosenOn, Opening } from './opening.js';

export interface DialEnvironment {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly nextId: () => number;
  readonly random: () => number;
  /** ms for all layers together, and the opening. */
  readonly timeoutMs: number;
  /** The setting, when the dial began. */
  readonly http2: Http2Setting;
  /** Makes the connection that speaks HTTP/2. */
  readonly http2Connection: (transport: Transport, parts: ConnectionParts) => OpeningConnection;
}

/** What a connection needs to know of its dial. */
export interface ConnectionParts {
  readonly id: number;
  /** 0 … 1, for its lifetime. */
  readonly random: number;
  readonly dialTiming: DialTiming;
}

/** A connection whose protocol has a handshake of its own. */
export interface OpeningConnection extends Connection {
  open(opening: { onReady(): void; onFailed(error: Error): void }): void;
}

export function dial(
  key: ConnectionKey,
  route: Route,
  events: DialEvents<Connection>,
  env: DialEnvironment,
): Dial {
  return new LayeredDial(key, route, events, env);
}

class LayeredDial implements Dial, LayerEvents {
  readonly #key: ConnectionKey;
  readonly #route: Route;
  readonly #events: DialEvents<Connection>;
  readonly #env: DialEnvironment;
  readonly #timer: unknown;
  readonly #tookMs: Record<DialPhase, number> = { dns: 0, connect: 0, tls: 0 };
  #layer: Layer;
  /** Of that layer in the route. */
  #place = 0;
  /** Once the layers are done, for HTTP/2. */
  #opening: Opening | undefined = undefined;
  #layerSinceMs: number;
  #state: 'dialling' | 'over' = 'dialling';
  /** The outermost one: it alone is watched, and torn down. */
  #socket: Socket | undefined = undefined;
  #reading: Reading = 'stream';
  #transport: Transport | undefined = undefined;

  constructor(
    key: ConnectionKey,
    route: Route,
    events: DialEvents<Connection>,
    env: DialEnvironment,
  ) {
    this.#key = key;
    this.#route = route;
    this.#events = events;
    this.#env = env;
    this.#layer = route[0];
    this.#layerSinceMs = env.clock.now();
    this.#timer =
      env.timeoutMs === Infinity
        ? undefined
        : env.clock.setTimer(() => this.#timedOut(), env.timeoutMs);
    this.#start({ addresses: undefined, socket: undefined });
  }

  get phase(): DialPhase {
    return this.#stage.phase;
  }

  get unfinished(): string {
    return this.#stage.unfinished;
  }

  get #stage(): Layer | Opening {
    return this.#opening ?? this.#layer;
  }

  cancel(): void {
    this.#end();
    this.#socket?.destroy();
  }

  // ── what the layers say ────────────────────────────────────────────────────────────────────────

  opened(socket: Socket, reading: Reading): void {
    this.#socket = socket;
    this.#reading = reading;
    socket.on('error', (error: Error) => {
      if (socket !== this.#socket) return; // the one around it has it, too
      if (this.#transport === undefined) this.failed(error);
      else this.#transport.errored(error);
    });
    socket.on('end', () => {
      if (socket !== this.#socket) return;
      if (this.#transport === undefined) this.failed(new Error(this.#layer.closedEarly));
      else this.#transport.ended();
    });
    socket.on('close', () => {
      if (socket !== this.#socket) return;
      if (this.#transport === undefined) this.failed(new Error(this.#layer.closedEarly));
      else this.#transport.socketClosed();
    });
    socket.on('drain', () => {
      if (socket === this.#socket) this.#transport?.drained();
    });
  }

  received(bytes: Buffer): void {
    if (this.#state === 'dialling') this.#opening?.heard(bytes);
    this.#transport?.received(bytes);
  }

  done(reached: Reached): void {
    if (this.#state === 'over') return;
    this.#endStage();
    this.#place += 1;
    const next = this.#route[this.#place];
    if (next === undefined) {
      this.#settle(reached);
    } else {
      this.#layer = next;
      this.#start(reached);
    }
  }

  failed(cause: unknown): void {
    if (this.#state === 'over') return;
    this.#tearDown('error');
    this.#events.failed(cause instanceof ConnectError ? cause : this.#errorOf(cause));
  }

  // ── inside ─────────────────────────────────────────────────────────────────────────────────────

  #start(below: Reached): void {
    try {
      this.#layer.start(below, this);
    } catch (error) {
      queueMicrotask(() => this.failed(error)); // later, as every answer of a dial
    }
  }

  #settle({ socket }: Reached): void {
    if (socket === undefined) {
      this.failed(new Error('the last layer of a route has to give a socket'));
      return;
    }
    let protocol: Protocol;
    try {
      protocol = chosenOn(socket, this.#key, this.#env.http2);
    } catch (error) {
      this.failed(error);
      return;
    }
    const { clock, counters, nextId, random } = this.#env;
    const transport = new Transport(this.#key, socket, clock, counters);
    this.#transport = transport;
    keepReadingAfterWriteError(socket, transport);
    if (this.#reading === 'stream') {
      socket.on('data', (bytes: Buffer) => this.received(bytes));
      socket.resume(); // takes a tick: what a layer has put back finds the connection handed over
    }
    const parts = { id: nextId(), random: random(), dialTiming: this.#tookMs };
    if (protocol === 'h2') this.#open(this.#env.http2Connection(transport, parts));
    else this.#connected(new Http1Connection(transport, parts));
  }

  #open(connection: OpeningConnection): void {
    this.#opening = new Opening(this.#key);
    connection.open({
      onReady: () => {
        if (this.#state === 'over') return;
        this.#endStage();
        this.#connected(connection);
      },
      onFailed: (error) => this.failed(error),
    });
  }

  #connected(connection: Connection): void {
    this.#end();
    this.#opening = undefined;
    this.#events.connected(connection);
  }

  #endStage(): void {
    const nowMs = this.#env.clock.now();
    this.#tookMs[this.#stage.phase] += nowMs - this.#layerSinceMs;
    this.#layerSinceMs = nowMs;
  }

  #errorOf(thrown: unknown): ConnectError {
    const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { phase } = this.#stage;
    const { tls, host } = this.#key;
    const isTls = phase === 'tls' && tls !== false;
    const words = isTls
      ? reasonOf(cause, tls.servername, offerInWords(this.#key, this.#env.http2))
      : reasonOf(cause, host);
    const reason = this.#opening?.explain(words) ?? words;
    const code = isTls ? 'HOTARU_TLS_FAILED' : 'HOTARU_CONNECT_FAILED';
    return new ConnectError(code, reason, { cause, phase });
  }

  #timedOut(): void {
    if (this.#state === 'over') return;
    this.#tearDown('timeout');
    const { missing, phase } = this.#stage;
    const why = `${missing} within ${this.#env.timeoutMs} ms`;
    this.#events.failed(new ConnectError('HOTARU_CONNECT_TIMEOUT', why, { phase }));
  }

  #tearDown(failure: 'error' | 'timeout'): void {
    this.#end();
    this.#socket?.destroy();
    for (const layer of this.#route.slice(0, this.#place + 1)) layer.distrust?.(failure);
  }

  #end(): void {
    this.#state = 'over';
    if (this.#timer !== undefined) this.#env.clock.clearTimer(this.#timer);
  }
}

/**
 * Node destroys a socket whose write failed, and with it an answer that has arrived already, such as
 * the 413 of a server that closed in the middle of an upload (nodejs/help#2034). The one hook is the
 * socket's own `destroy`.
 */
function keepReadingAfterWriteError(socket: Socket, transport: Transport): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    if (error?.syscall === 'write' && transport.keepsReading(error)) return socket;
    return destroy(error);
  };
}
