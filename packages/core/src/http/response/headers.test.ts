import { describe, expect, it } from 'vitest';
import { copyHeaders, emptyHeaders, setHeader } from './headers.js';

describe('a bag of headers', () => {
  it('inherits nothing', () => {
    const bag = emptyHeaders();
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(bag[name]).toBeUndefined();
    setHeader(bag, '__proto__', 'x');
    setHeader(bag, 'Constructor', 'y');
    expect(Object.entries(bag)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(emptyHeaders()['__proto__']).toBeUndefined();
  });

  it('can be copied into another, and refuses a bad name each time it comes', () => {
    const one = emptyHeaders();
    setHeader(one, 'X-A', '1');
    const two = emptyHeaders();
    copyHeaders(two, one);
    expect(Object.entries(two)).toEqual([['x-a', '1']]);
    for (let i = 0; i < 2; i++)
      expect(() => setHeader(two, 'x a', '1')).toThrow('"x a" is no header name');
  });
});
