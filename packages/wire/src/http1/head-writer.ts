/**
 * Writes the head of a request or a response (RFC 9112 §3, §4, §5, §6): start line, field lines, what it says of the
 * body's length and of the connection, empty line. Latin-1 text.
 *
 * What may stand in a field is checked where it is given, with a message for who gave it. `requestHead` and
 * `responseHead` are the last guard: a head that has not exactly the parts it was made of is refused, whichever way that
 * came in: a line more; a line less, because a name that starts with a blank goes on with the field before it; a blank
 * more in its request line; a length that is none; a NUL, or a character that would be cut to another byte.
 * `uncheckedRequestHead` is for a caller that has just checked each part: to look at all of them again costs 3 % of a call.
 */
import { COLON, SP } from '../grammar/index.js';
import { WireError } from '../wire-error.js';

/** In place of a length: the head says nothing of one. */
export const NO_LENGTH = -1;
/** In place of a length: the body is sent in chunks. */
export const CHUNKED = -2;

/** Name, value, name, value …, without what is written here: the host, and the length and `close` where they are given. */
export type FieldLines = readonly string[];

/**
 * @param length of the body in bytes, `NO_LENGTH` or `CHUNKED`.
 * @param isLast nothing follows on this connection, and the peer is told so.
 * @throws WireError `unsafe-head`
 */
export function requestHead(
  method: string,
  target: string,
  host: string,
  fields: FieldLines,
  length: number,
  isLast: boolean,
): string {
  if (!isPart(method) || !isPart(target)) throw unsafe();
  const head = uncheckedRequestHead(method, target, host, fields, length, isLast);
  return guarded(head, 2, fields, length, isLast);
}

/** As `requestHead`, of parts of which each is known to be what it is given for. */
export function uncheckedRequestHead(
  method: string,
  target: string,
  host: string,
  fields: FieldLines,
  length: number,
  isLast: boolean,
): string {
  return finished(`${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n`, fields, length, isLast);
}

/**
 * @param reason may be empty: the blank before it is written all the same (RFC 9112 §4).
 * @param length as for a request; `NO_LENGTH` also where there is no body (RFC 9110 §8.6).
 * @throws WireError `unsafe-head`
 */
export function responseHead(
  status: number,
  reason: string,
  fields: FieldLines,
  length: number,
  isLast: boolean,
): string {
  if (!Number.isInteger(status) || status < 100 || status > 999)
    throw new WireError('unsafe-head', 'the status of a response to write is not three digits');
  const head = finished(`HTTP/1.1 ${status} ${reason}\r\n`, fields, length, isLast);
  return guarded(head, 1, fields, length, isLast);
}

function finished(start: string, fields: FieldLines, length: number, isLast: boolean): string {
  let head = start;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  if (length === CHUNKED) head += 'transfer-encoding: chunked\r\n';
  else if (length !== NO_LENGTH) head += `content-length: ${length}\r\n`;
  return isLast ? `${head}connection: close\r\n\r\n` : `${head}\r\n`;
}

/** What can be is asked of the whole head at once, which costs less than asking it of each part. */
function guarded(
  head: string,
  startLines: number,
  fields: FieldLines,
  length: number,
  isLast: boolean,
): string {
  if (fields.length % 2 !== 0) throw unsafe();
  for (let i = 0; i < fields.length; i += 2) if (!startsLine(fields[i] ?? '')) throw unsafe();
  const hasLength = length !== NO_LENGTH;
  if (hasLength && length !== CHUNKED && !(Number.isSafeInteger(length) && length >= 0))
    throw unsafe();
  const lines = startLines + fields.length / 2 + (hasLength ? 1 : 0) + (isLast ? 1 : 0) + 1;
  if (!hasLines(head, lines) || head.includes('\0') || WIDE.test(head)) throw unsafe();
  return head;
}

function unsafe(): Error {
  return new WireError(
    'unsafe-head',
    'a head to write has a line break, a NUL or a non-Latin-1 character in a part, a name without a value, or a part that is none',
  );
}

/** Of a request line, whose parts end with a blank. */
function isPart(text: string): boolean {
  return text !== '' && !text.includes(' ') && !text.includes('\t');
}

/** A field has a name, and a line that starts with a blank is a part of the one before it (RFC 9112 §5.2). */
function startsLine(name: string): boolean {
  const code = name.charCodeAt(0);
  return code > SP && code !== COLON; // not so for NaN, when the name is empty
}

/** What `latin1` cuts to its low byte, and 0x10a to a line feed. Costs nothing on text of one byte a character. */
const WIDE = /[\u0100-\uffff]/;

/** As many lines as it should have, each ended by CR LF, and no other CR or LF. */
function hasLines(head: string, count: number): boolean {
  let cr = -1;
  let lf = -1;
  for (let i = 0; i < count; i += 1) {
    cr = head.indexOf('\r', cr + 1);
    lf = head.indexOf('\n', lf + 1);
    if (cr === -1 || lf !== cr + 1) return false;
  }
  return lf === head.length - 1;
}
