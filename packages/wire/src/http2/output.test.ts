import { describe, expect, it } from 'vitest';
import { CONSTANTS } from '../constants.js';
import { Output } from './output.js';

function write(output: Output, text: string): void {
  output.reserve(text.length);
  output.at += output.bytes.write(text, output.at, 'latin1');
}

describe('the output', () => {
  it('gives what waits, once', () => {
    const output = new Output();
    expect([output.take(), output.length]).toEqual([undefined, 0]);
    write(output, 'abc');
    write(output, 'de');
    expect(output.length).toBe(5);
    expect(output.take()!.toString()).toBe('abcde');
    expect([output.take(), output.length]).toEqual([undefined, 0]);
  });

  it('never writes again to what was taken', () => {
    const output = new Output();
    const taken: Buffer[] = [];
    for (let i = 0; i < 50; i += 1) {
      write(output, String(i % 10).repeat(3_000));
      if (i % 3 === 0) taken.push(output.take()!);
    }
    taken.push(output.take()!);
    const all = Buffer.concat(taken).toString();
    expect(all).toBe(Array.from({ length: 50 }, (_, i) => String(i % 10).repeat(3_000)).join(''));
  });

  it('grows around what waits, and lets go of a slab of unusual size', () => {
    const output = new Output();
    write(output, 'a'.repeat(CONSTANTS.outputSlabBytes - 1));
    write(output, 'bc');
    expect(output.bytes.length).toBeGreaterThan(CONSTANTS.outputSlabBytes);
    expect(output.take()!.toString()).toBe(`${'a'.repeat(CONSTANTS.outputSlabBytes - 1)}bc`);
    expect(output.bytes).toHaveLength(0);
    write(output, 'd');
    expect(output.bytes).toHaveLength(CONSTANTS.outputSlabBytes);
    expect(output.take()!.toString()).toBe('d');
  });

  it('fills the same slab again once what was taken is written, behind what waits', () => {
    const output = new Output();
    write(output, 'gone');
    const before = output.take()!;
    write(output, 'kept');
    output.reuse();
    write(output, ' and more');
    const after = output.take()!;
    expect(after.toString()).toBe('kept and more');
    expect([after.buffer, after.byteOffset]).toEqual([before.buffer, before.byteOffset]);
  });

  it('asks for no memory turn after turn, then', () => {
    const output = new Output();
    output.reuse();
    const slabs = new Set<ArrayBufferLike>();
    for (let turn = 0; turn < 100; turn += 1) {
      write(output, 'x'.repeat(CONSTANTS.outputSlabBytes * 3));
      slabs.add(output.take()!.buffer);
      output.reuse();
    }
    expect(slabs.size).toBe(1);
  });

  it('holds no slab of unusual size for what is small, nor at rest', () => {
    const output = new Output();
    output.reuse();
    write(output, 'x'.repeat(CONSTANTS.outputSlabBytes * 10));
    output.take();
    output.reuse(); // it was used
    expect(output.bytes.length).toBeGreaterThan(CONSTANTS.outputSlabBytes);
    output.reuse(); // and not since
    expect(output.bytes).toHaveLength(0);
    write(output, 'small');
    expect(output.bytes).toHaveLength(CONSTANTS.outputSlabBytes);
  });
});
