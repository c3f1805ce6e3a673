/**
 * Where the body of a message ends, and whether another message may follow it: pure functions of what the head
 * says (RFC 9112 §6.3, §9.3).
 */
import { isBodilessStatus, trimBlanks } from '../grammar/index.js';
import type { Framed } from '../head.js';
import { WireError } from '../wire-error.js';

/**
 * - `none`         the message ends with its head
 * - `length`       after `contentLength` bytes, at least one
 * - `chunked`      with its last chunk and the trailer section
 * - `until-close`  with the connection; only responses can
 * - `tunnel`       never: what follows is another protocol
 */
export type Framing = 'none' | 'length' | 'chunked' | 'until-close' | 'tunnel';

/**
 * Of a response to a request of `method`.
 *
 * @throws WireError `unknown-coding`: another coding than `chunked`, alone, is refused where the RFC would read to
 *   the close. It was not offered, and what cannot be undone must not be handed out.
 */
export function responseFraming(method: string, status: number, head: Framed): Framing {
  if (status === 101) return 'tunnel';
  if (status < 200) return 'none';
  const { contentLength, transferEncoding } = head;
  // Checked even where there is no body: contradictory framing is never a message to build on.
  if (transferEncoding !== '' && transferEncoding !== 'chunked')
    throw new WireError(
      'unknown-coding',
      `Transfer-Encoding ${JSON.stringify(transferEncoding)}: only chunked was asked for`,
    );
  if (method === 'HEAD' || isBodilessStatus(status)) return 'none';
  if (method === 'CONNECT' && status < 300) return 'tunnel';
  if (transferEncoding !== '') return 'chunked';
  if (contentLength === -1) return 'until-close';
  return contentLength === 0 ? 'none' : 'length';
}

/** Of a request; what leaves any doubt is refused, as a server should (RFC 9112 §6.1, §11.2). */
export function requestFraming(method: string, head: Framed): Framing {
  const { contentLength, transferEncoding } = head;
  if (transferEncoding === '') {
    if (method === 'CONNECT' && contentLength > 0) throw bodyOfConnect();
    return contentLength > 0 ? 'length' : 'none';
  }
  if (head.minorVersion === 0)
    throw new WireError('transfer-encoding', 'Transfer-Encoding in HTTP/1.0');
  if (contentLength !== -1)
    throw new WireError('transfer-encoding', 'Transfer-Encoding beside Content-Length');
  if (transferEncoding !== 'chunked') throw badCoding(transferEncoding);
  if (method === 'CONNECT') throw bodyOfConnect();
  return 'chunked';
}

/** Not understood is 501, but only if the end of the body is plain: chunked is the last coding, and there once. */
function badCoding(coding: string): Error {
  const codings = coding.split(',').map(trimBlanks);
  const isPlain = codings.indexOf('chunked') === codings.length - 1 && !codings.includes('');
  return new WireError(
    isPlain ? 'unknown-coding' : 'transfer-encoding',
    `Transfer-Encoding ${JSON.stringify(coding)}: only chunked is read here`,
  );
}

function bodyOfConnect(): Error {
  return new WireError('body-of-connect', 'CONNECT with a body');
}

/** Does the sender keep the connection after this message? `close` wins over `keep-alive`. */
export function isPersistent(
  minorVersion: number,
  saysClose: boolean,
  saysKeepAlive: boolean,
): boolean {
  return minorVersion === 1 ? !saysClose : saysKeepAlive && !saysClose;
}

/** Both ways of framing, or one that HTTP/1.0 does not have: a proxy on the way may have read it otherwise (§6.1). */
export function isAmbiguous(head: Framed): boolean {
  return head.transferEncoding !== '' && (head.contentLength !== -1 || head.minorVersion === 0);
}
