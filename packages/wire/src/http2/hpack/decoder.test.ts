import { describe, expect, it } from 'vitest';
import {
  codedText, decode, indexed, integer, neverIndexed, sizeUpdate, text, withIndexing, withoutIndexing,
} from '../../../test/support/hpack-blocks.js'; // prettier-ignore
import { FieldKind } from '../field-kind.js';
import { HpackDecoder } from './decoder.js';

const FULL = 4_096;

function reasonOf(decoder: HpackDecoder, block: readonly number[]): string {
  try {
    decode(decoder, block);
  } catch (error) {
    return (error as { reason: string }).reason;
  }
  return 'none';
}

describe('representations', () => {
  it('an entry is there for the blocks behind, and for what follows it in its own', () => {
    const decoder = new HpackDecoder(FULL);
    const block = [...withIndexing('a', '1'), ...indexed(62), ...withIndexing(62, '2')];
    expect(decode(decoder, block).fields).toEqual([['a', '1'], ['a', '1'], ['a', '2']]); // prettier-ignore
    expect(decode(decoder, [...indexed(62), ...indexed(63)]).fields).toEqual([['a', '2'], ['a', '1']]); // prettier-ignore
  });

  it.each([
    ['without indexing', withoutIndexing],
    ['never indexed', neverIndexed],
  ])('a literal %s leaves the table as it is', (_what, literal) => {
    const decoder = new HpackDecoder(FULL);
    const block = [...literal('a', '1'), ...literal(28, '7'), ...literal('b', '')];
    expect(decode(decoder, block).fields).toEqual([['a', '1'], ['content-length', '7'], ['b', '']]); // prettier-ignore
    expect(reasonOf(decoder, indexed(62))).toBe('hpack-index');
  });

  it('an empty block is an empty list', () => {
    expect(decode(new HpackDecoder(FULL), [])).toEqual({ fields: [], isAll: true });
  });

  it('text is Latin-1, whatever is in it: the rules of HTTP are told by the kind', () => {
    const kinds: number[] = [];
    const block = Buffer.from([
      ...withIndexing('x', '\x80\xff'), ...withoutIndexing('X', 'a'), ...withoutIndexing('x', 'a\r\nb'),
      ...withIndexing(':nothing', 'a'), ...indexed(62), ...withoutIndexing(28, '5'), ...withIndexing(28, '\0'), ...indexed(62),
    ]); // prettier-ignore
    const decoder = new HpackDecoder(FULL);
    const field = (_name: string, _value: string, kind: number) => void kinds.push(kind);
    decoder.decode(block, 0, block.length, { field }, Infinity);
    expect(kinds).toEqual([
      FieldKind.Plain, FieldKind.BadName, FieldKind.BadValue,
      FieldKind.UnknownPseudo, FieldKind.UnknownPseudo, FieldKind.ContentLength, FieldKind.BadValue, FieldKind.BadValue,
    ]); // prettier-ignore
  });
});

describe('refused: indices (RFC 7541 §2.3.3)', () => {
  it.each([
    ['0', indexed(0)],
    ['the one behind the static table, of an empty table', indexed(62)],
    ['one behind the dynamic table', [...withIndexing('a', '1'), ...indexed(63)]],
    ['the largest one', indexed(0xfffffff)],
    ['of a name', [...integer(0x40, 6, 62), ...text('1')]],
    ['of a name that is not put into the table', [...integer(0x00, 4, 62), ...text('1')]],
    ['of a name that is never indexed', [...integer(0x10, 4, 1_000), ...text('1')]],
    ['of an entry that was driven out', [...sizeUpdate(40), ...withIndexing('a', '1'), ...withIndexing('b', '2'), ...indexed(63)]],
    ['of an entry that its own insertion drives out', [...sizeUpdate(40), ...withIndexing('a', '1'), ...withIndexing(62, '2'), ...indexed(63)]],
  ])('%s', (_what, block) => {
    expect(reasonOf(new HpackDecoder(FULL), block)).toBe('hpack-index');
  }); // prettier-ignore

  it('a name whose entry is driven out by the insertion is still that name (RFC 7541 §4.4)', () => {
    const decoder = new HpackDecoder(FULL);
    const block = [...sizeUpdate(40), ...withIndexing('name', '1'), ...withIndexing(62, '2'), ...indexed(62)]; // prettier-ignore
    expect(decode(decoder, block).fields).toEqual([['name', '1'], ['name', '2'], ['name', '2']]); // prettier-ignore
  });
});

