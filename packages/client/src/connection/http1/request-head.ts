/** The head of a request, as HTTP/1.1 writes what an exchange is asked for. */
import { CHUNKED, NO_LENGTH, uncheckedRequestHead } from '@hotaru/wire';
import type { ExchangeRequest } from '../exchange.js';

/**
 * `isLastUse`: the connection is not kept whatever the request says of it, and the peer is told so. Latin-1. Each part
 * was checked when the request was prepared (send/prepare.ts, whose tests hold what it lets through to `requestHead`
 * of the wire, which looks again).
 */
export function requestHead(request: ExchangeRequest, isLastUse: boolean): string {
  const { contentLength, body } = request;
  const length =
    contentLength !== -1 ? contentLength : body.kind === 'stream' ? CHUNKED : NO_LENGTH;
  return uncheckedRequestHead(
    request.method,
    request.target,
    request.authority,
    request.fields,
    length,
    request.wantsClose || isLastUse,
  );
}
