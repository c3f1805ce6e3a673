/**
 * From method and path to a target and the values of its params.
 *
 * A trie of segments. Per segment the order is literal → regex, typed and mixed (as registered) → any →
 * catch-all, and a branch that fails further down is left for the next one. The trie is a tree, so a
 * look-up visits each node at most once, whatever the path. Paths without params are found in a `Map`
 * before that: all of their segments are literals, so nothing could come before them.
 *
 * A target is looked for by path *and* method: `DELETE /users/me` gets to `DELETE /users/<id>` although
 * `GET /users/me` is more specific. Only when no pattern has the method is it a 405.
 */
import { HotaruError } from '../errors.js';
import type { ParamValue } from './param-types.js';
import { encodeSegment, joinRest, segmentsOf } from './path.js';
import type { Pattern, Segment } from './pattern.js';
import { mixedMatcher, paramMatcher, type SegmentMatcher } from './segment-matcher.js';

/** Stands for every method; a method of its own comes first. */
export const ANY_METHOD = '*';

export interface Match<Target> {
  readonly target: Target;
  /** The names of the params, and their values in the same order. */
  readonly names: readonly string[];
  readonly values: readonly ParamValue[];
}

/** What is registered at one place of the trie. */
class Slot<Target> {
  readonly #matches = new Map<string, Match<Target>>();
  readonly #patterns = new Map<string, string>();

  add(methods: readonly string[], pattern: Pattern, target: Target): void {
    for (const method of methods) {
      const taken = this.#patterns.get(method);
      if (taken === undefined) continue;
      const which = method === ANY_METHOD ? 'every method of' : method;
      throw new HotaruError(
        'HOTARU_DUPLICATE_ENDPOINT',
        `${which} ${pattern.text} is registered already, as ${which} ${taken}`,
      );
    }
    const match = { target, names: pattern.names, values: NO_VALUES };
    for (const method of methods) {
      this.#patterns.set(method, pattern.text);
      this.#matches.set(method, match);
    }
  }

  /** HEAD is served by GET. */
  find(method: string): Match<Target> | undefined {
    return (
      this.#matches.get(method) ??
      (method === 'HEAD' ? this.#matches.get('GET') : undefined) ??
      this.#matches.get(ANY_METHOD)
    );
  }

  get methods(): Iterable<string> {
    return this.#matches.keys();
  }
}

const NO_VALUES: readonly ParamValue[] = Object.freeze([]);

class Node<Target> {
  readonly literals = new Map<string, Node<Target>>();
  readonly matchers: { readonly matcher: SegmentMatcher; readonly node: Node<Target> }[] = [];
  any: Node<Target> | undefined = undefined;
  rest: Slot<Target> | undefined = undefined;
  slot: Slot<Target> | undefined = undefined;
}

export class Router<Target> {
  readonly #root = new Node<Target>();
  readonly #static = new Map<string, Slot<Target>>();

  /**
   * @throws HotaruError `HOTARU_DUPLICATE_ENDPOINT` when a pattern that accepts the same paths has the
   * method already; names of params make no difference.
   */
  add(pattern: Pattern, methods: readonly string[], target: Target): void {
    const slot = this.#slotFor(pattern);
    slot.add(methods, pattern, target);
    const path = staticPathOf(pattern);
    if (path !== undefined) this.#static.set(path, slot);
  }

  /**
   * @param path in its one form: see path.ts.
   */
  find(method: string, path: string): Match<Target> | undefined {
    const found = this.#static.get(path)?.find(method);
    if (found !== undefined) return found;
    const values: ParamValue[] = [];
    const match = walk(this.#root, segmentsOf(path), 1, method, values);
    if (match === undefined || values.length === 0) return match;
    return { target: match.target, names: match.names, values };
  }

  /** Every method some pattern has for the path, `ANY_METHOD` included; empty when there is none. */
  methodsFor(path: string): Set<string> {
    const methods = new Set<string>();
    collectMethods(this.#root, segmentsOf(path), 1, methods);
    return methods;
  }

  #slotFor(pattern: Pattern): Slot<Target> {
    let node = this.#root;
    for (const segment of pattern.segments) {
      if (segment.kind === 'rest') return (node.rest ??= new Slot());
      node = childFor(node, segment);
    }
    return (node.slot ??= new Slot());
  }
}

function childFor<Target>(
  node: Node<Target>,
  segment: Exclude<Segment, { kind: 'rest' }>,
): Node<Target> {
  if (segment.kind === 'literal') {
    let child = node.literals.get(segment.text);
    if (child === undefined) node.literals.set(segment.text, (child = new Node()));
    return child;
  }
  if (segment.kind === 'param' && segment.type === 'any') return (node.any ??= new Node());
  const matcher = segment.kind === 'param' ? paramMatcher(segment) : mixedMatcher(segment.parts);
  const known = node.matchers.find((entry) => entry.matcher.key === matcher.key);
  if (known !== undefined) return known.node;
  const child = new Node<Target>();
  node.matchers.push({ matcher, node: child });
  return child;
}

/** The path itself, in its one form, when the pattern has no params. */
function staticPathOf({ segments }: Pattern): string | undefined {
  let path = '';
  for (const segment of segments) {
    if (segment.kind !== 'literal') return undefined;
    path += `/${encodeSegment(segment.text)}`;
  }
  return path;
}

function walk<Target>(
  node: Node<Target>,
  segments: readonly string[],
  index: number,
  method: string,
  values: ParamValue[],
): Match<Target> | undefined {
  const segment = segments[index];
  if (segment === undefined) return node.slot?.find(method);
  const literal = node.literals.get(segment);
  if (literal !== undefined) {
    const found = walk(literal, segments, index + 1, method, values);
    if (found !== undefined) return found;
  }
  const mark = values.length;
  for (const { matcher, node: child } of node.matchers) {
    if (matcher.match(segment, values)) {
      const found = walk(child, segments, index + 1, method, values);
      if (found !== undefined) return found;
    }
    values.length = mark;
  }
  if (node.any !== undefined && segment !== '') {
    values.push(segment);
    const found = walk(node.any, segments, index + 1, method, values);
    if (found !== undefined) return found;
    values.length = mark;
  }
  const found = node.rest?.find(method);
  if (found !== undefined) values.push(joinRest(segments, index));
  return found;
}

function collectMethods<Target>(
  node: Node<Target>,
  segments: readonly string[],
  index: number,
  methods: Set<string>,
): void {
  const segment = segments[index];
  if (segment === undefined) {
    for (const method of node.slot?.methods ?? []) methods.add(method);
    return;
  }
  const literal = node.literals.get(segment);
  if (literal !== undefined) collectMethods(literal, segments, index + 1, methods);
  for (const { matcher, node: child } of node.matchers)
    if (matcher.match(segment, [])) collectMethods(child, segments, index + 1, methods);
  if (node.any !== undefined && segment !== '')
    collectMethods(node.any, segments, index + 1, methods);
  for (const method of node.rest?.methods ?? []) methods.add(method);
}
