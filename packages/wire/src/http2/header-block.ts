/**
 * A header block that comes in several frames (RFC 9113 §4.3, §6.10): HEADERS, then CONTINUATION of the same stream and
 * nothing else until END_HEADERS. Bounded by the number of frames, each of which is bounded itself
 * (the CONTINUATION flood of 2024).
 */
import { CONSTANTS } from '../constants.js';
import { WireError } from '../wire-error.js';

export class HeaderBlock {
  readonly #maxContinuations: number;
  /** Of the block under way; 0 between two. */
  streamId = 0;
  endsStream = false;
  #frames = 0;
  #bytes: Buffer = EMPTY;
  #length = 0;

  constructor(maxContinuations: number) {
    this.#maxContinuations = maxContinuations;
  }

  begin(streamId: number, endsStream: boolean, bytes: Buffer, start: number, end: number): void {
    this.streamId = streamId;
    this.endsStream = endsStream;
    this.#frames = 0;
    this.#length = 0;
    this.#add(bytes, start, end);
  }

  /** @throws WireError */
  continue(bytes: Buffer, start: number, end: number): void {
    this.#frames += 1;
    if (this.#frames > this.#maxContinuations)
      throw new WireError(
        'too-many-continuations',
        `a header block in more than ${this.#maxContinuations} CONTINUATION frames`,
      );
    this.#add(bytes, start, end);
  }

  /** The whole block, once. */
  take(): Buffer {
    const block = this.#bytes.subarray(0, this.#length);
    this.streamId = 0;
    this.#bytes = EMPTY;
    return block;
  }

  #add(bytes: Buffer, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(CONSTANTS.headBufferMinBytes, needed * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#length, start, end);
    this.#length = needed;
  }
}

const EMPTY = Buffer.alloc(0);
