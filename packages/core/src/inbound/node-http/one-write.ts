/**
 * One system call for a response whose head and body are one piece.
 *
 * node:http ends every response with a write of nothing, so that each comes to its socket as two pieces, and they
 * leave together: in `writev`, which costs a tenth of a whole small request more than `write`. What is left
 * of such a pair without its empty piece is written alone. These are the two methods that every stream has for
 * its writes; where node:http does without the empty piece, nothing here is called.
 */
import { Socket } from 'node:net';

type Writev = NonNullable<Socket['_writev']>;

/** For a socket that was accepted, before anything is written to it. */
export function skipEmptyWrites(socket: Socket): void {
  if (typeof socket._writev === 'function') socket._writev = writeWithoutEmpty;
}

function writeWithoutEmpty(this: Socket, ...[pieces, callback]: Parameters<Writev>): void {
  let only: (typeof pieces)[number] | undefined = undefined;
  for (const piece of pieces) {
    if ((piece.chunk as string | Uint8Array).length === 0) continue;
    if (only !== undefined) {
      Socket.prototype._writev?.call(this, pieces, callback);
      return;
    }
    only = piece;
  }
  if (only === undefined) callback();
  else this._write(only.chunk, only.encoding, callback);
}
