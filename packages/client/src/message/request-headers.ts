/** The header fields of a request, in whichever of the usual forms they were given, as pairs. */
import { invalidRequest } from '../errors.js';
import { isRecord, show } from '../config/own-options.js';

/** A list is sent as one field line for each entry; undefined leaves the field out. */
export type HeaderValue = string | number | readonly string[] | undefined;

/** A plain object, or anything that iterates as pairs: a list of them, `Map`, `Headers`, `ResponseHeaders`. */
export type HeadersInput =
  | Record<string, string | number | string[] | undefined>
  | readonly (readonly [string, string])[]
  | Headers
  | Iterable<readonly [string, HeaderValue]>;

/**
 * Every field as one `[name, value]` pair; lists give a pair for each entry.
 *
 * @throws RequestError `HOTARU_INVALID_REQUEST`
 */
export function* headerPairs(headers: HeadersInput): Generator<readonly [string, string]> {
  const given: unknown = headers;
  if (typeof given === 'object' && given !== null && Symbol.iterator in given) {
    for (const pair of given as Iterable<unknown>) {
      if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string')
        throw invalidRequest(`${FORMS}, but ${show(given)} iterates over ${show(pair)}`);
      yield* fieldLines(pair[0], pair[1]);
    }
  } else if (isRecord(given))
    for (const name of Object.keys(given)) yield* fieldLines(name, given[name]);
  else throw invalidRequest(`${FORMS}, not ${show(given)}`);
}

const FORMS =
  'headers must be an object, or iterate over [name, value] pairs as a list, Map, Headers and ResponseHeaders do';

function* fieldLines(name: string, value: unknown): Generator<readonly [string, string]> {
  if (Array.isArray(value)) for (const one of value as unknown[]) yield [name, text(name, one)];
  else if (value !== undefined) yield [name, text(name, value)];
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw invalidRequest(`header ${JSON.stringify(name)} must be text, not ${show(value)}`);
}
