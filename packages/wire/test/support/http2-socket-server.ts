/** The server role of the codec on bare sockets: what a server of our own will stand on. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Http2Codec, WireError, type Http2Limits } from '@hotaru/wire';
import { answering, type Seen } from './http2-answers.js';

export interface SocketServerOptions {
  readonly limits: Http2Limits;
  /** Without it, HTTP/2 by prior knowledge. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export class Http2SocketServer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  /** Connections that began: a port that was only looked at has none. */
  connectionCount = 0;
  /** Errors of connections that the peer caused. */
  readonly errors: WireError[] = [];
  /** Codecs of the connections that are open. */
  readonly codecs = new Set<Http2Codec>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #scheme: string;

  private constructor({ limits, tls }: SocketServerOptions) {
    const serve = (socket: Socket): void => this.#serve(socket, limits);
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server =
      tls === undefined
        ? createServer({ noDelay: true }, serve)
        : createTlsServer({ ...tls, ALPNProtocols: ['h2'], noDelay: true }, serve);
  }

  static async start(options: SocketServerOptions): Promise<Http2SocketServer> {
    const made = new Http2SocketServer(options);
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    return made;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket, limits: Http2Limits): void {
    this.connectionCount += 1;
    this.#sockets.add(socket);
    const flush = (): void => {
      const bytes = codec.takeOutput();
      if (bytes === undefined || socket.destroyed) return;
      if (!socket.write(bytes)) codec.setBlocked(true);
    };
    const codec = new Http2Codec(
      'server',
      answering(this.seen, { onOutput: () => setImmediate(flush) }),
      limits,
    );
    this.codecs.add(codec);
    codec.start();
    socket.on('data', (bytes) => {
      try {
        codec.feed(bytes);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        this.errors.push(error);
        flush();
        socket.end();
      }
    });
    socket.on('drain', () => codec.setBlocked(false));
    socket.on('end', () => codec.fail(new Error('the client has left')));
    socket.on('error', () => {}); // `close` follows
    socket.on('close', () => {
      codec.fail(new Error('the connection is lost'));
      this.#sockets.delete(socket);
      this.codecs.delete(codec);
    });
  }
}
