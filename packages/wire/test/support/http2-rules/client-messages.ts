/** What a server may and may not send on a stream: states (RFC 9113 §5.1), and answers (§8). */
import {
  CODE,
  data,
  FLAG,
  frame,
  FRAME,
  headers,
  rst,
  windowUpdate,
} from '../../../../client/test/support/h2/frames.js';
import type { Field } from '../../../../client/test/support/h2/hpack.js';
import type { Http2Rule } from './rule.js';

const OK: Field = [':status', '200'];
const answer = (id: number, ...more: Field[]) => headers(id, [OK, ...more], { end: true });

export const STATES: readonly Http2Rule[] = [
  {
    section: '5.1',
    what: 'idle: HEADERS',
    send: [answer(99)],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1',
    what: 'idle: DATA',
    send: [data(99, 'x')],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1',
    what: 'idle: RST_STREAM',
    send: [rst(99, CODE.cancel)],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1',
    what: 'idle: WINDOW_UPDATE',
    send: [windowUpdate(99, 1)],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1.1',
    what: 'HEADERS on an even stream',
    send: [answer(2)],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1',
    what: 'half-closed (remote): DATA',
    send: [answer(3), data(3, 'x')],
    then: { stream: 'streamClosed', id: 3 },
  },
  {
    section: '5.1',
    what: 'half-closed (remote): HEADERS',
    send: [answer(3), answer(3)],
    then: { stream: 'streamClosed', id: 3 },
  },
  {
    section: '5.1',
    what: 'closed by both ends: DATA',
    send: [answer(1), data(1, 'x')],
    then: { connection: 'streamClosed' },
  },
  {
    section: '5.1',
    what: 'closed by both ends: WINDOW_UPDATE and RST_STREAM',
    send: [answer(1), windowUpdate(1, 1), rst(1, CODE.cancel)],
    then: { whole: [1] },
  },
  {
    section: '6.1',
    what: 'DATA on stream 0',
    send: [data(0, 'x')],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.1',
    what: 'DATA with more padding than payload',
    send: [headers(1, [OK]), frame(FRAME.data, FLAG.padded, 1, Buffer.from([4, 0, 0, 0]))],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.2',
    what: 'HEADERS on stream 0',
    send: [answer(0)],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.4',
    what: 'RST_STREAM on stream 0',
    send: [rst(0, CODE.cancel)],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.4',
    what: 'RST_STREAM of another length than four',
    send: [frame(FRAME.rstStream, 0, 1, Buffer.alloc(5))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.9',
    what: 'WINDOW_UPDATE of zero on a stream',
    send: [windowUpdate(3, 0)],
    then: { stream: 'protocolError', id: 3 },
  },
  {
    section: '6.9.1',
    what: 'WINDOW_UPDATE that takes the window of a stream beyond 2³¹ − 1',
    send: [windowUpdate(3, 0x7fff_ffff)],
    then: { stream: 'flowControlError', id: 3 },
  },
  {
    section: '6.9.1',
    what: 'more DATA than the window of its stream allows',
    limits: { streamWindowBytes: 10, maxStreamWindowBytes: 10 },
    send: [headers(1, [OK]), data(1, Buffer.alloc(11))],
    then: { stream: 'flowControlError' },
  },
  {
    section: '6.9.1',
    what: 'padding that the window of its stream does not allow',
    limits: { streamWindowBytes: 10, maxStreamWindowBytes: 10 },
    send: [headers(1, [OK]), data(1, 'x', { padding: 20 })],
    then: { stream: 'flowControlError' },
  },
];

const malformed = (section: string, what: string, ...fields: Field[]): Http2Rule => ({
  section,
  what,
  send: [headers(1, fields, { end: true })],
  then: { stream: 'protocolError' },
});

export const MESSAGES: readonly Http2Rule[] = [
  {
    section: '8.1',
    what: 'heads of 1xx, a head, DATA with padding, trailers',
    send: [
      headers(1, [
        [':status', '103'],
        ['link', '</a>'],
      ]),
      headers(1, [[':status', '102']]),
      headers(1, [OK], { padding: 9, priority: { dependsOn: 0, weight: 1 } }),
      data(1, 'bo', { padding: 255 }),
      data(1, 'dy', { padding: 0 }),
      headers(1, [['x-sum', '1']], { end: true }),
    ],
    then: { whole: [1] },
  },
  {
    section: '8.1',
    what: 'DATA before a head',
    send: [data(1, 'x', { end: true })],
    then: { stream: 'protocolError' },
  },
  {
    section: '8.1',
    what: 'DATA between a 1xx and the head',
    send: [headers(1, [[':status', '103']]), data(1, 'x')],
    then: { stream: 'protocolError' },
  },
  {
    section: '8.1',
    what: 'more heads of 1xx than our bound',
    limits: { maxInformational: 2 },
    send: Array.from({ length: 3 }, () => headers(1, [[':status', '103']])),
    then: { stream: 'enhanceYourCalm' },
  },
  malformed('8.1', 'a 1xx that ends the stream', [':status', '103']),
  malformed('8.6', '101', [':status', '101']),
  {
    section: '8.1',
    what: 'HEADERS behind the head that do not end the stream',
    send: [headers(1, [OK]), data(1, 'x'), headers(1, [['x-sum', '1']])],
    then: { stream: 'protocolError' },
  },
  {
    section: '8.1',
    what: ':status among trailers',
    send: [headers(1, [OK]), headers(1, [OK], { end: true })],
    then: { stream: 'protocolError' },
  },
  {
    section: '8.1',
    what: 'a whole answer and RST_STREAM with NO_ERROR, in the middle of our body',
    send: [answer(3), rst(3, CODE.noError)],
    then: { whole: [3] },
  },
  ...(
    [
      ['less DATA than its content-length', '5', 'abc'],
      ['more DATA than its content-length', '2', 'abc'],
      ['a content-length that is no number', '0x3', 'abc'],
    ] as const
  ).map(([what, length, body]): Http2Rule => ({
    section: '8.1.1',
    what,
    send: [headers(1, [OK, ['content-length', length]]), data(1, body, { end: true })],
    then: { stream: 'protocolError' },
  })),
  {
    section: '8.1.1',
    what: 'less DATA than its content-length, and trailers',
    send: [
      headers(1, [OK, ['content-length', '5']]),
      data(1, 'abc'),
      headers(1, [['x-sum', '1']], { end: true }),
    ],
    then: { stream: 'protocolError' },
  },
  malformed('8.1.1', 'a content-length and no body', OK, ['content-length', '1']),
  {
    section: '8.1.1',
    what: '304 with the content-length it would have had',
    send: [
      headers(
        1,
        [
          [':status', '304'],
          ['content-length', '99'],
        ],
        { end: true },
      ),
    ],
    then: { whole: [1] },
  },
  {
    section: '8.2',
    what: 'more fields than our bound',
    limits: { maxHeaderCount: 2 },
    send: [headers(1, [OK, ['a', '1'], ['b', '2'], ['c', '3']], { end: true })],
    then: { stream: 'enhanceYourCalm' },
  },
  malformed('8.2.1', 'upper case in a name', OK, ['X-Name', '1']),
  malformed('8.2.1', 'a blank in a name', OK, ['x name', '1']),
  malformed('8.2.1', 'an empty name', OK, ['', '1']),
  malformed('8.2.1', 'NUL in a value', OK, ['x-name', 'a\0b']),
  malformed('8.2.1', 'CR LF in a value', OK, ['x-name', 'a\r\nset-cookie: b']),
  malformed('8.2.1', 'a blank before a value', OK, ['x-name', ' a']),
  ...(
    [
      ['connection', 'close'],
      ['keep-alive', 'timeout=5'],
      ['transfer-encoding', 'chunked'],
      ['upgrade', 'h2c'],
    ] as const
  ).map((field) => malformed('8.2.2', `${field[0]}: ${field[1]}`, OK, field)),
  malformed('8.3', ':status behind a field', ['x-name', '1'], OK),
  malformed('8.3', 'a pseudo-field of requests', OK, [':path', '/']),
  malformed('8.3.2', 'no :status', ['x-name', '1']),
  malformed('8.3.2', ':status twice', OK, OK),
  ...['', '20', '2000', '2x0', '099', '+20'].map((status) =>
    malformed('8.3.2', `:status “${status}”`, [':status', status]),
  ),
];
