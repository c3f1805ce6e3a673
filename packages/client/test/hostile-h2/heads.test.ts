/**
 * Heads of responses (RFC 9113 §8.1–§8.3, RFC 7541). A malformed one ends its stream, and the connection goes on; a
 * block that cannot be decoded ends the connection, because both tables would be out of step.
 */
import { CODE, data, headers, settings, split, type HeadersOptions } from '../support/h2/frames.js';
import {
  encodeFields,
  encodeInteger,
  indexed,
  literal,
  tableSizeUpdate,
  type Field,
} from '../support/h2/hpack.js';
import { ok, promises, PROTOCOL, whole, type Came, type H2Case } from './support.js';

const HELLO: Came = { body: 'hello' };
const show = (value: string) => JSON.stringify(value);
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const STATUS: Field = [':status', '200'];

/** The head is malformed: RST_STREAM with PROTOCOL_ERROR. */
function malformed(name: string, fields: readonly Field[], options?: HeadersOptions): H2Case {
  return {
    name,
    origin: (id) => [headers(id, fields, options), data(id, 'hello', { end: true })],
    expect: PROTOCOL,
    reuse: true,
    reset: CODE.protocolError,
  };
}

promises('pseudo-fields (§8.3)', [
  malformed('without :status', [['x', 'y']]),
  malformed('an empty head', []),
  malformed(':status twice', [STATUS, STATUS]),
  malformed(':status twice, and different', [STATUS, [':status', '404']]),
  malformed(':status behind a field', [['x', 'y'], STATUS]),
  malformed('one of a request beside it', [STATUS, [':path', '/']]),
  malformed('one of a request alone', [[':method', 'GET']]),
  malformed('an unknown one', [STATUS, [':reason', 'OK']]),
  malformed(':protocol', [STATUS, [':protocol', 'websocket']]),
  ...[
    '',
    'abc',
    '20',
    '2000',
    '0200',
    '099',
    '+20',
    ' 200',
    '200 ',
    '200 OK',
    '2e2',
    '-200',
    '²00',
  ].map((status) => malformed(`:status ${show(status)}`, [[':status', status]])),
]);

