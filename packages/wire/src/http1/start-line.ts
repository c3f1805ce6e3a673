/**
 * The first line of a message: a status line (RFC 9112 §4) or a request line (§3). Each parser is used again for
 * every message of its connection; what it found is in its fields until the next one. Offsets count from `origin`,
 * the first byte of the head.
 */
import { CR, FIELD_TEXT, isHost, SP, TARGET_TEXT, TOKEN } from '../grammar/index.js';
import type { TargetForm } from '../head.js';
import { latin1 } from '../latin1.js';
import { WireError } from '../wire-error.js';
import { described, INCOMPLETE, isDigit, lineEnd } from './lines.js';

/** `HTTP/1.x SSS`, then a blank or the line's end. */
const STATUS_START = 'HTTP/1.';
/** Where the reason phrase starts. */
export const REASON_START = 13;

export class StatusLine {
  status = 0;
  minorVersion = 1;
  reasonEnd = 0;

  /** The index after the line, or `INCOMPLETE`. */
  parse(data: Buffer, start: number, end: number, origin: number): number {
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
    this.minorVersion = minor;
    this.status = hundreds * 100 + tens * 10 + ones;
    // The blank before an empty reason phrase is often left out; both forms are read.
    let i = start + REASON_START - 1;
    if (data[i] !== SP && data[i] !== CR) throw badStatusLine(data, start, end);
    while (i < end && FIELD_TEXT[data[i] ?? 0] === 1) i += 1;
    this.reasonEnd = i - origin;
    return lineEnd(data, i, end, 'the status line');
  }
}

function badStatusLine(data: Buffer, start: number, end: number): Error {
  const what = 'the answer does not start with an HTTP/1.x status line';
  return new WireError('status-line', what, { bytes: data, start, end });
}

/** `HTTP/x.y` and the line's end. */
const VERSION_START = 'HTTP/';
const VERSION_LENGTH = 'HTTP/x.y'.length;
const HASH = 0x23;
const DOT = 0x2e;
const SLASH = 0x2f;

/**
 * Stricter than llhttp where they differ: one blank between the parts, no fragment, no other version than 1.0 and 1.1,
 * and a target form that fits the method. Any token is a method: which ones there are is for the application.
 */
export class RequestLine {
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  minorVersion = 1;
  form: TargetForm = 'origin';
  /** The authority of the target; '' when its form has none. */
  authority = '';
  readonly #maxTargetBytes: number;

  constructor(maxTargetBytes: number) {
    this.#maxTargetBytes = maxTargetBytes;
  }

  /** The index after the line, or `INCOMPLETE`. */
  parse(data: Buffer, start: number, end: number, origin: number): number {
    let i = start;
    while (i < end && TOKEN[data[i] ?? 0] === 1) i += 1;
    this.methodEnd = i - origin;
    this.targetStart = 0;
    if (i === end) return INCOMPLETE;
    if (i === start || data[i] !== SP) throw noMethod(data, start, i, end);
    const target = i + 1;
    this.targetStart = target - origin;
    const longest = target + this.#maxTargetBytes;
    i = target;
    while (i < end && i <= longest && TARGET_TEXT[data[i] ?? 0] === 1) {
      const byte = data[i] ?? 0;
      // A fragment is no part of any form, and obs-text none of a URI (RFC 9112 §3.2, RFC 3986 §3).
      if (byte === HASH || byte >= 0x80) throw badTarget(data, target, i);
      i += 1;
    }
    if (i > longest)
      throw new WireError('target-too-long', `a target longer than ${this.#maxTargetBytes} bytes`);
    this.targetEnd = i - origin;
    if (i === end) return INCOMPLETE;
    if (i === target || data[i] !== SP) throw badRequestLine(data, start, i, 'target');
    const next = this.#parseVersion(data, start, i + 1, end);
    if (next !== INCOMPLETE) this.#judgeTarget(data, start, target, i);
    return next;
  }

