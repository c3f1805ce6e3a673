/**
 * An answer to what never becomes a request: bytes that are no HTTP, a head that is too large or too slow. It is
 * written to the socket itself, after the answers to the requests before it, and the connection closes.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { CONSTANTS } from '../../constants.js';
import type { Answer } from '../inbound.js';

/** Writes a whole response without a request, and closes. */
export function refuse(socket: Socket, { status, fields, body }: Answer): void {
  let head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
    `Date: ${new Date().toUTCString()}\r\nConnection: close\r\n`;
  for (let index = 0; index < fields.length; index += 2)
    head += `${fields[index] ?? ''}: ${fields[index + 1] ?? ''}\r\n`;
  socket.end(`${head}\r\n${body}`);
  // Destroyed at once, unread bytes would make this a RST and the answer might be lost: see linger.ts.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), CONSTANTS.farewellMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
