import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteCollector } from './byte-collector.js';

describe('ByteCollector', () => {
  it('gives back what was put in, whatever the pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9_000 }), { maxLength: 20 }), (pieces) => {
        const collector = new ByteCollector();
        for (const piece of pieces) collector.add(piece);
        const all = Buffer.concat(pieces);
        expect(collector.size).toBe(all.length);
        expect(collector.take().equals(all)).toBe(true);
        expect(collector.take().length).toBe(0);
      }),
    );
  });

  it('takes at most twice what has come, in pieces of one byte', () => {
    const collector = new ByteCollector();
    const piece = Buffer.from('x');
    for (let count = 0; count < 1_000_000; count++) collector.add(piece);
    expect(collector.size).toBe(1_000_000);
    expect(collector.capacity).toBeLessThanOrEqual(2_000_000);
  });

  it('never writes to a piece it was given, and copies none that is alone', () => {
    const piece = Buffer.from('abc');
    const collector = new ByteCollector();
    collector.add(piece);
    collector.add(Buffer.from('def'));
    expect([piece.toString(), collector.take().toString()]).toEqual(['abc', 'abcdef']);
    collector.add(piece);
    expect(collector.take()).toBe(piece);
  });
});
