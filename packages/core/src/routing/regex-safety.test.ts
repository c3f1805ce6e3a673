import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONSTANTS } from '../constants.js';
import { judgeRegex } from './regex-safety.js';
import { parseRegex, type RegexNode } from './regex-syntax.js';

/** What a backtracking engine does, step by step, until it has an answer or has taken too many. */
function stepsFor(source: string, text: string, limit: number): number {
  let steps = 0;
  const run = (node: RegexNode, at: number, then: (at: number) => boolean): boolean => {
    if (++steps > limit) return true;
    switch (node.kind) {
      case 'empty':
      case 'look':
        return then(at);
      case 'char':
        return (
          at < text.length &&
          new RegExp(`^(?:${node.source})$`, 'u').test(text[at] ?? '') &&
          then(at + 1)
        );
      case 'all': {
        const next = (index: number, from: number): boolean => {
          const item = node.items[index];
          return item === undefined ? then(from) : run(item, from, (to) => next(index + 1, to));
        };
        return next(0, at);
      }
      case 'any':
        return node.items.some((item) => run(item, at, then));
      case 'repeat': {
        const again = (count: number, from: number): boolean =>
          (count < node.max &&
            run(
              node.item,
              from,
              (to) => (to > from || count < node.min) && again(count + 1, to),
            )) ||
          (count >= node.min && then(from));
        return again(0, at);
      }
    }
  };
  run(parseRegex(source), 0, (at) => at === text.length);
  return steps;
}

describe('judgeRegex', () => {
  it.each([
    ...['[a-z]{2}', '(?:de|fr)', '(?:foo|foobar)', '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}', '.*', '\\d+'],
    ...['[a-z]+(?:-[a-z]+)*', '[\\w-]+\\.(?:png|jpe?g)', '(?:\\d{1,3}\\.){3}\\d{1,3}', 'v?\\d+'],
    ...['(?!admin)[a-z]+', '^[a-z]+$', '\\p{L}+', '(?:[a-z]|\\d)+', '.*\\.jpg', '[^.]+\\.[^.]+'],
    ...[
      '(?:a|b)*c',
      '[a-z]+(?:\\b_\\d+)?',
      '',
      '(?:a|a)',
      'a?a?',
      '\\d{1,3}\\d{1,3}',
      '[a-z0-9-]+(?:-v\\d+)?',
      '(?<year>\\d{4})-(?<month>\\d\\d)',
    ],
  ])('takes %s: no two ways to read a text come together again', (source) => {
    expect(judgeRegex(source)).toEqual({ ambiguousAt: undefined });
  });

  it.each(['.+-.+', '.*foo.*', '(?:a|a)b', 'a?a?b', '\\d{1,3}\\d{1,3}x', '(?:a|a)(?:b|b)c+'])(
    'takes %s: ambiguous, at a bounded cost',
    (source) => {
      expect(judgeRegex(source).ambiguousAt).toBeTypeOf('number');
    },
  );

  it.each([
    ['(?:[a-z]+)+', 3],
    ['(?:a*)*', 6],
    ['(?:a|a)*', 3],
    ['(?:a|ab|b)*', 3],
    ['(?:\\w+\\s?)*', 3],
    ['(?:a?){30}a{30}', 10],
    ['(?:a|a){30}', 3],
    ['(?:(?:a?|b?)c)*', 6],
    ['.*.*.*', 4],
    ['.+-.+-.+', 6],
    ['[a-z]*[a-f]*[a-z]*x', 12],
    ['(?:[\\u4e00-\\u4e10]|[\\u4e10-\\u4e20])+', 3],
    ['(?=(?:a+)+b).*', 6],
    ['(?:\\p{Emoji_Modifier}|\\p{Emoji})+1', 3], // five characters in common
    ['(a+)\\1', 4],
    ['(?:a{50}){50}', 3],
    [Array.from({ length: 30 }, () => 'a?').join(''), 58],
  ])('refuses %s, and says where', (source, at) => {
    expect(() => judgeRegex(source)).toThrow(expect.objectContaining({ at }));
  });

  it('lets through nothing that backtracks without bound, whatever is built of it', () => {
    const leaf = fc.constantFrom('a', 'b', '[ab]', '.');
    const { regex } = fc.letrec<{ regex: string }>((tie) => ({
      regex: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        leaf,
        fc.tuple(tie('regex'), tie('regex')).map(([one, two]) => one + two),
        fc.tuple(tie('regex'), tie('regex')).map(([one, two]) => `(?:${one}|${two})`),
        fc
          .tuple(tie('regex'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}'))
          .map(([one, sign]) => `(?:${one})${sign}`),
      ),
    }));
    const text = fc
      .tuple(fc.constantFrom('a', 'ab', 'ba', 'aab', 'b'), fc.constantFrom('', '!', 'a', 'b!'))
      .map(([unit, end]) => unit.repeat(64).slice(0, 60) + end);
    let accepted = 0;
    fc.assert(
      fc.property(regex, text, (source, attack) => {
        try {
          judgeRegex(source);
        } catch {
          return;
        }
        accepted++;
        expect(attack.length).toBeLessThanOrEqual(CONSTANTS.regexMaxChars);
        expect(stepsFor(source, attack, 200_000)).toBeLessThan(200_000);
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });
});
