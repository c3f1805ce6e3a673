/**
 * `ByteCollector`: pieces of unknown number and size become one buffer.
 *
 * A list of pieces costs an object for each of them: some 400 bytes for a piece of one byte, so that a body of
 * 9 MB in chunks of one byte takes 3.7 GB. Here the pieces are copied into one buffer that doubles, which
 * never takes more than twice what has come. A single piece, the common case, is kept as it is.
 */
import { CONSTANTS } from '../../constants.js';

const EMPTY: Buffer = Buffer.alloc(0);

export class ByteCollector {
  #buffer: Buffer = EMPTY;
  #size = 0;
  /** The buffer is the caller's only piece: it has no room and must not be written to. */
  #isBorrowed = false;

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** The memory it takes, in bytes. */
  get capacity(): number {
    return this.#buffer.length;
  }

  add(piece: Uint8Array): void {
    if (piece.length === 0) return;
    if (this.#size === 0) {
      this.#buffer = asBuffer(piece);
      this.#size = piece.length;
      this.#isBorrowed = true;
      return;
    }
    const needed = this.#size + piece.length;
    if (this.#isBorrowed || needed > this.#buffer.length) this.#grow(needed);
    this.#buffer.set(piece, this.#size);
    this.#size = needed;
  }

  /** What was collected. It starts anew after this: the bytes are the caller's. */
  take(): Buffer {
    const bytes =
      this.#size === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#size);
    this.#buffer = EMPTY;
    this.#size = 0;
    this.#isBorrowed = false;
    return bytes;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafe(
      Math.max(needed, 2 * this.#size, CONSTANTS.collectorFirstBytes),
    );
    grown.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = grown;
    this.#isBorrowed = false;
  }
}

function asBuffer(piece: Uint8Array): Buffer {
  return Buffer.isBuffer(piece)
    ? piece
    : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}
