/**
 * One field line (RFC 9112 §5), strictly: no bare CR or LF, no NUL or control characters, no folding, no blank
 * before the colon. And the values by which a message is framed, read where they lie.
 */
import { COLON, COMMA, CR, FIELD_TEXT, HTAB, SP, TOKEN } from '../grammar/index.js';
import { MAX_LENGTH_DIGITS } from '../constants.js';
import { latin1 } from '../latin1.js';
import { WireError } from '../wire-error.js';
import { described, INCOMPLETE, isBlank, isDigit, lineEnd } from './lines.js';

/** The offsets of a section's fields, in fours: name start, name end, value start, value end. */
export class FieldList {
  /** Written over by each head: a list that grows with every field would be copied several times. */
  readonly offsets: number[] = [];
  /** How many offsets belong to this section. */
  length = 0;

  /**
   * The index after the line, or `INCOMPLETE`. An empty line adds no field. Offsets count from `origin`, the first
   * byte of the section.
   */
  parseLine(data: Buffer, start: number, end: number, origin: number): number {
    let i = start;
    while (i < end && TOKEN[data[i] ?? 0] === 1) i += 1;
    if (i === end) return INCOMPLETE;
    if (data[i] !== COLON || i === start) {
      if (data[i] === CR && i === start) return lineEnd(data, i, end, 'a field line');
      throw badName(data, start, i);
    }
    const nameEnd = i;
    i += 1;
    while (i < end && (data[i] === SP || data[i] === HTAB)) i += 1;
    const valueStart = i;
    while (i < end && FIELD_TEXT[data[i] ?? 0] === 1) i += 1;
    const next = lineEnd(data, i, end, 'a field value');
    if (next === INCOMPLETE) return INCOMPLETE;
    let valueEnd = i;
    while (valueEnd > valueStart && isBlank(data[valueEnd - 1])) valueEnd -= 1;
    const { offsets } = this;
    const at = this.length;
    offsets[at] = start - origin;
    offsets[at + 1] = nameEnd - origin;
    offsets[at + 2] = valueStart - origin;
    offsets[at + 3] = valueEnd - origin;
    this.length = at + 4;
    return next;
  }
}

/** Shown up to the byte that is wrong: what follows may be a value, and secret. */
function badName(data: Buffer, start: number, at: number): Error {
  const byte = data[at] ?? 0;
  const sent = { bytes: data, start, end: at + 1 };
  if (at === start && isBlank(byte)) return new WireError('folded-line', 'a folded field line');
  if (isBlank(byte))
    return new WireError('blank-before-colon', 'a blank before the colon of a field', sent);
  return new WireError('field-name', `${described(byte)} in a field name`, sent);
}

/** Compares without regard to case; `name` is lower case. */
export function isNamed(data: Buffer, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i += 1)
    if (((data[start + i] ?? 0) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}

/** Bits of what `Connection` lists (RFC 9110 §7.6.1). */
export const SAYS_CLOSE = 0x1;
export const SAYS_KEEP_ALIVE = 0x2;
export const SAYS_UPGRADE = 0x4;

export function connectionOptions(data: Buffer, value: number, valueEnd: number): number {
  let options = 0;
  let start = value;
  for (let i = value; i <= valueEnd; i += 1) {
    if (i < valueEnd && data[i] !== COMMA) continue;
    if (isOption(data, start, i, 'close')) options |= SAYS_CLOSE;
    else if (isOption(data, start, i, 'keep-alive')) options |= SAYS_KEEP_ALIVE;
    else if (isOption(data, start, i, 'upgrade')) options |= SAYS_UPGRADE;
    start = i + 1;
  }
  return options;
}

/** `Transfer-Encoding` in lower case, after that of the fields before it: several are one list (RFC 9110 §5.3). */
export function joinedCodings(
  data: Buffer,
  value: number,
  valueEnd: number,
  before: string,
): string {
  const coding = latin1(data, value, valueEnd).toLowerCase();
  // An empty field is not the same as none: it frames nothing that could be read.
  return before === '' ? coding || ',' : `${before}, ${coding}`;
}

/** Is it this token, with nothing but blanks around it? `name` is lower case. */
export function isOption(data: Buffer, from: number, to: number, name: string): boolean {
  let start = from;
  let end = to;
  while (start < end && isBlank(data[start])) start += 1;
  while (end > start && isBlank(data[end - 1])) end -= 1;
  return end - start === name.length && isNamed(data, start, name);
}

/**
 * The value of `Content-Length`, after those of the fields before it (`known`, −1 for none): digits only; a list of
 * equal values counts as one, as a recipient may have it (RFC 9112 §6.3). A server must not: see `soleLength`.
 */
export function foldedLength(data: Buffer, value: number, valueEnd: number, known: number): number {
  let all = known;
  let start = value;
  for (let i = value; i <= valueEnd; i += 1) {
    if (i < valueEnd && data[i] !== COMMA) continue;
    const length = lengthOf(data, start, i);
    if (!isLength(length)) throw badLength(data, value, valueEnd, length);
    if (all !== -1 && all !== length)
      throw new WireError('content-length', `Content-Length says both ${all} and ${length}`);
    all = length;
    start = i + 1;
  }
  return all;
}

/** The one `Content-Length` of a request: a second, or a list, is how requests are smuggled, equal or not. */
export function soleLength(data: Buffer, value: number, valueEnd: number, known: number): number {
  if (known !== -1) throw new WireError('content-length', 'Content-Length more than once');
  const length = lengthOf(data, value, valueEnd);
  if (!isLength(length)) throw badLength(data, value, valueEnd, length);
  return length;
}

const NO_LENGTH = -1;

/** The number between two offsets, blanks around it allowed; infinite when it has too many digits to count with. */
function lengthOf(data: Buffer, from: number, to: number): number {
  let start = from;
  let end = to;
  while (start < end && isBlank(data[start])) start += 1;
  while (end > start && isBlank(data[end - 1])) end -= 1;
  if (start === end) return NO_LENGTH;
  let length = 0;
  for (let i = start; i < end; i += 1) {
    const digit = (data[i] ?? 0) - 48;
    if (!isDigit(digit)) return NO_LENGTH;
    length = length * 10 + digit;
  }
  return end - start > MAX_LENGTH_DIGITS ? Infinity : length;
}

function isLength(length: number): boolean {
  return length !== NO_LENGTH && length !== Infinity;
}

function badLength(data: Buffer, value: number, valueEnd: number, length: number): Error {
  return new WireError(
    length === Infinity ? 'length-too-large' : 'content-length',
    `Content-Length ${JSON.stringify(latin1(data, value, valueEnd))} is no length`,
  );
}
