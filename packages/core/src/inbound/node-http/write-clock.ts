/**
 * The write clock of one connection: a client that takes nothing of what was written for `writeTimeout` is cut off.
 *
 *     still ──watch()──▶ watching ──all is taken──▶ still
 *                           └──nothing taken for `writeTimeout`──▶ expired
 *
 * Progress is bytes that left this machine's queue, not bytes that were written to it: a text of 50 MB is written
 * at once, and taken in an hour. There is no event for it, so a timer looks; there is none while nothing waits. A
 * response that waits for the one before it, and a source that has nothing to say, are not the client's fault.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CONSTANTS } from '../../constants.js';
import type { Stalled } from '../inbound.js';
import type { NodeInbound } from './node-inbound.js';

/** What Node's handle knows of the queue below it; its own HTTP server goes by it, too. */
interface QueueHandle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

export class WriteClock {
  readonly #socket: Socket;
  readonly #onExpired: (stalled: Stalled) => void;
  readonly #watched = new Set<NodeInbound>();
  #timer: NodeJS.Timeout | undefined = undefined;
  #taken = 0;
  #sinceMs = 0;

  constructor(socket: Socket, onExpired: (stalled: Stalled) => void) {
    this.#socket = socket;
    this.#onExpired = onExpired;
  }

  watch(inbound: NodeInbound): void {
    if (inbound.writeTimeoutMs === Infinity || this.#socket.destroyed) return;
    this.#watched.add(inbound);
    if (this.#timer !== undefined) return;
    this.#taken = this.#takenBytes();
    this.#sinceMs = performance.now();
    this.#lookLater();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#watched.clear();
  }

  #lookLater(): void {
    let limitMs = Infinity;
    for (const { writeTimeoutMs } of this.#watched) limitMs = Math.min(limitMs, writeTimeoutMs);
    const delayMs = Math.min(
      CONSTANTS.writeCheckMaxMs,
      Math.max(CONSTANTS.writeCheckMinMs, limitMs / CONSTANTS.writeChecksPerTimeout),
    );
    this.#timer = setTimeout(() => this.#look(), delayMs);
    this.#timer.unref();
  }

  #look(): void {
    for (const inbound of this.#watched)
      if (isTaken(inbound.response)) this.#watched.delete(inbound);
    if (this.#watched.size === 0 || this.#socket.destroyed) {
      this.stop();
      return;
    }
    const now = performance.now();
    const taken = this.#takenBytes();
    const unsentBytes = this.#socket.writableLength;
    if (unsentBytes === 0 || taken !== this.#taken) {
      this.#taken = taken;
      this.#sinceMs = now;
    } else {
      const late = this.#first();
      if (late !== undefined && now - this.#sinceMs >= late.writeTimeoutMs) {
        this.stop();
        this.#onExpired({ late, timeoutMs: late.writeTimeoutMs, unsentBytes });
        return;
      }
    }
    this.#lookLater();
  }

  /** The one that is being written: the others have no socket yet, or none any more. */
  #first(): NodeInbound | undefined {
    for (const inbound of this.#watched) if (inbound.response.socket !== null) return inbound;
    return undefined;
  }

  /** Only for comparing: it moves when the client takes something. */
  #takenBytes(): number {
    const { _handle: handle } = this.#socket as { _handle?: QueueHandle | null };
    if (handle?.bytesWritten === undefined || handle.writeQueueSize === undefined)
      return -this.#socket.writableLength;
    return handle.bytesWritten - handle.writeQueueSize;
  }
}

/** Nothing of it waits for the client: it is done, or its source has not brought more. */
function isTaken(response: ServerResponse): boolean {
  if (response.destroyed || response.writableFinished) return true;
  return !response.writableEnded && !response.writableNeedDrain;
}
