/**
 * An answer to what never becomes a request: bytes that are no HTTP, a head that is too large or too slow. It is
 * written to the socket itself, after the answers to the requests before it, and the connection closes.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { CONSTANTS } from '../../constants.js';
import type { HttpError } from '../../http/response/http-error.js';
import { problemText } from '../../http/response/problem.js';

/** Writes a whole response without a request, and closes. */
export function refuse(socket: Socket, problem: HttpError): void {
  const { status } = problem;
  const text = problemText(problem);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      `Date: ${new Date().toUTCString()}\r\n` +
      'Connection: close\r\nContent-Type: application/problem+json\r\n' +
      `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  // Destroyed at once, unread bytes would make this a RST and the answer might be lost: see linger.ts.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), CONSTANTS.farewellMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
