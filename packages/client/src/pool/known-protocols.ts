/**
 * What the protocol of an origin turned out to be, kept when its host is forgotten: the next call there needs no
 * dial to find out. Bounded: above the limit, what was noted longest ago is dropped.
 */
import { CONSTANTS } from '../config/constants.js';

/** As in origin-protocol.ts. */
export type KnownProtocol = 'exclusive' | 'shared';

export class KnownProtocols {
  readonly #known = new Map<string, KnownProtocol>();

  constructor(readonly limit: number = CONSTANTS.maxKnownProtocols) {}

  get(key: string): KnownProtocol | undefined {
    return this.#known.get(key);
  }

  note(key: string, protocol: KnownProtocol): void {
    this.#known.delete(key); // to the young end
    this.#known.set(key, protocol);
    if (this.#known.size <= this.limit) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  /** The settings that it was learned under have changed. */
  clear(): void {
    this.#known.clear();
  }
}
