/**
 * An answer to what never becomes a request: bytes that are no HTTP, a head that is too large or too slow. It is
 * written to the socket itself, after the answers to the requests before it, and the connection closes.
 */
import type { Socket } from 'node:net';
import { NO_LENGTH, REASON_PHRASES, responseHead } from '@hotaru/wire';
import { CONSTANTS } from '../../constants.js';
import type { Answer } from '../inbound.js';

/** Writes a whole response without a request, and closes. */
export function refuse(socket: Socket, { status, fields, body }: Answer): void {
  const all = ['Date', new Date().toUTCString(), 'Connection', 'close', ...fields];
  const head = responseHead(status, REASON_PHRASES[status] ?? '', all, NO_LENGTH, false);
  socket.end(head + body);
  // Destroyed at once, unread bytes would make this a RST and the answer might be lost: see linger.ts.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), CONSTANTS.farewellMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
