import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PieceQueue } from './piece-queue.js';

const BYTE = Buffer.from('x');

function piecesOf(queue: PieceQueue): Buffer[] {
  const pieces: Buffer[] = [];
  for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) pieces.push(piece);
  return pieces;
}

describe('a queue of pieces', () => {
  it('gives back what it was given, in order, however it is filled and emptied', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), length: fc.nat(9_000) }),
      fc.record({ kind: fc.constant('adopt' as const), length: fc.nat(9_000) }),
      fc.record({ kind: fc.constant('add' as const), length: fc.nat(20) }),
      fc.constant({ kind: 'shift' as const, length: 0 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, takesAll) => {
        const queue = new PieceQueue();
        const given: Buffer[] = [];
        const taken: Buffer[] = [];
        let next = 0;
        for (const { kind, length } of steps)
          if (kind === 'shift') {
            const piece = queue.shift();
            if (piece !== undefined) taken.push(piece);
          } else {
            const bytes = Buffer.from(Array.from({ length: length + 1 }, () => next++ & 0xff));
            given.push(Buffer.from(bytes));
            if (kind === 'adopt') queue.adopt(bytes);
            else {
              queue.add(bytes, 0, bytes.length);
              bytes.fill(0); // it was only lent
            }
          }
        const total = Buffer.concat(given);
        expect(queue.bytes).toBe(total.length - Buffer.concat(taken).length);
        if (takesAll) taken.push(queue.takeAll());
        else taken.push(...piecesOf(queue));
        expect(Buffer.concat(taken).equals(total)).toBe(true);
        expect(queue.bytes).toBe(0);
      }),
    );
  });

  it('keeps small pieces together: they cost a few blocks, not a Buffer each', () => {
    const queue = new PieceQueue();
    for (let i = 0; i < 1_000_000; i += 1) queue.add(BYTE, 0, 1);
    const pieces = piecesOf(queue);
    expect(pieces.length).toBeLessThan(100);
    expect(Buffer.concat(pieces)).toHaveLength(1_000_000);
  });

  it('wastes no more than it holds, when large and small pieces take turns', () => {
    const queue = new PieceQueue();
    for (let i = 0; i < 500; i += 1)
      queue.add(Buffer.alloc(i % 2 === 0 ? 1 : 5_000), 0, i % 2 === 0 ? 1 : 5_000);
    const pieces = piecesOf(queue);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const held = new Set(pieces.map(({ buffer }) => buffer));
    const capacity = [...held].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    expect(capacity).toBeLessThan(2 * bytes);
  });

  it('does not copy a large piece that it may keep', () => {
    const queue = new PieceQueue();
    const piece = Buffer.alloc(16_384);
    queue.adopt(piece);
    expect(queue.isOnePiece).toBe(true);
    expect(queue.takeAll()).toBe(piece);
  });

  it('never gives a piece that later bytes are written into', () => {
    const queue = new PieceQueue();
    for (let i = 0; i < 100; i += 1) queue.add(BYTE, 0, 1);
    const before = piecesOf(queue);
    const copies = before.map((piece) => Buffer.from(piece));
    for (let i = 0; i < 1_000; i += 1) queue.add(Buffer.from('y'), 0, 1);
    expect(before).toEqual(copies);
    expect(queue.takeAll().toString()).toBe('y'.repeat(1_000));
  });
});
