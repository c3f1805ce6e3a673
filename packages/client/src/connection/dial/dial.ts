/**
 * One dial: takes the layers of a route (route.ts) one after the other, and makes a connection of the socket that
 * the last one gives. Settles exactly once.
 *
 *   first layer ──done──▶ … ──done──▶ last layer ──done──▶ connected
 *        └─────────────┬────────────────┴──▶ failed      the layer, its socket, or the one time limit over all
 *                      └─────cancel()──────▶ cancelled   the pool gives it up
 *
 * Whatever ends it early has one thing to tear down: the outermost socket, if there is one yet. The sockets are
 * watched here for all layers, and for the connection after them.
 */
import type { Socket } from 'node:net';
import { ConnectError } from '../../errors.js';
import type { ConnectionKey } from '../../key/connection-key.js';
import type { Clock } from '../../pool/clock.js';
import type { Counters } from '../../pool/counters.js';
import type { DialEvents } from '../../pool/dialer.js';
import type { Dial } from '../../pool/waiter.js';
import { Http1Connection } from '../http1/http1-connection.js';
import { Transport } from '../transport.js';
import { reasonOf } from './dial-reason.js';
import type { DialPhase, Layer, LayerEvents, Reached, Reading, Route } from './layer.js';

export interface DialEnvironment {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly nextId: () => number;
  readonly random: () => number;
  /** ms for all layers together. */
  readonly timeoutMs: number;
}

export function dial(
  key: ConnectionKey,
  route: Route,
  events: DialEvents<Http1Connection>,
  env: DialEnvironment,
): Dial {
  return new LayeredDial(key, route, events, env);
}

class LayeredDial implements Dial, LayerEvents {
  readonly #key: ConnectionKey;
  readonly #route: Route;
  readonly #events: DialEvents<Http1Connection>;
  readonly #env: DialEnvironment;
  readonly #timer: unknown;
  readonly #tookMs: Record<DialPhase, number> = { dns: 0, connect: 0, tls: 0 };
  #layer: Layer;
  /** Of that layer in the route. */
  #place = 0;
  #layerSinceMs: number;
  #state: 'dialling' | 'over' = 'dialling';
  /** The outermost one: it alone is watched, and torn down. */
  #socket: Socket | undefined = undefined;
  #reading: Reading = 'stream';
  #transport: Transport | undefined = undefined;

  constructor(
    key: ConnectionKey,
    route: Route,
    events: DialEvents<Http1Connection>,
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
    return this.#layer.phase;
  }

  get unfinished(): string {
    return this.#layer.unfinished;
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
    this.#transport?.received(bytes);
  }

  done(reached: Reached): void {
    if (this.#state === 'over') return;
    const nowMs = this.#env.clock.now();
    this.#tookMs[this.#layer.phase] += nowMs - this.#layerSinceMs;
    this.#layerSinceMs = nowMs;
    this.#place += 1;
    const next = this.#route[this.#place];
    if (next === undefined) {
      this.#connected(reached);
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

  #connected({ socket }: Reached): void {
    if (socket === undefined) {
      this.failed(new Error('the last layer of a route has to give a socket'));
      return;
    }
    this.#end();
    const { clock, counters, nextId, random } = this.#env;
    const transport = new Transport(this.#key, socket, clock, counters);
    this.#transport = transport;
    keepReadingAfterWriteError(socket, transport);
    if (this.#reading === 'stream') {
      socket.on('data', (bytes: Buffer) => transport.received(bytes));
      socket.resume(); // takes a tick: what a layer has put back finds the connection handed over
    }
    this.#events.connected(
      new Http1Connection(transport, { id: nextId(), random: random(), dialTiming: this.#tookMs }),
    );
  }

  #errorOf(thrown: unknown): ConnectError {
    const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { phase } = this.#layer;
    const { tls, host } = this.#key;
    const isTls = phase === 'tls' && tls !== false;
    const reason = reasonOf(cause, isTls ? tls.servername : host);
    const code = isTls ? 'HOTARU_TLS_FAILED' : 'HOTARU_CONNECT_FAILED';
    return new ConnectError(code, reason, { cause, phase });
  }

  #timedOut(): void {
    if (this.#state === 'over') return;
    this.#tearDown('timeout');
    const { missing, phase } = this.#layer;
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
