/**
 * Where a request goes: from what the caller wrote to a connection key, a `host` field and a path.
 *
 * Origins are cached by their text, because the same few are asked again and again; paths are not.
 */
import { parseUrl, type ConnectionKey } from '../connection-key.js';
import type { TlsOptions } from '../connection/tls-identity.js';
import { invalidRequest } from '../errors.js';
import { queryPairs, type RequestInit } from '../message/request.js';

export interface Origin {
  readonly key: ConnectionKey;
  /** `https://api.example.com`, for messages. */
  readonly text: string;
  readonly hostLine: string;
}

/** An origin, with the target that has nothing to add to it. */
interface KnownOrigin extends Origin {
  readonly root: Target;
}

export interface Target {
  readonly origin: Origin;
  /** Path and query of the target itself, '' for none. */
  readonly path: string;
}

/** The key of a URL, with the TLS settings of the call and of the pool's configuration. */
export type KeyOf = (url: URL, tls: TlsOptions | undefined, publicOnly: boolean) => ConnectionKey;

/** A bound for those whose hosts the pool still knows; the others are forgotten with them. */
const MAX_ORIGINS = 16_384;
/** A path the URL parser would leave as it is: no dot segments, nothing to encode. */
const PLAIN_PATH = /^(?!.*(?:\/\.|%2e))[\w\-~!$&'()*+,;=:@%/?.]*$/i;

export class Origins {
  readonly #origins = new Map<string, KnownOrigin>();
  /** Key id → text of its origin. */
  readonly #textOf = new Map<string, string>();
  readonly #keyOf: KeyOf;

  constructor(keyOf: KeyOf) {
    this.#keyOf = keyOf;
  }

  /** @throws RequestError `HOTARU_INVALID_REQUEST` */
  resolve(target: string | URL, tls: TlsOptions | undefined, publicOnly: boolean): Target {
    if (typeof target === 'string' && tls === undefined && !publicOnly) {
      const slash = target.indexOf('/', 8); // past https:// or http://x
      const text = slash === -1 ? target : target.slice(0, slash);
      const known = this.#origins.get(text);
      if (known !== undefined) {
        const path = slash === -1 ? '' : target.slice(slash);
        if (path === '' || path === '/') return known.root;
        if (PLAIN_PATH.test(path)) return { origin: known, path };
      }
    }
    return this.#parse(target, tls, publicOnly);
  }

  /** The pool no longer knows the host of this key. */
  forget(keyId: string): void {
    const text = this.#textOf.get(keyId);
    if (text === undefined) return;
    this.#textOf.delete(keyId);
    this.#origins.delete(text);
  }

  /** All of them: the settings they were made by have changed. */
  clear(): void {
    this.#origins.clear();
    this.#textOf.clear();
  }

  #parse(target: string | URL, tls: TlsOptions | undefined, publicOnly: boolean): Target {
    if (typeof target !== 'string' && !(target instanceof URL))
      throw invalidRequest('the target must be a URL: text or a URL object');
    const url = parseUrl(target);
    const origin: Origin = {
      key: this.#keyOf(url, tls, publicOnly),
      text: url.origin,
      hostLine: `host: ${url.host}\r\n`,
    };
    if (tls === undefined && !publicOnly) {
      if (this.#origins.size >= MAX_ORIGINS) this.clear();
      this.#textOf.set(origin.key.id, url.origin);
      this.#origins.set(url.origin, { ...origin, root: { origin, path: '' } });
    }
    const path = url.pathname + url.search;
    return { origin, path: path === '/' ? '' : path };
  }
}

/**
 * The request target (RFC 9112 §3.2): the target's path, the request's path appended, the queries of
 * both and of `query`.
 */
export function requestTarget(base: string, request: RequestInit): string {
  const { path, query } = request;
  if (path === undefined || path === '') {
    if (query === undefined) return base === '' ? '/' : base;
  } else {
    checkPath(path);
    // Nothing to take apart: the path's own query, if any, is the only one.
    if (query === undefined && path.startsWith('/') && !base.includes('?')) return join(base, path);
  }
  const [basePath, baseQuery] = split(base);
  const [ownPath, ownQuery] = split(path ?? '');
  const joined = join(basePath, ownPath);
  const queries = [baseQuery, ownQuery, query === undefined ? '' : encodeQuery(query)];
  const search = queries.filter((part) => part !== '').join('&');
  return search === '' ? joined : `${joined}?${search}`;
}

/** Anything else would have to be encoded, cut off or could split the request line. */
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

function checkPath(path: unknown): void {
  if (typeof path !== 'string') throw invalidRequest(`path must be text, not ${typeof path}`);
  if (!VISIBLE_ASCII.test(path))
    throw invalidRequest(
      `path ${JSON.stringify(path)} has a blank, control or non-ASCII character; percent-encode it (encodeURIComponent)`,
    );
  if (path.includes('#'))
    throw invalidRequest(`path ${JSON.stringify(path)} has a fragment; encode # as %23`);
}

function split(path: string): [string, string] {
  const mark = path.indexOf('?');
  return mark === -1 ? [path, ''] : [path.slice(0, mark), path.slice(mark + 1)];
}

function join(base: string, path: string): string {
  if (path === '') return base === '' ? '/' : base;
  const start = base.endsWith('/') ? base.slice(0, -1) : base;
  return path.startsWith('/') ? start + path : `${start}/${path}`;
}

function encodeQuery(query: NonNullable<RequestInit['query']>): string {
  if (query instanceof URLSearchParams) return query.toString();
  if (typeof query !== 'object' || (query as unknown) === null || Array.isArray(query))
    throw invalidRequest('query must be an object of names and values, or URLSearchParams');
  const parts: string[] = [];
  for (const [name, value] of queryPairs(query)) parts.push(`${encode(name)}=${encode(value)}`);
  return parts.join('&');
}

function encode(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch (error) {
    throw invalidRequest('a query name or value has half a surrogate pair', error);
  }
}
