/**
 * Closing a connection whose request body was not read to its end.
 *
 * Node destroys such a socket as soon as the response is flushed. With bytes unread that is a RST, which may
 * throw away the response (a 413, say) before the client has read it. So the socket is half-closed instead,
 * and what still comes is thrown away, for a bounded time (RFC 9112 §9.6).
 */
import { CONSTANTS } from '../../constants.js';
import type { NodeInbound } from './node-inbound.js';

/** To be called before the head is written, for a request with a body. */
export function settleUnreadBody(inbound: NodeInbound): void {
  const { request, response } = inbound;
  const { socket } = request;
  if (request.complete) return;
  if (isReadAnyway(inbound)) {
    // What is left is small: read it, so that the connection can go on; but do not wait for ever.
    response.once('finish', () => {
      inbound.dropBody();
      const timer = setTimeout(() => {
        if (!request.complete) socket.destroy();
      }, CONSTANTS.lingerMs);
      timer.unref();
      request.once('close', () => clearTimeout(timer));
    });
    return;
  }
  // Nor is run what comes behind it: this answer ends the connection, and would take that one's body with it.
  inbound.connection.refuseRest(response);
  // Node calls this method when the response is flushed; the one of the prototype destroys at once.
  socket.destroySoon = () => {
    socket.end();
    inbound.resumeRest();
    const timer = setTimeout(() => socket.destroy(), CONSTANTS.lingerMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  };
}

/**
 * A client that was never told to send its body may or may not do so, and one whose body stalled or was too long is
 * not waited for: then nothing can follow on the connection.
 */
function isReadAnyway({ awaitsContinue, bodyLength, connection }: NodeInbound): boolean {
  return (
    connection.isAccepting &&
    !awaitsContinue &&
    bodyLength > 0 &&
    bodyLength <= CONSTANTS.lingerDrainMaxBytes
  );
}
