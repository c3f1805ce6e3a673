/**
 * What Node's parser gave up on. The requests that arrived whole before it are answered first, each with its own
 * answer; a request whose own body is broken has an error for its body. Only then comes the refusal.
 */
import type { Socket } from 'node:net';
import { wireError, type HttpError } from '../../http/response/http-error.js';
import type { InboundHost } from '../inbound.js';
import { InboundConnection } from './connection.js';
import { refuse } from './refuse.js';

export interface ParserError extends NodeJS.ErrnoException {
  /** What was being parsed. */
  readonly rawPacket?: Uint8Array;
}

/** RFC 8446 §5.1: the record that every TLS connection begins with. */
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;

export function refuseBroken(host: InboundHost, error: ParserError, socket: Socket): void {
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
    connection.leave('left');
    if (isAnswering) socket.destroy();
    else refuse(connection.socket, host.refuse(problem, error.code));
    return;
  }
  if (connection.failBody(problem)) return; // its request has a line of its own
  const answer = host.refuse(problem, error.code);
  connection.whenAnswered(() => refuse(connection.socket, answer));
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
