/**
 * The requests under way, oldest first: a list whose links are fields of the requests themselves.
 *
 * Not a Set: its table is old memory that points at young requests, and V8 then copies in each collection what
 * has long been answered (four times the time for garbage of a gateway). A removed request has no links, so
 * that an old one keeps no younger one alive.
 */

/** Fields that this list alone writes. */
export interface Listed<T> {
  isOpen: boolean;
  openedBefore: T | undefined;
  openedAfter: T | undefined;
}

export class OpenRequests<T extends Listed<T>> {
  #oldest: T | undefined = undefined;
  #newest: T | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(request: T): void {
    if (request.isOpen) return;
    request.isOpen = true;
    request.openedBefore = this.#newest;
    if (this.#newest === undefined) this.#oldest = request;
    else this.#newest.openedAfter = request;
    this.#newest = request;
    this.#size += 1;
  }

  remove(request: T): void {
    if (!request.isOpen) return;
    const { openedBefore, openedAfter } = request;
    if (openedBefore === undefined) this.#oldest = openedAfter;
    else openedBefore.openedAfter = openedAfter;
    if (openedAfter === undefined) this.#newest = openedBefore;
    else openedAfter.openedBefore = openedBefore;
    request.isOpen = false;
    request.openedBefore = undefined;
    request.openedAfter = undefined;
    this.#size -= 1;
  }

  /** Oldest first. Safe against removal of the request just handed out. */
  *[Symbol.iterator](): IterableIterator<T> {
    let request = this.#oldest;
    while (request !== undefined) {
      const next: T | undefined = request.openedAfter;
      yield request;
      request = next;
    }
  }
}