describe('refused: a block that is cut', () => {
  const pieces = [
    sizeUpdate(3_000), withIndexing('name', 'value'), withoutIndexing(28, '12'), indexed(62),
    [0x00, ...codedText(Buffer.from('25a849e95ba97d7f', 'hex')), ...text('')], neverIndexed('n'.repeat(200), 'v'),
  ]; // prettier-ignore

  it('at every octet but those between two representations', () => {
    const block = pieces.flat();
    const ends = new Set([0]);
    for (let i = 0, end = 0; i < pieces.length; i += 1) ends.add((end += pieces[i]?.length ?? 0));
    for (let length = 0; length <= block.length; length += 1) {
      const reason = reasonOf(new HpackDecoder(FULL), block.slice(0, length));
      if (ends.has(length)) expect([length, reason]).toEqual([length, 'none']);
      else expect(['hpack-integer', 'hpack-string']).toContain(reason);
    }
  });

  it('a string that is longer than what came', () => {
    expect(reasonOf(new HpackDecoder(FULL), [0x00, ...integer(0, 7, 0xfffffff), 0x61])).toBe('hpack-string'); // prettier-ignore
    expect(reasonOf(new HpackDecoder(FULL), [0x00, ...integer(0x80, 7, 2), 0x1f])).toBe('hpack-string'); // prettier-ignore
  });
});

describe('the size of the table (RFC 7541 §4.2)', () => {
  it('is changed at the start of a block, twice at most, up to what was offered', () => {
    const decoder = new HpackDecoder(FULL);
    expect(reasonOf(decoder, [...sizeUpdate(0), ...sizeUpdate(FULL), ...indexed(2)])).toBe('none');
    expect(reasonOf(decoder, sizeUpdate(0))).toBe('none');
  });

  it.each([
    ['above what was offered', sizeUpdate(FULL + 1)],
    ['above it, and back', [...sizeUpdate(FULL + 1), ...sizeUpdate(0)]],
    ['behind a field', [...indexed(2), ...sizeUpdate(0)]],
    ['endless: a third update', [...sizeUpdate(0), ...sizeUpdate(1), ...sizeUpdate(2)]],
    ['endless: thousands', new Array<number[]>(10_000).fill(sizeUpdate(0)).flat()],
  ])('refused: %s', (_what, block) => {
    expect(reasonOf(new HpackDecoder(FULL), block)).toBe('hpack-table-size');
  });

  it('drives out at once what has no place, and what is driven out does not come back', () => {
    const decoder = new HpackDecoder(FULL);
    decode(decoder, [...withIndexing('a', '1'), ...withIndexing('b', '2')]);
    const block = [...sizeUpdate(34), ...sizeUpdate(FULL), ...indexed(62)];
    expect(decode(decoder, block).fields).toEqual([['b', '2']]);
    expect(reasonOf(decoder, indexed(63))).toBe('hpack-index');
  });

  it('offered smaller, has to be answered by an update at the start of the next block', () => {
    const decoder = new HpackDecoder(FULL);
    decoder.setMaxTableBytes(100);
    expect(reasonOf(decoder, indexed(2))).toBe('hpack-table-size');
    const answered = new HpackDecoder(FULL);
    answered.setMaxTableBytes(100);
    expect(reasonOf(answered, [...sizeUpdate(100), ...indexed(2)])).toBe('none');
    expect(reasonOf(answered, indexed(2))).toBe('none');
    expect(reasonOf(answered, sizeUpdate(101))).toBe('hpack-table-size');
  });

  it('offered smaller than it was but not than it is needs no update, nor does a larger one', () => {
    const decoder = new HpackDecoder(FULL);
    decode(decoder, sizeUpdate(50));
    decoder.setMaxTableBytes(100);
    expect(reasonOf(decoder, indexed(2))).toBe('none');
    decoder.setMaxTableBytes(65_536);
    expect(reasonOf(decoder, indexed(2))).toBe('none');
    expect(reasonOf(decoder, sizeUpdate(65_536))).toBe('none');
  });

  it('offered smaller and then larger again before a block: the smaller one still has to be answered', () => {
    const decoder = new HpackDecoder(FULL);
    decoder.setMaxTableBytes(100);
    decoder.setMaxTableBytes(FULL);
    expect(reasonOf(decoder, indexed(2))).toBe('hpack-table-size');
  });

  it('offered smaller, and then less so: the smallest one has to be answered', () => {
    const offered = () => {
      const decoder = new HpackDecoder(FULL);
      decoder.setMaxTableBytes(100);
      decoder.setMaxTableBytes(200);
      return decoder;
    };
    expect(reasonOf(offered(), sizeUpdate(150))).toBe('hpack-table-size');
    expect(reasonOf(offered(), [...sizeUpdate(100), ...sizeUpdate(150)])).toBe('none');
  });

  it('offered smaller twice, is answered by an update to the smallest, or below it, first', () => {
    const offered = () => {
      const decoder = new HpackDecoder(FULL);
      decoder.setMaxTableBytes(100);
      decoder.setMaxTableBytes(FULL);
      return decoder;
    };
    expect(reasonOf(offered(), [...sizeUpdate(100), ...sizeUpdate(FULL), ...indexed(2)])).toBe('none'); // prettier-ignore
    expect(reasonOf(offered(), [...sizeUpdate(0), ...indexed(2)])).toBe('none');
    expect(reasonOf(offered(), [...sizeUpdate(101), ...indexed(2)])).toBe('hpack-table-size');
  });
});

