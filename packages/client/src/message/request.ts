/**
 * What a request is, and templates for the common ones.
 */
import { invalidRequest } from '../errors.js';
import { isRecord, ownOptions, show } from '../config/own-options.js';
import type { BodyInput } from './request-body.js';
import { headerPairs, type HeadersInput } from './request-headers.js';

export type { HeadersInput, HeaderValue } from './request-headers.js';

export type QueryValue = string | number | boolean | null | undefined;

export interface RequestInit {
  /** Default GET. */
  method?: string | undefined;
  /**
   * Appended to the path of the target. Blanks, non-ASCII and what else may not stand in a URL are
   * percent-encoded as URL parsers do; dot segments stay. Control characters, `#` and `\\` are errors.
   */
  path?: string | undefined;
  /** Encoded and appended to the path; lists repeat the name, null and undefined are left out. */
  query?: Record<string, QueryValue | readonly QueryValue[]> | URLSearchParams | undefined;
  headers?: HeadersInput | undefined;
  body?: BodyInput | null | undefined;
}

/** The rest of a request for the templates. */
export type RequestExtras = Omit<RequestInit, 'method' | 'path' | 'body'>;

/** @example await pool.sendRequest('https://api.example.com', getRequest('/users/1')); */
export function getRequest(path = '', extras: RequestExtras = {}): RequestInit {
  return { ...checkExtras(extras), method: 'GET', path };
}

export function headRequest(path = '', extras: RequestExtras = {}): RequestInit {
  return { ...checkExtras(extras), method: 'HEAD', path };
}

export function deleteRequest(path = '', extras: RequestExtras = {}): RequestInit {
  return { ...checkExtras(extras), method: 'DELETE', path };
}

/**
 * POST of JSON.
 *
 * @throws RequestError `HOTARU_INVALID_REQUEST` when `data` has no JSON form (undefined, a cycle, a BigInt).
 */
export function jsonRequest(path: string, data: unknown, extras: RequestExtras = {}): RequestInit {
  return withJson('POST', path, data, extras);
}

/** PUT; `data` becomes JSON unless it is text, bytes, a form or a stream already. */
export function putRequest(path: string, data?: unknown, extras: RequestExtras = {}): RequestInit {
  return withData('PUT', path, data, extras);
}

/** PATCH; `data` becomes JSON unless it is text, bytes, a form or a stream already. */
export function patchRequest(
  path: string,
  data?: unknown,
  extras: RequestExtras = {},
): RequestInit {
  return withData('PATCH', path, data, extras);
}

/** POST of a form: a plain object is URL-encoded, `FormData` is sent as multipart. */
export function formRequest(
  path: string,
  form: Record<string, QueryValue | readonly QueryValue[]> | URLSearchParams | FormData,
  extras: RequestExtras = {},
): RequestInit {
  const body =
    form instanceof FormData || form instanceof URLSearchParams
      ? form
      : new URLSearchParams([...queryPairs(form)]);
  return { ...checkExtras(extras), method: 'POST', path, body };
}

/** @throws RequestError `HOTARU_INVALID_REQUEST` */
function checkExtras(extras: RequestExtras): RequestExtras {
  if (!isRecord(extras))
    throw invalidRequest(
      `the rest of a request must be an object such as { headers, query }, not ${show(extras)}`,
    );
  return ownOptions(extras);
}

function withData(method: string, path: string, data: unknown, extras: RequestExtras): RequestInit {
  checkExtras(extras);
  if (data === undefined) return { ...extras, method, path };
  const isBody =
    typeof data === 'string' ||
    data instanceof Uint8Array ||
    data instanceof URLSearchParams ||
    data instanceof FormData ||
    (typeof data === 'object' && data !== null && Symbol.asyncIterator in data);
  if (isBody) return { ...extras, method, path, body: data as BodyInput };
  return withJson(method, path, data, extras);
}

function withJson(method: string, path: string, data: unknown, extras: RequestExtras): RequestInit {
  const { headers } = checkExtras(extras);
  let body: unknown;
  try {
    body = JSON.stringify(data);
  } catch (error) {
    throw invalidRequest(`the data has no JSON form: ${(error as Error).message}`, error);
  }
  if (typeof body !== 'string') throw invalidRequest(`${typeof data} has no JSON form`);
  return { ...extras, method, path, body, headers: withContentType(headers) };
}

function withContentType(headers: HeadersInput | undefined): HeadersInput {
  const contentType = 'application/json';
  if (headers === undefined) return { 'content-type': contentType };
  const pairs = [...headerPairs(headers)];
  if (pairs.some(([name]) => name.toLowerCase() === 'content-type')) return headers;
  return [...pairs, ['content-type', contentType]];
}

/** @throws RequestError `HOTARU_INVALID_REQUEST` for what has no names and values of its own. */
export function* queryPairs(
  query: Record<string, QueryValue | readonly QueryValue[]>,
): Generator<[string, string]> {
  const given: unknown = query;
  if (!isRecord(given))
    throw invalidRequest(
      `names and values must be an object or URLSearchParams, not ${show(given)}`,
    );
  for (const name of Object.keys(given)) {
    const value = given[name];
    const values: unknown[] = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (one === undefined || one === null) continue;
      if (typeof one !== 'string' && typeof one !== 'number' && typeof one !== 'boolean')
        throw invalidRequest(`query ${JSON.stringify(name)} must be text, a number or a boolean`);
      yield [name, String(one)];
    }
  }
}
