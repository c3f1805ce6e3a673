/**
 * An intrusive doubly linked list: push, remove and shift in O(1), and nothing is allocated when a
 * value moves between lists, because each value keeps its link for life.
 */

export class Link<T> {
  prev: Link<T> | undefined = undefined;
  next: Link<T> | undefined = undefined;
  list: LinkedList<T> | undefined = undefined;

  constructor(readonly value: T) {}
}

export class LinkedList<T> {
  #head: Link<T> | undefined = undefined;
  #tail: Link<T> | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The value pushed longest ago. */
  get first(): T | undefined {
    return this.#head?.value;
  }

  get last(): T | undefined {
    return this.#tail?.value;
  }

  push(link: Link<T>): void {
    if (link.list !== undefined) throw new Error('a link is in one list at a time');
    link.list = this;
    link.prev = this.#tail;
    if (this.#tail === undefined) this.#head = link;
    else this.#tail.next = link;
    this.#tail = link;
    this.#size += 1;
  }

  /** Puts it before all others. */
  unshift(link: Link<T>): void {
    if (link.list !== undefined) throw new Error('a link is in one list at a time');
    link.list = this;
    link.next = this.#head;
    if (this.#head === undefined) this.#tail = link;
    else this.#head.prev = link;
    this.#head = link;
    this.#size += 1;
  }

  /** Takes the link out; false when it was not in this list. */
  remove(link: Link<T>): boolean {
    if (link.list !== this) return false;
    if (link.prev === undefined) this.#head = link.next;
    else link.prev.next = link.next;
    if (link.next === undefined) this.#tail = link.prev;
    else link.next.prev = link.prev;
    link.prev = undefined;
    link.next = undefined;
    link.list = undefined;
    this.#size -= 1;
    return true;
  }

  /** Oldest first. Safe against removal of the value just handed out. */
  *[Symbol.iterator](): IterableIterator<T> {
    let link = this.#head;
    while (link !== undefined) {
      const next = link.next;
      yield link.value;
      link = next;
    }
  }
}
