/**
 * The response helpers.
 */
import { REDIRECT_STATUSES } from '@hotaru/wire';
import { HotaruError } from '../../errors.js';
import { show } from '../../options.js';
import { cancelSource } from './pump.js';
import {
  checkStatus,
  HttpResponse,
  isStreamSource,
  stringify,
  type ResponseInit,
  type StreamSource,
} from './response.js';

/** text/plain, UTF-8. @example return text('gone fishing', 503); */
export function text(body: string, init?: ResponseInit): HttpResponse {
  return new HttpResponse(body, 'text/plain; charset=utf-8', init);
}

/** text/html, UTF-8. What goes in is sent as it is: escape what users wrote. */
export function html(body: string, init?: ResponseInit): HttpResponse {
  return new HttpResponse(body, 'text/html; charset=utf-8', init);
}

/**
 * application/json of anything that has a JSON form.
 *
 * @throws HotaruError `HOTARU_INVALID_OUTCOME` for a cycle, a BigInt, a function.
 * @example return json({ id: 1 }, { status: 201, headers: { location: '/users/1' } });
 */
export function json(data: unknown, init?: ResponseInit): HttpResponse {
  return new HttpResponse(stringify(data), 'application/json', init);
}

/**
 * @param location a URL or path; characters that a header cannot hold are percent-encoded.
 * @param status 301, 302 (default), 303, 307 or 308.
 * @throws HotaruError `HOTARU_INVALID_OPTION` for another status, `HOTARU_INVALID_HEADER` for a line break.
 */
export function redirect(location: string | URL, status = 302): HttpResponse {
  if (!REDIRECT_STATUSES.has(status))
    throw new HotaruError(
      'HOTARU_INVALID_OPTION',
      `status is ${show(status)}; allowed for a redirect: ${[...REDIRECT_STATUSES].join(', ')}`,
    );
  const wellFormed = Buffer.from(String(location)).toString(); // no lone surrogates
  const target = wellFormed.replace(/[^\x21-\x7e\r\n\0]/gu, (char) => encodeURIComponent(char));
  return new HttpResponse(null, undefined, status).setHeader('location', target);
}

/** A status and nothing else. @example return status(204); */
export function status(code: number): HttpResponse {
  return new HttpResponse(null, undefined, checkStatus(code));
}

/**
 * A body written piece by piece, as fast as the client reads. It is destroyed when the client leaves. A
 * `content-length` in the headers is kept and must be true; hop-by-hop headers are left out, so the headers
 * of an upstream can be passed on. If the source fails after the head was sent, the connection is cut, so
 * that a part never passes for the whole.
 *
 * @example
 * const res = await ctx.sendRequest(upstream);
 * return stream(res.body, { status: res.status, headers: res.headers.toObject() });
 */
export function stream(body: StreamSource, init?: ResponseInit): HttpResponse {
  if (typeof (body as unknown) !== 'object' || (body as unknown) === null || !isStreamSource(body))
    throw new HotaruError(
      'HOTARU_INVALID_OPTION',
      `body is ${show(body)}; allowed: a Node stream, a ReadableStream or an async iterable`,
    );
  try {
    return new HttpResponse(body, 'application/octet-stream', init);
  } catch (error) {
    cancelSource(body);
    throw error;
  }
}
