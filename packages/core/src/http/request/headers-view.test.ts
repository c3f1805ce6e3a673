import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fieldOf, RequestHeaders } from './headers-view.js';

const RAW = {
  fields: [
    ...['Host', 'a.example'],
    ...['X-Forwarded-For', '1.1.1.1'],
    ...['COOKIE', 'a=1'],
    ...['__proto__', 'polluted'],
    ...['x-forwarded-for', '2.2.2.2'],
    ...['cookie', 'b=2'],
    ...['host', 'b.example'],
    ...['X-Empty', ''],
  ],
};
const headers = new RequestHeaders(RAW);

describe('RequestHeaders', () => {
  it.each([
    ['x-forwarded-for', '1.1.1.1, 2.2.2.2'],
    ['X-FORWARDED-FOR', '1.1.1.1, 2.2.2.2'],
    ['cookie', 'a=1; b=2'],
    ['host', 'a.example'], // can stand once only: the first counts
    ['x-empty', ''],
    ['__proto__', 'polluted'],
    ['constructor', undefined],
    ['hos', undefined],
    ['', undefined],
  ])('get(%j) is %j', (name, value) => {
    expect(headers.get(name)).toBe(value);
    expect(fieldOf(RAW, name.toLowerCase())).toBe(value);
    expect(headers.has(name)).toBe(value !== undefined);
  });

  it.each([
    ['Host', ['a.example', 'b.example']],
    ['x-forwarded-for', ['1.1.1.1', '2.2.2.2']],
    ['1.1.1.1', []], // a value is no name
    ['toString', []],
  ])('getAll(%j) has each line', (name, values) => {
    expect(headers.getAll(name)).toEqual(values);
  });

  it('iterates as pairs, one for each line, in the order in which they came', () => {
    expect([...headers]).toEqual([
      ['host', 'a.example'],
      ['x-forwarded-for', '1.1.1.1'],
      ['cookie', 'a=1'],
      ['__proto__', 'polluted'],
      ['x-forwarded-for', '2.2.2.2'],
      ['cookie', 'b=2'],
      ['host', 'b.example'],
      ['x-empty', ''],
    ]);
    expect([...headers.entries()]).toEqual([...headers]);
    expect(headers.size).toBe(8);
    expect(new Headers([...headers].slice(1, 3)).get('cookie')).toBe('a=1');
  });

  it('is a plain object on request, which inherits nothing', () => {
    const object = headers.toObject();
    expect(Object.getPrototypeOf(object)).toBe(null);
    expect(Object.entries(object)).toEqual([
      ['host', 'a.example'],
      ['x-forwarded-for', '1.1.1.1, 2.2.2.2'],
      ['cookie', 'a=1; b=2'],
      ['__proto__', 'polluted'],
      ['x-empty', ''],
    ]);
    expect(JSON.stringify(headers)).toBe(JSON.stringify(object));
    expect(Object.prototype).not.toHaveProperty('host');
  });

  it('is seen whole by console.log()', () => {
    const shown = inspect(new RequestHeaders({ fields: ['A', '1', 'b', '2'] }));
    expect(shown).toBe(`RequestHeaders { a: '1', b: '2' }`);
  });
});
