/**
 * The dynamic table (RFC 7541 §2.3.2, §4): entries in the order they came, the oldest driven out when the size is above the
 * bound. A ring, so that nothing is moved. Decoder and encoder each have one: of what came, and of what was sent.
 */
import { HPACK } from './constants.js';

export class DynamicTable<Entry extends { readonly size: number }> {
  /** The number of places is a power of two. */
  #ring: (Entry | undefined)[] = [];
  #mask = -1;
  #count = 0;
  #bytes = 0;
  #maxBytes: number;
  /** Entries that were ever put in: the place of the next one in the ring, counted round. */
  inserted = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** The size of all entries together. */
  get bytes(): number {
    return this.#bytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** The newest is 0. */
  at(age: number): Entry | undefined {
    return age < this.#count ? this.#ring[(this.inserted - 1 - age) & this.#mask] : undefined;
  }

  /** An entry larger than the table empties it and is not kept: no error (RFC 7541 §4.4). False then. */
  insert(entry: Entry): boolean {
    const { size } = entry;
    this.#evict(this.#maxBytes - size);
    if (size > this.#maxBytes) return false;
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[this.inserted & this.#mask] = entry;
    this.inserted += 1;
    this.#count += 1;
    this.#bytes += size;
    return true;
  }

  setMaxBytes(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evict(maxBytes);
  }

  /** Drives out the oldest ones until what is left has no more than so many bytes. */
  #evict(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      const place = (this.inserted - this.#count) & this.#mask;
      this.#bytes -= this.#ring[place]?.size ?? 0;
      this.#ring[place] = undefined;
      this.#count -= 1;
    }
  }

  #grow(): void {
    const length = Math.max(HPACK.ringMinPlaces, this.#ring.length * 2);
    const ring = new Array<Entry | undefined>(length).fill(undefined);
    for (let age = this.#count - 1; age >= 0; age -= 1)
      ring[(this.inserted - 1 - age) & (length - 1)] = this.at(age);
    this.#ring = ring;
    this.#mask = length - 1;
  }
}
