/**
 * One segment of a path against one segment of a pattern that is neither plain text nor `<name>`.
 *
 * A mixed segment is read from left to right without backtracking: each param ends where the text after
 * it first occurs, and the last text is anchored at the end. So the work is linear in the segment, which
 * a regex made of several `(.+)` would not be.
 */
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
      let at = 0;
      for (const [index, part] of parts.entries()) {
        if (part.kind === 'literal') {
          if (!segment.startsWith(part.text, at)) return false;
          at += part.text.length;
          continue;
        }
        const end = paramEnd(segment, at, parts, index + 1);
        if (end <= at) return false;
        const value = part.read(segment.slice(at, end));
        if (value === undefined) return false;
        values.push(value);
        at = end;
      }
      return at === segment.length;
    },
  };
}

function paramEnd(
  segment: string,
  start: number,
  parts: readonly (LiteralPart | ParamPart)[],
  nextIndex: number,
): number {
  const next = parts[nextIndex];
  if (next?.kind !== 'literal') return segment.length; // the last part: params never stand side by side
  if (nextIndex === parts.length - 1) return segment.length - next.text.length;
  return segment.indexOf(next.text, start + 1); // a param is never empty
}
