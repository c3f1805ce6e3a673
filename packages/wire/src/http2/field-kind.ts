/**
 * What a field of a decoded block is, as one small number: an ordinary one, a name that the protocol knows, or one that
 * breaks the rules for names and values (RFC 9113 §8.2, §8.3). It depends on name and value alone, so the tables of
 * HPACK keep it beside each entry: a field that comes by its index is judged once, when it enters the table.
 */
import { isFieldText } from '../grammar/index.js';

export const FieldKind = Object.freeze({
  /** Nothing to look at. */
  Plain: 0x0,
  // ── pseudo-fields (§8.3) ────────────────────────────────────────────────────────
  Method: 0x1,
  Scheme: 0x2,
  Authority: 0x3,
  Path: 0x4,
  Status: 0x5,
  Protocol: 0x6,
  UnknownPseudo: 0x7,
  // ── fields that frame or route a message ────────────────────────────────────────
  ContentLength: 0x8,
  ContentEncoding: 0x9,
  Host: 0xa,
  Cookie: 0xb,
  Expect: 0xc,
  Te: 0xd,
  /** Of one connection: never in HTTP/2 (§8.2.2). */
  ConnectionSpecific: 0xe,
  // ── malformed, whatever the name (§8.2.1) ───────────────────────────────────────
  /** Upper case, or no token. */
  BadName: 0xf,
  /** A control character in the value, or a blank at one of its ends. */
  BadValue: 0x10,
} as const);

const KNOWN_NAMES: ReadonlyMap<string, number> = new Map([
  [':method', FieldKind.Method],
  [':scheme', FieldKind.Scheme],
  [':authority', FieldKind.Authority],
  [':path', FieldKind.Path],
  [':status', FieldKind.Status],
  [':protocol', FieldKind.Protocol],
  ['content-length', FieldKind.ContentLength],
  ['content-encoding', FieldKind.ContentEncoding],
  ['host', FieldKind.Host],
  ['cookie', FieldKind.Cookie],
  ['expect', FieldKind.Expect],
  ['te', FieldKind.Te],
  ['connection', FieldKind.ConnectionSpecific],
  ['keep-alive', FieldKind.ConnectionSpecific],
  ['proxy-connection', FieldKind.ConnectionSpecific],
  ['transfer-encoding', FieldKind.ConnectionSpecific],
  ['upgrade', FieldKind.ConnectionSpecific],
]);

const LOWER_TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** What is known by the name alone. A table that keeps names keeps this beside them. */
export function nameKind(name: string): number {
  const known = KNOWN_NAMES.get(name);
  if (known !== undefined) return known;
  if (LOWER_TOKEN.test(name)) return FieldKind.Plain;
  return name.startsWith(':') ? FieldKind.UnknownPseudo : FieldKind.BadName;
}

/** The kind of a whole field, of a name whose kind is known. */
export function withValue(kind: number, value: string): number {
  if (kind === FieldKind.BadName) return kind;
  return isCleanValue(value) ? kind : FieldKind.BadValue;
}

/** What a value may hold (RFC 9113 §8.2.1): as in HTTP/1.1, and the blanks around it are an error, not a decoration. */
function isCleanValue(value: string): boolean {
  return isFieldText(value) && !isBlank(value, 0) && !isBlank(value, value.length - 1);
}

function isBlank(value: string, at: number): boolean {
  const code = value.charCodeAt(at); // NaN of an empty value
  return code === 0x20 || code === 0x09;
}
