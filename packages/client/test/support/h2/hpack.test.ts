/** The plain HPACK of the test origins, by the examples of RFC 7541, appendix C. */
import { describe, expect, it } from 'vitest';
import {
  CODE_LENGTHS,
  encodeFields,
  encodeInteger,
  huffmanDecode,
  indexed,
  literal,
  PlainHpackDecoder,
  tableSizeUpdate,
  type Field,
} from './hpack.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('numbers (C.1)', () => {
  it.each([
    [10, 5, '0a'],
    [1_337, 5, '1f9a0a'],
    [42, 8, '2a'],
  ])('%i in a prefix of %i bits is %s', (value, bits, bytes) => {
    expect(encodeInteger(value, bits).toString('hex')).toBe(bytes);
  });
});

/** Each example: the block, what it says, and what the table holds then. */
type Example = readonly [block: string, fields: readonly Field[], tableBytes: number];

const REQUEST: Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
];
const SECOND_REQUEST: Field[] = [...REQUEST, ['cache-control', 'no-cache']];
const THIRD_REQUEST: Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/index.html'],
  [':authority', 'www.example.com'],
  ['custom-key', 'custom-value'],
];
const response = (status: string, date: string, ...more: Field[]): Field[] => [
  [':status', status],
  ['cache-control', 'private'],
  ['date', date],
  ['location', 'https://www.example.com'],
  ...more,
];
const DATE = 'Mon, 21 Oct 2013 20:13:21 GMT';
const LATER = 'Mon, 21 Oct 2013 20:13:22 GMT';
const COOKIE = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';

const SEQUENCES: Record<string, [allowed: number, ...Example[]]> = {
  'requests without Huffman (C.3)': [
    4_096,
    ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', REQUEST, 57],
    ['8286 84be 5808 6e6f 2d63 6163 6865', SECOND_REQUEST, 110],
    [
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      THIRD_REQUEST,
      164,
    ],
  ],
  'requests with Huffman (C.4)': [
    4_096,
    ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', REQUEST, 57],
    ['8286 84be 5886 a8eb 1064 9cbf', SECOND_REQUEST, 110],
    ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', THIRD_REQUEST, 164],
  ],
  'responses with Huffman, entries evicted (C.6)': [
    256,
    [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      response('302', DATE),
      222,
    ],
    ['4883 640e ffc1 c0bf', response('307', DATE), 222],
    [
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      response('200', LATER, ['content-encoding', 'gzip'], ['set-cookie', COOKIE]),
      215,
    ],
  ],
};

describe.each(Object.entries(SEQUENCES))('%s', (_name, [allowed, ...examples]) => {
  it('are read as the RFC says', () => {
    const decoder = new PlainHpackDecoder(allowed);
    for (const [block, fields, tableBytes] of examples) {
      expect(decoder.decode(hex(block))).toEqual(fields);
      expect(decoder.size).toBe(tableBytes);
    }
  });
});

describe('the code of appendix B', () => {
  it('has a symbol for every sequence of bits, and none for two', () => {
    expect(CODE_LENGTHS).toHaveLength(257);
    expect(CODE_LENGTHS.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
  });
});

describe('the decoder', () => {
  it('reads what the encoder writes', () => {
    const fields: Field[] = [
      [':status', '200'],
      [':status', '418'],
      ['x-long', 'ÿ'.repeat(300)],
      ['empty', ''],
    ];
    expect(new PlainHpackDecoder().decode(encodeFields(fields))).toEqual(fields);
  });

  it('forgets what the table has no room for, and keeps what came last', () => {
    const decoder = new PlainHpackDecoder(100);
    decoder.decode(Buffer.concat([literal('a', '1', true), literal('b', '2', true)]));
    expect(decoder.entries).toEqual([
      ['b', '2'],
      ['a', '1'],
    ]);
    decoder.decode(tableSizeUpdate(40));
    expect(decoder.entries).toEqual([['b', '2']]);
    expect(decoder.decode(indexed(62))).toEqual([['b', '2']]);
  });

  it.each<[string, Buffer]>([
    ['an entry 0', hex('80')],
    ['an entry that is not there', indexed(62)],
    ['a table larger than allowed', tableSizeUpdate(4_097)],
    ['a size update behind a field', Buffer.concat([indexed(2), tableSizeUpdate(0)])],
    ['a number without end', hex('ff ffff ffff ffff ffff ffff')],
    ['a block that ends in a number', hex('ff')],
    ['a string longer than its block', hex('00 05 61')],
  ])('refuses %s', (_what, block) => {
    expect(() => new PlainHpackDecoder().decode(block)).toThrow();
  });

  it('refuses padding that is too long, or of zeros, and a written end', () => {
    expect(() => huffmanDecode(hex('ffff'))).toThrow('padding');
    expect(() => huffmanDecode(hex('00'))).toThrow('padding');
    expect(() => huffmanDecode(hex('ffffffff'))).toThrow('end of a string');
  });
});
