import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findField, firstField, parsePairs } from './query.js';

it('one name is found as if all of them had been read', () => {
  const piece = fc.constantFrom('a', 'b', '__proto__', '=', '&', '%61', '+', '%', '%zz', 'ab', ' ');
  const query = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''));
  const name = fc.constantFrom('a', 'b', 'ab', '', ' ', '__proto__', 'constructor', '%');
  fc.assert(
    fc.property(query, name, (text, wanted) => {
      const bag = parsePairs(text, Infinity) ?? {};
      expect(findField(text, wanted)).toBe(firstField(bag, wanted));
    }),
    { numRuns: 2_000 },
  );
});
