/**
 * A raw TCP or TLS origin that follows a script for each connection and notes what the client did.
 * It has no HTTP server in it: a script can send anything, at any time, and break off anywhere.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type Server as TlsServer,
  type TlsOptions,
} from 'node:tls';
import { uriHost } from '@hotaru/wire';
import { TESTING } from './constants.js';
import type { CannedResponse } from './canned-response.js';
import { ClientGoneError } from './inbox.js';
import type { ReceivedRequest } from './received-request.js';
import { ScriptedPeer } from './scripted-peer.js';
import { turn, within } from './waiting.js';

/**
 * What to do on one connection; a promise it returns is awaited. When it is done, the connection
 * stays open until the client closes it. `ClientGoneError` ends a script quietly; any other error comes out of `upstream.close()`.
 */
export type PeerScript = (peer: ScriptedPeer) => unknown;

export interface ScriptedUpstreamOptions {
  /** Makes it a TLS origin: `{ key, cert }` and whatever else `tls.createServer` takes. */
  tls?: TlsOptions;
  /** Address to listen on, and host in `url`. Default `127.0.0.1`. */
  host?: string;
  /** Default 0: a free one. */
  port?: number;
  /** The script of every connection; the same as `onConnection(script)` afterwards. */
  script?: PeerScript;
}

/**
 * @example
 * await using upstream = await ScriptedUpstream.start();
 * upstream.onConnection(async (peer) => {
 *   const request = await peer.readRequest();
 *   await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel');
 *   peer.end(); // two bytes too early
 * });
 * await expect(sendRequest(upstream.url).then((res) => res.text())).rejects.toThrow();
 * expect(upstream.accepted).toBe(1);
 */
export class ScriptedUpstream {
  /** Every request read by a script, in the order in which their heads were read. */
  readonly requests: ReceivedRequest[] = [];
  /** The connections that are ready to speak (under TLS: after the handshake), in that order. */
  readonly connections: ScriptedPeer[] = [];
  /** TLS handshakes that failed, in order. */
  readonly handshakeErrors: Error[] = [];
  readonly host: string;
  readonly secure: boolean;

  private readonly server: Server;
  private readonly tlsServer: TlsServer | undefined;
  private readonly transports = new Map<number | undefined, Socket>();
  private readonly handshaken = new WeakSet<Socket>();
  private readonly failures: unknown[] = [];
  private readonly watchers = new Set<() => void>();
  private readonly scripts = new Map<number, PeerScript>();
  private scriptOfAll: PeerScript | undefined;
  private acceptedCount = 0;
  private closedCount = 0;

