/**
 * The typed params: from the decoded text of a segment to a value, or undefined when it is none.
 *
 * Written by hand rather than as regexes: each looks at every character once, so no text can make it
 * slow, and a number that JavaScript cannot hold is no match rather than a wrong number.
 */
import { CONSTANTS } from '../constants.js';
import type { ParamValue } from './param-types.js';

export type ParamReader = (text: string) => ParamValue | undefined;

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const DOT = 0x2e;

/** ASCII digits from `start` on; returns where they end. */
function digitsEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    if (code < ZERO || code > NINE) break;
    end++;
  }
  return end;
}

function safeNumber(text: string): number | undefined {
  const value = Number(text);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return undefined;
  return value + 0; // -0 becomes 0
}

function readUint(text: string): number | undefined {
  return text.length > 0 && digitsEnd(text, 0) === text.length ? safeNumber(text) : undefined;
}

function readInt(text: string): number | undefined {
  const start = text.charCodeAt(0) === MINUS ? 1 : 0;
  return text.length > start && digitsEnd(text, start) === text.length
    ? safeNumber(text)
    : undefined;
}

/** `-?[0-9]+(\.[0-9]+)?`: no exponent, no bare dot. */
function readDecimal(text: string): number | undefined {
  const start = text.charCodeAt(0) === MINUS ? 1 : 0;
  const whole = digitsEnd(text, start);
  if (whole === start) return undefined;
  if (whole === text.length) return safeNumber(text);
  if (text.charCodeAt(whole) !== DOT) return undefined;
  const end = digitsEnd(text, whole + 1);
  return end > whole + 1 && end === text.length ? safeNumber(text) : undefined;
}

/** Any text without a slash; a slash can only have come in percent-encoded. */
function readStr(text: string): string | undefined {
  return text.length > 0 && !text.includes('/') ? text : undefined;
}

const UUID_DASHES = new Set([8, 13, 18, 23]);

function readUuid(text: string): string | undefined {
  if (text.length !== 36) return undefined;
  for (let index = 0; index < 36; index++) {
    const code = text.charCodeAt(index);
    if (UUID_DASHES.has(index)) {
      if (code !== MINUS) return undefined;
    } else if (!isHexDigit(code)) return undefined;
  }
  return text;
}

function isHexDigit(code: number): boolean {
  const lower = code | 32;
  return (code >= ZERO && code <= NINE) || (lower >= 97 && lower <= 102);
}

/** `<name>`: any text but none. */
export function readAny(text: string): string | undefined {
  return text.length > 0 ? text : undefined;
}

export const PARAM_TYPES: ReadonlyMap<string, ParamReader> = new Map<string, ParamReader>([
  ['int', readInt],
  ['uint', readUint],
  ['decimal', readDecimal],
  ['str', readStr],
  ['uuid', readUuid],
]);

/**
 * A user's regex, for one whole segment. Compiled once; `u` makes a slip in it an error. It is safe for texts
 * up to `regexMaxChars`: a longer one is no match.
 */
export function regexReader(source: string): ParamReader {
  const regex = new RegExp(`^(?:${source})$`, 'u');
  return (text) => (text.length <= CONSTANTS.regexMaxChars && regex.test(text) ? text : undefined);
}
