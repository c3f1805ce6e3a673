import { describe, expect, it } from 'vitest';
import { parseSize } from './size.js';

describe('parseSize', () => {
  it('reads a number as bytes, and text with its unit', () => {
    const cases: [unknown, number][] = [
      [0, 0],
      [1_000, 1_000],
      [Infinity, Infinity],
      ['512b', 512],
      ['64kb', 65_536],
      ['10mb', 10_485_760],
      ['10MB', 10_485_760],
      ['10 MiB', 10_485_760],
      ['1.5kb', 1_536],
      ['0.3mb', 314_572],
      ['2gb', 2_147_483_648],
      [' 1 KiB ', 1_024],
    ];
    for (const [text, bytes] of cases) expect([text, parseSize(text)]).toEqual([text, bytes]);
  });

  it('refuses what is no size', () => {
    for (const value of [
      '',
      '10',
      'mb',
      '10m',
      '10 mbit',
      '1tb',
      '1ib',
      '-1kb',
      '+1kb',
      '1,5kb',
      '1.kb',
      '1e3kb',
      '1kb 2kb',
      'Infinity',
      -1,
      Number.NaN,
      null,
      undefined,
      true,
      {},
      ['1kb'],
      10n,
    ])
      expect([value, parseSize(value)]).toEqual([value, undefined]);
  });
});
