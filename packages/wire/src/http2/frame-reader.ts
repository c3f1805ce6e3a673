/**
 * Cuts what comes in into frames (RFC 9113 §4), whatever pieces it comes in. The payload of DATA is passed on as it
 * comes, where it lies; every other frame that is known is gathered, of which nearly all lie whole in what came.
 * Frames of unknown types are skipped. What a frame means, and whether it may come now, is for the sink.
 *
 *   head ─▶ payload          gathered until it is whole
 *     ▲  ├▶ pad-length ─▶ data ─▶ padding
 *     │  └▶ skipped                  │
 *     └──────────────────────────────┘   `stop()`: nothing more is taken
 */
import { CONSTANTS } from '../constants.js';
import { WireError } from '../wire-error.js';
import { Flag, FrameBytes, FrameType } from './frame-types.js';

/** Each may throw, and call `stop()`. */
export interface FrameSink {
  /** The head of any frame, before its payload. */
  onFrameHead(type: number, flags: number, streamId: number, length: number): void;
  /** The payload of all but DATA. */
  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void;
  /** A part of the data of a DATA frame, without padding; never empty. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The DATA frame is over, padding and all. */
  onDataEnd(): void;
}

const enum State {
  Head,
  Payload,
  PadLength,
  Data,
  Padding,
  Skipped,
  Stopped,
}

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #maxFrameBytes: number;
  #state: State = State.Head;
  /** A head that came in pieces. */
  readonly #head = Buffer.allocUnsafeSlow(FrameBytes.head);
  #headLength = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Bytes of the present state that have not come yet. */
  #remaining = 0;
  #padding = 0;
  #gathered: Buffer = EMPTY;
  #gatheredLength = 0;

  constructor(sink: FrameSink, maxFrameBytes: number) {
    this.#sink = sink;
    this.#maxFrameBytes = maxFrameBytes;
  }

  stop(): void {
    this.#state = State.Stopped;
    this.#gathered = EMPTY;
  }

  /** From `start` on. @throws WireError, and what the sink throws; nothing is to be fed after that. */
  feed(bytes: Buffer, start: number): void {
    const end = bytes.length;
    let i = start;
    while (i < end) {
      switch (this.#state) {
        case State.Head:
          i = this.#readHead(bytes, i, end);
          break;
        case State.Data: {
          const length = Math.min(this.#remaining, end - i);
          this.#remaining -= length;
          this.#sink.onData(bytes, i, i + length);
          i += length;
          if (this.#remaining === 0) this.#dataRead();
          break;
        }
        case State.Payload:
          i = this.#gather(bytes, i, end);
          break;
        case State.PadLength:
          this.#padding = bytes[i] ?? 0;
          i += 1;
          this.#padLengthRead();
          break;
        case State.Padding:
        case State.Skipped: {
          const length = Math.min(this.#remaining, end - i);
          this.#remaining -= length;
          i += length;
          if (this.#remaining === 0) this.#skipped();
          break;
        }
        case State.Stopped:
          return;
      }
    }
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    if (this.#headLength === 0 && end - start >= FrameBytes.head) {
      this.#beginFrame(bytes, start);
      return this.#readWhole(bytes, start + FrameBytes.head, end);
    }
    const length = Math.min(FrameBytes.head - this.#headLength, end - start);
    bytes.copy(this.#head, this.#headLength, start, start + length);
    this.#headLength += length;
    if (this.#headLength < FrameBytes.head) return end;
    this.#headLength = 0;
    this.#beginFrame(this.#head, 0);
    return this.#readWhole(bytes, start + length, end);
  }

  #beginFrame(bytes: Buffer, at: number): void {
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    this.#type = bytes[at + 3] ?? 0;
    this.#flags = bytes[at + 4] ?? 0;
    this.#streamId =
      (((bytes[at + 5] ?? 0) & 0x7f) << 24) |
      ((bytes[at + 6] ?? 0) << 16) |
      ((bytes[at + 7] ?? 0) << 8) |
      (bytes[at + 8] ?? 0);
    this.#remaining = length;
    this.#state = this.#type > FrameType.Continuation ? State.Skipped : State.Payload;
    this.#sink.onFrameHead(this.#type, this.#flags, this.#streamId, length);
    // Behind the sink's rules: of a peer that speaks something else, that is the better thing to say.
    if (length > this.#maxFrameBytes)
      throw new WireError('frame-size', `a frame of ${length} bytes, more than was offered`);
  }

  /** Where a frame begins: empty ones are whole, others perhaps. */
  #readWhole(bytes: Buffer, start: number, end: number): number {
    if (this.#isStopped) return end;
    if (this.#state === State.Skipped) {
      if (this.#remaining === 0) this.#state = State.Head;
      return start;
    }
    if (this.#type === FrameType.Data) {
      this.#padding = 0;
      if ((this.#flags & Flag.Padded) !== 0) {
        if (this.#remaining === 0)
          throw new WireError('frame-size', 'a padded DATA frame of 0 bytes');
        this.#state = State.PadLength;
      } else if (this.#remaining === 0) this.#frameRead();
      else this.#state = State.Data;
      return start;
    }
    const length = this.#remaining;
    if (end - start >= length) {
      this.#state = State.Head;
      this.#sink.onFrame(this.#type, this.#flags, this.#streamId, bytes, start, start + length);
      return start + length;
    }
    if (this.#gathered.length < length)
      this.#gathered = Buffer.allocUnsafeSlow(Math.max(CONSTANTS.headBufferMinBytes, length));
    this.#gatheredLength = 0;
    return start;
  }

  #gather(bytes: Buffer, start: number, end: number): number {
    const length = Math.min(this.#remaining, end - start);
    bytes.copy(this.#gathered, this.#gatheredLength, start, start + length);
    this.#gatheredLength += length;
    this.#remaining -= length;
    if (this.#remaining > 0) return end;
    this.#state = State.Head;
    const payload = this.#gathered;
    this.#sink.onFrame(this.#type, this.#flags, this.#streamId, payload, 0, this.#gatheredLength);
    // A frame of unusual size should not hold its memory for the connection's life.
    if (payload.length > CONSTANTS.headBufferMinBytes) this.#gathered = EMPTY;
    return start + length;
  }

  #padLengthRead(): void {
    this.#remaining -= FrameBytes.padLength;
    if (this.#padding > this.#remaining)
      throw new WireError('padding', 'a DATA frame has more padding than it has room for');
    this.#remaining -= this.#padding;
    if (this.#remaining === 0) this.#dataRead();
    else this.#state = State.Data;
  }

  #dataRead(): void {
    if (this.#isStopped) return;
    if (this.#padding === 0) {
      this.#frameRead();
      return;
    }
    this.#state = State.Padding;
    this.#remaining = this.#padding;
  }

  #skipped(): void {
    if (this.#state === State.Padding) this.#frameRead();
    else this.#state = State.Head;
  }

  #frameRead(): void {
    this.#state = State.Head;
    this.#sink.onDataEnd();
  }

  /** The sink may have said so in the meantime. */
  get #isStopped(): boolean {
    return this.#state === State.Stopped;
  }
}

const EMPTY = Buffer.alloc(0);
