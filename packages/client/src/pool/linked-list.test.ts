import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Link, LinkedList } from './linked-list.js';

describe('LinkedList', () => {
  it('does what an array does, for any sequence of push and remove on two lists', () => {
    const step = fc.record({
      what: fc.constantFrom('push', 'remove', 'shift', 'pop'),
      list: fc.nat(1),
      which: fc.nat(7),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const links = Array.from({ length: 8 }, (_, i) => new Link(i));
        const lists = [new LinkedList<number>(), new LinkedList<number>()];
        const models: number[][] = [[], []];
        for (const { what, list: index, which } of steps) {
          const list = lists[index]!;
          const model = models[index]!;
          const value =
            what === 'shift' ? list.first : what === 'pop' ? list.last : links[which]!.value;
          if (value === undefined) {
            expect(model).toEqual([]);
            continue;
          }
          if (what === 'push') {
            if (models.some((other) => other.includes(value))) {
              expect(() => list.push(links[value]!)).toThrow('one list at a time');
            } else {
              list.push(links[value]!);
              model.push(value);
            }
          } else {
            const place =
              what === 'shift' ? 0 : what === 'pop' ? model.length - 1 : model.indexOf(value);
            expect(list.remove(links[value]!)).toBe(place !== -1);
            if (place !== -1) expect(model.splice(place, 1)).toEqual([value]);
          }
          for (const [i, other] of lists.entries()) {
            expect([...other]).toEqual(models[i]);
            expect([other.size, other.first, other.last]).toEqual([
              models[i]!.length,
              models[i]![0],
              models[i]!.at(-1),
            ]);
          }
        }
      }),
    );
  });

  it('may lose the value just handed out while it is walked', () => {
    const links = [1, 2, 3, 4].map((value) => new Link(value));
    const list = new LinkedList<number>();
    for (const link of links) list.push(link);
    const seen: number[] = [];
    for (const value of list) {
      seen.push(value);
      list.remove(links[value - 1]!);
    }
    expect([seen, list.size]).toEqual([[1, 2, 3, 4], 0]);
  });
});
