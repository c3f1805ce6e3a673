/**
 * What a request is, and templates for the common ones.
 */
import { invalidRequest } from '../errors.js';
import type { BodyInput } from './request-body.js';

export type QueryValue = string | number | boolean | null | undefined;

export type HeadersInput =
  | Record<string, string | number | string[] | undefined>
  | readonly (readonly [string, string])[]
  | Headers;

export interface RequestInit {
  /** Default GET. */
  method?: string | undefined;
  /** Appended to the path of the target. Percent-encoded by the caller. */
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
  return { ...extras, method: 'GET', path };
}

export function headRequest(path = '', extras: RequestExtras = {}): RequestInit {
  return { ...extras, method: 'HEAD', path };
}

export function deleteRequest(path = '', extras: RequestExtras = {}): RequestInit {
  return { ...extras, method: 'DELETE', path };
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
  return { ...extras, method: 'POST', path, body };
}

function withData(method: string, path: string, data: unknown, extras: RequestExtras): RequestInit {
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
  let body: unknown;
  try {
    body = JSON.stringify(data);
  } catch (error) {
    throw invalidRequest(`the data has no JSON form: ${(error as Error).message}`, error);
  }
  if (typeof body !== 'string') throw invalidRequest(`${typeof data} has no JSON form`);
  return { ...extras, method, path, body, headers: withContentType(extras.headers) };
}

function withContentType(headers: HeadersInput | undefined): HeadersInput {
  const contentType = 'application/json';
  if (headers === undefined) return { 'content-type': contentType };
  const pairs = [...headerPairs(headers)];
  if (pairs.some(([name]) => name.toLowerCase() === 'content-type')) return headers;
  return [...pairs, ['content-type', contentType]];
}

/** Every field as one `[name, value]` pair; lists give a pair for each entry. */
export function* headerPairs(headers: HeadersInput): Generator<readonly [string, string]> {
  if (headers instanceof Headers || Array.isArray(headers)) {
    for (const pair of headers as Iterable<unknown>) {
      if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string')
        throw invalidRequest('headers given as a list must be [name, value] pairs');
      yield [pair[0], headerText(pair[0], pair[1])];
    }
    return;
  }
  if (typeof headers !== 'object' || (headers as unknown) === null)
    throw invalidRequest('headers must be an object, a list of [name, value] pairs, or Headers');
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (Array.isArray(value))
      for (const one of value as unknown[]) yield [name, headerText(name, one)];
    else yield [name, headerText(name, value)];
  }
}

function headerText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw invalidRequest(
    `header ${JSON.stringify(name)} must be text, not ${value === null ? 'null' : typeof value}`,
  );
}

export function* queryPairs(
  query: Record<string, QueryValue | readonly QueryValue[]>,
): Generator<[string, string]> {
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (one === undefined || one === null) continue;
      if (typeof one !== 'string' && typeof one !== 'number' && typeof one !== 'boolean')
        throw invalidRequest(`query ${JSON.stringify(name)} must be text, a number or a boolean`);
      yield [name, String(one)];
    }
  }
}
