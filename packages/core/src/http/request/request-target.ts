/**
 * The request target (RFC 9112 §3.2), read once: which path is routed, which query is parsed, which host was
 * named. Everything that speaks of the request's URL (`ctx.path`, `ctx.url`, `ctx.query()`, the router, the
 * log) speaks of this.
 */
import { isHost, isTargetText } from '@hotaru/wire';
import { CONSTANTS } from '../../constants.js';
import { normalPath } from '../../routing/path.js';
import { wireError, type HttpError } from '../response/http-error.js';

export interface RequestTarget {
  /** In its one form: see routing/path.ts. */
  readonly path: string;
  /** Without the question mark, as it came in; undefined when there is none. */
  readonly query: string | undefined;
  /** Of an absolute-form target: it takes the place of `Host` (RFC 9112 §3.2.2). */
  readonly authority: string | undefined;
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;

const SLASH = 0x2f;

/** The target of a request that has not been read, and of `OPTIONS *`, which is about no path. */
export const NO_TARGET: RequestTarget = Object.freeze({
  path: '/',
  query: undefined,
  authority: undefined,
});

/** @throws HttpError 400 `HOTARU_BAD_PATH` for what is no path, or one that others might read differently. */
export function readTarget(raw: string): RequestTarget {
  let text = raw;
  let authority: string | undefined;
  if (text.charCodeAt(0) !== SLASH) {
    const parts = ABSOLUTE.exec(text);
    authority = parts?.[1];
    if (authority === undefined || !isHost(authority))
      throw badPath('the request target is neither a path nor an http URL');
    text = parts?.[2] ?? '';
    if (!text.startsWith('/')) text = `/${text}`;
  }
  if (!isTargetText(text) || text.includes('#'))
    throw badPath('the request target has a "#", a blank or a control character');
  const mark = text.indexOf('?');
  const reading = normalPath(mark < 0 ? text : text.slice(0, mark));
  if ('problem' in reading) throw badPath(reading.problem);
  return { path: reading.path, query: mark < 0 ? undefined : text.slice(mark + 1), authority };
}

/**
 * What stands for a refused target in `ctx.path` and the log: one segment, so that it is under no prefix and
 * no middleware takes it for a path to serve.
 */
export function refusedTarget(raw: string): RequestTarget {
  const shown = raw
    .slice(0, CONSTANTS.maxShownTargetChars)
    .replace(/[^\w.~!$&'()*+,;=:@-]/gu, hexOf);
  return { ...NO_TARGET, path: `/refused:${shown}` };
}

function hexOf(char: string): string {
  const hex = [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`);
  return hex.join('').toUpperCase();
}

function badPath(detail: string): HttpError {
  return wireError('HOTARU_BAD_PATH', detail);
}

/** The whole URL of a target. Its host is what the client said: that of the target, else of the field `Host`. */
export function urlOf(
  { path, query, authority }: RequestTarget,
  scheme: 'http' | 'https',
  hostField: string | undefined,
): URL {
  const host = authority ?? hostField ?? '';
  // What is no host name could reach into the path: "a/b".
  const base = `${scheme}://${isHost(host) ? host : 'localhost'}`;
  // Not new URL(path, base): a path of "//evil" would name another host.
  const rest = query === undefined ? path : `${path}?${query}`;
  return new URL((URL.canParse(base) ? base : `${scheme}://localhost`) + rest);
}
