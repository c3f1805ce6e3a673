/** A string literal where it lies in a header block (RFC 7541 §5.2): found first, made text only when it has to be. */
import { latin1 } from '../../latin1.js';
import { WireError } from '../../wire-error.js';
import { HPACK } from './constants.js';
import { decodeHuffman, maxDecodedLength } from './huffman.js';
import type { Cursor } from './integer.js';

const LENGTH_MASK = 0x7f;

export class CodedText {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  /** In octets as they came. */
  length = 0;
  /** 1 when it is Huffman-coded, else 0. */
  coded = 0;

  /** Takes the string at the cursor, which moves behind it. @throws WireError */
  read(cursor: Cursor): void {
    const { bytes } = cursor;
    this.bytes = bytes;
    this.coded = (bytes[cursor.at] ?? 0) >> 7;
    const length = cursor.integer(LENGTH_MASK);
    // So too if the block ends where the length should be: there is less than nothing left then.
    if (length > cursor.end - cursor.at)
      throw new WireError('hpack-string', 'a header block ends in the middle of a string');
    this.start = cursor.at;
    this.length = length;
    cursor.at += length;
  }

  /** @throws WireError */
  toString(): string {
    const { bytes, start, length } = this;
    if (this.coded === 0) return latin1(bytes, start, start + length);
    const most = maxDecodedLength(length);
    const into = most <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafeSlow(most);
    return latin1(into, 0, decodeHuffman(bytes, start, start + length, into, 0));
  }
}

/** One for all: nothing stays in it between two strings. */
const SCRATCH = Buffer.allocUnsafeSlow(HPACK.scratchBytes);
