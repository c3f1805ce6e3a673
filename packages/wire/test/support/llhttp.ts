/**
 * Node's own request parser as the oracle: a real `node:http` server with its default, strict settings, one connection
 * for each case. What it hands out, and what it refuses, is written down; it answers each request as it ends.
 */
import http from 'node:http';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

export interface LlhttpRequest {
  method: string;
  target: string;
  version: string;
  /** Names in lower case. */
  fields: [string, string][];
  body: string;
  trailers: [string, string][];
  isWhole: boolean;
  mayReuse: boolean;
  /** A tunnel or another protocol begins after the head. */
  isSwitch: boolean;
}

export interface Observed {
  readonly requests: LlhttpRequest[];
  /** Why it gave up, as Node's error code; '' when it did not. */
  readonly refused: string;
}

interface Trial {
  requests: LlhttpRequest[];
  refused: string;
  socket: net.Socket | undefined;
}

export class LlhttpServer {
  readonly #server: http.Server;
  #trial: Trial = { requests: [], refused: '', socket: undefined };

  private constructor(server: http.Server) {
    this.#server = server;
  }

  static async start(): Promise<LlhttpServer> {
    const server = http.createServer();
    const self = new LlhttpServer(server);
    server.on('connection', (socket: net.Socket) => (self.#trial.socket = socket));
    for (const event of ['request', 'checkContinue', 'checkExpectation'])
      server.on(event, (request: http.IncomingMessage, response: http.ServerResponse) => {
        self.#note(request, response);
        // Without it Node closes the connection after the answer.
        if (event === 'checkContinue') response.writeContinue();
      });
    // What follows is another protocol.
    for (const event of ['connect', 'upgrade'])
      server.on(event, (request: http.IncomingMessage, socket: net.Socket) => {
        const end = { isWhole: true, mayReuse: true, isSwitch: true };
        self.#trial.requests.push({ ...describe(request), ...end });
        socket.end();
      });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      self.#trial.refused ||= error.code ?? error.message;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Sends the pieces one by one, and then the end, each when what came before has been read. */
  async observe(pieces: readonly Buffer[]): Promise<Observed> {
    const trial: Trial = { requests: [], refused: '', socket: undefined };
    this.#trial = trial;
    const { port } = this.#server.address() as net.AddressInfo;
    const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    client.on('data', (bytes) => (answer += bytes.toString('latin1')));
    client.on('error', () => undefined);
    const closed = new Promise((resolve) => client.once('close', resolve));
    await new Promise((resolve) => client.once('connect', resolve));
    let sent = 0;
    while (trial.socket === undefined) await turn();
    const { socket } = trial;
    const isOver = () => socket.destroyed || client.destroyed;
    for (const piece of pieces) {
      if (isOver()) break;
      client.write(piece);
      sent += piece.length;
      while (socket.bytesRead < sent && !isOver()) await turn();
      for (let i = 0; i < SETTLING_TURNS; i += 1) await turn(); // bodies, answers
    }
    client.end();
    while (!isOver()) await turn();
    for (let i = 0; i < SETTLING_TURNS; i += 1) await turn();
    client.destroy();
    socket.destroy();
    await closed;
    // We answer 100 and 299: every other answer is Node's own, to what it refuses without an event.
    const own = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].find(
      ([, status]) => status !== '100' && status !== '299',
    );
    return { requests: trial.requests, refused: trial.refused || (own?.[1] ?? '') };
  }

  #note(request: http.IncomingMessage, response: http.ServerResponse): void {
    const noted = describe(request);
    noted.mayReuse = response.shouldKeepAlive;
    this.#trial.requests.push(noted);
    request.on('data', (bytes: Buffer) => (noted.body += bytes.toString('latin1')));
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.on('end', () => {
      noted.isWhole = request.complete;
      noted.trailers = pairs(request.rawTrailers);
      response.writeHead(299, { 'content-length': 0 }).end();
    });
  }
}

const SETTLING_TURNS = 3;

function describe(request: http.IncomingMessage): LlhttpRequest {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    version: request.httpVersion,
    fields: pairs(request.rawHeaders),
    body: '',
    trailers: [],
    isWhole: false,
    mayReuse: false,
    isSwitch: false,
  };
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [
    (flat[2 * i] ?? '').toLowerCase(),
    flat[2 * i + 1] ?? '',
  ]);
}
