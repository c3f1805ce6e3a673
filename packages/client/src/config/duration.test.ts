import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.js';

describe('parseDuration', () => {
  it('reads a number as milliseconds, and text with its unit', () => {
    const cases: [unknown, number][] = [
      [0, 0],
      [250, 250],
      [0.5, 0.5],
      [Infinity, Infinity],
      ['0s', 0],
      ['250ms', 250],
      ['90s', 90_000],
      ['1.5s', 1_500],
      ['5m', 300_000],
      ['2h', 7_200_000],
      [' 10 s ', 10_000],
    ];
    for (const [text, ms] of cases) expect([text, parseDuration(text)]).toEqual([text, ms]);
  });

  it('refuses what is no duration', () => {
    for (const value of [
      '',
      '90',
      's',
      '1d',
      '1 S',
      '-1s',
      '+1s',
      '1,5s',
      '1.s',
      '.5s',
      '1e3s',
      '1s 2s',
      '1m30s',
      'Infinity',
      -1,
      Number.NaN,
      null,
      undefined,
      true,
      {},
      ['1s'],
      10n,
    ])
      expect([value, parseDuration(value)]).toEqual([value, undefined]);
  });

  it('agrees with arithmetic for any number and unit', () => {
    const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])),
        (count, unit) => {
          expect(parseDuration(`${count}${unit}`)).toBe(count * units[unit]);
        },
      ),
    );
  });
});
