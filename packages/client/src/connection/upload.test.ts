/** The states of an upload, each left by each of its ways; what is framed how stands in request-writer.test.ts. */
import { describe, expect, it } from 'vitest';
import { turn } from '../testing/index.js';
import { Upload } from './upload.js';

/** Feeds an upload by hand, and takes what it writes. */
class Bench {
  readonly written: string[] = [];
  readonly told: string[] = [];
  hasRoom = true;
  isGivenUp = false;
  #answer: ((result: IteratorResult<unknown>) => void) | undefined = undefined;
  readonly upload: Upload;

  constructor(length = -1) {
    const source: AsyncIterable<unknown> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise((resolve) => (this.#answer = resolve)),
        return: () => {
          this.isGivenUp = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    this.upload = new Upload(source, length, this);
  }

  async give(value: unknown): Promise<void> {
    this.#answer?.({ done: false, value });
    await turn();
  }
  async end(): Promise<void> {
    this.#answer?.({ done: true, value: undefined });
    await turn();
  }

  takePiece(piece: Uint8Array | string, length: number): boolean {
    expect(Buffer.byteLength(piece)).toBe(length);
    this.written.push(Buffer.from(piece as string).toString('latin1'));
    return this.hasRoom;
  }
  uploadDone(): void {
    this.told.push('done');
  }
  uploadFailed(error: Error): void {
    this.told.push(error.message);
  }
}

/** Started, and in the state named. */
async function inState(state: 'pumping' | 'blocked'): Promise<Bench> {
  const bench = new Bench(9);
  bench.hasRoom = state === 'pumping';
  bench.upload.start();
  await bench.give('abc');
  expect([bench.written, bench.told]).toEqual([['abc'], []]);
  return bench;
}

describe('an upload', () => {
  it('pumps on once there is room, and only then', async () => {
    const bench = await inState('blocked');
    bench.hasRoom = true;
    await bench.give('early'); // it has not asked
    expect(bench.written).toEqual(['abc']);
    bench.upload.resume();
    await turn();
    await bench.give('def');
    await bench.give('ghi');
    await bench.end();
    expect(bench.written).toEqual(['abc', 'def', 'ghi']);
    expect(bench.told).toEqual(['done']);
    bench.upload.stop();
    bench.upload.resume();
    await bench.end();
    expect([bench.told.length, bench.isGivenUp]).toEqual([1, false]);
  });

  it.each(['pumping', 'blocked'] as const)(
    'stops while it is %s: no byte more, no word more',
    async (state) => {
      const bench = await inState(state);
      const { length } = bench.told;
      bench.upload.stop();
      bench.upload.stop();
      bench.upload.resume();
      bench.upload.start();
      await bench.give('def');
      await bench.end();
      expect([bench.written, bench.told.length, bench.isGivenUp]).toEqual([['abc'], length, true]);
    },
  );

  it('fails once, and tells its source', async () => {
    const bench = await inState('pumping');
    await bench.give('much too much');
    await bench.give('more');
    expect(bench.told).toEqual(['the body is longer than its content-length of 9 bytes']);
    expect(bench.isGivenUp).toBe(true);
  });

  it('passes over empty pieces, which would end a chunked body', async () => {
    const bench = new Bench();
    bench.upload.start();
    await bench.give('');
    await bench.give('a');
    await bench.end();
    expect([bench.written, bench.told]).toEqual([['a'], ['done']]);
  });

  it('takes no more when it is stopped by what takes its piece', async () => {
    const bench = new Bench();
    bench.upload.start();
    bench.takePiece = () => {
      bench.upload.stop();
      return false;
    };
    await bench.give('a');
    await bench.end();
    expect([bench.told, bench.isGivenUp]).toEqual([[], true]);
  });
});
