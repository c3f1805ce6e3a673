/** The static table (RFC 7541 §A). Indices start at 1. */
import { HpackField } from './field.js';

const ENTRIES: readonly (readonly [name: string, ...values: string[]])[] = [
  [':authority', ''],
  [':method', 'GET', 'POST'],
  [':path', '/', '/index.html'],
  [':scheme', 'http', 'https'],
  [':status', '200', '204', '206', '304', '400', '404', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** By index; place 0 is of no entry. */
export const STATIC_TABLE: readonly HpackField[] = [
  HpackField.of('', '', 0),
  ...ENTRIES.flatMap(([name, ...values], slot) =>
    values.map((value) => HpackField.of(name, value, slot)),
  ),
];

/** Indices of the dynamic table begin here (RFC 7541 §2.3.3). */
export const FIRST_DYNAMIC_INDEX = STATIC_TABLE.length;

/** The lowest index of each name. */
export const STATIC_NAMES: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.map((field, index) => [field.name, index] as const)
    .slice(1)
    .reverse(),
);

/** The slot of a name's last value (literal-memo.ts); `undefined` when it is not in the table. */
export function staticSlot(name: string): number | undefined {
  const index = STATIC_NAMES.get(name);
  return index === undefined ? undefined : STATIC_TABLE[index]?.slot;
}
