/**
 * Frames that wait to be written: all of a turn in one buffer, so that one write takes them.
 *
 * A slab is filled from its start; `take()` cuts off what was written, and the rest of the slab is used next. What
 * was taken is never written to again, because the socket may hold it for as long as it likes.
 */
import { CONSTANTS } from '../constants.js';

export class Output {
  /** Writers store their bytes here, from `at` on, after they have reserved room; and move `at` behind them. */
  bytes: Buffer = EMPTY;
  at = 0;
  /** Where what was not taken yet begins. */
  #start = 0;

  /** How many bytes wait. */
  get length(): number {
    return this.at - this.#start;
  }

  /** Makes room for `length` bytes from `at` on. Offsets from before it are of no use after it. */
  reserve(length: number): void {
    if (this.at + length > this.bytes.length) this.#grow(length);
  }

  /** What waits, once; `undefined` for nothing. */
  take(): Buffer | undefined {
    if (this.at === this.#start) return undefined;
    const taken = this.bytes.subarray(this.#start, this.at);
    if (this.bytes.length > CONSTANTS.outputSlabBytes) {
      // One of unusual size should not stay for the connection's life.
      this.bytes = EMPTY;
      this.at = 0;
    }
    this.#start = this.at;
    return taken;
  }

  #grow(length: number): void {
    const waiting = this.length;
    const needed = waiting + length;
    const slab = Buffer.allocUnsafeSlow(
      Math.max(CONSTANTS.outputSlabBytes, needed > CONSTANTS.outputSlabBytes ? needed * 2 : needed),
    );
    this.bytes.copy(slab, 0, this.#start, this.at);
    this.bytes = slab;
    this.#start = 0;
    this.at = waiting;
  }
}

const EMPTY = Buffer.alloc(0);
