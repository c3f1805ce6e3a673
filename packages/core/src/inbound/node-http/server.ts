/**
 * The `http.Server`: its limits, and an answer for what never becomes a request (bad bytes, a head too large
 * or too slow), which node:http would cut off or answer without a body.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CONSTANTS } from '../../constants.js';
import { InboundConnection } from './connection.js';
import { skipEmptyWrites } from './one-write.js';
import { refuse } from './refuse.js';
import { wireError, type HttpError } from '../../http/response/http-error.js';
import { problemText } from '../../http/response/problem.js';
import type { HttpSafety } from '../../http/request/safety.js';

export type RequestListener = (
  request: IncomingMessage,
  response: ServerResponse,
  awaitsContinue: boolean,
) => void;

/** Told of what was refused before it was a request; `reason` is the parser's. */
export type RefusalListener = (problem: HttpError, reason?: string) => void;

export function createHttpServer(
  safety: HttpSafety,
  onRequest: RequestListener,
  onRefusal: RefusalListener,
): Server {
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
    requireHostHeader: false, // checked in request-head.ts, with a proper answer
  });
  server.maxHeadersCount = 0; // Node would drop the rest in silence; counted in request-head.ts
  server.on('connection', skipEmptyWrites);
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    onRequest(request, response, false),
  );
  // Without this listener Node says 100 before the head was looked at.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    onRequest(request, response, true),
  );
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const problem = wireError('HOTARU_EXPECTATION_FAILED', 'only 100-continue can be expected');
    const text = problemText(problem);
    onRefusal(problem);
    // Its body may be on the way.
    InboundConnection.of(request.socket).refuseRest(response);
    response.writeHead(417, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  });
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', ignore);
    const problem = wireError('HOTARU_METHOD_NOT_ALLOWED', 'CONNECT is not supported here');
    const connection = InboundConnection.of(socket);
    onRefusal(problem);
    connection.whenAnswered(() => refuse(connection.socket, problem));
  });
  server.on('clientError', (error: ParserError, socket: Socket) =>
    refuseBroken(error, socket, onRefusal),
  );
  return server;
}

interface ParserError extends NodeJS.ErrnoException {
  /** What was being parsed. */
  readonly rawPacket?: Uint8Array;
}

/** RFC 8446 §5.1: the record that every TLS connection begins with. */
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;

/**
 * What Node's parser gave up on. The requests that arrived whole before it are answered first, each with its own
 * answer; a request whose own body is broken has an error for its body. Only then comes the refusal.
 */
function refuseBroken(error: ParserError, socket: Socket, onRefusal: RefusalListener): void {
  const connection = InboundConnection.of(socket);
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (connection.state === 'deaf') return; // refused already; this is what came behind it
  connection.stopReading();
  // RFC 9112 §9.6: what follows a `Connection: close` is not looked at.
  if (error.code === 'HPE_CLOSED_CONNECTION') return;
  const problem = problemOf(error);
  if (error.code === 'HPE_INVALID_EOF_STATE') {
    // A client that ends the connection in the middle of a request takes back all it has asked for.
    const isAnswering = connection.isAnswering;
    connection.leave();
    if (isAnswering) socket.destroy();
    else {
      onRefusal(problem, error.code);
      refuse(connection.socket, problem);
    }
    return;
  }
  if (connection.failBody(problem)) return; // its request has a line of its own
  onRefusal(problem, error.code);
  connection.whenAnswered(() => refuse(connection.socket, problem));
}

function problemOf(error: ParserError): HttpError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return wireError('HOTARU_HEADERS_TOO_LARGE', 'the request head is too large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return wireError('HOTARU_BODY_TOO_LARGE', 'the chunk extensions are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return wireError('HOTARU_HEAD_TIMEOUT', 'the request head did not arrive in time');
    default:
      return wireError('HOTARU_BAD_REQUEST', `the request is malformed${whyMalformed(error)}`);
  }
}

function whyMalformed({ code, rawPacket }: ParserError): string {
  if (rawPacket?.[0] === TLS_HANDSHAKE && rawPacket[1] === TLS_MAJOR)
    return ': it is TLS, and this port is for plain HTTP';
  if (code === 'HPE_INVALID_METHOD') return ': the method is not known';
  if (code === 'HPE_INVALID_HEADER_TOKEN') return ': a header field is not well-formed';
  return '';
}

function ignore(): void {
  // a refused client may be gone already
}
