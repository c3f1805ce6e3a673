/**
 * Objects of options, read safely: what `Object.prototype` says (a polyfill, or an attack by prototype
 * pollution) is no option of the caller, and what is no object of options is said to be none.
 */
import { didYouMean } from './did-you-mean.js';
import { HotaruClientError, invalidRequest } from '../errors.js';

const NOTHING = {};

/** Has `Object.prototype` been given properties that every object now seems to have? */
function isPrototypeExtended(): boolean {
  for (const name in NOTHING) if (name in Object.prototype) return true;
  return false;
}

/** `given` as it is, or, where `Object.prototype` has been extended, a copy without what comes from there. */
export function ownOptions<T extends object>(given: T): T {
  return isPrototypeExtended() ? flatCopy(given) : given;
}

/**
 * For Node's own functions, which copy their options and read names from the copy that were never given: a
 * `path` from `Object.prototype` would send a dial to a Unix socket. What comes from there is undefined in
 * `options`, which is the caller's to change.
 */
export function shielded<T extends object>(options: T): T {
  for (const name in NOTHING)
    if (!Object.hasOwn(options, name))
      Object.defineProperty(options, name, {
        value: undefined,
        enumerable: true,
        writable: true,
        configurable: true,
      });
  return options;
}

/**
 * A copy that no later change reaches. Options may come from a prototype of the caller's own
 * (`Object.create(defaults)`): those are kept, where `{ ...given }` would lose them.
 */
export function flatCopy<T extends object>(given: T): T {
  const copy = Object.create(null) as Record<PropertyKey, unknown>;
  for (
    let level: object | null = given;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  )
    for (const name of Reflect.ownKeys(level)) {
      if (Object.hasOwn(copy, name)) continue;
      const value: unknown = Reflect.get(given, name);
      const enumerable = Object.prototype.propertyIsEnumerable.call(level, name);
      Object.defineProperty(copy, name, { value, enumerable, writable: true, configurable: true });
    }
  return copy as T;
}

/**
 * The options of a method, with no name but those allowed.
 *
 * @throws RequestError `HOTARU_INVALID_REQUEST` naming the option and what is allowed.
 */
export function checkNames<T extends object>(
  options: T | undefined,
  what: string,
  allowed: readonly (string & keyof T)[],
): Partial<T> {
  if (options === undefined) return Object.create(null) as Partial<T>; // {} would have what Object.prototype was given
  if (!isRecord(options)) throw invalidRequest(`${what} must be an object, not ${show(options)}`);
  const own = ownOptions(options);
  for (const name in own)
    if (!(allowed as readonly string[]).includes(name))
      throw invalidRequest(
        `the option ${name} is not known${didYouMean(name, allowed)}; allowed: ${allowed.join(', ')}`,
      );
  return own;
}

/** An object of names and values: not a Map, Set, Date or the like, which keep theirs elsewhere. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Symbol.iterator in value) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return (
    prototype === null ||
    Object.getPrototypeOf(prototype) === null || // `Object.prototype`, of whatever realm
    Object.keys(value).length > 0
  );
}

/** What reading the caller's objects threw (a getter, an iterator, a proxy), as an error of this package. */
export function unreadable(error: unknown): unknown {
  if (error instanceof HotaruClientError) return error;
  const what = error instanceof Error ? error.message : String(error);
  return invalidRequest(`the request or its options can't be read: ${what}`, error);
}

/** A value in an error message. Never throws, and never shows what is in an object. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'a list' : Object.prototype.toString.call(value);
    case 'symbol':
    case 'function':
      return `a ${typeof value}`;
    default:
      return String(value);
  }
}
