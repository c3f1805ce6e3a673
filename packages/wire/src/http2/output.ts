/**
 * Frames that wait to be written: all of a turn in one buffer, so that one write takes them.
 *
 *   │ taken, perhaps not written yet │ waits │ free │        a slab; `#start` and `at` are between the parts
 *
 * A slab is filled from its start; `take()` cuts off what was written, and the rest of the slab is used next. What
 * was taken is left as it is, because the socket may hold it for as long as it likes: until `reuse()` says that it does
 * not any more. Then the slab is filled from its start again: a new one for each turn would cost more than what is
 * written to it.
 */
import { CONSTANTS } from '../constants.js';

export class Output {
  /** Writers store their bytes here, from `at` on, after they have reserved room; and move `at` behind them. */
  bytes: Buffer = EMPTY;
  at = 0;
  /** Where what was not taken yet begins. */
  #start = 0;
  /** Its user is one that says when what it took was written. */
  #isReused = false;

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
    this.#start = this.at;
    if (!this.#isReused && this.#isLarge) this.#drop();
    return taken;
  }

  /** All that was taken has been written: its bytes may be written over. */
  reuse(): void {
    this.#isReused = true;
    const waiting = this.length;
    if (waiting > 0) this.bytes.copyWithin(0, this.#start, this.at);
    else if (this.#isLarge && this.#start < this.bytes.length * CONSTANTS.outputSlabMinUse)
      this.#drop();
    this.#start = 0;
    this.at = waiting;
  }

  /** One of unusual size should not stay for the connection's life, but as long as it is used. */
  get #isLarge(): boolean {
    return this.bytes.length > CONSTANTS.outputSlabBytes;
  }

  #drop(): void {
    this.bytes = EMPTY;
    this.#start = 0;
    this.at = 0;
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
