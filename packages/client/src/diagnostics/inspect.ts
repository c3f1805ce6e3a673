/**
 * What `console.log()` and `util.inspect()` show of our objects: the facts a reader wants, never their
 * insides, and no credentials: the values of cookies and of authorization fields, what follows the `?`
 * of a URL, private keys.
 */
import { inspect } from 'node:util';

export const INSPECT: typeof inspect.custom = inspect.custom;

/** What of the options of `util.inspect()` is used here: newer `@types/node` export no type of theirs. */
export interface InspectOptions {
  readonly depth?: number | null | undefined;
  stylize(text: string, styleType: 'special'): string;
}

const HIDDEN = '[hidden]';
const SECRET_FIELDS = new Set([
  'authorization',
  'proxy-authorization',
  'authentication-info',
  'proxy-authentication-info',
  'cookie',
  'x-api-key',
]);

/** `Name { field: value … }`; `[Name]` where the fields lie too deep. */
export function shown(
  name: string,
  fields: object,
  depth: number,
  options: InspectOptions,
): string {
  if (depth < 0) return options.stylize(`[${name}]`, 'special');
  const { depth: most } = options;
  const below = typeof most === 'number' ? most - 1 : most;
  return `${name} ${inspect(fields, { ...options, depth: below })}`;
}

/** A value of a header field, as it may stand in a log. */
export function shownField(name: string, value: string): string {
  if (name === 'set-cookie') return value.replace(/^([^=;]*=)[^;]*/, `$1${HIDDEN}`);
  if (name === 'location' || name === 'content-location' || name === 'refresh')
    return shownUrl(value);
  return SECRET_FIELDS.has(name) ? HIDDEN : value;
}

export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, (rest) => `${rest.charAt(0)}${HIDDEN}`);
}
