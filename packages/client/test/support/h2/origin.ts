/**
 * An HTTP/2 origin whose scripts say each frame: over plain TCP (prior knowledge) or over TLS with ALPN. There is no
 * server and no codec of others in it.
 */
import type { TlsOptions } from 'node:tls';
import { ClientGoneError, ScriptedUpstream, turn, type ScriptedPeer } from '@hotaru/client/testing';
import { Watch } from '../watch.js';
import { settings } from './frames.js';
import { H2Peer } from './peer.js';
import type { H2Request } from './request.js';

/** What to do on one connection, once the SETTINGS of the origin are out. */
export type H2Script = (peer: H2Peer) => unknown;

/** The same with other bytes to begin with; none to leave that to the script. */
export interface H2Plan {
  readonly greeting: readonly Uint8Array[];
  readonly run: H2Script;
}

export interface H2OriginOptions {
  /** `{ key, cert }`: over TLS, with `h2` by ALPN. Without it: plain TCP. */
  readonly tls?: TlsOptions;
  /** A request has come, before the frames behind it. */
  readonly onRequest?: (peer: H2Peer, request: H2Request) => void;
  /** A frame was dealt with, or a connection is gone. */
  readonly onChange?: () => void;
}

/**
 * @example
 * await using origin = await H2Origin.start();
 * origin.onConnection(async (peer) => {
 *   const request = await peer.readRequest();
 *   await peer.send(data(request.streamId, 'DATA before HEADERS'));
 * });
 */
export class H2Origin implements AsyncDisposable {
  /** In the order in which their heads came. */
  readonly requests: H2Request[] = [];
  readonly connections: H2Peer[] = [];
  readonly #upstream: ScriptedUpstream;
  readonly #plans: (H2Script | H2Plan)[] = [];
  readonly #failures: unknown[] = [];
  readonly #watch = new Watch();

  readonly #onRequest: NonNullable<H2OriginOptions['onRequest']>;
  readonly #onChange: NonNullable<H2OriginOptions['onChange']>;

  private constructor(upstream: ScriptedUpstream, options: H2OriginOptions) {
    this.#upstream = upstream;
    this.#onRequest = options.onRequest ?? (() => undefined);
    this.#onChange = options.onChange ?? (() => undefined);
  }

  /** Listens before it resolves. */
  static async start(options: H2OriginOptions = {}): Promise<H2Origin> {
    const { tls } = options;
    const upstream = await ScriptedUpstream.start(
      tls === undefined ? {} : { tls: { ALPNProtocols: ['h2'], ...tls } },
    );
    const origin = new H2Origin(upstream, options);
    upstream.onConnection((socket) => origin.#accept(socket));
    return origin;
  }

  get url(): string {
    return this.#upstream.url;
  }
  get port(): number {
    return this.#upstream.port;
  }
  /** Sockets accepted since the start. */
  get accepted(): number {
    return this.#upstream.accepted;
  }
  /** Accepted sockets that the client has not closed (nor a script cut). */
  get open(): number {
    return this.#upstream.open;
  }

  /** One for each connection; the last one for all that come then. */
  script(plans: readonly (H2Script | H2Plan)[]): this {
    this.#plans.splice(0, this.#plans.length, ...plans);
    return this;
  }

  /** The script of every connection. */
  onConnection(plan: H2Script | H2Plan): this {
    return this.script([plan]);
  }

  async connection(index: number): Promise<H2Peer> {
    await this.#watch.until(() => this.connections.length > index, `connection ${index} comes`);
    return this.connections[index]!;
  }

  async waitForRequests(count: number): Promise<void> {
    await this.#watch.until(() => this.requests.length >= count, `${count} requests come`);
  }

  /** What was under way on the open connections has come, there and back: their clients answer a PING in its turn. */
  async roundTrip(): Promise<void> {
    await Promise.all(
      this.connections.filter((peer) => !peer.isGone).map((peer) => peer.roundTrip()),
    );
  }

  waitForOpen(count: number): Promise<void> {
    return this.#upstream.waitForOpen(count);
  }

  /**
   * Stops listening and destroys every connection.
   *
   * @throws what a script threw, or what a client did that RFC 9113 forbids.
   */
  async close(): Promise<void> {
    await this.#upstream.close();
    if (this.#failures.length > 0) throw this.#failures[0];
    for (const { index, manners, rules } of this.connections)
      if (manners.isStrict && rules.violations.length > 0)
        throw new Error(`on connection ${index} the client sent ${rules.violations.join('; ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #accept(socket: ScriptedPeer): Promise<void> {
    const peer = new H2Peer(socket, {
      onRequest: (request) => {
        this.requests.push(request);
        this.#onRequest(peer, request);
      },
      onChange: () => {
        this.#watch.changed();
        this.#onChange();
      },
    });
    const plan = this.#plans[Math.min(socket.index, this.#plans.length - 1)];
    this.connections.push(peer);
    this.#watch.changed();
    const { greeting, run } =
      plan === undefined || typeof plan === 'function'
        ? { greeting: [settings()], run: plan }
        : plan;
    if (greeting.length > 0) void peer.send(...greeting);
    const reading = this.#guarded(peer, () => peer.run());
    await this.#guarded(peer, () => run?.(peer));
    await reading;
  }

  async #guarded(peer: H2Peer, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof ClientGoneError) return;
      this.#failures.push(error);
      peer.socket.reset();
      await turn();
    }
  }
}

/** Answers every request once it is whole: 200, its target in `x-answers`, `body`. */
export function answering(body = 'the next answer'): H2Script {
  return async (peer) => {
    for await (const request of peer.incoming())
      void peer
        .readBody(request)
        .then(() => peer.respond(request, 200, [['x-answers', request.target]], body))
        .catch(() => undefined); // the client has left
  };
}
