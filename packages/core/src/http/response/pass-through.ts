/**
 * The response of an upstream as a handler returns it: a `ClientResponse`, or a `Response` of `fetch()`. It is
 * passed on streamed, with its status and headers. Hop-by-hop fields are left out by `copyHeaders()`.
 */
import { ClientResponse } from '@hotaru/client';
import { HotaruError } from '../../errors.js';
import { copyHeaders, emptyHeaders, type HeaderBag } from './headers.js';

/** `Response` by its tag: the one of npm's undici or of node-fetch is another class. */
export type UpstreamResponse = ClientResponse | Response;

export interface UpstreamParts {
  readonly status: number;
  readonly headers: HeaderBag;
  readonly body: ReadableStream<Uint8Array> | null;
}

/** What `fetch()` undoes by itself; a body with any other coding is left as it came. */
const UNDONE_BY_FETCH = new Set(['gzip', 'x-gzip', 'deflate', 'br']);

export function isUpstreamResponse(value: object): value is UpstreamResponse {
  return value instanceof ClientResponse || isFetchResponse(value);
}

function isFetchResponse(value: object): value is Response {
  return (
    (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Response' &&
    'bodyUsed' in value
  );
}

/** @throws HotaruError `HOTARU_INVALID_OUTCOME` when its body was read already. */
export function upstreamParts(upstream: UpstreamResponse): UpstreamParts {
  const { status, body, bodyUsed } = upstream;
  if (bodyUsed || body?.locked === true)
    throw new HotaruError(
      'HOTARU_INVALID_OUTCOME',
      'the body of this upstream response was read already; return it unread, or what was read: json(data), …',
    );
  const headers = emptyHeaders();
  copyHeaders(headers, upstream.headers);
  // Our client takes both fields away when it decodes; `fetch()` leaves them about bytes that are gone.
  if (!(upstream instanceof ClientResponse) && isDecoded(upstream, headers)) {
    delete headers['content-encoding'];
    delete headers['content-length'];
  }
  return { status, headers, body };
}

/** A response that the program made itself (no URL) has the body it says it has. */
function isDecoded(response: Response, headers: HeaderBag): boolean {
  const codings = headers['content-encoding'];
  if (typeof codings !== 'string' || response.url === '') return false;
  return codings.split(',').every((coding) => UNDONE_BY_FETCH.has(coding.trim().toLowerCase()));
}
