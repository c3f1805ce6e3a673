/**
 * Where a request goes: from what the caller wrote to a connection key, an authority and a path.
 *
 * Origins are cached by their text, because the same few are asked again and again; paths are not.
 */
import { parseUrl, type ConnectionKey } from '../key/connection-key.js';
import { withoutQuery } from '../diagnostics/call-name.js';
import { CONSTANTS } from '../config/constants.js';
import type { Settings } from '../config/pool-config.js';
import { copyOfTls, isSameTls, type TlsOptions } from '../key/tls-identity.js';
import { invalidRequest } from '../errors.js';
import { isRecord, show } from '../config/own-options.js';
import { queryPairs, type RequestInit } from '../message/request.js';

export interface Origin {
  readonly key: ConnectionKey;
  /** `https://api.example.com`, for messages. */
  readonly text: string;
  readonly scheme: 'http' | 'https';
  /** Host, and port if it is not the scheme's own. */
  readonly authority: string;
  /** What is configured for its host. */
  readonly settings: Settings;
}

export interface Target {
  readonly origin: Origin;
  /** Path and query of the target itself, '' for none. */
  readonly path: string;
}

/** The key of a URL, with the TLS settings of the call and of the pool's configuration. */
export type KeyOf = (url: URL, tls: TlsOptions | undefined, publicOnly: boolean) => ConnectionKey;

/** An origin as it is called: with these `tls` settings, or for URLs that come from outside. */
interface Variant {
  readonly tls: Readonly<TlsOptions> | undefined;
  readonly publicOnly: boolean;
  /** The target that has nothing to add to the origin. */
  readonly root: Target;
}

/** A path and query that every URL parser leaves as they are, but for dot segments. */
const NEEDS_NO_ENCODING = /^[\w\-~!$&'()*+,;=:@%/.[\]|]*(?:\?[\w\-~!$&()*+,;=:@%/?.[\]|^{}`]+)?$/;
/** Dot segments, in whichever spelling, stand in a path. */
const DOT_SEGMENT = /^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i;

export class Origins {
  /** By their text; of each, the variant used last comes first. */
  readonly #variants = new Map<string, Variant[]>();
  /** Key id → text of its origin. */
  readonly #textOf = new Map<string, string>();
  readonly #keyOf: KeyOf;
  readonly #settingsOf: (key: ConnectionKey) => Settings;

  constructor(keyOf: KeyOf, settingsOf: (key: ConnectionKey) => Settings) {
    this.#keyOf = keyOf;
    this.#settingsOf = settingsOf;
  }

  /** @throws RequestError `HOTARU_INVALID_REQUEST` */
  resolve(target: string | URL, tls: TlsOptions | undefined, publicOnly: boolean): Target {
    if (typeof target === 'string') {
      const slash = target.indexOf('/', 8); // past https:// or http://x
      const text = slash === -1 ? target : target.slice(0, slash);
      const root = this.#find(text, tls, publicOnly);
      if (root !== undefined) {
        const path = slash === -1 ? '' : target.slice(slash);
        if (path === '' || path === '/') return root;
        if (NEEDS_NO_ENCODING.test(path) && !DOT_SEGMENT.test(path))
          return { origin: root.origin, path };
      }
    } else if (!(target instanceof URL))
      throw invalidRequest(`the target must be a URL, text or a URL object, not ${show(target)}`);
    const url = parseUrl(target);
    const text = url.origin;
    const { origin } = this.#find(text, tls, publicOnly) ?? this.#add(url, tls, publicOnly);
    const path = url.pathname + url.search;
    return { origin, path: path === '/' ? '' : path };
  }

  /** The pool no longer knows the host of this key. */
  forget(keyId: string): void {
    const text = this.#textOf.get(keyId);
    if (text === undefined) return;
    this.#textOf.delete(keyId);
    const variants = this.#variants.get(text) ?? [];
    const rest = variants.filter(({ root }) => root.origin.key.id !== keyId);
    if (rest.length === 0) this.#variants.delete(text);
    else this.#variants.set(text, rest);
  }

  /** All of them: the settings they were made by have changed. */
  clear(): void {
    this.#variants.clear();
    this.#textOf.clear();
  }

  #find(text: string, tls: TlsOptions | undefined, publicOnly: boolean): Target | undefined {
    const variants = this.#variants.get(text);
    if (variants === undefined) return undefined;
    for (let i = 0; i < variants.length; i += 1) {
      const variant = variants[i] as Variant;
      if (variant.publicOnly !== publicOnly || !isSaidTls(variant.tls, tls)) continue;
      if (i > 0) {
        variants.splice(i, 1);
        variants.unshift(variant);
      }
      return variant.root;
    }
    return undefined;
  }

  #add(url: URL, tls: TlsOptions | undefined, publicOnly: boolean): Target {
    const key = this.#keyOf(url, tls, publicOnly);
    const root: Target = {
      origin: {
        key,
        text: url.origin,
        scheme: url.protocol === 'https:' ? 'https' : 'http',
        authority: url.host,
        settings: this.#settingsOf(key),
      },
      path: '',
    };
    if (this.#textOf.size >= CONSTANTS.maxOrigins) this.clear();
    this.#textOf.set(key.id, url.origin);
    const variants = this.#variants.get(url.origin) ?? [];
    variants.unshift({ tls: tls === undefined ? undefined : copyOfTls(tls), publicOnly, root });
    if (variants.length > CONSTANTS.maxVariantsPerOrigin) variants.pop();
    this.#variants.set(url.origin, variants);
    return root;
  }
}

