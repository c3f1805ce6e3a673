/**
 * A regular expression (flag `u`) as a tree, as far as its safety depends on it: what is one character, what
 * follows, what is a choice, what is repeated. Read only after the engine has accepted it (regex-safety.ts).
 */

export type RegexNode =
  /** One character: a literal, an escape, a class, a dot. */
  | { readonly kind: 'char'; readonly source: string; readonly at: number }
  /** `^`, `$`, `\b`, `\B`: matches no character. */
  | { readonly kind: 'empty' }
  /** A lookahead or lookbehind: matches no character, but runs what is in it. */
  | { readonly kind: 'look'; readonly item: RegexNode; readonly at: number }
  | { readonly kind: 'all'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'any'; readonly items: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly item: RegexNode;
      readonly min: number;
      readonly max: number;
      readonly at: number;
    };

/** What cannot be judged, and where it stands. */
export class RegexProblem extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const CHAR =
  /\\(?:u\{[\da-f]+\}|u[\da-f]{4}|x[\da-f]{2}|c[a-z]|p\{[^}]*\}|[^])|\[(?:\\[^]|[^\]\\])*\]|[^]/iuy;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y;
const GROUP = /\((?:\?(?:(<?[=!])|:|<[^>=!]+>))?/y;
const BACKREFERENCE = /\\(?:[1-9]|k<)/y;
const ASSERTION = /\^|\$|\\b/iy;

/** @throws RegexProblem for a backreference, and for a group of a kind that is not known here. */
export function parseRegex(source: string): RegexNode {
  let at = 0;

  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };

  const choice = (): RegexNode => {
    const items = [sequence()];
    while (source[at] === '|') {
      at++;
      items.push(sequence());
    }
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'any', items };
  };

  const sequence = (): RegexNode => {
    const items: RegexNode[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')')
      items.push(quantified(element()));
    return { kind: 'all', items };
  };

  const element = (): RegexNode => {
    const start = at;
    if (take(BACKREFERENCE) !== null)
      throw new RegexProblem('a backreference has no bound on its time', start);
    if (take(ASSERTION) !== null) return { kind: 'empty' };
    const group = take(GROUP);
    if (group !== null && source[at] === '?')
      throw new RegexProblem('this kind of group is not known', start);
    if (group === null) return { kind: 'char', source: take(CHAR)?.[0] ?? '', at: start };
    const item = choice();
    at++; // the parenthesis
    return group[1] === undefined ? item : { kind: 'look', item, at: start };
  };

  const quantified = (item: RegexNode): RegexNode => {
    const start = at;
    const found = take(QUANTIFIER);
    if (found === null) return item;
    const [, sign, low, comma, high] = found;
    if (sign !== undefined)
      return {
        kind: 'repeat',
        item,
        min: sign === '+' ? 1 : 0,
        max: sign === '?' ? 1 : Infinity,
        at: start,
      };
    const min = Number(low);
    const max = comma === undefined ? min : high === '' ? Infinity : Number(high);
    return { kind: 'repeat', item, min, max, at: start };
  };

  return choice();
}
