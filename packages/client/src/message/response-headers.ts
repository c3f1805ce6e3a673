/**
 * The header fields of a response. Kept as the text that came and a list of offsets; names are lowered
 * and values cut out only when they are asked for.
 */
import { INSPECT, shown, shownField, type InspectOptions } from '../diagnostics/inspect.js';

/** Iterates as `[name, value]` pairs, in the order they came, names in lower case. */
export class ResponseHeaders implements Iterable<[string, string]> {
  readonly #text: string;
  /** In fours: name start, name end, value start, value end. */
  readonly #offsets: readonly number[];

  constructor(text: string, offsets: readonly number[]) {
    this.#text = text;
    this.#offsets = offsets;
  }

  /** The same fields without those named; names in lower case. */
  without(...names: string[]): ResponseHeaders {
    const offsets: number[] = [];
    for (let i = 0; i < this.#offsets.length; i += 4)
      if (!names.includes(this.#name(i))) offsets.push(...this.#offsets.slice(i, i + 4));
    return new ResponseHeaders(this.#text, offsets);
  }

  /** How many fields there are, repeats included. */
  get size(): number {
    return this.#offsets.length / 4;
  }

  /**
   * The value of a field, whatever the case of its name. Repeats are joined with `', '` (RFC 9110
   * §5.3); `set-cookie` is not a list, so only its first value is given: use `getAll`.
   */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    let found: string | undefined;
    for (let i = 0; i < this.#offsets.length; i += 4) {
      if (!this.#isNamed(i, wanted)) continue;
      const value = this.#value(i);
      if (found === undefined) found = value;
      else if (wanted !== 'set-cookie') found += `, ${value}`;
    }
    return found;
  }

  /** Every value of a field, one entry for each time it came. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    const values: string[] = [];
    for (let i = 0; i < this.#offsets.length; i += 4)
      if (this.#isNamed(i, wanted)) values.push(this.#value(i));
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let i = 0; i < this.#offsets.length; i += 4) yield [this.#name(i), this.#value(i)];
  }

  entries(): IterableIterator<[string, string]> {
    return this[Symbol.iterator]();
  }

  /**
   * A plain object without a prototype: names in lower case, repeats joined with `', '`, but
   * `set-cookie` always a list.
   */
  toObject(): Record<string, string | string[]> {
    const object = Object.create(null) as Record<string, string | string[]>;
    for (const [name, value] of this) {
      const before = object[name];
      if (name === 'set-cookie')
        object[name] = Array.isArray(before) ? [...before, value] : [value];
      else object[name] = typeof before === 'string' ? `${before}, ${value}` : value;
    }
    return object;
  }

  toJSON(): Record<string, string | string[]> {
    return this.toObject();
  }

  /** Names and values in the order they came; secrets are hidden (inspect.ts). `toObject()` has them. */
  [INSPECT](depth: number, options: InspectOptions): string {
    const fields: Record<string, string | string[]> = {};
    for (const [name, value] of this) {
      const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
      const text = shownField(name, value);
      // `__proto__` is a legal field name.
      const all = before === undefined ? text : [before, text].flat();
      Object.defineProperty(fields, name, { value: all, enumerable: true, configurable: true });
    }
    return shown('ResponseHeaders', fields, depth, options);
  }

  #isNamed(i: number, wanted: string): boolean {
    const start = this.#offsets[i] ?? 0;
    const end = this.#offsets[i + 1] ?? 0;
    return end - start === wanted.length && this.#text.slice(start, end).toLowerCase() === wanted;
  }

  #name(i: number): string {
    return this.#text.slice(this.#offsets[i], this.#offsets[i + 1]).toLowerCase();
  }

  #value(i: number): string {
    return this.#text.slice(this.#offsets[i + 2], this.#offsets[i + 3]);
  }
}
