/**
 * TLS session tickets for resumption, one per connection key, kept strongly in an LRU: behind weak
 * references a garbage collection would throw them away just when they are needed.
 */
import { CONSTANTS } from '../../config/constants.js';

export class TlsSessions {
  readonly #sessions = new Map<string, Buffer>();

  constructor(readonly limit: number = CONSTANTS.maxTlsSessions) {}

  get(id: string): Buffer | undefined {
    const session = this.#sessions.get(id);
    if (session !== undefined) this.set(id, session);
    return session;
  }

  set(id: string, session: Buffer): void {
    this.#sessions.delete(id); // to the young end
    this.#sessions.set(id, session);
    if (this.#sessions.size <= this.limit) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  /** A ticket the peer has refused, or whose handshake failed, is not tried again. */
  delete(id: string): void {
    this.#sessions.delete(id);
  }
}
