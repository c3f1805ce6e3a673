/**
 * One listener for each abort signal, however many calls share it. A signal that lives as long as a
 * process (a shutdown signal, say) would otherwise collect a listener for each call in flight, and
 * Node warn of a leak (node#46525, undici#3157).
 */
import { LinkedList, type Link } from '../pool/linked-list.js';

export interface Abortable {
  abort(reason: unknown): void;
}

class Hub {
  readonly #waiting = new LinkedList<Abortable>();
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(link: Link<Abortable>): void {
    if (this.#waiting.size === 0) this.#signal.addEventListener('abort', this);
    this.#waiting.push(link);
  }

  remove(link: Link<Abortable>): void {
    if (this.#waiting.remove(link) && this.#waiting.size === 0)
      this.#signal.removeEventListener('abort', this);
  }

  handleEvent(): void {
    // A copy: to abort one may settle others, and take them out of the list.
    for (const waiting of [...this.#waiting]) waiting.abort(this.#signal.reason);
  }
}

const hubs = new WeakMap<AbortSignal, Hub>();

/** Tells `link.value` when the signal aborts. */
export function onAbort(signal: AbortSignal, link: Link<Abortable>): void {
  let hub = hubs.get(signal);
  if (hub === undefined) {
    hub = new Hub(signal);
    hubs.set(signal, hub);
  }
  hub.add(link);
}

export function offAbort(signal: AbortSignal, link: Link<Abortable>): void {
  hubs.get(signal)?.remove(link);
}
