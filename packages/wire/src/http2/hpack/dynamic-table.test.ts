import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DynamicTable } from './dynamic-table.js';

const sized = (size: number) => ({ size });

it('has the newest at 0, and drives out the oldest', () => {
  const table = new DynamicTable<{ size: number }>(100);
  const [a, b, c] = [sized(40), sized(50), sized(45)];
  table.insert(a);
  table.insert(b);
  expect([table.at(0), table.at(1), table.at(2)]).toEqual([b, a, undefined]);
  table.insert(c);
  expect([table.at(0), table.at(1), table.at(2)]).toEqual([c, b, undefined]);
  expect(table.bytes).toBe(95);
});

it('an entry larger than the table empties it and is not kept', () => {
  const table = new DynamicTable<{ size: number }>(100);
  table.insert(sized(40));
  expect(table.insert(sized(101))).toBe(false);
  expect([table.count, table.bytes, table.at(0)]).toEqual([0, 0, undefined]);
  expect(table.insert(sized(100))).toBe(true);
  expect(table.bytes).toBe(100);
});

it('any insertions and sizes leave it as a list would be', () => {
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.record({ insert: fc.integer({ min: 32, max: 300 }) }) },
    { weight: 1, arbitrary: fc.record({ resize: fc.constantFrom(0, 31, 32, 100, 512, 4_096) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new DynamicTable<{ size: number }>(4_096);
      let list: { size: number }[] = [];
      let max = 4_096;
      const bytes = () => list.reduce((sum, { size }) => sum + size, 0);
      for (const next of steps) {
        if ('resize' in next) {
          max = next.resize;
          table.setMaxBytes(max);
        } else {
          const entry = sized(next.insert);
          table.insert(entry);
          list = [entry, ...list];
        }
        while (bytes() > max) list.pop();
        expect(table.bytes).toBe(bytes());
        expect(table.count).toBe(list.length);
      }
      for (let age = 0; age <= list.length; age += 1) expect(table.at(age)).toBe(list[age]);
    }),
  );
});
