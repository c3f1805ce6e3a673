/**
 * Follows redirects (RFC 9110 §15.4), for `redirect: 'follow'`. Bounded; one total time for all hops;
 * credentials never cross an origin (docs/rules.md, rule 15).
 *
 *   303, and 301/302 after POST   → GET without a body, as every browser does
 *   301/302 else, 307, 308        → the same method and body; a stream can't be sent again: an error
 *   another origin                → authorization, cookie, proxy-authorization, host and the client
 *                                   certificate stay behind
 */
import { CONSTANTS } from '../config/defaults.js';
import { parseUrl } from '../connection-key.js';
import { invalidRequest, TransportError } from '../errors.js';
import { headerPairs, type RequestInit } from '../message/request.js';
import { toRequestBody } from '../message/request-body.js';
import type { ClientResponse } from '../message/response.js';
import type { SendOptions } from './options.js';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization', 'host']);
const BODY_FIELDS =
  /^(?:content-(?:type|length|encoding|language|location|disposition)|transfer-encoding|expect|digest|repr-digest|content-digest)$/i;

type SendOnce = (
  target: URL,
  request: RequestInit,
  options: SendOptions,
) => Promise<ClientResponse>;

export async function followRedirects(
  response: ClientResponse,
  request: RequestInit,
  options: SendOptions,
  sendOnce: SendOnce,
): Promise<ClientResponse> {
  let current = response;
  let hopRequest = request;
  let hopOptions = options;
  for (let hops = 0; ; hops += 1) {
    const location = REDIRECTS.has(current.status) ? current.headers.get('location') : undefined;
    if (location === undefined) return current;
    if (hops === CONSTANTS.maxRedirects) {
      void current.discard();
      throw new TransportError(
        'HOTARU_TOO_MANY_REDIRECTS',
        `more than ${CONSTANTS.maxRedirects} redirects, the last to ${location}`,
        { responseStarted: true },
      );
    }
    const from = new URL(current.url);
    const to = resolveLocation(location, from);
    void current.discard(); // a small body is drained, and the connection kept
    hopRequest = nextRequest(hopRequest, current.status);
    if (to.origin !== from.origin) {
      hopRequest = withoutFields(hopRequest, (name) => CREDENTIALS.has(name.toLowerCase()));
      hopOptions = withoutClientCertificate(hopOptions);
    }
    current = await sendOnce(to, hopRequest, hopOptions);
  }
}

function resolveLocation(location: string, from: URL): URL {
  try {
    return parseUrl(new URL(location, from));
  } catch (error) {
    throw new TransportError(
      'HOTARU_PROTOCOL_ERROR',
      `the redirect to ${JSON.stringify(location)} can't be followed: ${(error as Error).message}`,
      { cause: error, responseStarted: true },
    );
  }
}

/** The target is the whole new URL: path and query of the old request are in it or gone. */
function nextRequest(request: RequestInit, status: number): RequestInit {
  const method = (request.method ?? 'GET').toUpperCase();
  const { headers, body } = request;
  const becomesGet =
    (status === 303 && method !== 'HEAD') ||
    ((status === 301 || status === 302) && method === 'POST');
  if (becomesGet)
    return withoutFields({ method: 'GET', headers }, (name) => BODY_FIELDS.test(name));
  if (body !== undefined && body !== null && !isRepeatable(body))
    throw invalidRequest(`the body stream can't be sent again to follow a ${status} redirect`);
  return { method, headers, body };
}

function isRepeatable(body: NonNullable<RequestInit['body']>): boolean {
  return body instanceof FormData || toRequestBody(body).kind === 'bytes';
}

function withoutFields(request: RequestInit, isUnwanted: (name: string) => boolean): RequestInit {
  if (request.headers === undefined) return request;
  const headers = [...headerPairs(request.headers)].filter(([name]) => !isUnwanted(name));
  return { ...request, headers };
}

function withoutClientCertificate(options: SendOptions): SendOptions {
  if (options.tls === undefined) return options;
  const tls = { ...options.tls };
  delete tls.cert;
  delete tls.key;
  delete tls.passphrase;
  delete tls.servername;
  return { ...options, tls };
}
