/** `Content-Length` as text (RFC 9110 §8.6). What is wrong is returned: the block it stands in has to be read on. */
import { MAX_LENGTH_DIGITS } from '../constants.js';
import { isDigits, listMembers } from '../grammar/index.js';
import { shownText } from '../shown-bytes.js';
import { WireError } from '../wire-error.js';

/** Of a response, after the fields before it (`known`, −1 for none): equal ones, and lists of them, count as one. */
export function foldedLength(value: string, known: number): number | WireError {
  if (known === -1 && !value.includes(',')) return lengthOf(value);
  let all = known;
  const members = listMembers(value);
  if (members.length === 0) return lengthOf(value);
  for (const member of members) {
    const length = lengthOf(member);
    if (length instanceof WireError) return length;
    if (all !== -1 && all !== length)
      return new WireError('content-length', `content-length says both ${all} and ${length}`);
    all = length;
  }
  return all;
}

/** Of a request: a second, or a list, is how requests are smuggled behind a gateway, equal or not. */
export function soleLength(value: string, known: number): number | WireError {
  if (known === -1) return lengthOf(value);
  return new WireError('content-length', 'content-length more than once');
}

function lengthOf(value: string): number | WireError {
  if (!isDigits(value))
    return new WireError('content-length', `content-length ${shownText(value)} is no length`);
  if (value.length > MAX_LENGTH_DIGITS)
    return new WireError('length-too-large', `content-length ${shownText(value)} is too large`);
  return Number(value);
}