promises('fields (§8.2)', [
  ...[
    'X-Upper',
    'x-uppeR',
    '',
    'a b',
    'a\tb',
    'a:b',
    'a\0b',
    'a\rb',
    'a\nb',
    'a\x7f',
    'a\x80',
    '(a)',
    'a,b',
    '"a"',
  ].map((name) => malformed(`the name ${show(name)}`, [STATUS, [name, 'value']])),
  ...['a\rb', 'a\nb', 'a\0b', '\n', 'a\r\nset-cookie: b', ' a', 'a ', '\ta', 'a\t'].map((value) =>
    malformed(`the value ${show(value)}`, [STATUS, ['x', value]]),
  ),
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map((name) =>
    malformed(`${name}, a field of a connection (§8.2.2)`, [STATUS, [name, 'x']]),
  ),
  {
    name: 'an empty value, high bytes and a value with blanks inside are legal',
    origin: (id) => [
      ok(id, [
        ['empty', ''],
        ['high', 'caf\xe9'],
        ['blanks', 'a b\tc'],
        ['under_score', '1'],
      ]),
      data(id, 'hello', { end: true }),
    ],
    expect: { body: 'hello', headers: { empty: '', blanks: 'a b\tc', under_score: '1' } },
    reuse: true,
  },
  {
    name: 'a field twice is a list, and Set-Cookie stays two',
    origin: (id) => [
      ok(id, [
        ['vary', 'a'],
        ['vary', 'b'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ]),
      data(id, 'hello', { end: true }),
    ],
    expect: HELLO,
    reuse: true,
  },
]);

promises('Content-Length (§8.1.1)', [
  ...['abc', '-5', '5.0', '0x5', '', '5, 6'].map((value) =>
    malformed(`refuses ${show(value)}`, [STATUS, ['content-length', value]]),
  ),
  malformed('refuses two that differ', [STATUS, ['content-length', '5'], ['content-length', '6']]),
  malformed('refuses one too large to count', [STATUS, ['content-length', '9'.repeat(20)]]),
  {
    name: 'folds two that are equal',
    origin: (id) => [
      ok(id, [
        ['content-length', '5'],
        ['content-length', '5'],
      ]),
      data(id, 'hello', { end: true }),
    ],
    expect: HELLO,
    reuse: true,
  },
]);

promises('informational heads (§8.1, RFC 9110 §15.2)', [
  {
    name: 'come before the answer, as many as there are',
    origin: (id) => [
      headers(id, [
        [':status', '103'],
        ['link', '</a>'],
      ]),
      headers(id, [[':status', '100']]),
      headers(id, [[':status', '199']]),
      whole(id, 'hello'),
    ],
    expect: HELLO,
    reuse: true,
  },
  malformed('101 is none in HTTP/2 (§8.6)', [[':status', '101']]),
  malformed('one that ends the stream', [[':status', '103']], { end: true }),
  {
    name: 'DATA behind one, and no head yet',
    origin: (id) => [headers(id, [[':status', '103']]), data(id, 'hello', { end: true })],
    expect: PROTOCOL,
    reuse: true,
    reset: CODE.protocolError,
  },
  {
    name: 'are bounded',
    origin: (id) => Array<Buffer>(100).fill(headers(id, [[':status', '103']])),
    expect: PROTOCOL,
    reuse: 'either',
  },
  {
    name: 'a malformed one is malformed',
    origin: (id) => [
      headers(id, [
        [':status', '103'],
        ['Link', 'x'],
      ]),
      whole(id, 'hello'),
    ],
    expect: PROTOCOL,
    reuse: true,
    reset: CODE.protocolError,
  },
]);

/** Trailers behind a good head and a piece of a body. */
function trailing(
  name: string,
  fields: readonly Field[],
  options: HeadersOptions = { end: true },
): H2Case {
  return {
    name,
    origin: (id) => [ok(id), data(id, 'hello'), headers(id, fields, options)],
    expect: PROTOCOL,
    reuse: true,
    reset: CODE.protocolError,
  };
}

promises('trailers (§8.1)', [
  {
    name: 'come with the body',
    origin: (id) => [ok(id), data(id, 'hello'), headers(id, [['x-sum', '5']], { end: true })],
    expect: { body: 'hello', trailers: { 'x-sum': '5' } },
    reuse: true,
  },
  {
    name: 'come without a body',
    origin: (id) => [ok(id), headers(id, [['x-sum', '0']], { end: true })],
    expect: { body: '', trailers: { 'x-sum': '0' } },
    reuse: true,
  },
  trailing('that do not end the stream', [['x-sum', '5']], { end: false }),
  trailing('with :status', [[':status', '200']]),
  trailing('with a pseudo-field of a request', [
    ['x-sum', '5'],
    [':path', '/'],
  ]),
  trailing('with a name in capitals', [['X-Sum', '5']]),
  trailing('with a field of a connection', [['connection', 'close']]),
  trailing('with a line break', [['x-sum', '5\r\nx: y']]),
]);

/** A block that cannot be decoded: COMPRESSION_ERROR for the connection (§4.3). */
function undecodable(name: string, block: Uint8Array): H2Case {
  return {
    name,
    origin: (id) => headers(id, block),
    expect: PROTOCOL,
    reuse: false,
    goaway: CODE.compressionError,
  };
}
const status = indexed(8);

promises('a header block that cannot be decoded ends the connection (§4.3, RFC 7541)', [
  undecodable('index 0', Buffer.concat([status, hex('80')])),
  undecodable('an index beyond the table', Buffer.concat([status, indexed(62)])),
  undecodable('a name beyond the table', Buffer.concat([status, literal(70, 'x', true)])),
  undecodable(
    'a number without end',
    Buffer.concat([status, hex('ff ffff ffff ffff ffff ffff ff')]),
  ),
  undecodable('an index that is cut off', Buffer.concat([status, hex('ff')])),
  undecodable('a string longer than its block', Buffer.concat([status, hex('00 05 61')])),
  undecodable('a name without a value', Buffer.concat([status, hex('00 01 61')])),
  undecodable('a string of 4 GiB', Buffer.concat([status, hex('00'), encodeInteger(2 ** 32, 7)])),
  undecodable(
    'Huffman with its end written out',
    Buffer.concat([status, hex('00 01 61 84 ffffffff')]),
  ),
  undecodable('Huffman with padding of a byte', Buffer.concat([status, hex('00 01 61 82 1fff')])),
  undecodable('Huffman with padding of zeros', Buffer.concat([status, hex('00 01 61 81 18')])),
  undecodable(
    'a table larger than was allowed',
    Buffer.concat([tableSizeUpdate(1_000_000), status]),
  ),
  undecodable('a table size behind a field', Buffer.concat([status, tableSizeUpdate(0)])),
]);

/** A block that says how large the table is. */
function sized(name: string, before: Uint8Array): H2Case {
  return {
    name,
    origin: (id) => [
      headers(id, Buffer.concat([before, status])),
      data(id, 'hello', { end: true }),
    ],
    expect: HELLO,
    reuse: true,
  };
}

promises('a header block that is only unusual', [
  sized('a table of no bytes', tableSizeUpdate(0)),
  sized(
    'a table that shrinks and grows',
    Buffer.concat([tableSizeUpdate(0), tableSizeUpdate(4_096)]),
  ),
  {
    name: 'entries of one answer are used in the next, of a malformed one, too',
    warm: true,
    origin: {
      script: async (peer, { streamId }) => {
        const kept = Buffer.concat([literal('x-kept', 'yes', true), status]);
        await peer.send(headers(streamId, kept)); // malformed: `:status` comes late
        const next = await peer.readRequest();
        const block = Buffer.concat([status, indexed(62)]);
        await peer.send(
          headers(next.streamId, block),
          data(next.streamId, 'the next answer', { end: true }),
        );
      },
    },
    expect: PROTOCOL,
    reuse: true,
  },
  {
    name: 'an entry larger than the table empties it',
    origin: (id) => [
      headers(id, Buffer.concat([status, literal('x-large', 'y'.repeat(5_000), true)])),
      data(id, 'hello', { end: true }),
    ],
    expect: { body: 'hello', headers: { 'x-large': 'y'.repeat(5_000) } },
    reuse: true,
  },
  {
    name: 'fields that are never to be indexed, and Huffman',
    origin: (id) => [
      headers(id, Buffer.concat([status, hex('10 01 61 01 62'), hex('0f 28 86 a8eb 1064 9cbf')])),
      data(id, 'hello', { end: true }),
    ],
    expect: { body: 'hello', headers: { a: 'b' } },
    reuse: true,
  },
]);

const MANY_FIELDS: Field[] = Array.from({ length: 400 }, (_, i): Field => [`x-${i}`, 'y']);

promises('a head that is too large', [
  {
    name: 'in one field, ends the stream; the connection goes on, in step',
    origin: (id) => split(id, encodeFields([STATUS, ['x', 'y'.repeat(100_000)]]), 16_384, true),
    expect: PROTOCOL,
    reuse: 'either',
  },
  {
    name: 'in many fields, ends the stream',
    origin: (id) => split(id, encodeFields([STATUS, ...MANY_FIELDS]), 16_384, true),
    expect: PROTOCOL,
    reuse: 'either',
  },
  {
    name: 'by a bomb: one large entry, named again and again',
    origin: (id) => {
      const bomb = literal('x', 'y'.repeat(3_900), true);
      const block = Buffer.concat([status, bomb, Buffer.alloc(16_000, indexed(62))]);
      return split(id, block, 16_384, true);
    },
    expect: PROTOCOL,
    reuse: 'either',
  },
  {
    name: 'just within the limit is an answer',
    origin: (id) => [
      split(id, encodeFields([STATUS, ['x', 'y'.repeat(60_000)]]), 16_384),
      data(id, 'hello', { end: true }),
    ],
    expect: HELLO,
    reuse: true,
  },
]);

promises(
  'a table that the origin makes smaller',
  [0, 64, 100_000].map((size): H2Case => ({
    name: `to ${size} bytes is kept to by the client`,
    warm: true,
    greeting: [settings([1, size])],
    request: () => ({ headers: { 'x-one': 'a', 'x-two': 'b', 'user-agent': 'hotaru' } }),
    origin: (id) => whole(id, 'hello'),
    expect: HELLO,
    reuse: true,
  })),
);
