/**
 * One segment of a path against one segment of a pattern that is neither plain text nor `<name>`.
 *
 * A mixed segment is read from left to right: each param ends where the text after it first occurs, or at a
 * later place if what is left matches only then. The last text is anchored at the end. The work is bounded:
 * where a `<name>` has failed once, it fails at every later place too, and no more than `maxSegmentSplits` ends are
 * tried for one segment.
 */
import { CONSTANTS } from '../constants.js';
import type { ParamValue } from './param-types.js';
import type { LiteralPart, ParamPart } from './pattern.js';

export interface SegmentMatcher {
  /** Equal for segments that accept the same text: they share a node of the trie. */
  readonly key: string;
  /** Appends the values of the params to `values`; may leave some there when it does not match. */
  match(segment: string, values: ParamValue[]): boolean;
}

export function paramMatcher(param: ParamPart): SegmentMatcher {
  const { read } = param;
  return {
    key: `<${param.type}>`,
    match(segment, values) {
      const value = read(segment);
      if (value === undefined) return false;
      values.push(value);
      return true;
    },
  };
}

export function mixedMatcher(parts: readonly (LiteralPart | ParamPart)[]): SegmentMatcher {
  return {
    key: JSON.stringify(parts.map((part) => (part.kind === 'literal' ? part.text : [part.type]))),
    match(segment, values) {
      const last = parts.at(-1);
      if (last?.kind === 'literal' && !segment.endsWith(last.text)) return false;
      return new Split(segment, parts, values).from(0, 0);
    },
  };
}

/** One try to split a segment. */
class Split {
  readonly #segment: string;
  readonly #parts: readonly (LiteralPart | ParamPart)[];
  readonly #values: ParamValue[];
  /** For each part that takes any text: the first place where it failed. */
  readonly #failedAt: number[] = [];
  #left: number = CONSTANTS.maxSegmentSplits;

  constructor(segment: string, parts: readonly (LiteralPart | ParamPart)[], values: ParamValue[]) {
    this.#segment = segment;
    this.#parts = parts;
    this.#values = values;
  }

  /** Do the parts from `index` on match the text from `at` on? Pushes their values if so. */
  from(index: number, at: number): boolean {
    const part = this.#parts[index];
    if (part === undefined) return at === this.#segment.length;
    if (part.kind === 'literal')
      return this.#segment.startsWith(part.text, at) && this.from(index + 1, at + part.text.length);
    const takesAny = part.type === 'any';
    if (takesAny && at >= (this.#failedAt[index] ?? Infinity)) return false;
    const mark = this.#values.length;
    for (const end of this.#ends(index, at)) {
      if (end <= at) continue;
      if (this.#left-- <= 0) return false;
      const value = part.read(this.#segment.slice(at, end));
      if (value === undefined) continue;
      this.#values.push(value);
      if (this.from(index + 1, end)) return true;
      this.#values.length = mark;
    }
    if (takesAny) this.#failedAt[index] = at;
    return false;
  }

  /** Where a param that begins at `at` may end; a param is never empty, and two never stand side by side. */
  *#ends(index: number, at: number): Iterable<number> {
    const segment = this.#segment;
    const next = this.#parts[index + 1];
    if (next?.kind !== 'literal') yield segment.length;
    else if (index + 1 === this.#parts.length - 1) yield segment.length - next.text.length;
    else
      for (
        let end = segment.indexOf(next.text, at + 1);
        end >= 0;
        end = segment.indexOf(next.text, end + 1)
      )
        yield end;
  }
}
