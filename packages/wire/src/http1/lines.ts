/** What all lines of a head have in common: how they end, and what blanks are. */
import { CR, HTAB, LF, SP } from '../grammar/index.js';
import { WireError } from '../wire-error.js';

/** In place of an index: the line has no end yet, and nothing wrong so far. */
export const INCOMPLETE = -1;

/** The index after CR LF at `i`; an error for anything else that ends a line (RFC 9112 §2.2). */
export function lineEnd(data: Buffer, i: number, end: number, what: string): number {
  if (i >= end) return INCOMPLETE;
  if (data[i] !== CR) throw new WireError('line-end', `${described(data[i] ?? 0)} in ${what}`);
  if (i + 1 >= end) return INCOMPLETE;
  if (data[i + 1] !== LF) throw new WireError('line-end', `a bare CR in ${what}`);
  return i + 2;
}

export function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

export function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

/** A byte that may not stand where it does, in words. */
export function described(byte: number): string {
  if (byte === LF) return 'a bare LF';
  return `the byte 0x${byte.toString(16).padStart(2, '0')}`;
}
