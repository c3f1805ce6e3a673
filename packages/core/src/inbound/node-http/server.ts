/**
 * `NodeServer`: the `http.Server` as an `InboundServer`: its limits, and an answer for what never becomes a request,
 * which node:http would cut off or answer without a body. How its connections end is connections.ts.
 */
import { once } from 'node:events';
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import type { Binding } from '../../binding.js';
import { CONSTANTS } from '../../constants.js';
import type { HttpSafety } from '../../http/request/safety.js';
import { wireError } from '../../http/response/http-error.js';
import type { Cut, InboundHost, InboundServer, ListenAddress } from '../inbound.js';
import { refuseBroken, type ParserError } from './broken.js';
import { InboundConnection } from './connection.js';
import { Connections } from './connections.js';
import { fieldsLeft } from './in-front.js';
import { acceptRequest } from './node-inbound.js';
import { skipEmptyWrites } from './one-write.js';
import { refuse } from './refuse.js';

/** What node:http servers call for each request, and what supertest takes. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;
export type { Server as HttpServer } from 'node:http';

/**
 * For a server that is not ours: it may have its own limits, and its own ideas of `Expect`.
 *
 * @example supertest(nodeHandler(host)); createServer(nodeHandler(host));
 */
export function nodeHandler(host: InboundHost): NodeHandler {
  return (request, response) =>
    acceptRequest(host, request, response, false, undefined, fieldsLeft(request));
}

export class NodeServer implements InboundServer {
  readonly server: Server;
  readonly #connections: Connections;
  readonly #host: InboundHost;

  constructor(host: InboundHost, safety: HttpSafety) {
    this.#host = host;
    this.server = createHttpServer(host, safety);
    this.#connections = new Connections(this.server);
  }

  get size(): number {
    return this.#connections.size;
  }

  async listen({ host, port }: Binding): Promise<ListenAddress> {
    const { server } = this;
    server.listen({ port, ...(host !== undefined && { host }) });
    await once(server, 'listening');
    // After this no error of the server is the caller's: one (EMFILE, say) must not end the process.
    server.on('error', (error) => this.#host.failed(error));
    const { address, port: bound } = server.address() as AddressInfo;
    return { host: address, port: bound };
  }

  async stopAccepting(): Promise<void> {
    await this.#connections.acceptWaiting();
    // Not http.Server's own close(), which would also cut connections whose next request is on its way.
    NetServer.prototype.close.call(this.server);
  }

  drain(timeoutMs: number, onTimeUp: (cut: Cut) => void): Promise<void> {
    return this.#connections.drain(timeoutMs, onTimeUp);
  }

  destroy(): void {
    this.#connections.destroyAll();
    this.server.close(); // also Node's timer for slow heads
  }
}

function createHttpServer(host: InboundHost, safety: HttpSafety): Server {
  const { headersTimeout, maxHeaderSize } = safety;
  const server = createServer({
    maxHeaderSize,
    headersTimeout,
    connectionsCheckingInterval: Math.min(
      CONSTANTS.headCheckMaxMs,
      Math.max(CONSTANTS.headCheckMinMs, headersTimeout / 4),
    ),
    requestTimeout: 0, // a long upload is no attack; bodies have clocks of their own
    keepAliveTimeout: CONSTANTS.keepAliveMs,
    requireHostHeader: false, // checked in head.ts, with a proper answer
  });
  server.maxHeadersCount = 0; // Node would drop the rest in silence; counted in head-size.ts
  server.on('connection', skipEmptyWrites);
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    acceptRequest(host, request, response, false, undefined),
  );
  // Without this listener Node says 100 before the head was looked at.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    acceptRequest(host, request, response, true, undefined),
  );
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const { status, fields, body } = host.refuse(
      wireError('HOTARU_EXPECTATION_FAILED', 'only 100-continue can be expected'),
    );
    // Its body may be on the way.
    InboundConnection.of(request.socket).refuseRest(response);
    response.writeHead(status, fields as string[]);
    response.end(body);
  });
  if (host.takesOver) takeUpgrades(host, server);
  else refuseTunnels(host, server);
  server.on('clientError', (error: ParserError, socket: Socket) =>
    refuseBroken(host, error, socket),
  );
  return server;
}

function refuseTunnels(host: InboundHost, server: Server): void {
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', ignore);
    const connection = InboundConnection.of(socket);
    const answer = host.refuse(
      wireError('HOTARU_METHOD_NOT_ALLOWED', 'CONNECT is not supported here'),
    );
    connection.whenAnswered(() => refuse(socket, answer));
  });
}

/**
 * Requests for another protocol are the host's: to take over, or to answer as any other. Node's parser has let go of
 * the socket then, so such an answer is the last one.
 */
function takeUpgrades(host: InboundHost, server: Server): void {
  const onUpgrade = (request: IncomingMessage, socket: Socket, behind: Buffer): void => {
    socket.on('error', ignore);
    const connection = InboundConnection.of(socket);
    connection.whenAnswered(() => {
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket);
      response.once('finish', () => socket.destroySoon());
      acceptRequest(host, request, response, false, behind);
    });
  };
  server.on('connect', onUpgrade);
  server.on('upgrade', onUpgrade);
}

function ignore(): void {
  // the client may be gone already
}
