import type { Reading } from '../contender.js';
import { readingSuite, type ReadingCase } from './reading.js';

const LENGTHS = { '400x50': 20_000, '20000x1': 20_000, '3000000x1': 3_000_000 };
const TITLES = {
  '400x50': '400 × 50 B',
  '20000x1': '20 000 × 1 B',
  '3000000x1': '3 000 000 × 1 B',
};
const WAYS: Partial<Record<Reading, string>> = {
  pieces: 'for await',
  text: 'text',
  webReader: 'web reader',
  piped: 'piped',
};

export const CASES: Record<string, ReadingCase> = {};
for (const shape of ['400x50', '20000x1'] as const)
  for (const way of ['pieces', 'text', 'webReader', 'piped'] as const)
    CASES[`${TITLES[shape]}, ${WAYS[way]}`] = {
      path: `/chunks/${shape}`,
      way,
      amount: LENGTHS[shape],
    };
CASES[`${TITLES['3000000x1']}, text`] = {
  path: '/chunks/3000000x1',
  way: 'text',
  amount: LENGTHS['3000000x1'],
};

export default readingSuite({
  name: 'small-chunks',
  title: 'Client: bodies in small chunks over HTTP/1.1',
  method:
    'Chunked answers of a Node origin, ten at a time (the largest: one), read in every way there is.',
  cases: CASES,
});