  private constructor(options: ScriptedUpstreamOptions) {
    this.host = options.host ?? '127.0.0.1';
    this.secure = options.tls !== undefined;
    this.scriptOfAll = options.script;
    // Half-open on purpose: whether the client's FIN is answered is the script's to say.
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (transport) =>
      this.accept(transport),
    );
    if (options.tls !== undefined) this.tlsServer = this.createTls(options.tls);
  }

  /** Listens before it resolves. Connections before a script was given wait in silence. */
  static async start(options: ScriptedUpstreamOptions = {}): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream(options);
    await new Promise<void>((resolve, reject) => {
      upstream.server.once('error', reject);
      upstream.server.listen(options.port ?? 0, upstream.host, resolve);
    });
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:port`, or `https://…` with TLS; no slash at the end. */
  get url(): string {
    const host = uriHost(this.host);
    return `${this.secure ? 'https' : 'http'}://${host}:${this.port}`;
  }

  /** Sockets accepted since the start, with those whose TLS handshake failed. */
  get accepted(): number {
    return this.acceptedCount;
  }

  /** Accepted sockets that the client has not closed (nor a script cut). */
  get open(): number {
    return this.acceptedCount - this.closedCount;
  }

  // ── scripts ───────────────────────────────────────────────────────────────────────────────────

  /** The script of every connection, or of connection `index` (counted from 0) alone. */
  onConnection(script: PeerScript): this;
  onConnection(index: number, script: PeerScript): this;
  onConnection(...args: [PeerScript] | [number, PeerScript]): this {
    if (args.length === 1) this.scriptOfAll = args[0];
    else this.scripts.set(args[0], args[1]);
    return this;
  }

  /** One script for each connection in turn; the last one is also that of all further ones. */
  script(scripts: readonly PeerScript[]): this {
    scripts.forEach((script, index) => this.scripts.set(index, script));
    const last = scripts.at(-1);
    if (last !== undefined) this.scriptOfAll = last;
    return this;
  }

  /** The plain good case: the same response to every request, on every connection. */
  respondAlways(
    response: CannedResponse | ((request: ReceivedRequest) => CannedResponse) = {},
  ): this {
    return this.onConnection(async (peer) => {
      for await (const request of peer.incoming())
        await peer.reply(typeof response === 'function' ? response(request) : response);
    });
  }

  // ── waiting ───────────────────────────────────────────────────────────────────────────────────

  /** Connection `index`, as soon as it can speak: to drive it from the test instead of a script. */
  async connection(index: number, guardMs: number = TESTING.guardMs): Promise<ScriptedPeer> {
    await this.until(() => this.connections.length > index, guardMs, `no connection ${index} came`);
    return this.connections[index] as ScriptedPeer;
  }

  /** Resolves when `count` request heads have been read in all. */
  async waitForRequests(count: number, guardMs: number = TESTING.guardMs): Promise<void> {
    await this.until(
      () => this.requests.length >= count,
      guardMs,
      `fewer than ${count} requests came`,
    );
  }

  /** Resolves when at most `count` connections are left open by the client. */
  async waitForOpen(count: number, guardMs: number = TESTING.guardMs): Promise<void> {
    await this.until(
      () => this.open <= count,
      guardMs,
      `more than ${count} connections stayed open`,
    );
  }

  /**
   * Stops listening and destroys every connection.
   *
   * @throws what a script threw, unless it was only that the client had gone.
   */
  async close(): Promise<void> {
    const gone = [...this.transports.values()].map(
      (transport) => new Promise((resolve) => transport.once('close', resolve)),
    );
    const stopped = new Promise<void>((resolve) => {
      this.server.close(() => resolve()); // an error here only says that it was closed before
    });
    // TLS first: Node 20 crashes when the transport goes under the last bytes of a handshake.
    for (const peer of this.connections) peer.tls?.destroy();
    for (const transport of this.transports.values()) transport.destroy();
    await Promise.all([stopped, ...gone]);
    await turn(); // scripts see that their connection is gone
    if (this.failures.length > 0) throw this.failures[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ── connections ───────────────────────────────────────────────────────────────────────────────

  private accept(transport: Socket): void {
    this.acceptedCount += 1;
    this.transports.set(transport.remotePort, transport);
    const { remotePort } = transport;
    transport.on('error', () => undefined); // seen by the peer, or by the handshake
    transport.on('close', () => this.transports.delete(remotePort));
    if (this.tlsServer === undefined) {
      this.ready(transport, transport);
    } else {
      transport.on('close', () => {
        if (!this.handshaken.has(transport)) this.left();
      });
      transport.allowHalfOpen = false; // a client that leaves in the handshake is let go at once
      this.tlsServer.emit('connection', transport); // documented: how to hand a socket to a TLS server
    }
    this.changed();
  }

  private createTls(options: TlsOptions): TlsServer {
    const server = createTlsServer(options);
    server.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true;
      const transport = this.transports.get(socket.remotePort);
      if (transport === undefined) socket.destroy();
      else this.ready(socket, transport);
    });
    server.on('tlsClientError', (error, socket) => {
      this.handshakeErrors.push(error);
      socket.destroy();
      this.changed();
    });
    return server;
  }

  private ready(socket: Socket, transport: Socket): void {
    this.handshaken.add(transport);
    const peer = new ScriptedPeer(this.connections.length, socket, transport, (request) => {
      this.requests.push(request);
      this.changed();
    });
    this.connections.push(peer);
    void peer.closed.then(() => this.left());
    this.changed();
    void this.follow(peer, this.scripts.get(peer.index) ?? this.scriptOfAll);
  }

  private async follow(peer: ScriptedPeer, script: PeerScript | undefined): Promise<void> {
    try {
      await script?.(peer);
    } catch (error) {
      if (!(error instanceof ClientGoneError)) {
        this.failures.push(error);
        peer.reset();
      }
    }
    peer.finish();
  }

  private left(): void {
    this.closedCount += 1;
    this.changed();
  }

  private changed(): void {
    for (const check of this.watchers) check();
  }

  private async until(condition: () => boolean, guardMs: number, otherwise: string): Promise<void> {
    if (condition()) return;
    let check: () => void = () => undefined;
    const met = new Promise<void>((resolve) => {
      check = () => {
        if (condition()) resolve();
      };
      this.watchers.add(check);
    });
    try {
      await within(met, guardMs, otherwise);
    } finally {
      this.watchers.delete(check);
    }
  }
}
