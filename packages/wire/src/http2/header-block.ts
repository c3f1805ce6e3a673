/**
 * A header block that comes in several frames (RFC 9113 §4.3, §6.10): HEADERS, then CONTINUATION of the same stream and
 * nothing else until END_HEADERS. Bounded by the number of frames, each of which is bounded itself
 * (the CONTINUATION flood of 2024).
 */
import { CONSTANTS } from '../constants.js';
import { WireError } from '../wire-error.js';
import { Flag, FrameBytes, FrameType } from './frame-types.js';

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

  /** Nothing may come between the frames of a block. @throws WireError */
  checkOrder(type: number, streamId: number): void {
    const open = this.streamId;
    if (open !== 0) {
      if (type !== FrameType.Continuation || streamId !== open)
        throw new WireError('continuation', 'another frame in the middle of a header block');
    } else if (type === FrameType.Continuation)
      throw new WireError('continuation', 'CONTINUATION without a header block');
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

/** Where the block's part in a HEADERS frame begins: behind the length of its padding, and the priority (§6.2). @throws WireError */
export function fragmentStart(flags: number, from: number, to: number): number {
  let start = from;
  if ((flags & Flag.Padded) !== 0) {
    if (from === to) throw new WireError('frame-size', 'a padded HEADERS frame of 0 bytes');
    start += FrameBytes.padLength;
  }
  if ((flags & Flag.Priority) !== 0) start += FrameBytes.priority;
  if (to < start) throw new WireError('frame-size', 'HEADERS too short for its priority');
  return start;
}

/** And where it ends: in front of the padding. @throws WireError */
export function fragmentEnd(
  flags: number,
  bytes: Buffer,
  from: number,
  start: number,
  to: number,
): number {
  if ((flags & Flag.Padded) === 0) return to;
  const end = to - (bytes[from] ?? 0);
  if (end < start) throw new WireError('padding', 'HEADERS with more padding than room for it');
  return end;
}
