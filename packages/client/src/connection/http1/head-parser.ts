/**
 * Parses a response head, or a trailer section: an optional status line, field lines, an empty line.
 *
 * Incremental: bytes come in any pieces. A head that arrives whole, which is nearly all of them, is
 * parsed where it lies; otherwise its pieces are collected, and a line is looked at again only once
 * its end has come. Strict (RFC 9112 §2.2, §4, §5): no bare CR or LF, no NUL or control characters,
 * no folding, no blank before the colon. Bounded: line, count and total.
 *
 * The head becomes one string and a list of offsets; names and values are cut out when asked for.
 */
import { CONSTANTS } from '../../config/constants.js';
import { COLON, CR, FIELD_TEXT, HTAB, LF, SP, TOKEN } from '@hotaru/wire';
import { latin1 } from '../../message/buffer-text.js';
import type { ResponseHead } from '../exchange.js';
import { FIXED_BOUND, protocolError } from './protocol-error.js';
import { otherProtocol, shownBytes } from './shown-bytes.js';

/** A head, and what HTTP/1.1 alone has in it. */
export interface ParsedHead extends ResponseHead {
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minorVersion: number;
  /** −1 when there is none. Equal repeats are folded; differing ones were an error. */
  readonly contentLength: number;
  /** Lower case, all fields joined; '' when there is none. */
  readonly transferEncoding: string;
  readonly saysClose: boolean;
  readonly saysKeepAlive: boolean;
  /** The `Keep-Alive` field; '' when there is none. */
  readonly keepAlive: string;
}

const INCOMPLETE = -1;
/** `HTTP/1.x SSS`, then a blank or the line's end. */
const STATUS_START = 'HTTP/1.';
const REASON_START = 13;

export class HeadParser {
  #maxBytes: number = CONSTANTS.maxHeadBytes;
  #hasStatusLine = true;
  #pending: Buffer = EMPTY;
  #pendingLength = 0;
  /** Start of the line under way, and how far it was searched for its end. */
  #lineStart = 0;
  #searched = 0;
  #isFirstLine = true;
  #origin = 0;
  /** Written over by each head: a list that grows with every field would be copied several times. */
  readonly #offsets: number[] = [];
  #offsetCount = 0;
  #status = 0;
  #minorVersion = 1;
  #reasonEnd = 0;
  #contentLength = -1;
  #transferEncoding = '';
  #saysClose = false;
  #saysKeepAlive = false;
  #keepAlive = '';
  #isEncoded = false;
  head: ParsedHead | undefined = undefined;

  /** Makes it ready for a new head (`true`) or a trailer section. */
  reset(hasStatusLine: boolean): void {
    this.#hasStatusLine = hasStatusLine;
    this.#maxBytes = hasStatusLine ? CONSTANTS.maxHeadBytes : CONSTANTS.maxTrailerBytes;
    this.#pendingLength = 0;
    this.#lineStart = 0;
    this.#searched = 0;
    this.#isFirstLine = hasStatusLine;
    this.#offsetCount = 0;
    this.#contentLength = -1;
    this.#transferEncoding = '';
    this.#saysClose = false;
    this.#saysKeepAlive = false;
    this.#keepAlive = '';
    this.#isEncoded = false;
    this.head = undefined;
  }

