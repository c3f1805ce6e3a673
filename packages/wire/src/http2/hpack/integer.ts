/**
 * Integers with a prefix of N bits (RFC 7541 §5.1). `mask` is the largest value of the prefix, 2^N − 1.
 *
 * A value has at most 28 bits behind its prefix, and as many octets as those need: an endless row of continuation
 * octets is refused at the fifth, and no sum can overflow.
 */
import { WireError } from '../../wire-error.js';
import type { Output } from '../output.js';
import { HPACK } from './constants.js';

/** Where a header block is read: one for each decoder, moved by all that read from it. */
export class Cursor {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  /** The integer that begins with the octet at `at`. @throws WireError */
  integer(mask: number): number {
    const prefix = (this.bytes[this.at] ?? 0) & mask;
    this.at += 1;
    return prefix < mask ? prefix : this.#continued(mask);
  }

  #continued(mask: number): number {
    let value = mask;
    for (let octets = 0; octets < HPACK.maxIntegerOctets; octets += 1) {
      if (this.at === this.end)
        throw new WireError('hpack-integer', 'a header block ends in the middle of an integer');
      const octet = this.bytes[this.at] ?? 0;
      this.at += 1;
      value += (octet & 0x7f) << (7 * octets);
      if (octet < 0x80) return value;
    }
    throw new WireError('hpack-integer', 'an integer of a header block is too large');
  }
}

/** `pattern` has the bits above the prefix. Room for all octets is reserved before. */
export function writeInteger(output: Output, pattern: number, mask: number, value: number): void {
  const { bytes } = output;
  if (value < mask) {
    bytes[output.at] = pattern | value;
    output.at += 1;
    return;
  }
  let at = output.at;
  bytes[at] = pattern | mask;
  at += 1;
  let rest = value - mask;
  while (rest >= 0x80) {
    bytes[at] = (rest & 0x7f) | 0x80;
    at += 1;
    rest >>>= 7;
  }
  bytes[at] = rest;
  output.at = at + 1;
}
