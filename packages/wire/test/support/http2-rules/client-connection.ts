/** What a server may and may not send on a connection: starting, frames, settings, GOAWAY (RFC 9113 §3.4, §4, §6). */
import {
  CODE,
  continuation,
  data,
  FLAG,
  frame,
  FRAME,
  goaway,
  headers,
  ping,
  priority,
  pushPromise,
  SETTING,
  settings,
  settingsAck,
  split,
  uint32,
  windowUpdate,
} from '../../../../client/test/support/h2/frames.js';
import { encodeFields } from '../../../../client/test/support/h2/hpack.js';
import { get } from './heads.js';
import type { Http2Rule } from './rule.js';

const block = encodeFields([
  [':status', '200'],
  ['x-name', 'value'],
]);
const answer = (id = 1) => headers(id, block, { end: true });

export const STARTING: readonly Http2Rule[] = [
  {
    section: '3.4',
    what: 'an answer of HTTP/1.1',
    isFirst: true,
    send: [Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')],
    then: { connection: 'protocolError' },
  },
  {
    section: '3.4',
    what: 'another first frame than SETTINGS',
    isFirst: true,
    send: [ping()],
    then: { connection: 'protocolError' },
  },
  {
    section: '3.4',
    what: 'an acknowledgement in place of the first SETTINGS',
    isFirst: true,
    send: [settingsAck()],
    then: { connection: 'protocolError' },
  },
];

export const FRAMES: readonly Http2Rule[] = [
  {
    section: '4.1',
    what: 'frames of unknown types',
    send: [frame(0x16, 0xff, 0, 'whatever'), frame(0xfe, 0, 1), answer()],
    then: { whole: [1] },
  },
  {
    section: '4.1',
    what: 'flags that a frame does not define, and the reserved bit',
    send: [frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream | 0xd2, 0x8000_0001, block)],
    then: { whole: [1] },
  },
  {
    section: '4.2',
    what: 'DATA longer than allowed',
    send: [headers(1, block), data(1, Buffer.alloc(16_385))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '4.2',
    what: 'SETTINGS longer than allowed',
    send: [frame(FRAME.settings, 0, 0, Buffer.alloc(16_386))],
    then: { connection: 'frameSizeError' },
  },
  ...(
    [
      ['index 0', [0x88, 0x80]],
      ['an index beyond both tables', [0x88, 0xff, 0x50]],
      ['a number without end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
      ['a string longer than its block', [0x88, 0x00, 0x05, 0x61]],
      ['a larger table than allowed', [0x3f, 0xe2, 0x1f, 0x88]],
      ['a table size update behind a field', [0x88, 0x20]],
      ['Huffman padding of more than 7 bits', [0x88, 0x00, 0x82, 0x1f, 0xff, 0x00]],
    ] as const
  ).map(([what, bytes]): Http2Rule => ({
    section: '4.3',
    what: `a header block with ${what}`,
    send: [headers(1, Buffer.from(bytes), { end: true })],
    then: { connection: 'compressionError' },
  })),
  ...(
    [
      ['DATA of another stream', data(3, 'x')],
      ['HEADERS of another stream', answer(3)],
      ['PING', ping()],
      ['a frame of an unknown type', frame(0x16, 0, 1)],
    ] as const
  ).map(([what, between]): Http2Rule => ({
    section: '4.3',
    what: `${what} within a header block`,
    send: [
      headers(1, block.subarray(0, 1), { end: true, endHeaders: false }),
      between,
      continuation(1, block.subarray(1), true),
    ],
    then: { connection: 'protocolError' },
  })),
  {
    section: '6.10',
    what: 'a header block in several frames',
    send: [split(1, block, 3, true)],
    then: { whole: [1] },
  },
];

const setting = (
  id: number,
  value: number,
  what: string,
  code?: 'protocolError' | 'flowControlError',
): Http2Rule => ({
  section: '6.5.2',
  what,
  send: [settings([id, value]), answer()],
  then: code === undefined ? { whole: [1] } : { connection: code },
});

export const CONNECTION_FRAMES: readonly Http2Rule[] = [
  {
    section: '6.5',
    what: 'an acknowledgement with a payload',
    send: [frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(6))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.5',
    what: 'SETTINGS on a stream',
    send: [frame(FRAME.settings, 0, 1, Buffer.alloc(6))],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.5.3',
    what: 'an acknowledgement of settings that were not sent',
    send: [settingsAck()],
    then: { connection: 'protocolError' },
  },
  setting(SETTING.enablePush, 0, 'ENABLE_PUSH 0'),
  setting(SETTING.enablePush, 1, 'ENABLE_PUSH 1, which a server may not say', 'protocolError'),
  setting(
    SETTING.initialWindowSize,
    0x8000_0000,
    'INITIAL_WINDOW_SIZE too large',
    'flowControlError',
  ),
  setting(SETTING.maxFrameSize, 16_383, 'MAX_FRAME_SIZE too small', 'protocolError'),
  setting(SETTING.maxFrameSize, 0x100_0000, 'MAX_FRAME_SIZE too large', 'protocolError'),
  setting(SETTING.headerTableSize, 0, 'HEADER_TABLE_SIZE 0'),
  setting(SETTING.headerTableSize, 0xffff_ffff, 'HEADER_TABLE_SIZE at its largest'),
  setting(SETTING.maxHeaderListSize, 0, 'MAX_HEADER_LIST_SIZE 0, which is advice'),
  setting(0xabcd, 0xffff_ffff, 'a setting that is not known'),
  {
    section: '6.6, 8.4',
    what: 'PUSH_PROMISE, which was not allowed',
    send: [pushPromise(1, 2, get())],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.7',
    what: 'PING on a stream',
    send: [frame(FRAME.ping, 0, 1, Buffer.alloc(8))],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.7',
    what: 'PING of another length than eight',
    send: [frame(FRAME.ping, 0, 0, Buffer.alloc(9))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.7',
    what: 'an answer to a PING that was not sent',
    send: [ping('nonsense', true)],
    then: 'ignored',
  },
  {
    section: '6.8',
    what: 'GOAWAY on a stream',
    send: [frame(FRAME.goaway, 0, 1, uint32(3, CODE.noError))],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.8',
    what: 'GOAWAY shorter than eight bytes',
    send: [frame(FRAME.goaway, 0, 0, uint32(3))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.8',
    what: 'GOAWAY that names a higher stream than one before it',
    send: [goaway(1, CODE.noError), goaway(3, CODE.noError)],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.9',
    what: 'WINDOW_UPDATE of zero on the connection',
    send: [windowUpdate(0, 0)],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.9.1',
    what: 'WINDOW_UPDATE that takes the window of the connection beyond 2³¹ − 1',
    send: [windowUpdate(0, 0x7fff_ffff)],
    then: { connection: 'flowControlError' },
  },
  {
    section: '6.9.2',
    what: 'a change of INITIAL_WINDOW_SIZE that takes the window of a stream beyond 2³¹ − 1',
    send: [windowUpdate(3, 0x7fff_ffff - 65_535), settings([SETTING.initialWindowSize, 65_536])],
    then: { connection: 'flowControlError' },
  },
  {
    section: '6.3',
    what: 'PRIORITY',
    send: [priority(1), priority(99), answer()],
    then: { whole: [1] },
  },
  {
    section: '6.8',
    what: 'GOAWAY that names both requests: they are answered, and no new ones are opened',
    send: [goaway(3, CODE.noError), answer(1), answer(3)],
    then: { whole: [1, 3] },
  },
];
