/**
 * Names a failed call in its error, for the reader of a log: `method`, `origin` and `path` as fields, and
 * in front of the message: `GET https://api.example.com/users/7: no answer within 300 ms`.
 *
 * Never a query, never credentials: both carry secrets, and an error is logged. Named once: the call that
 * failed first is the one to look at.
 */
import { isToken, uriHost } from '@hotaru/wire';
import { urlOf } from '../key/host-name.js';
import { CONSTANTS } from '../config/constants.js';
import type { ConnectionKey } from '../key/connection-key.js';
import { HotaruClientError } from '../errors.js';

/** A call whose request was checked. `target` is its path and query. */
export function nameCall(
  error: HotaruClientError,
  method: string,
  origin: string,
  target: string,
): void {
  if (isNamed(error)) return;
  const path = withoutQuery(target);
  error.method = method;
  error.origin = origin;
  error.path = path;
  prefix(error, `${method} ${origin}${path}`);
}

/** A call that was refused before its request was known to make sense: what can be read of it. Returns `error`. */
export function nameUncheckedCall(error: unknown, target: unknown, request: unknown): unknown {
  if (!(error instanceof HotaruClientError) || isNamed(error)) return error;
  const { method: given, path: own } = readable(request);
  const method = typeof given === 'string' && isShowable(given) ? given.toUpperCase() : 'GET';
  const url = toUrl(target);
  if (url !== undefined) {
    const base = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname;
    const rest = typeof own === 'string' ? withoutQuery(own) : '';
    const path = inOneLine(base + (rest === '' || rest.startsWith('/') ? rest : `/${rest}`));
    nameCall(error, method, url.origin, path === '' ? '/' : shortened(path));
    return error;
  }
  error.method = method;
  const what = typeof target === 'string' ? withoutSecrets(target) : `(${typeof target})`;
  prefix(error, `${method} ${what}`);
  return error;
}

function isShowable(method: string): boolean {
  return method.length <= CONSTANTS.maxShownMethodChars && isToken(method);
}

/** Its fields; none where reading them throws. */
function readable(request: unknown): Record<string, unknown> {
  try {
    return { ...(typeof request === 'object' ? request : {}) };
  } catch {
    return {};
  }
}

/** What was asked of the pool for raw use, or of a lease: there is no method and no path. Returns `error`. */
export function nameOrigin(error: unknown, verb: string, key: ConnectionKey): unknown {
  if (!(error instanceof HotaruClientError) || isNamed(error)) return error;
  const origin = originOf(key);
  error.origin = origin;
  prefix(error, `${verb} ${origin}`);
  return error;
}

/** As `nameOrigin`, when the key itself was refused. */
export function nameUncheckedOrigin(error: unknown, verb: string, target: unknown): unknown {
  if (!(error instanceof HotaruClientError) || isNamed(error)) return error;
  const url = toUrl(target);
  const { host }: Record<string, unknown> = {
    ...(typeof target === 'object' ? target : {}),
  };
  const shown = typeof target === 'string' ? target : typeof host === 'string' ? host : undefined;
  error.origin = url?.origin;
  prefix(error, `${verb} ${url?.origin ?? withoutSecrets(shown ?? `(${typeof target})`)}`);
  return error;
}

/** As a URL has it: without the port that its scheme has anyway. */
function originOf({ host, port, tls }: ConnectionKey): string {
  const [scheme, usual] = tls === false ? ['http', 80] : ['https', 443];
  return `${scheme}://${uriHost(host)}${port === usual ? '' : `:${port}`}`;
}

/** What URL parsers read as the start of an authority. A user's name alone is no scheme. */
const BEFORE_AUTHORITY = /^(?:(?:https?:|[a-z][a-z\d+.-]*:(?=[/\\]))[/\\]*|[/\\]{2,})?/i;
/** A colon that no port follows. */
const NO_PORT = /^[^[]*:(?!\d*$)/;

/** Text that was meant as a URL, fit for a message: no user, password, query or fragment, and not long. */
export function withoutSecrets(text: string): string {
  const start = BEFORE_AUTHORITY.exec(text)?.[0] ?? '';
  const rest = text.slice(start.length);
  const authority = rest.replace(/[/\\?#].*$/s, '');
  // A password may have the very characters that end an authority: what stands for a port is none then.
  const isCut = !authority.includes('@') && NO_PORT.test(authority);
  const userEnd = (isCut ? rest : authority).lastIndexOf('@');
  const bare = (start + rest.slice(userEnd + 1)).replace(/[?#].*$/s, '');
  return shortened(inOneLine(bare));
}

/** A log has one line for an entry: nothing that was refused may begin another. */
function inOneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, '\ufffd');
}

/** In the stack, too: its first line is a copy of the message, made with the error. */
function prefix(error: HotaruClientError, lead: string): void {
  const { message, stack } = error;
  error.message = `${lead}: ${message}`;
  // Only the first: a message may occur in a path.
  if (typeof stack === 'string') error.stack = stack.replace(message, () => error.message);
}

function isNamed({ method, origin }: HotaruClientError): boolean {
  return method !== undefined || origin !== undefined;
}

/** The path of a request target. */
export function withoutQuery(target: string): string {
  const end = target.search(/[?#]/);
  return end < 0 ? target : target.slice(0, end);
}

function shortened(text: string): string {
  return text.length <= CONSTANTS.maxShownTargetChars
    ? text
    : `${text.slice(0, CONSTANTS.maxShownTargetChars)}…`;
}

/** An http(s) URL, else undefined. */
function toUrl(target: unknown): URL | undefined {
  if (target instanceof URL) return target.origin === 'null' ? undefined : target;
  if (typeof target !== 'string' || !/^https?:\/\/[^\s\\]+$/i.test(target)) return undefined;
  return urlOf(target);
}