function isSaidTls(kept: Readonly<TlsOptions> | undefined, given: TlsOptions | undefined): boolean {
  return kept === undefined || given === undefined ? kept === given : isSameTls(kept, given);
}

/**
 * The request target (RFC 9112 §3.2): the target's path, the request's path appended, the queries of
 * both and of `query`.
 */
export function requestTarget(base: string, request: RequestInit): string {
  const { path: given, query } = request;
  const path = given === undefined || given === '' ? '' : encodePath(given);
  if (path === '') {
    if (query === undefined) return base === '' ? '/' : base;
    // Nothing to take apart: the path's own query, if any, is the only one.
  } else if (query === undefined && path.startsWith('/') && !base.includes('?'))
    return join(base, path);
  const [basePath, baseQuery] = split(base);
  const [ownPath, ownQuery] = split(path);
  const joined = join(basePath, ownPath);
  const queries = [baseQuery, ownQuery, query === undefined ? '' : encodeQuery(query)];
  const search = queries.filter((part) => part !== '').join('&');
  return search === '' ? joined : `${joined}?${search}`;
}

/** What could split the request line, be cut off, or change its meaning on the way. */
const NOT_IN_PATH = /[\u0000-\u001f\u007f#]|^[^?]*\\|\p{Surrogate}/u;

/** As URL parsers encode a path and a query, but dot segments stay: what the caller wrote is what is asked for. */
function encodePath(path: unknown): string {
  if (typeof path !== 'string') throw invalidRequest(`path must be text, not ${show(path)}`);
  if (NEEDS_NO_ENCODING.test(path)) return path;
  if (NOT_IN_PATH.test(path))
    throw invalidRequest(
      `path ${JSON.stringify(withoutQuery(path))} has a control character, #, \\ or half a surrogate pair; percent-encode it (encodeURIComponent)`,
    );
  const [own, query] = split(path);
  const encoded = own.split('/').map(encodeSegment).join('/');
  return query === '' ? encoded : encoded + parse(`/?${query}#x`).search;
}

/** A segment of dots has nothing to encode, and the parser would resolve it. */
function encodeSegment(segment: string): string {
  return DOTS.test(segment) ? segment : parse(`/${segment}/x`).pathname.slice(1, -2);
}

const DOTS = /^(?:\.|%2e){1,2}$/i;

/** What follows keeps the parser from trimming blanks at the end. */
function parse(pathAndQuery: string): URL {
  return new URL(`http://host${pathAndQuery}`);
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
  if (!isRecord(query))
    throw invalidRequest(
      `query must be an object of names and values, or URLSearchParams, not ${show(query)}`,
    );
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
