/**
 * Which regular expressions of a pattern are refused: those that a client could make slow with the right text.
 *
 * A backtracking engine is linear where a text can be read in one way only. So the expression is turned into
 * its automaton of positions (Glushkov), and two copies of it read the same text in step: if they can part and
 * meet again, some text is read in two ways, and it is _ambiguous_. Ambiguity is allowed where its cost is
 * bounded: by the number of choices and of repeats, on the longest text that is tried.
 */
import { CONSTANTS } from '../constants.js';
import { parseRegex, RegexProblem, type RegexNode } from './regex-syntax.js';

export { RegexProblem };

export interface RegexVerdict {
  /** Where a text can be read in two ways, at a bounded cost; undefined when there is no such text. */
  readonly ambiguousAt: number | undefined;
}

/**
 * @param source accepted by `new RegExp(source, 'u')`.
 * @throws RegexProblem when a text of `regexMaxChars` could take too long.
 * @example judgeRegex('(?:[a-z]+)+'); // throws
 */
export function judgeRegex(source: string): RegexVerdict {
  const tree = parseRegex(source);
  const samples = samplesOf(source);
  for (const look of looksIn(tree)) {
    const at = ambiguityOf(look.item, samples);
    if (at !== undefined) throw new RegexProblem(AMBIGUOUS, at);
  }
  const ambiguousAt = ambiguityOf(tree, samples);
  if (ambiguousAt !== undefined && stepsOf(tree) > CONSTANTS.regexMaxSteps)
    throw new RegexProblem(AMBIGUOUS, ambiguousAt);
  return { ambiguousAt };
}

const AMBIGUOUS =
  'some texts can be read in so many ways that one request could keep the process busy; ' +
  'let each repeat end where the next part begins, as in [a-z]+(?:-[a-z]+)*';

function* looksIn(node: RegexNode): Iterable<RegexNode & { kind: 'look' }> {
  if (node.kind === 'look') yield node;
  if (node.kind === 'look' || node.kind === 'repeat') yield* looksIn(node.item);
  if (node.kind === 'all' || node.kind === 'any')
    for (const item of node.items) yield* looksIn(item);
}

/** An upper bound of the steps on the longest text; `Infinity` for what grows exponentially. */
function stepsOf(node: RegexNode): number {
  switch (node.kind) {
    case 'char':
    case 'empty':
      return 1;
    case 'look':
      return CONSTANTS.regexMaxChars;
    case 'all':
      return node.items.reduce((steps, item) => steps * stepsOf(item), 1);
    case 'any':
      return node.items.reduce((steps, item) => steps * stepsOf(item), node.items.length);
    case 'repeat': {
      const { item, min, max } = node;
      if (min === max) return stepsOf(item) ** max;
      if (max === 1) return 2 * stepsOf(item);
      return item.kind === 'char' ? CONSTANTS.regexMaxChars : Infinity;
    }
  }
}

// ── the automaton ────────────────────────────────────────────────────────────────────────────────

/** A part of the automaton: where it can begin and end, and whether it may match nothing. */
interface Part {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly canBeEmpty: boolean;
}
const NOTHING: Part = { first: [], last: [], canBeEmpty: true };

/** Where a text can be read in two ways, if there is one. */
function ambiguityOf(tree: RegexNode, samples: readonly string[]): number | undefined {
  const automaton = new Automaton(samples);
  const whole = automaton.add(tree);
  return automaton.ambiguousAt ?? automaton.meeting(whole.first);
}

class Automaton {
  ambiguousAt: number | undefined = undefined;
  readonly #samples: readonly string[];
  readonly #chars: { readonly source: string; readonly at: number }[] = [];
  readonly #follow: Set<number>[] = [];
  readonly #matched = new Map<string, readonly boolean[]>();
  readonly #overlaps = new Map<string, boolean>();

  constructor(samples: readonly string[]) {
    this.#samples = samples;
  }

  add(node: RegexNode): Part {
    switch (node.kind) {
      case 'empty':
      case 'look':
        return NOTHING;
      case 'char':
        return this.#char(node);
      case 'all':
        return node.items.reduce<Part>(
          (before, item) => this.#join(before, this.add(item)),
          NOTHING,
        );
      case 'any':
        return this.#any(node.items);
      case 'repeat':
        return this.#repeat(node);
    }
  }

