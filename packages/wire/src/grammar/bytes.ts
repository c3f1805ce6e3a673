/** Byte classes of RFC 9110 §5 and RFC 9112, as look-up tables: one load for each byte read. */

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** 1 for the bytes a token (a field name, a method) is made of. */
export const TOKEN = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  TOKEN[char.charCodeAt(0)] = 1;

/** 1 for the bytes a field value or reason phrase may hold: blank, tab, visible and obs-text. */
export const FIELD_TEXT = new Uint8Array(256);
FIELD_TEXT[HTAB] = 1;
for (let byte = 0x20; byte < 256; byte += 1) if (byte !== 0x7f) FIELD_TEXT[byte] = 1;

export const NO_DIGIT = 255;
/** The value of a hexadecimal digit, or `NO_DIGIT`. */
export const HEX_VALUE = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < 16; value += 1) {
  HEX_VALUE[value.toString(16).charCodeAt(0)] = value;
  HEX_VALUE[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}
