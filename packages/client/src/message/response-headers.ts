/**
 * The header fields of a response. Kept as the section that came, a text and a list of offsets, which HTTP/2 makes only
 * when they are asked for; so are names in lower case, and values.
 */
import type { FieldSection } from '@hotaru/wire';
import { INSPECT, shown, shownField, type InspectOptions } from '../diagnostics/inspect.js';

/** Iterates as `[name, value]` pairs, in the order they came, names in lower case. */
export class ResponseHeaders implements Iterable<[string, string]> {
  readonly #section: FieldSection;

  constructor(section: FieldSection) {
    this.#section = section;
  }

  /** The same fields without those named; names in lower case. */
  without(...names: string[]): ResponseHeaders {
    const { text, offsets } = this.#section;
    const kept: number[] = [];
    for (let i = 0; i < offsets.length; i += 4)
      if (!names.includes(this.#name(i))) kept.push(...offsets.slice(i, i + 4));
    return new ResponseHeaders({ text, offsets: kept });
  }

  /** How many fields there are, repeats included. */
  get size(): number {
    return this.#section.offsets.length / 4;
  }

  /**
   * The value of a field, whatever the case of its name. Repeats are joined with `', '` (RFC 9110
   * §5.3); `set-cookie` is not a list, so only its first value is given: use `getAll`.
   */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    const { length } = this.#section.offsets;
    let found: string | undefined;
    for (let i = 0; i < length; i += 4) {
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
    const { length } = this.#section.offsets;
    const values: string[] = [];
    for (let i = 0; i < length; i += 4) if (this.#isNamed(i, wanted)) values.push(this.#value(i));
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    const { length } = this.#section.offsets;
    for (let i = 0; i < length; i += 4) yield [this.#name(i), this.#value(i)];
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
    const { text, offsets } = this.#section;
    const start = offsets[i] ?? 0;
    const end = offsets[i + 1] ?? 0;
    return end - start === wanted.length && text.slice(start, end).toLowerCase() === wanted;
  }

  #name(i: number): string {
    const { text, offsets } = this.#section;
    return text.slice(offsets[i], offsets[i + 1]).toLowerCase();
  }

  #value(i: number): string {
    const { text, offsets } = this.#section;
    return text.slice(offsets[i + 2], offsets[i + 3]);
  }
}