  /**
   * Takes bytes from `start` on. Returns the index after the head, with `head` set, or −1 when all
   * bytes were taken and more are needed.
   *
   * @throws TransportError `HOTARU_PROTOCOL_ERROR`
   */
  feed(bytes: Buffer, start: number): number {
    if (this.#pendingLength === 0) {
      const end = this.#parse(bytes, start, bytes.length);
      if (end === INCOMPLETE) this.#keep(bytes, start);
      return end;
    }
    const had = this.#pendingLength;
    const taken = this.#keep(bytes, start);
    // Without the end of a line there is nothing new to see: a head dripped byte by byte stays cheap.
    if (this.#pending.subarray(0, this.#pendingLength).indexOf(LF, this.#searched) === -1) {
      this.#searched = this.#pendingLength;
      this.#checkBounds(this.#pendingLength);
      return INCOMPLETE;
    }
    this.#searched = this.#pendingLength;
    const end = this.#parse(this.#pending, 0, this.#pendingLength);
    if (end === INCOMPLETE && taken < bytes.length - start) throw tooLarge(this.#maxBytes);
    return end === INCOMPLETE ? INCOMPLETE : start + end - had;
  }

  /**
   * No more bytes come. A line that was wrong before its end is told here, if it came in pieces: what is
   * said of a response must not depend on where the network cut it.
   *
   * @throws TransportError `HOTARU_PROTOCOL_ERROR`
   */
  checkOpenLine(): void {
    if (this.#pendingLength > 0) this.#parse(this.#pending, 0, this.#pendingLength);
  }

  /** Copies what came, up to one byte more than a head may have. */
  #keep(bytes: Buffer, start: number): number {
    const length = Math.min(bytes.length - start, this.#maxBytes + 1 - this.#pendingLength);
    const needed = this.#pendingLength + length;
    if (this.#pending.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(CONSTANTS.headBufferMinBytes, needed * 2));
      this.#pending.copy(larger, 0, 0, this.#pendingLength);
      this.#pending = larger;
    }
    bytes.copy(this.#pending, this.#pendingLength, start, start + length);
    this.#pendingLength = needed;
    this.#searched = Math.max(this.#searched, this.#lineStart);
    return length;
  }

  /** `#lineStart` counts from the head's first byte, which is at `origin` of `data`. */
  #parse(data: Buffer, origin: number, end: number): number {
    this.#origin = origin;
    let position = origin + this.#lineStart;
    for (;;) {
      const next = this.#isFirstLine
        ? this.#parseStatusLine(data, position, end)
        : this.#parseField(data, position, end);
      if (next === INCOMPLETE) {
        this.#checkBounds(end - origin);
        return INCOMPLETE;
      }
      if (next - position > CONSTANTS.maxLineBytes) throw lineTooLong();
      if (next - origin > this.#maxBytes) throw tooLarge(this.#maxBytes);
      const isEmptyLine = !this.#isFirstLine && next - position === 2;
      this.#isFirstLine = false;
      position = next;
      this.#lineStart = next - origin;
      if (isEmptyLine) {
        this.#finish(data, origin, next);
        return next;
      }
    }
  }

  #checkBounds(length: number): void {
    if (length - this.#lineStart > CONSTANTS.maxLineBytes) throw lineTooLong();
    if (length > this.#maxBytes) throw tooLarge(this.#maxBytes);
  }

  #finish(data: Buffer, origin: number, end: number): void {
    this.head = {
      text: latin1(data, origin, end),
      offsets: this.#offsets.slice(0, this.#offsetCount),
      status: this.#status,
      minorVersion: this.#minorVersion,
      reasonStart: REASON_START,
      reasonEnd: this.#reasonEnd,
      // Chunks outrank a length (RFC 9112 §6.3).
      bodyLength: this.#transferEncoding === '' ? this.#contentLength : -1,
      contentLength: this.#contentLength,
      transferEncoding: this.#transferEncoding,
      saysClose: this.#saysClose,
      saysKeepAlive: this.#saysKeepAlive,
      keepAlive: this.#keepAlive,
      isEncoded: this.#isEncoded,
    };
    this.#pendingLength = 0;
    // A head of unusual size should not hold its memory for the connection's life.
    if (this.#pending.length > CONSTANTS.headBufferKeptBytes) this.#pending = EMPTY;
  }

  #parseStatusLine(data: Buffer, start: number, end: number): number {
    const known = Math.min(end - start, STATUS_START.length);
    for (let i = 0; i < known; i += 1)
      if (data[start + i] !== STATUS_START.charCodeAt(i)) throw badStatusLine(data, start, end);
    if (end - start < REASON_START) return INCOMPLETE;
    const minor = (data[start + 7] ?? 0) - 48;
    const hundreds = (data[start + 9] ?? 0) - 48;
    const tens = (data[start + 10] ?? 0) - 48;
    const ones = (data[start + 11] ?? 0) - 48;
    if (minor !== 0 && minor !== 1) throw badStatusLine(data, start, end);
    if (data[start + 8] !== SP || !isDigit(tens) || !isDigit(ones))
      throw badStatusLine(data, start, end);
    if (hundreds < 1 || hundreds > 9) throw badStatusLine(data, start, end);
    this.#minorVersion = minor;
    this.#status = hundreds * 100 + tens * 10 + ones;
    // The blank before an empty reason phrase is often left out; both forms are read.
    let i = start + REASON_START - 1;
    if (data[i] !== SP && data[i] !== CR) throw badStatusLine(data, start, end);
    while (i < end && FIELD_TEXT[data[i] ?? 0] === 1) i += 1;
    this.#reasonEnd = i - this.#origin;
    return this.#lineEnd(data, i, end, 'the status line');
  }

  #parseField(data: Buffer, start: number, end: number): number {
    let i = start;
    while (i < end && TOKEN[data[i] ?? 0] === 1) i += 1;
    if (i === end) return INCOMPLETE;
    if (data[i] !== COLON || i === start) {
      if (data[i] === CR && i === start) return this.#lineEnd(data, i, end, 'a field line');
      throw badName(data, start, i);
    }
    const nameEnd = i;
    i += 1;
    while (i < end && (data[i] === SP || data[i] === HTAB)) i += 1;
    const valueStart = i;
    while (i < end && FIELD_TEXT[data[i] ?? 0] === 1) i += 1;
    const next = this.#lineEnd(data, i, end, 'a field value');
    if (next === INCOMPLETE) return INCOMPLETE;
    let valueEnd = i;
    while (valueEnd > valueStart && isBlank(data[valueEnd - 1])) valueEnd -= 1;
    const origin = this.#origin;
    const offsets = this.#offsets;
    const at = this.#offsetCount;
    offsets[at] = start - origin;
    offsets[at + 1] = nameEnd - origin;
    offsets[at + 2] = valueStart - origin;
    offsets[at + 3] = valueEnd - origin;
    this.#offsetCount = at + 4;
    if (this.#offsetCount > CONSTANTS.maxHeaderCount * 4)
      throw protocolError(`more than ${CONSTANTS.maxHeaderCount} header fields`, FIXED_BOUND);
    if (this.#hasStatusLine) this.#noteFraming(data, start, nameEnd, valueStart, valueEnd);
    return next;
  }

  /** The index after CR LF at `i`; an error for anything else that ends a line. */
  #lineEnd(data: Buffer, i: number, end: number, what: string): number {
    if (i >= end) return INCOMPLETE;
    if (data[i] !== CR)
      throw protocolError(`${describe(data[i] ?? 0)} in ${what}`, 'RFC 9112 §2.2');
    if (i + 1 >= end) return INCOMPLETE;
    if (data[i + 1] !== LF) throw protocolError(`a bare CR in ${what}`, 'RFC 9112 §2.2');
    return i + 2;
  }

  /** The fields that decide where this message ends, whether another may follow, and what its body is. */
  #noteFraming(data: Buffer, name: number, nameEnd: number, value: number, valueEnd: number): void {
    switch (nameEnd - name) {
      case 10:
        if (matches(data, name, 'connection')) this.#noteConnection(data, value, valueEnd);
        else if (matches(data, name, 'keep-alive'))
          this.#keepAlive = data.toString('latin1', value, valueEnd);
        return;
      case 14:
        if (matches(data, name, 'content-length')) this.#noteContentLength(data, value, valueEnd);
        return;
      case 16:
        if (matches(data, name, 'content-encoding')) this.#isEncoded = true;
        return;
      case 17:
        if (matches(data, name, 'transfer-encoding')) {
          const coding = data.toString('latin1', value, valueEnd).toLowerCase();
          this.#transferEncoding =
            this.#transferEncoding === '' ? coding || ',' : `${this.#transferEncoding}, ${coding}`;
        }
    }
  }

  #noteConnection(data: Buffer, value: number, valueEnd: number): void {
    let start = value;
    for (let i = value; i <= valueEnd; i += 1) {
      if (i < valueEnd && data[i] !== COMMA) continue;
      if (isOption(data, start, i, 'close')) this.#saysClose = true;
      else if (isOption(data, start, i, 'keep-alive')) this.#saysKeepAlive = true;
      start = i + 1;
    }
  }

  /** Digits only; a list of equal values counts as one (RFC 9112 §6.3). */
  #noteContentLength(data: Buffer, value: number, valueEnd: number): void {
    let start = value;
    for (let i = value; i <= valueEnd; i += 1) {
      if (i < valueEnd && data[i] !== COMMA) continue;
      const length = parseLength(data, start, i);
      if (length === -1)
        throw protocolError(
          `Content-Length ${JSON.stringify(data.toString('latin1', value, valueEnd))} is no length`,
          'RFC 9112 §6.3',
        );
      if (this.#contentLength !== -1 && this.#contentLength !== length)
        throw protocolError(
          `Content-Length says both ${this.#contentLength} and ${length}`,
          'RFC 9112 §6.3',
        );
      this.#contentLength = length;
      start = i + 1;
    }
  }
}

const EMPTY = Buffer.alloc(0);
const COMMA = 0x2c;

/** The number between two offsets, blanks around it allowed; −1 when it is none. */
function parseLength(data: Buffer, from: number, to: number): number {
  let start = from;
  let end = to;
  while (start < end && isBlank(data[start])) start += 1;
  while (end > start && isBlank(data[end - 1])) end -= 1;
  if (start === end || end - start > CONSTANTS.maxLengthDigits) return -1;
  let length = 0;
  for (let i = start; i < end; i += 1) {
    const digit = (data[i] ?? 0) - 48;
    if (!isDigit(digit)) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** Is it this token, with nothing but blanks around it? `name` is lower case. */
function isOption(data: Buffer, from: number, to: number, name: string): boolean {
  let start = from;
  let end = to;
  while (start < end && isBlank(data[start])) start += 1;
  while (end > start && isBlank(data[end - 1])) end -= 1;
  return end - start === name.length && matches(data, start, name);
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

/** Compares without regard to case; `name` is lower case. */
function matches(data: Buffer, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i += 1)
    if (((data[start + i] ?? 0) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}

function badStatusLine(data: Buffer, start: number, end: number): Error {
  const other = otherProtocol(data, start, end);
  const why = other === undefined ? '' : `; ${other}`;
  return protocolError(
    'the answer does not start with an HTTP/1.x status line',
    `RFC 9112 §4; it sent ${shownBytes(data, start, end)}${why}`,
  );
}

/** Shown up to the byte that is wrong: what follows may be a value, and secret. */
function badName(data: Buffer, start: number, at: number): Error {
  const byte = data[at] ?? 0;
  const sent = `it sent ${shownBytes(data, start, at + 1)}`;
  if (at === start && isBlank(byte)) return protocolError('a folded field line', 'RFC 9112 §5.2');
  if (isBlank(byte))
    return protocolError('a blank before the colon of a field', `RFC 9112 §5.1; ${sent}`);
  return protocolError(`${describe(byte)} in a field name`, `RFC 9110 §5.1; ${sent}`);
}

function lineTooLong(): Error {
  return protocolError(`a line longer than ${CONSTANTS.maxLineBytes} bytes`, FIXED_BOUND);
}

function tooLarge(maxBytes: number): Error {
  return protocolError(`a head or trailer larger than ${maxBytes} bytes`, FIXED_BOUND);
}

function describe(byte: number): string {
  if (byte === LF) return 'a bare LF';
  return `the byte 0x${byte.toString(16).padStart(2, '0')}`;
}
