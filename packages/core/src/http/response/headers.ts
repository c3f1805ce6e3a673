/**
 * Response header fields: lower-case names in a bag without a prototype, checked as they are set, so that
 * a bad value fails where it was written and never splits a response.
 */
import { isFieldText, isToken, listMembers } from '@hotaru/wire';
import { CONSTANTS } from '../../constants.js';
import { HotaruError } from '../../errors.js';
import { show } from '../../options.js';

export type HeaderValue = string | number | readonly string[];
export type HeaderBag = Record<string, string | string[]>;
/**
 * What the response helpers take: an object (`undefined` leaves a field out), or pairs of name and value, as
 * `Headers`, a `Map`, a list of pairs and the headers of a `ClientResponse` give them. A name that comes more
 * than once is sent more than once.
 */
export type HeadersInput =
  Readonly<Record<string, HeaderValue | undefined>> | Iterable<readonly [string, HeaderValue]>;

/**
 * Fields about one hop (RFC 9110 §7.6.1). The framework frames its own messages, so an upstream's headers
 * may be passed on whole and these are left out.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Inherits nothing, as `Object.create(null)` does, but the engine knows its shape: half the time to fill and read. */
const Bag = function Bag() {
  // empty
} as unknown as new () => HeaderBag;
(Bag as { prototype: unknown }).prototype = Object.freeze(Object.create(null));

export function emptyHeaders(): HeaderBag {
  return new Bag();
}

/** @throws HotaruError `HOTARU_INVALID_HEADER` */
export function setHeader(bag: HeaderBag, name: string, value: HeaderValue): void {
  const key = checkedName(name);
  if (HOP_BY_HOP.has(key) && !(key === 'connection' && value === 'close'))
    throw new HotaruError(
      'HOTARU_INVALID_HEADER',
      `${key} is about the connection, which the framework looks after; allowed: connection: close`,
    );
  bag[key] = checkedValue(key, value);
}

/** Adds one more field of that name. @throws HotaruError `HOTARU_INVALID_HEADER` */
export function appendHeader(bag: HeaderBag, name: string, value: string): void {
  const key = checkedName(name);
  const before = bag[key];
  if (before === undefined) setHeader(bag, name, value);
  else bag[key] = [before, checkedValue(key, value)].flat();
}

/**
 * As they came from a response helper: hop-by-hop fields are left out, and those that `connection` names
 * (RFC 9110 §7.6.1).
 *
 * @throws HotaruError `HOTARU_INVALID_HEADER`
 */
export function copyHeaders(bag: HeaderBag, input: HeadersInput): void {
  let nominated: string[] | undefined;
  const add = (name: string, value: HeaderValue, isRepeatable: boolean): void => {
    const key = checkedName(name);
    const checked = checkedValue(key, value);
    if (key === 'connection') nominated = [nominated ?? [], checked].flat();
    if (HOP_BY_HOP.has(key)) return;
    const before = isRepeatable ? bag[key] : undefined;
    bag[key] = before === undefined ? checked : [before, checked].flat();
  };
  if (isPlainObject(input)) {
    for (const name of Object.keys(input)) {
      const value = (input as Readonly<Record<string, HeaderValue | undefined>>)[name];
      if (value !== undefined) add(name, value, false);
    }
  } else for (const [name, value] of pairsOf(input)) add(name, value, true);
  if (nominated === undefined) return;
  for (const name of listMembers(nominated.join())) Reflect.deleteProperty(bag, name.toLowerCase());
}

function isPlainObject(input: unknown): boolean {
  if (typeof input !== 'object' || input === null || Symbol.iterator in input) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  // Of this realm or of another one: a test runner's, say.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function* pairsOf(input: unknown): Iterable<readonly [string, HeaderValue]> {
  if (!isIterable(input) || input instanceof URLSearchParams || input instanceof FormData)
    throw badHeaders(input);
  for (const pair of input) {
    if (!Array.isArray(pair) || pair.length !== 2) throw badHeaders(input);
    yield pair as unknown as readonly [string, HeaderValue];
  }
}

function isIterable(input: unknown): input is Iterable<unknown> {
  return typeof input === 'object' && input !== null && Symbol.iterator in input;
}

function badHeaders(input: unknown): HotaruError {
  return new HotaruError(
    'HOTARU_INVALID_HEADER',
    `headers is ${show(input)}; allowed: a plain object, Headers, a Map, or a list of [name, value]`,
  );
}

/** Names that were checked, in lower case: a program has few. */
const knownNames = new Map<string, string>();

function checkedName(name: string): string {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  if (typeof (name as unknown) !== 'string' || !isToken(name))
    throw new HotaruError('HOTARU_INVALID_HEADER', `${JSON.stringify(name)} is no header name`, {
      cause: new TypeError('a header name is a token (RFC 9110 §5.1)'),
    });
  const key = name.toLowerCase();
  if (knownNames.size < CONSTANTS.maxKnownHeaderNames) knownNames.set(name, key);
  return key;
}

function checkedValue(name: string, value: HeaderValue): string | string[] {
  if (Array.isArray(value)) return value.map((entry: unknown) => checkedText(name, entry));
  return checkedText(name, typeof value === 'number' ? String(value) : value);
}

function checkedText(name: string, value: unknown): string {
  if (typeof value === 'string' && isFieldText(value)) return value;
  // The value itself may be a secret or an attack: it is not repeated.
  throw new HotaruError(
    'HOTARU_INVALID_HEADER',
    `the value for the header ${name} cannot be sent`,
    {
      cause: new TypeError(
        typeof value === 'string'
          ? 'it has a control or non-Latin-1 character (RFC 9110 §5.5)'
          : `a header value is text, not ${typeof value}`,
      ),
    },
  );
}
