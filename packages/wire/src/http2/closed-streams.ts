/**
 * How the last streams were closed: a frame that comes late is judged by it (RFC 9113 §5.1). Bounded: of a stream that
 * was forgotten a late frame is ignored, as of one that we have reset; no peer is wronged by that.
 */
import { CONSTANTS } from '../constants.js';

export const ClosedBy = Object.freeze({
  /** Both sides have ended. */
  End: 0x0,
  /** We have reset it: what the peer had sent by then still comes. */
  OurReset: 0x1,
  PeerReset: 0x2,
  /** Long ago. */
  Forgotten: 0x3,
  /** It has never been there: a later one was opened instead of it. */
  NeverOpened: 0x4,
} as const);
export type ClosedBy = (typeof ClosedBy)[keyof typeof ClosedBy];

export class ClosedStreams {
  /** Rings, written over from the oldest entry on. 0 is no stream's number. */
  readonly #ids = new Uint32Array(CONSTANTS.closedStreamsKept);
  readonly #reasons = new Uint8Array(CONSTANTS.closedStreamsKept);
  #at = 0;
  /** The highest number that was written over. */
  #forgottenUpTo = 0;

  add(id: number, reason: ClosedBy): void {
    const at = this.#at;
    const old = this.#ids[at] ?? 0;
    if (old > this.#forgottenUpTo) this.#forgottenUpTo = old;
    this.#ids[at] = id;
    this.#reasons[at] = reason;
    this.#at = (at + 1) & (CONSTANTS.closedStreamsKept - 1);
  }

  /** Of a number that is not above the highest one in use. */
  find(id: number): ClosedBy {
    const at = this.#ids.lastIndexOf(id);
    if (at !== -1) return this.#reasons[at] as ClosedBy;
    return id <= this.#forgottenUpTo ? ClosedBy.Forgotten : ClosedBy.NeverOpened;
  }
}
