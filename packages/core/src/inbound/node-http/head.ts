/**
 * The checks of a request head that node:http leaves out (RFC 9112), in one pass over the raw fields, and
 * what of the head the framework needs itself.
 *
 * node:http lets through: a missing, second or malformed Host, HTTP/2.0 request lines, HTTP/1.0 with
 * Transfer-Encoding, codings besides chunked; and its own limit of header fields drops the rest without a word.
 */
import type { IncomingMessage } from 'node:http';
import { isHost } from '@hotaru/wire';
import { wireError, type HttpError } from '../../http/response/http-error.js';

export interface HeadFacts {
  /** As the framing says it: 0 when there is no body, -1 when it is chunked. */
  bodyLength: number;
  headBytes: number;
  /** `x-request-id` is there, whatever it says. */
  hasRequestId: boolean;
}

/** A server has few names: the last one that was checked is most often the next one, too. */
let lastValidHost = '';

/**
 * Fills in `facts`. A head that fails here leaves open where its message ends, or for which server it is: the
 * connection closes, and nothing that follows is run.
 *
 * @returns what is wrong with it: 400 `HOTARU_BAD_REQUEST`, `HOTARU_INVALID_HOST`; 501
 * `HOTARU_UNSUPPORTED_TRANSFER_CODING`.
 */
export function checkHead(request: IncomingMessage, facts: HeadFacts): HttpError | undefined {
  const { rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  let hosts = 0;
  let isHostValid = true;
  let coding = '';
  let isChunked = false;
  let length = 0;
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
            if (isHost(value)) lastValidHost = value;
            else isHostValid = false;
          }
        }
        break;
      case 12:
        if (name.toLowerCase() === 'x-request-id') facts.hasRequestId = true;
        break;
      case 14:
        if (name.toLowerCase() === 'content-length') length = Number(value);
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') {
          coding = coding === '' ? value : `${coding},${value}`;
          isChunked = true;
        }
        break;
    }
  }
  facts.headBytes = bytes;
  facts.bodyLength = isChunked ? -1 : length;
  if (httpVersionMajor !== 1) return wireError('HOTARU_BAD_REQUEST', 'only HTTP/1.1 is supported');
  if (!isHostValid) return invalidHost('Host is no host name');
  if (hosts > 1) return invalidHost('Host is given twice');
  if (httpVersionMinor === 0) {
    if (isChunked) return wireError('HOTARU_BAD_REQUEST', 'HTTP/1.0 has no Transfer-Encoding');
  } else if (hosts === 0) return invalidHost('Host is missing');
  return coding === '' || coding === 'chunked' ? undefined : checkCoding(coding);
}

/** The parser undoes the framing alone: what else was done to the body would be taken for the body (RFC 9112 §6.1). */
function checkCoding(coding: string): HttpError | undefined {
  if (coding.trim().toLowerCase() === 'chunked') return undefined;
  return wireError(
    'HOTARU_UNSUPPORTED_TRANSFER_CODING',
    'the only transfer coding supported is chunked',
  );
}

function invalidHost(detail: string): HttpError {
  return wireError('HOTARU_INVALID_HOST', detail);
}
