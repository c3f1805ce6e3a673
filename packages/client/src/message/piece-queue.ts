/**
 * Bytes that have come and were not read yet. Small pieces are copied together into blocks, so that a
 * body costs at most twice its bytes however small the pieces are in which it comes: a Buffer of one
 * byte takes more than a hundred.
 *
 *   pieces (full) … tail (being filled)         the tail is no larger than what came before it
 */
import { CONSTANTS } from '../config/constants.js';

export class PieceQueue {
  #pieces: Buffer[] = [];
  #tail: Buffer | undefined = undefined;
  #tailBytes = 0;
  #bytes = 0;

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Is all of it in one piece? */
  get isOnePiece(): boolean {
    return this.#pieces.length === 1 && this.#tail === undefined;
  }

  /** Copies a range of bytes that are only lent. */
  add(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    const tail = this.#tail;
    let from = start;
    if (tail !== undefined) {
      const part = Math.min(length, tail.length - this.#tailBytes);
      bytes.copy(tail, this.#tailBytes, from, from + part);
      this.#tailBytes += part;
      from += part;
      if (this.#tailBytes === tail.length) {
        this.#pieces.push(tail);
        this.#tail = undefined;
      }
    }
    const left = end - from;
    if (left > 0) {
      // The first piece has exactly its size: most bodies are one.
      const room = this.#bytes === 0 ? 0 : Math.max(CONSTANTS.pieceBlockMinBytes, this.#bytes);
      const blockBytes = Math.max(left, Math.min(CONSTANTS.pieceBlockMaxBytes, room));
      const block = Buffer.allocUnsafe(blockBytes);
      bytes.copy(block, 0, from, end);
      if (blockBytes === left) this.#pieces.push(block);
      else {
        this.#tail = block;
        this.#tailBytes = left;
      }
    }
    this.#bytes += length;
  }

  /** As `add`, for a piece that belongs to this queue from now on: a large one is not copied. */
  adopt(piece: Buffer): void {
    if (this.#tail !== undefined || piece.length < CONSTANTS.largePieceBytes) {
      this.add(piece, 0, piece.length);
      return;
    }
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** The next piece; undefined when there is none. */
  shift(): Buffer | undefined {
    const piece = this.#pieces.shift() ?? this.#takeTail();
    this.#bytes -= piece?.length ?? 0;
    return piece;
  }

  /** Everything, in one piece; the queue is empty afterwards. */
  takeAll(): Buffer {
    const [first] = this.#pieces;
    const tail = this.#takeTail();
    let whole = tail;
    if (first !== undefined) {
      if (tail !== undefined) this.#pieces.push(tail);
      whole = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces, this.#bytes);
    }
    this.clear();
    return whole ?? EMPTY;
  }

  clear(): void {
    this.#pieces = [];
    this.#tail = undefined;
    this.#bytes = 0;
  }

  /** Without its unused room, unless that is the smaller part. */
  #takeTail(): Buffer | undefined {
    const tail = this.#tail;
    if (tail === undefined) return undefined;
    this.#tail = undefined;
    const isMostlyFull = this.#tailBytes * 2 > tail.length;
    return isMostlyFull ? tail.subarray(0, this.#tailBytes) : copyOf(tail, 0, this.#tailBytes);
  }
}

const EMPTY = Buffer.alloc(0);

/** For code that keeps what the socket's buffer only lends. */
export function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}
