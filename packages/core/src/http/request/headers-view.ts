/**
 * `ctx.headers`, and how the framework itself reads a field of a request: straight from the lines that the
 * transport hands in, without an object of all of them. Nothing is inherited: `constructor` is a field only if
 * the client has sent one. Whether the head as a whole is acceptable is head-size.ts's business, and the transport's.
 */
import { inspect } from 'node:util';

/** A request as this file needs it: name, value, name, value, as they came. */
export interface RawFields {
  readonly fields: readonly string[];
}

/**
 * Fields that can stand once only (RFC 9110 §5.3): of several, the first counts, as in node:http. To join
 * them would make one value of two that contradict each other.
 */
const SINGLE = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** The value of a field, as `RequestHeaders.get()` has it. @param name in lower case. */
export function fieldOf(request: RawFields, name: string): string | undefined {
  const { fields } = request;
  let found: string | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    if (!isNamed(fields[index] ?? '', name)) continue;
    const value = fields[index + 1] ?? '';
    if (found === undefined) found = value;
    else if (SINGLE.has(name)) return found;
    else found = joined(name, found, value);
  }
  return found;
}

/**
 * The header fields of a request. Names are in lower case, and found whatever their case; the fields iterate as
 * `[name, value]`, one for each line, in the order in which they came.
 *
 * @example
 * ctx.headers.get('accept-language');              // 'de, en;q=0.5'
 * ctx.headers.getAll('x-forwarded-for').at(-1);    // what the last proxy has added as a line of its own
 * for (const [name, value] of ctx.headers) ctx.log.debug({ name, value });
 */
export class RequestHeaders implements Iterable<[string, string]> {
  readonly #request: RawFields;

  /** @internal Made by the framework. */
  constructor(request: RawFields) {
    this.#request = request;
  }

  /** How many lines there are, repeats included. */
  get size(): number {
    return this.#request.fields.length / 2;
  }

  /**
   * The value of a field; undefined when there is none. Several lines are joined with `', '` (RFC 9110 §5.3),
   * those of `cookie` with `'; '`; of a field that can stand once only (`host`, `authorization`,
   * `content-type`, …) the first one counts.
   */
  get(name: string): string | undefined {
    return fieldOf(this.#request, name.toLowerCase());
  }

  /** The value of each line of that name. */
  getAll(name: string): string[] {
    const { fields } = this.#request;
    const wanted = name.toLowerCase();
    return fields.filter((_, at) => at % 2 === 1 && isNamed(fields[at - 1] ?? '', wanted));
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    const { fields } = this.#request;
    for (let index = 0; index < fields.length; index += 2)
      yield [(fields[index] ?? '').toLowerCase(), fields[index + 1] ?? ''];
  }

  entries(): IterableIterator<[string, string]> {
    return this[Symbol.iterator]();
  }

  /** A plain object without a prototype, with each value as `get()` has it. */
  toObject(): Record<string, string> {
    const object = Object.create(null) as Record<string, string>;
    for (const [name, value] of this) {
      const before = object[name];
      if (before === undefined) object[name] = value;
      else if (!SINGLE.has(name)) object[name] = joined(name, before, value);
    }
    return object;
  }

  toJSON(): Record<string, string> {
    return this.toObject();
  }

  /** For `console.log()`: all of it, as it came. */
  [inspect.custom](_depth: number, options: { depth?: number | null | undefined }): string {
    return `RequestHeaders ${inspect({ ...this.toObject() }, options)}`;
  }
}

function isNamed(name: string, wanted: string): boolean {
  return name.length === wanted.length && (name === wanted || name.toLowerCase() === wanted);
}

function joined(name: string, before: string, value: string): string {
  return `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
}