  #char(node: RegexNode & { kind: 'char' }): Part {
    const position = this.#chars.push(node) - 1;
    if (position >= CONSTANTS.regexMaxPositions)
      throw new RegexProblem(
        `it is too large to be checked: more than ${CONSTANTS.regexMaxPositions} characters`,
        node.at,
      );
    this.#follow.push(new Set());
    return { first: [position], last: [position], canBeEmpty: false };
  }

  #any(items: readonly RegexNode[]): Part {
    const parts = items.map((item) => this.add(item));
    if (parts.filter((part) => part.canBeEmpty).length > 1) this.#noteAt(parts);
    return {
      first: parts.flatMap((part) => part.first),
      last: parts.flatMap((part) => part.last),
      canBeEmpty: parts.some((part) => part.canBeEmpty),
    };
  }

  #repeat({ item, min, max, at }: RegexNode & { kind: 'repeat' }): Part {
    if (max === 0) return NOTHING;
    let part = NOTHING;
    const fixed = max === Infinity ? Math.max(0, min - 1) : min;
    for (let i = 0; i < fixed; i++) part = this.#join(part, this.add(item));
    if (max === min) return part;
    if (max === Infinity) {
      const loop = this.add(item);
      if (loop.canBeEmpty) this.ambiguousAt ??= at;
      this.#link(loop.last, loop.first);
      return this.#join(part, min === 0 ? { ...loop, canBeEmpty: true } : loop);
    }
    // x{0,3} is (?:x(?:x(?:x)?)?)?: read in one way.
    let rest = NOTHING;
    for (let i = min; i < max; i++) {
      const once = this.add(item);
      if (once.canBeEmpty) this.ambiguousAt ??= at;
      rest = { ...this.#join(once, rest), canBeEmpty: true };
    }
    return this.#join(part, rest);
  }

  #join(before: Part, after: Part): Part {
    this.#link(before.last, after.first);
    return {
      first: before.canBeEmpty ? [...before.first, ...after.first] : before.first,
      last: after.canBeEmpty ? [...before.last, ...after.last] : after.last,
      canBeEmpty: before.canBeEmpty && after.canBeEmpty,
    };
  }

  #link(from: readonly number[], to: readonly number[]): void {
    for (const start of from)
      for (const end of to) {
        // By two ways at once: the repeat of a repeat.
        if (this.#follow[start]?.has(end) === true) this.ambiguousAt ??= this.#chars[end]?.at;
        this.#follow[start]?.add(end);
      }
  }

  #noteAt(parts: readonly Part[]): void {
    const position = parts.flatMap((part) => part.first)[0];
    this.ambiguousAt ??= position === undefined ? 0 : this.#chars[position]?.at;
  }

  /** Where two copies that parted on the same text meet again. */
  meeting(first: readonly number[]): number | undefined {
    const seen = new Set<number>();
    const open: [number, number][] = [];
    const step = (
      from: Iterable<number>,
      other: readonly number[],
      isSame: boolean,
    ): number | undefined => {
      for (const one of from)
        for (const two of other) {
          if (isSame ? two < one : false) continue;
          if (one !== two ? !this.#overlap(one, two) : false) continue;
          if (one === two && !isSame) return this.#chars[one]?.at;
          const pair = Math.min(one, two) * CONSTANTS.regexMaxPositions + Math.max(one, two);
          if (seen.has(pair)) continue;
          seen.add(pair);
          if (seen.size > CONSTANTS.regexMaxPairs)
            throw new RegexProblem('it is too large to be checked', this.#chars[one]?.at ?? 0);
          open.push([one, two]);
        }
      return undefined;
    };
    let found = step(first, first, true);
    for (let pair = open.pop(); pair !== undefined && found === undefined; pair = open.pop()) {
      const [one, two] = pair;
      found = step(this.#follow[one] ?? [], [...(this.#follow[two] ?? [])], one === two);
    }
    return found;
  }

  #overlap(one: number, two: number): boolean {
    const first = this.#chars[one]?.source ?? '';
    const second = this.#chars[two]?.source ?? '';
    const key = `${first} ${second}`;
    let overlap = this.#overlaps.get(key);
    if (overlap === undefined) {
      const matchedByTwo = this.#matches(second);
      overlap = this.#matches(first).some(
        (isMatch, index) => isMatch && matchedByTwo[index] === true,
      );
      this.#overlaps.set(key, overlap);
    }
    return overlap;
  }

  #matches(source: string): readonly boolean[] {
    let matched = this.#matched.get(source);
    if (matched === undefined) {
      const regex = new RegExp(`^(?:${source})$`, 'u');
      matched = this.#samples.map((sample) => regex.test(sample));
      this.#matched.set(source, matched);
    }
    return matched;
  }
}

const LAST_CODE_POINT = 0x10ffff;

/** Every character that has properties of its own, ideographs aside, is below this, or a tag. */
const END_OF_SCRIPTS = 0x20000;
const TAGS = 0xe0000;
const END_OF_TAGS = 0xe01ff;

/**
 * Characters that tell classes apart: two ranges have a character in common only if they have the end of one,
 * or its neighbour. Two properties (`\p{…}`) may have five characters in common and no more: for them all are taken.
 */
function samplesOf(source: string): string[] {
  const points = new Set<number>();
  for (let point = 0; point < 0x180; point++) points.add(point);
  const hasProperties = /\\p\{/i.test(source);
  const step = hasProperties ? 1 : 0x40;
  for (let point = 0x180; point < (hasProperties ? END_OF_SCRIPTS : 0x10000); point += step)
    points.add(point);
  if (hasProperties) for (let point = TAGS; point <= END_OF_TAGS; point++) points.add(point);
  for (let point = 0x10000; point <= LAST_CODE_POINT; point += 0x1000) points.add(point);
  const addAround = (point: number): void => {
    for (const near of [point - 1, point, point + 1])
      if (near >= 0 && near <= LAST_CODE_POINT) points.add(near);
  };
  for (const char of source) addAround(char.codePointAt(0) ?? 0);
  for (const [, braced, four, two] of source.matchAll(
    /\\(?:u\{([\da-f]+)\}|u([\da-f]{4})|x([\da-f]{2}))/gi,
  ))
    addAround(Number.parseInt(braced ?? four ?? two ?? '0', 16));
  return [...points].map((point) => String.fromCodePoint(point));
}
