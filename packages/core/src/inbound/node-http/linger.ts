/**
 * Closing a connection whose request body was not read to its end.
 *
 * Node destroys such a socket as soon as the response is flushed. With bytes unread that is a RST, which may
 * throw away the response (a 413, say) before the client has read it. So the socket is half-closed instead,
 * and what still comes is thrown away, for a bounded time (RFC 9112 §9.6).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CONSTANTS } from '../../constants.js';

/** Is a request body of that length read to its end, whether the handler wants it or not? */
export function isReadAnyway(contentLength: number): boolean {
  return contentLength >= 0 && contentLength <= CONSTANTS.lingerDrainMaxBytes;
}

/**
 * To be called before the head is written.
 *
 * @param contentLength of the request; -1 when it is not known.
 */
export function settleUnreadBody(
  request: IncomingMessage,
  response: ServerResponse,
  contentLength: number,
): void {
  const { socket } = request;
  if (isReadAnyway(contentLength)) {
    // What is left is small: read it, so that the connection can go on; but do not wait for ever.
    response.once('finish', () => {
      request.resume();
      const timer = setTimeout(() => {
        if (!request.complete) socket.destroy();
      }, CONSTANTS.lingerMs);
      timer.unref();
      request.once('close', () => clearTimeout(timer));
    });
    return;
  }
  response.shouldKeepAlive = false;
  // Node calls this method when the response is flushed; the one of the prototype destroys at once.
  socket.destroySoon = () => {
    socket.end();
    request.resume();
    const timer = setTimeout(() => socket.destroy(), CONSTANTS.lingerMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  };
}
