/**
 * Follows redirects (RFC 9110 §15.4), for `redirect: 'follow'`. Bounded; all hops are one call
 * (send/call.ts); credentials and trust never cross an origin (docs/rules.md, rule 15).
 *
 *   send ──▶ any other answer ─────────────────────▶ the answer of the call
 *    ▲  └──▶ 3xx with a Location: its body is given up, then
 *    │         ├── the next hop can be sent ──┐
 *    │         └── it can't ──────────────────│────▶ an error
 *    └────────────────────────────────────────┘
 *
 *   303, and 301/302 after POST   → GET without a body, as every browser does
 *   301/302 else, 307, 308        → the same method and body; a stream can't be sent again: an error
 *   another origin                → authorization, cookie, proxy-authorization and host stay behind, and
 *                                   of `tls` everything that says whom to trust or who we are
 */
import { REDIRECT_STATUSES } from '@hotaru/wire';
import { urlOf } from '../key/host-name.js';
import { withoutSecrets } from '../diagnostics/call-name.js';
import { CONSTANTS } from '../config/constants.js';
import { parseUrl } from '../key/connection-key.js';
import type { TlsOptions } from '../key/tls-identity.js';
import { invalidRequest, TransportError } from '../errors.js';
import { abandonBodyOf } from '../message/request-body.js';
import type { RequestInit } from '../message/request.js';
import { headerPairs } from '../message/request-headers.js';
import { flatCopy, unreadable } from '../config/own-options.js';
import type { ClientResponse } from '../message/response.js';
import type { Call } from '../send/call.js';
import type { CheckedOptions } from '../send/options.js';
import { asOneCall } from '../send/pipeline.js';
import type { Policy, Send } from '../send/send.js';

const CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization', 'host']);
const BODY_FIELDS =
  /^(?:content-(?:type|length|encoding|language|location|disposition)|transfer-encoding|expect|digest|repr-digest|content-digest)$/i;
/** What of `tls` is no matter of trust: how we speak, not with whom or as whom. */
const TRUSTLESS_TLS = [
  'alpn',
  'minVersion',
  'maxVersion',
] as const satisfies readonly (keyof TlsOptions)[];

export const redirect: Policy = (call, next) =>
  call.options.followsRedirects ? asOneCall(call, (first) => follow(first, next)) : next(call);

async function follow(first: Call, next: Send): Promise<ClientResponse> {
  let call: Call;
  try {
    call = first.another(first.url, snapshot(first.request), first.options);
  } catch (error) {
    abandonBodyOf(first.request); // refused before it was sent
    throw unreadable(error);
  }
  for (let count = 0; ; count += 1) {
    const response = await next(call);
    const location = REDIRECT_STATUSES.has(response.status) ? locationOf(response) : undefined;
    if (location === undefined) return response;
    // Before anything can throw: this body will not be read, and until it is given up it holds a
    // connection. A small one is drained, and the connection kept.
    void response.discard();
    if (count === CONSTANTS.maxRedirects)
      throw new TransportError(
        'HOTARU_TOO_MANY_REDIRECTS',
        `more than ${CONSTANTS.maxRedirects} redirects, the last to ${location.map(withoutSecrets).join(', ')}`,
        { responseStarted: true },
      );
    call = nextCall(call, response, resolveLocation(location, response.url));
  }
}

/** The caller may change its object, and an iterator gives its headers once: all requests use a copy. */
function snapshot(request: RequestInit): RequestInit {
  // What is wrong with it is said where it is checked.
  if (typeof request !== 'object' || (request as unknown) === null) return request;
  const own = flatCopy(request);
  own.headers = request.headers === undefined ? undefined : [...headerPairs(request.headers)];
  return own;
}

/** Each value that was given; the same one twice is one. Undefined when there is none. */
function locationOf({ headers }: ClientResponse): string[] | undefined {
  const values = new Set(headers.getAll('location'));
  return values.size === 0 ? undefined : [...values].map(readAsUtf8);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Field values are Latin-1 text. Bytes that are UTF-8 are read as that, as browsers do. */
function readAsUtf8(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

function resolveLocation([location = '', ...others]: string[], from: string): URL {
  const fail = (why: string, cause?: unknown) =>
    new TransportError(
      'HOTARU_PROTOCOL_ERROR',
      `the redirect to ${JSON.stringify(withoutSecrets(location))} can't be followed: ${why}`,
      { responseStarted: true, ...(cause !== undefined && { cause }) },
    );
  const [other] = others;
  if (other !== undefined)
    throw fail(`there is another one, to ${JSON.stringify(withoutSecrets(other))}`);
  // Asked first: the parser's own error would carry both URLs, with all their secrets, as a cause.
  const next = urlOf(location, from);
  if (next === undefined) throw fail('Invalid URL');
  try {
    return parseUrl(next);
  } catch (error) {
    throw fail((error as Error).message, error);
  }
}

function nextCall(call: Call, { status, url }: ClientResponse, target: URL): Call {
  const request = nextRequest(call.request, status);
  if (target.origin === new URL(url).origin) return call.another(target, request, call.options);
  return call.another(
    target,
    withoutFields(request, (name) => CREDENTIALS.has(name.toLowerCase())),
    withoutTrust(call.options),
  );
}

/** The target is the whole new URL: path and query of the old request are in it or gone. */
function nextRequest(request: RequestInit, status: number): RequestInit {
  const { method = 'GET', headers, body } = request;
  const upper = method.toUpperCase();
  const becomesGet =
    (status === 303 && upper !== 'HEAD') ||
    ((status === 301 || status === 302) && upper === 'POST');
  if (becomesGet)
    return withoutFields({ method: 'GET', headers }, (name) => BODY_FIELDS.test(name));
  if (body !== undefined && body !== null && !isRepeatable(body))
    throw invalidRequest(`the body stream can't be sent again to follow a ${status} redirect`);
  return { method, headers, body };
}

function isRepeatable(body: NonNullable<RequestInit['body']>): boolean {
  return (
    typeof body === 'string' ||
    body instanceof Uint8Array ||
    body instanceof URLSearchParams ||
    body instanceof FormData
  );
}

function withoutFields(request: RequestInit, isUnwanted: (name: string) => boolean): RequestInit {
  if (request.headers === undefined) return request;
  const headers = [...headerPairs(request.headers)].filter(([name]) => !isUnwanted(name));
  return { ...request, headers };
}

/** `rejectUnauthorized: false` was said of one origin, as was a client certificate. */
function withoutTrust(options: CheckedOptions): CheckedOptions {
  const { tls } = options;
  if (tls === undefined) return options;
  const kept = TRUSTLESS_TLS.flatMap((name) =>
    tls[name] === undefined ? [] : [[name, tls[name]]],
  );
  return {
    ...options,
    tls: kept.length === 0 ? undefined : (Object.fromEntries(kept) as TlsOptions),
  };
}
