import { describe, expect, it } from 'vitest';
import { FIELD_TEXT, HEX_VALUE, NO_DIGIT, TARGET_TEXT, TOKEN } from './bytes.js';
import { isFieldText, isTargetText, isToken } from './text.js';

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

// The rules as the RFCs write them, byte by byte and without a table: slow, and plain to see.
const isAlpha = (byte: number) => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
const isVisible = (byte: number) => byte >= 0x21 && byte <= 0x7e;
const isObsText = (byte: number) => byte >= 0x80 && byte <= 0xff;
const SPECIALS = "!#$%&'*+-.^_`|~";
/** "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA */
const isTokenChar = (byte: number) =>
  isAlpha(byte) || isDigit(byte) || SPECIALS.includes(String.fromCharCode(byte));
/** field-vchar / SP / HTAB, field-vchar = VCHAR / obs-text */
const isFieldChar = (byte: number) =>
  isVisible(byte) || isObsText(byte) || byte === 0x20 || byte === 0x09;
const isTargetChar = (byte: number) => isVisible(byte) || isObsText(byte);

describe.each([
  ['a token (RFC 9110 §5.6.2)', TOKEN, isToken, isTokenChar],
  ['a field value (RFC 9110 §5.5)', FIELD_TEXT, isFieldText, isFieldChar],
  ['a request target (RFC 9112 §3.2)', TARGET_TEXT, isTargetText, isTargetChar],
])('%s', (_, table, isText, isAllowed) => {
  it('is made of the bytes of its definition, and of no other of the 256', () => {
    expect(table).toHaveLength(256);
    expect(BYTES.filter((byte) => table[byte] === 1)).toEqual(BYTES.filter(isAllowed));
    expect(BYTES.filter((byte) => table[byte] !== 1 && table[byte] !== 0)).toEqual([]);
  });

  it('is judged alike as text, wherever in it the character stands', () => {
    const good = String.fromCharCode(BYTES.find(isAllowed)!);
    for (const byte of BYTES) {
      const char = String.fromCharCode(byte);
      for (const text of [char, char + good, good + char, good + char + good])
        expect(isText(text), JSON.stringify(text)).toBe(isAllowed(byte));
    }
  });

  it('has no character beyond Latin-1, though its low byte may look like one', () => {
    for (const code of [0x100, 0x10a, 0x10d, 0x141, 0x2028, 0x212a, 0x560a, 0xd83d, 0xfeff, 0xff21])
      for (const text of [String.fromCharCode(code), `a${String.fromCharCode(code)}`])
        expect(isText(text), code.toString(16)).toBe(false);
  });
});

it('a hexadecimal digit has its value, in either case, and no other byte has one (RFC 9112 §7.1)', () => {
  for (const byte of BYTES) {
    const char = String.fromCharCode(byte);
    const expected = /^[0-9a-fA-F]$/.test(char) ? Number.parseInt(char, 16) : NO_DIGIT;
    expect(HEX_VALUE[byte], char).toBe(expected);
  }
});
