/** The head of a request as HTTP/1.1 writes it: request line, Host first, framing last (RFC 9112 §3, §6). */
import type { ExchangeRequest } from '../exchange.js';

/** `isLastUse`: the connection is not kept whatever the request says of it, and the peer is told so. Latin-1. */
export function requestHead(request: ExchangeRequest, isLastUse: boolean): string {
  const { fields, contentLength } = request;
  let head = `${request.method} ${request.target} HTTP/1.1\r\nhost: ${request.authority}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  if (contentLength !== -1) head += `content-length: ${contentLength}\r\n`;
  else if (request.body.kind === 'stream') head += 'transfer-encoding: chunked\r\n';
  return request.wantsClose || isLastUse ? `${head}connection: close\r\n\r\n` : `${head}\r\n`;
}