describe('the limit of the list', () => {
  const block = [...withIndexing('a', '1'), ...indexed(2), ...withIndexing('b', '22')];

  it('counts 32 for each field beside its name and value', () => {
    const size = 34 + (7 + 3 + 32) + 35;
    expect(decode(new HpackDecoder(FULL), block, size)).toEqual({ fields: [['a', '1'], [':method', 'GET'], ['b', '22']], isAll: true }); // prettier-ignore
    expect(decode(new HpackDecoder(FULL), block, size - 1)).toEqual({ fields: [['a', '1'], [':method', 'GET']], isAll: false }); // prettier-ignore
  });

  it('beyond it nothing is given, a small field neither, and the table is in step all the same', () => {
    const decoder = new HpackDecoder(FULL);
    const large = 'x'.repeat(1_000);
    const over = [
      ...withIndexing('a', '1'), ...withoutIndexing('large', large), ...withIndexing('b', '2'),
      ...indexed(2), ...withoutIndexing('c', '3'), ...withIndexing(62, '4'),
    ]; // prettier-ignore
    expect(decode(decoder, over, 500)).toEqual({ fields: [['a', '1']], isAll: false });
    const next = [...indexed(62), ...indexed(63), ...indexed(64)];
    expect(decode(decoder, next, 500)).toEqual({ fields: [['b', '4'], ['b', '2'], ['a', '1']], isAll: true }); // prettier-ignore
  });

  it.each([
    ['an index', indexed(99), 'hpack-index'],
    ['a string that is cut', [0x00, 0x05, 0x61], 'hpack-string'],
    ['a string of the end symbol', [0x00, ...codedText(Buffer.alloc(4, 0xff)), 0x00], 'hpack-string'], // prettier-ignore
    ['a size', sizeUpdate(0), 'hpack-table-size'],
  ])('errors behind it are errors: %s', (_what, rest, reason) => {
    const decoder = new HpackDecoder(FULL);
    const bytes = Buffer.from([...indexed(2), ...rest]);
    expect(() => decoder.decode(bytes, 0, bytes.length, { field: () => {} }, 0)).toThrow(
      expect.objectContaining({ reason }),
    );
  });
});
