/**
 * The character classes of HTTP, each written down once: as the inside of a character class, from which come
 * the look-up tables for bytes (here: one load for each byte read) and the patterns for text (text.ts).
 */

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const COMMA = 0x2c;

/** What a token is made of: a method, a field name, a connection option (RFC 9110 §5.6.2). */
export const TOKEN_CHARS = "!#$%&'*+.^_`|~0-9A-Za-z-";
/** Field values and reason phrases: blank, tab, visible ASCII, obs-text (RFC 9110 §5.5, RFC 9112 §4). */
export const FIELD_CHARS = '\\t\\x20-\\x7e\\x80-\\xff';
/**
 * Bytes that can stand in a request target: no blank and no control character, so that it ends where the request
 * line says (RFC 9112 §3.2). Which of them form a path or an authority is for its reader to judge.
 */
export const TARGET_CHARS = '\\x21-\\x7e\\x80-\\xff';

/** 1 for the bytes a token is made of. */
export const TOKEN = tableOf(TOKEN_CHARS);
/** 1 for the bytes a field value or reason phrase may hold. */
export const FIELD_TEXT = tableOf(FIELD_CHARS);
/** 1 for the bytes a request target may hold. */
export const TARGET_TEXT = tableOf(TARGET_CHARS);

export const NO_DIGIT = 255;
/** The value of a hexadecimal digit, or `NO_DIGIT` (HEXDIG, RFC 5234 §B.1, in either case: RFC 9112 §7.1). */
export const HEX_VALUE = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < 16; value += 1) {
  HEX_VALUE[value.toString(16).charCodeAt(0)] = value;
  HEX_VALUE[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

function tableOf(chars: string): Uint8Array {
  const pattern = new RegExp(`[${chars}]`);
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    pattern.test(String.fromCharCode(byte)) ? 1 : 0,
  );
}
