import { describe, expect, it } from 'vitest';
import { data, frame, headers, padded, ping, rst } from '../../test/support/frames.js';
import { WireError } from '../wire-error.js';
import { FrameReader, type FrameSink } from './frame-reader.js';

const OLD = Buffer.from('x');

class Notes implements FrameSink {
  readonly log: string[] = [];
  stopAt = '';
  reader!: FrameReader;

  #note(text: string): void {
    this.log.push(text);
    if (this.stopAt !== '' && text.startsWith(this.stopAt)) this.reader.stop();
  }
  onFrameHead(type: number, flags: number, id: number, length: number): void {
    this.#note(`head ${type} ${flags} ${id} ${length}`);
  }
  onFrame(type: number, _: number, __: number, bytes: Buffer, start: number, end: number): void {
    this.#note(`frame ${type} ${bytes.toString('latin1', start, end)}`);
  }
  onData(bytes: Buffer, start: number, end: number): void {
    const last = this.log.at(-1) ?? '';
    const text = bytes.toString('latin1', start, end);
    expect(text).not.toBe('');
    // Pieces of one frame are one text, however it was cut.
    if (this.stopAt === '' && last.startsWith('data ')) this.log[this.log.length - 1] = last + text;
    else this.#note(`data ${text}`);
  }
  onDataEnd(): void {
    this.#note('over');
  }
}

function read(pieces: Buffer[], stopAt = ''): string[] {
  const notes = new Notes();
  const reader = new FrameReader(notes, 0x4000);
  notes.reader = reader;
  notes.stopAt = stopAt;
  for (const piece of pieces) reader.feed(Buffer.concat([OLD, piece]), OLD.length);
  return notes.log;
}

const ALL = Buffer.concat([
  headers(1, Buffer.from('block')),
  data(1, 'hello'),
  data(1, ''),
  padded(0, 1, Buffer.from('padded'), 4),
  padded(0, 1, Buffer.from(''), 3),
  padded(0, 1, Buffer.from('none'), 0),
  frame(0xaa, 1, 7, Buffer.from('unknown')),
  frame(0xff, 0, 0, Buffer.alloc(0)),
  rst(1, 8),
  ping('12345678'),
]);
const SEEN = [
  ...['head 1 5 1 5', 'frame 1 block'],
  ...['head 0 0 1 5', 'data hello', 'over'],
  ...['head 0 0 1 0', 'over'],
  ...['head 0 8 1 11', 'data padded', 'over'],
  ...['head 0 8 1 4', 'over'],
  ...['head 0 8 1 5', 'data none', 'over'],
  'head 170 1 7 7',
  'head 255 0 0 0',
  ...['head 3 0 1 4', 'frame 3 \0\0\0\b'],
  ...['head 6 0 0 8', 'frame 6 12345678'],
];

describe('the frame reader', () => {
  it('reads frames that come whole', () => expect(read([ALL])).toEqual(SEEN));

  it('reads the same from single bytes', () => {
    expect(read(Array.from(ALL, (byte) => Buffer.from([byte])))).toEqual(SEEN);
  });

  it('reads the same cut in two at any place', () => {
    for (let at = 1; at < ALL.length; at += 1)
      expect(read([ALL.subarray(0, at), ALL.subarray(at)])).toEqual(SEEN);
  });

  it('passes over the reserved bit of a stream number (§4.1)', () => {
    expect(read([frame(3, 0, 0x80000001, Buffer.alloc(4))])[0]).toBe('head 3 0 1 4');
  });

  it.each(['head 1', 'frame 1', 'data', 'over', 'head 170', 'head 3'])(
    'takes nothing more once it was stopped, at %j',
    (stopAt) => {
      const at = SEEN.findIndex((line) => line.startsWith(stopAt));
      expect(read([ALL], stopAt)).toEqual(SEEN.slice(0, at + 1));
      expect(read([ALL, ALL], stopAt)).toHaveLength(at + 1);
    },
  );

  const reasonOf = (bytes: Buffer): string => {
    try {
      read(Array.from(bytes, (byte) => Buffer.from([byte])));
    } catch (error) {
      if (error instanceof WireError) return error.reason;
    }
    return 'none';
  };

  it('refuses a frame that is larger than was offered, by its head alone (§4.2)', () => {
    expect(reasonOf(Buffer.from('004001000000000001', 'hex'))).toBe('frame-size');
    expect(reasonOf(Buffer.from('004000000000000001', 'hex'))).toBe('none');
    expect(reasonOf(Buffer.from('004001aa0000000001', 'hex'))).toBe('frame-size');
  });

  it('refuses padding that is longer than its frame (§6.1)', () => {
    expect(reasonOf(frame(0, 8, 1, Buffer.from([1])))).toBe('padding');
    expect(reasonOf(frame(0, 8, 1, Buffer.from([1, 0])))).toBe('none');
    expect(reasonOf(frame(0, 8, 1, Buffer.alloc(0)))).toBe('frame-size');
  });
});
