/** A `node:http` server as an origin, with its sockets counted. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export class NodeServer implements AsyncDisposable {
  readonly server: http.Server;
  /** Sockets accepted since the start, in order. */
  readonly sockets: Socket[] = [];
  /** Accepted sockets that are still there. */
  readonly open = new Set<Socket>();

  private constructor(options: http.ServerOptions, handler: http.RequestListener) {
    this.server = http.createServer(options, handler);
    this.server.on('connection', (socket: Socket) => {
      this.sockets.push(socket);
      this.open.add(socket);
      socket.on('close', () => this.open.delete(socket));
    });
  }

  /** Listens before it resolves. */
  static async start(
    handler: http.RequestListener,
    options: http.ServerOptions & { port?: number } = {},
  ): Promise<NodeServer> {
    const { port = 0, ...rest } = options;
    const made = new NodeServer(rest, handler);
    made.server.listen(port, '127.0.0.1');
    await once(made.server, 'listening');
    return made;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when the next of its sockets has closed, on either side's initiative. */
  async nextClose(): Promise<void> {
    await Promise.race([...this.open].map((socket) => once(socket, 'close')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }
}
