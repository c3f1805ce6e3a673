/**
 * Windows (RFC 9113 §5.2, §6.9). What a peer may still send to us, of one stream or of the whole connection: credit is
 * given in one piece once half of the window is used, so that the frames for it are few. What we may send is one number
 * of each stream and of the connection (stream-sender.ts).
 */
import { MAX_WINDOW } from './frame-types.js';

export class ReceiveWindow {
  /** What may still come. */
  available: number;
  /** What it is filled up to. */
  size: number;

  constructor(size: number) {
    this.available = size;
    this.size = size;
  }

  /** Takes off what came; false if that is more than was allowed. */
  take(length: number): boolean {
    if (length > this.available) return false;
    this.available -= length;
    return true;
  }

  /** Is at least half of it used? */
  get isDue(): boolean {
    return this.available <= this.size >> 1;
  }

  /** Fills it: how much credit that takes. */
  fill(): number {
    const credit = this.size - this.available;
    this.available = this.size;
    return credit;
  }

  /** By a setting that binds the peer from now on, or from what it was before. May leave less than nothing (§6.9.2). */
  change(by: number): void {
    this.available += by;
    this.size += by;
  }

  /** Twice as large once it is filled, up to `maxBytes`. */
  grow(maxBytes: number): void {
    if (this.size < maxBytes) this.size = Math.min(this.size * 2, maxBytes);
  }
}

/** Would this be more than a window can hold (§6.9.1)? */
export function isTooWide(window: number, increment: number): boolean {
  return window + increment > MAX_WINDOW;
}
