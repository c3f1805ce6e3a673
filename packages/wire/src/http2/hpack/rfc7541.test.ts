/** The examples of RFC 7541, appendix C. */
import { describe, expect, it } from 'vitest';
import { Output } from '../output.js';
import { HpackDecoder } from './decoder.js';
import { HpackEncoder } from './encoder.js';
import { decodeHuffman, encodeHuffman, huffmanLength } from './huffman.js';
import { Cursor, writeInteger } from './integer.js';

type Pairs = readonly (readonly [name: string, value: string])[];

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function decoded(decoder: HpackDecoder, hex: string): Pairs {
  const fields: [string, string][] = [];
  const block = bytesOf(hex);
  const taker = { field: (name: string, value: string) => void fields.push([name, value]) };
  expect(decoder.decode(block, 0, block.length, taker, Infinity)).toBe(true);
  return fields;
}

describe('C.1 integers', () => {
  it.each([
    ['10 with a prefix of 5 bits', 0x1f, 10, '0a'],
    ['1337 with a prefix of 5 bits', 0x1f, 1337, '1f9a0a'],
    ['42 from the beginning of an octet', 0xff, 42, '2a'],
  ])('%s', (_what, mask, value, hex) => {
    const output = new Output();
    output.reserve(8);
    writeInteger(output, 0, mask, value);
    expect(output.take()?.toString('hex')).toBe(hex);
    const cursor = new Cursor();
    cursor.bytes = bytesOf(hex);
    cursor.end = cursor.bytes.length;
    expect(cursor.integer(mask)).toBe(value);
    expect(cursor.at).toBe(cursor.end);
  });
});

describe('C.2 representations of fields', () => {
  it.each([
    ['C.2.1 literal with indexing', '400a637573746f6d2d6b65790d637573746f6d2d686561646572', 'custom-key', 'custom-header'], // prettier-ignore
    ['C.2.2 literal without indexing', '040c2f73616d706c652f70617468', ':path', '/sample/path'],
    ['C.2.3 literal never indexed', '100870617373776f726406736563726574', 'password', 'secret'],
    ['C.2.4 indexed', '82', ':method', 'GET'],
  ])('%s', (_what, hex, name, value) => {
    expect(decoded(new HpackDecoder(4_096), hex)).toEqual([[name, value]]);
  });
});

const REQUESTS: readonly Pairs[] = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
];
const COOKIE = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const LOCATION = ['location', 'https://www.example.com'] as const;
const RESPONSES: readonly Pairs[] = [
  [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    LOCATION,
  ],
  [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    LOCATION,
  ],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    LOCATION,
    ['content-encoding', 'gzip'],
    ['set-cookie', COOKIE],
  ],
];

describe.each([
  [
    'C.3 requests without Huffman',
    4_096,
    REQUESTS,
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
  ],
  [
    'C.4 requests with Huffman',
    4_096,
    REQUESTS,
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  ],
  [
    'C.5 responses without Huffman',
    256,
    RESPONSES,
    [
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
    ],
  ],
  [
    'C.6 responses with Huffman',
    256,
    RESPONSES,
    [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ],
  ],
] as const)('%s', (_what, tableBytes, sections, blocks) => {
  // prettier-ignore
  it('are decoded, one after the other', () => {
    const decoder = new HpackDecoder(tableBytes);
    expect(blocks.map((hex) => decoded(decoder, hex))).toEqual(sections);
  });

  it('come through the encoder, whatever it makes of them', () => {
    const encoder = new HpackEncoder(tableBytes);
    const decoder = new HpackDecoder(tableBytes);
    const output = new Output();
    for (const section of sections) {
      encoder.begin(output);
      for (const [name, value] of section) encoder.field(output, name, value);
      expect(decoded(decoder, output.take()?.toString('hex') ?? '')).toEqual(section);
    }
  });
});

it('C.4: the first requests are encoded to the same octets', () => {
  const encoder = new HpackEncoder(4_096);
  const output = new Output();
  const blocks = REQUESTS.slice(0, 2).map((section) => {
    encoder.begin(output);
    for (const [name, value] of section) encoder.field(output, name, value);
    return output.take()?.toString('hex');
  });
  expect(blocks).toEqual(['828684418cf1e3c2e5f23a6ba0ab90f4ff', '828684be5886a8eb10649cbf']);
});

it.each([
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['custom-value', '25a849e95bb8e8b4bf'],
  ['302', '6402'],
  ['307', '640eff'],
  ['private', 'aec3771a4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ['https://www.example.com', '9d29ad171863c78f0b97c8e9ae82ae43d3'],
  ['gzip', '9bd9ab'],
  [
    COOKIE,
    '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  ],
])('C.4 and C.6: the text %s is Huffman-coded as shown', (text, hex) => {
  // prettier-ignore
  const coded = Buffer.alloc(huffmanLength(text));
  expect(encodeHuffman(text, coded, 0)).toBe(coded.length);
  expect(coded.toString('hex')).toBe(hex);
  const into = Buffer.alloc(256);
  expect(into.toString('latin1', 0, decodeHuffman(coded, 0, coded.length, into, 0))).toBe(text);
});
