/** The head of a request, as HTTP/1.1 writes what an exchange is asked for. */
import { CHUNKED, NO_LENGTH, requestHead as writeHead } from '@hotaru/wire';
import type { ExchangeRequest } from '../exchange.js';

/**
 * `isLastUse`: the connection is not kept whatever the request says of it, and the peer is told so. Latin-1.
 *
 * @throws WireError `unsafe-head` for what would be more than one head: prepare.ts refuses it long before.
 */
export function requestHead(request: ExchangeRequest, isLastUse: boolean): string {
  const { contentLength, body } = request;
  const length =
    contentLength !== -1 ? contentLength : body.kind === 'stream' ? CHUNKED : NO_LENGTH;
  return writeHead(
    request.method,
    request.target,
    request.authority,
    request.fields,
    length,
    request.wantsClose || isLastUse,
  );
}
