/** A `node:http2` server as an origin, by its stream API or its compatibility API, with its connections counted. */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { KeyAndCertificate } from '../certificates.js';

export type StreamHandler = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
) => void;
export type CompatHandler = (req: http2.Http2ServerRequest, res: http2.Http2ServerResponse) => void;

export interface NodeHttp2Options {
  /** Without it, HTTP/2 by prior knowledge. */
  readonly tls?: KeyAndCertificate;
  readonly settings?: http2.Settings;
  readonly onStream?: StreamHandler;
  readonly onRequest?: CompatHandler;
  /** More of what node:http2 takes. */
  readonly more?: http2.SecureServerOptions;
}

export class NodeHttp2Server implements AsyncDisposable {
  readonly server: http2.Http2Server | http2.Http2SecureServer;
  /** Sessions since the start, in order. */
  readonly sessions: http2.ServerHttp2Session[] = [];
  readonly open = new Set<http2.ServerHttp2Session>();
  readonly #isSecure: boolean;

  private constructor(options: NodeHttp2Options) {
    const { tls, settings = {}, onStream, onRequest, more } = options;
    this.#isSecure = tls !== undefined;
    this.server =
      tls === undefined
        ? http2.createServer({ settings, ...more })
        : http2.createSecureServer({ ...tls, settings, ...more });
    this.server.on('session', (session: http2.ServerHttp2Session) => {
      this.sessions.push(session);
      this.open.add(session);
      session.on('close', () => this.open.delete(session));
      session.on('error', () => {}); // a client that leaves is no failure of the server
    });
    if (onStream !== undefined)
      this.server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
        stream.on('error', () => {});
        onStream(stream, headers);
      });
    if (onRequest !== undefined) this.server.on('request', onRequest);
  }

  /** Listens before it resolves. */
  static async start(options: NodeHttp2Options): Promise<NodeHttp2Server> {
    const made = new NodeHttp2Server(options);
    made.server.listen(0, '127.0.0.1');
    await once(made.server, 'listening');
    return made;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  get url(): string {
    return `${this.#isSecure ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }
  get connectionCount(): number {
    return this.sessions.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.open) session.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}
