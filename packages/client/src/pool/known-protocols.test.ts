import { expect, it } from 'vitest';
import { KnownProtocols } from './known-protocols.js';

it('what is known of origins is bounded: what was noted longest ago goes first', () => {
  const known = new KnownProtocols(2);
  known.note('a', 'shared');
  known.note('b', 'exclusive');
  known.note('a', 'exclusive');
  known.note('c', 'shared');
  expect(['a', 'b', 'c'].map((key) => known.get(key))).toEqual(['exclusive', undefined, 'shared']);
  known.clear();
  expect(known.get('a')).toBe(undefined);
});
