/**
 * The checks of a request head that node:http leaves out (RFC 9112), in one pass over the raw fields, and
 * what of the head the framework needs itself.
 *
 * node:http lets through: a missing, second or malformed Host, HTTP/2.0 request lines, HTTP/1.0 with
 * Transfer-Encoding; and its own limit of header fields drops the rest without a word.
 */
import type { IncomingMessage } from 'node:http';
import { wireError, type HttpError } from './http-error.js';
import { HOST } from './request-target.js';
import type { HttpSafety } from './safety.js';

export interface HeadFacts {
  /** -1 when there is none. */
  contentLength: number;
  isChunked: boolean;
  headBytes: number;
}

/** A server has few names: the last one that was checked is most often the next one, too. */
let lastValidHost = '';

/**
 * Fills in `facts`.
 *
 * @throws HttpError 400 `HOTARU_BAD_REQUEST`, `HOTARU_INVALID_HOST`; 431.
 */
export function checkHead(request: IncomingMessage, safety: HttpSafety, facts: HeadFacts): void {
  const { rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  let hosts = 0;
  let bytes = (request.method?.length ?? 0) + (request.url?.length ?? 0) + 12;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    bytes += name.length + value.length + 4;
    switch (name.length) {
      case 4:
        if (name === 'Host' || name === 'host' || name.toLowerCase() === 'host') {
          hosts++;
          if (value !== lastValidHost) {
            if (!HOST.test(value)) throw invalidHost('Host is no host name');
            lastValidHost = value;
          }
        }
        break;
      case 14:
        if (name.toLowerCase() === 'content-length') facts.contentLength = Number(value);
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') facts.isChunked = true;
        break;
    }
  }
  facts.headBytes = bytes;
  if (httpVersionMajor !== 1) throw wireError('HOTARU_BAD_REQUEST', 'only HTTP/1.1 is spoken here');
  if (hosts > 1) throw invalidHost('Host is given twice');
  if (httpVersionMinor === 0) {
    if (facts.isChunked) throw wireError('HOTARU_BAD_REQUEST', 'HTTP/1.0 has no Transfer-Encoding');
  } else if (hosts === 0) throw invalidHost('Host is missing');
  checkHeadSize(request, safety, facts);
}

/** Also called with an endpoint's own, stricter limits. @throws HttpError 431 */
export function checkHeadSize(
  request: IncomingMessage,
  safety: HttpSafety,
  facts: HeadFacts,
): void {
  if (request.rawHeaders.length > safety.maxHeaders * 2)
    throw wireError('HOTARU_TOO_MANY_HEADERS', `more than ${safety.maxHeaders} header fields`);
  if (facts.headBytes > safety.maxHeaderSize)
    throw wireError(
      'HOTARU_HEADERS_TOO_LARGE',
      `the request head is larger than ${safety.maxHeaderSize} bytes`,
    );
}

function invalidHost(detail: string): HttpError {
  return wireError('HOTARU_INVALID_HOST', detail);
}
