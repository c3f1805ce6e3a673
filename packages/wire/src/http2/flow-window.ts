/**
 * What a peer may still send to us, of one stream or of the whole connection (RFC 9113 §5.2, §6.9). Credit is given
 * in one piece once half of the window is used, so that the frames for it are few. What we may send is one number of
 * each stream and of the connection, and stands there.
 */
import { MAX_WINDOW } from './frame-types.js';

export class ReceiveWindow {
  /** What may still come. Below zero after a setting has made it smaller (§6.9.2): the peer has to wait. */
  available: number;
  /** What it is filled up to. */
  size: number;

  constructor(available: number, size: number) {
    this.available = available;
    this.size = size;
  }

  /** Takes off what came; false if that is more than was allowed. */
  take(length: number): boolean {
    if (length > this.available) return false;
    this.available -= length;
    return true;
  }

  /** How much credit is to be given now: 0 while more than half is left. */
  credit(): number {
    // A negative window is filled, too, and one of a single byte is not left at zero.
    if (this.available > this.size >> 1) return 0;
    const credit = this.size - this.available;
    this.available = this.size;
    return credit;
  }

  /** Twice as large from the next credit on, up to `maxBytes`. */
  grow(maxBytes: number): void {
    if (this.size < maxBytes) this.size = Math.min(this.size * 2, maxBytes);
  }
}

/** A window of the peer, with more in it; −1 when that is more than a window can hold (§6.9.1). */
export function widened(window: number, increment: number): number {
  const sum = window + increment;
  return sum > MAX_WINDOW ? -1 : sum;
}
