/**
 * The `http.Server`: its limits, and an answer for what never becomes a request (bad bytes, a head too large
 * or too slow), which node:http would cut off or answer without a body.
 */
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { FRAMEWORK_ERRORS, type WireErrorCode } from '../errors.js';
import { wireError } from './http-error.js';
import { problemText } from './problem.js';
import type { HttpSafety } from './safety.js';

/** Longer than the idle timeout of the usual load balancers (60 s), so that they close first. */
const KEEP_ALIVE_MS = 72_000;
/** How often Node looks for heads that are too slow: a quarter of the limit, within these. */
const CHECK_MIN_MS = 50;
const CHECK_MAX_MS = 5_000;
/** Time for a refused client to read its answer. */
const FAREWELL_MS = 1_000;

export type RequestListener = (
  request: IncomingMessage,
  response: ServerResponse,
  awaitsContinue: boolean,
) => void;

export function createHttpServer(safety: HttpSafety, onRequest: RequestListener): Server {
  const { headersTimeout, maxHeaderSize } = safety;
  const server = createServer({
    maxHeaderSize,
    headersTimeout,
    connectionsCheckingInterval: Math.min(CHECK_MAX_MS, Math.max(CHECK_MIN_MS, headersTimeout / 4)),
    requestTimeout: 0, // a long upload is no attack; bodies have clocks of their own
    keepAliveTimeout: KEEP_ALIVE_MS,
    requireHostHeader: false, // checked in request-head.ts, with a proper answer
  });
  server.maxHeadersCount = 0; // Node would drop the rest in silence; counted in request-head.ts
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    onRequest(request, response, false),
  );
  // Without this listener Node says 100 before anybody has looked at the head.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    onRequest(request, response, true),
  );
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const text = problem('HOTARU_EXPECTATION_FAILED', 'only 100-continue can be expected');
    response.shouldKeepAlive = false; // its body may be on the way
    response.writeHead(417, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', ignore);
    refuse(socket, 'HOTARU_METHOD_NOT_ALLOWED', 'CONNECT is not spoken here');
  });
  server.on('clientError', refuseBroken);
  return server;
}

/** What Node's parser gave up on. */
function refuseBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
  // A response that has begun cannot be taken back; `_httpMessage` is the one in progress on the socket.
  const { _httpMessage: current } = socket as { _httpMessage?: ServerResponse | null };
  if (error.code === 'ECONNRESET' || !socket.writable || current?.headersSent === true) {
    socket.destroy();
    return;
  }
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      refuse(socket, 'HOTARU_HEADERS_TOO_LARGE', 'the request head is too large');
      break;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      refuse(socket, 'HOTARU_BODY_TOO_LARGE', 'the chunk extensions are too large');
      break;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      refuse(socket, 'HOTARU_HEAD_TIMEOUT', 'the request head did not arrive in time');
      break;
    default:
      refuse(socket, 'HOTARU_BAD_REQUEST', 'the request is malformed');
  }
}

/** Writes a whole response without a request, and closes. */
function refuse(socket: Duplex, code: WireErrorCode, detail: string): void {
  const { status } = FRAMEWORK_ERRORS[code];
  const text = problem(code, detail);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      'Connection: close\r\nContent-Type: application/problem+json\r\n' +
      `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  // Destroyed at once, unread bytes would make this a RST and the answer might be lost: see linger.ts.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

function problem(code: WireErrorCode, detail: string): string {
  return problemText(wireError(code, detail));
}

function ignore(): void {
  // a refused client may be gone already
}
