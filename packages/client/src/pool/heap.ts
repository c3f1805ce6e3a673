/**
 * A binary heap of things that are due at an instant, the earliest on top. Each knows its place, so that
 * moving and removing one costs O(log n), and adding the latest of all, which is the usual case, O(1).
 */

/** A thing in a heap: `heapIndex` is the heap's own, -1 outside. */
export interface Timed {
  readonly atMs: number;
  heapIndex: number;
}

export class Heap<T extends Timed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The one that is due first. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** Adds it, or finds its place again after its `atMs` has changed. */
  put(item: T): void {
    if (item.heapIndex === -1) {
      this.#items.push(item);
      this.#siftUp(item, this.#items.length - 1);
      return;
    }
    const place = item.heapIndex;
    this.#siftUp(item, place);
    if (item.heapIndex === place) this.#siftDown(item, place);
  }

  /** One that is not in it is ignored. */
  remove(item: T): void {
    const place = item.heapIndex;
    if (place === -1) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#siftUp(last, place);
    if (last.heapIndex === place) this.#siftDown(last, place);
  }

  #siftUp(item: T, from: number): void {
    const items = this.#items;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = items[above] as T;
      if (parent.atMs <= item.atMs) break;
      items[place] = parent;
      parent.heapIndex = place;
      place = above;
    }
    items[place] = item;
    item.heapIndex = place;
  }

  #siftDown(item: T, from: number): void {
    const items = this.#items;
    const { length } = items;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= length) break;
      let child = items[below] as T;
      const right = items[below + 1];
      if (right !== undefined && right.atMs < child.atMs) {
        child = right;
        below += 1;
      }
      if (child.atMs >= item.atMs) break;
      items[place] = child;
      child.heapIndex = place;
      place = below;
    }
    items[place] = item;
    item.heapIndex = place;
  }
}