  /** The line is longer than any may be, and has no end yet: by which part, the longer one tells. */
  tooLong(maxLineBytes: number): Error {
    return this.targetStart === 0 || this.methodEnd > this.targetEnd - this.targetStart
      ? new WireError('method-too-long', 'a method longer than any there is')
      : new WireError('target-too-long', `a request line longer than ${maxLineBytes} bytes`);
  }

  #parseVersion(data: Buffer, start: number, version: number, end: number): number {
    const known = Math.min(end - version, VERSION_START.length);
    for (let i = 0; i < known; i += 1)
      if (data[version + i] !== VERSION_START.charCodeAt(i))
        throw badRequestLine(data, start, version + i, 'version');
    if (end - version < VERSION_LENGTH) return INCOMPLETE;
    const major = (data[version + 5] ?? 0) - 48;
    const minor = (data[version + 7] ?? 0) - 48;
    if (!isDigit(major) || data[version + 6] !== DOT || !isDigit(minor))
      throw badRequestLine(data, start, version + VERSION_START.length, 'version');
    const next = lineEnd(data, version + VERSION_LENGTH, end, 'the request line');
    if (next === INCOMPLETE) return INCOMPLETE;
    if (major !== 1 || minor > 1) {
      const what = `HTTP/${major}.${minor}: only HTTP/1.0 and HTTP/1.1 are read here`;
      throw new WireError('version', what, { bytes: data, start, end: next });
    }
    this.minorVersion = minor;
    return next;
  }

  /** Which form it has, and whether the method may have that (RFC 9112 §3.2). */
  #judgeTarget(data: Buffer, start: number, target: number, end: number): void {
    const isConnect = isText(data, start, 'CONNECT ');
    this.authority = '';
    if (isConnect) this.#readAuthorityForm(data, target, end);
    else if (data[target] === SLASH) this.form = 'origin';
    else if (end - target === 1 && data[target] === ASTERISK) {
      if (!isText(data, start, 'OPTIONS ')) throw badTarget(data, target, end);
      this.form = 'asterisk';
    } else this.#readAbsoluteForm(data, target, end);
  }

  /** `host ":" port`: a tunnel needs a port (RFC 9112 §3.2.3). */
  #readAuthorityForm(data: Buffer, target: number, end: number): void {
    const text = latin1(data, target, end);
    if (!isHost(text) || !HAS_PORT.test(text)) throw badTarget(data, target, end);
    this.form = 'authority';
    this.authority = text;
  }

  /** `scheme "://" authority …` (RFC 9112 §3.2.2). User and password are an attempt to mislead (RFC 9110 §4.2.4). */
  #readAbsoluteForm(data: Buffer, target: number, end: number): void {
    const authority = ABSOLUTE.exec(latin1(data, target, end))?.[1];
    if (authority === undefined || !isHost(authority)) throw badTarget(data, target, end);
    this.form = 'absolute';
    this.authority = authority;
  }
}

const ASTERISK = 0x2a;
const HAS_PORT = /:\d{1,5}$/;
const ABSOLUTE = /^[a-z][a-z\d+.-]*:\/\/([^/?]+)(?:[/?]|$)/i;

function isText(data: Buffer, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (data[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** With what follows: it is likely another protocol, and no value of a request. */
function noMethod(data: Buffer, start: number, at: number, end: number): Error {
  const what = `${described(data[at] ?? 0)} in the method of the request line`;
  return new WireError('request-line', what, { bytes: data, start, end });
}

function badRequestLine(data: Buffer, start: number, at: number, part: string): Error {
  const byte = data[at] ?? 0;
  const what = `${described(byte)} in the ${part} of the request line`;
  return new WireError('request-line', what, { bytes: data, start, end: at + 1 });
}

function badTarget(data: Buffer, start: number, end: number): Error {
  return new WireError('target', 'a target that this method cannot have', {
    bytes: data,
    start,
    end,
  });
}
