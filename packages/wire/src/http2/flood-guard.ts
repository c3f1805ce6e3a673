/**
 * Counts what a peer can send without end and at little cost to itself, while each costs us work or memory. Each count
 * is paid back by what a peer does that is of use, and by time: a connection may last for days, and what comes now and then
 * is no flood. Beyond its allowance the connection is over (ENHANCE_YOUR_CALM, RFC 9113 §10.5).
 */
import { CONSTANTS } from '../constants.js';
import { WireError } from '../wire-error.js';
import type { Http2Limits } from './stream-api.js';

export class FloodGuard {
  readonly #limits: Http2Limits;
  #idle = 0;
  #resets = 0;
  #answers = 0;

  constructor(limits: Http2Limits) {
    this.#limits = limits;
  }

  /** A frame that changes nothing: empty DATA, PING, SETTINGS, PRIORITY, of an unknown type, for a closed stream. */
  idleFrame(): void {
    this.#idle += 1;
    if (this.#idle > this.#limits.idleFrameAllowance)
      throw new WireError('too-many-idle-frames', 'too many frames that change nothing');
  }

  usefulFrame(): void {
    this.#payBackIdle(1);
  }

  /** A stream was reset by us: what the peer had sent of it by then comes late, and is not its fault. */
  resetSent(): void {
    this.#payBackIdle(CONSTANTS.lateFramesPerReset);
  }

  /** The peer has reset a stream (CVE-2023-44487), or made us reset it (CVE-2025-8671). */
  reset(): void {
    this.#resets += 1;
    if (this.#resets > this.#limits.resetAllowance)
      throw new WireError('too-many-resets', 'too many streams were reset, or had to be');
  }

  /** A stream has come to its end. */
  ended(): void {
    this.#payBackResets(1);
  }

  timePassed(elapsedMs: number): void {
    if (this.#idle === 0 && this.#resets === 0) return;
    const { idleFramesPerSecond, resetsPerSecond } = this.#limits;
    this.#payBackIdle((idleFramesPerSecond * elapsedMs) / 1_000);
    this.#payBackResets((resetsPerSecond * elapsedMs) / 1_000);
  }

  /** A frame that answers another one waits to be written. */
  answer(): void {
    this.#answers += 1;
    if (this.#answers > this.#limits.maxQueuedAnswers)
      throw new WireError('too-many-answers', 'the peer asks, and does not read the answers');
  }

  /** The socket takes what waits. */
  answersTaken(): void {
    this.#answers = 0;
  }

  #payBackIdle(frames: number): void {
    this.#idle = Math.max(0, this.#idle - frames);
  }

  #payBackResets(resets: number): void {
    this.#resets = Math.max(0, this.#resets - resets);
  }
}
