/**
 * Response header fields: lower-case names in a bag without a prototype, checked as they are set, so that
 * a bad value fails where it was written and never splits a response.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { HotaruError } from '../errors.js';

export type HeaderValue = string | number | readonly string[];
export type HeaderBag = Record<string, string | string[]>;
/** What `setHeader` and the response helpers take. `undefined` leaves a field out. */
export type HeadersInput = Readonly<Record<string, HeaderValue | undefined>>;

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

export function emptyHeaders(): HeaderBag {
  return Object.create(null) as HeaderBag;
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

/** As they came from a response helper: hop-by-hop fields are left out. */
export function copyHeaders(bag: HeaderBag, input: HeadersInput): void {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const key = checkedName(name);
    if (!HOP_BY_HOP.has(key)) bag[key] = checkedValue(key, value);
  }
}

function checkedName(name: string): string {
  try {
    validateHeaderName(name);
  } catch (error) {
    throw new HotaruError('HOTARU_INVALID_HEADER', `${JSON.stringify(name)} is no header name`, {
      cause: error,
    });
  }
  return name.toLowerCase();
}

function checkedValue(name: string, value: HeaderValue): string | string[] {
  if (Array.isArray(value)) return value.map((entry: unknown) => checkedText(name, entry));
  return checkedText(name, typeof value === 'number' ? String(value) : value);
}

function checkedText(name: string, value: unknown): string {
  try {
    if (typeof value !== 'string')
      throw new TypeError(`a header value is text, not ${typeof value}`);
    validateHeaderValue(name, value);
    return value;
  } catch (error) {
    // The value itself may be a secret or an attack: it is not repeated.
    throw new HotaruError(
      'HOTARU_INVALID_HEADER',
      `the value for the header ${name} cannot be sent`,
      {
        cause: error,
      },
    );
  }
}
