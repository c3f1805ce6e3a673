/** Starting (RFC 9113 §3.4), frames as such (§4) and the frames of a connection (§6.5, §6.7, §6.8). */
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
  PREFACE,
  priority,
  pushPromise,
  SETTING,
  settings,
  settingsAck,
  uint32,
  windowUpdate,
} from '../../../../client/test/support/h2/frames.js';
import { encodeFields } from '../../../../client/test/support/h2/hpack.js';
import { get } from './heads.js';
import type { Http2Rule } from './rule.js';

const preface = Buffer.from(PREFACE);
const block = encodeFields(get());
const ask = (id: number) => headers(id, get(), { end: true });

export const STARTING: readonly Http2Rule[] = [
  {
    section: '3.4',
    what: 'another preface',
    isFirst: true,
    send: [Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'), settings()],
    then: { connection: 'protocolError' },
  },
  {
    section: '3.4',
    what: 'a request of HTTP/1.1 in place of the preface',
    isFirst: true,
    send: [Buffer.from('GET / HTTP/1.1\r\nhost: server.example\r\n\r\n')],
    then: { connection: 'protocolError' },
  },
  {
    section: '3.4',
    what: 'a preface without SETTINGS behind it',
    isFirst: true,
    send: [preface, ask(1)],
    then: { connection: 'protocolError' },
  },
  {
    section: '3.4',
    what: 'an acknowledgement in place of the first SETTINGS',
    isFirst: true,
    send: [preface, settingsAck()],
    then: { connection: 'protocolError' },
  },
  {
    section: '3.4',
    what: 'requests right behind the preface',
    isFirst: true,
    send: [preface, settings(), ask(1), ask(3)],
    then: { whole: [1, 3] },
  },
];

export const FRAMES: readonly Http2Rule[] = [
  {
    section: '4.1',
    what: 'frames of unknown types, on the connection, on an idle and on an open stream',
    send: [
      frame(0x16, 0xff, 0, 'whatever'),
      frame(0x16, 0xff, 7, 'whatever'),
      headers(1, get()),
      frame(0xfe, 0, 1, ''),
      data(1, '', { end: true }),
    ],
    then: { whole: [1] },
  },
  {
    section: '4.1',
    what: 'flags that a frame does not define',
    send: [frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream | 0xd2, 1, block)],
    then: { whole: [1] },
  },
  {
    section: '4.1',
    what: 'the reserved bit of a stream identifier',
    send: [frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 0x8000_0001, block)],
    then: { whole: [1] },
  },
  {
    section: '4.2',
    what: 'DATA as long as allowed',
    send: [headers(1, get()), data(1, Buffer.alloc(16_384), { end: true })],
    then: { whole: [1] },
  },
  {
    section: '4.2',
    what: 'DATA longer than allowed',
    send: [headers(1, get()), data(1, Buffer.alloc(16_385), { end: true })],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '4.2',
    what: 'HEADERS longer than allowed',
    send: [frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, Buffer.alloc(16_385, 0x82))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '4.2',
    what: 'a frame of an unknown type longer than allowed',
    send: [frame(0x16, 0, 0, Buffer.alloc(16_385))],
    then: { connection: 'frameSizeError' },
  },
  ...(
    [
      ['index 0', [0x80]],
      ['an index beyond both tables', [0xff, 0x50]],
      ['a number without end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
      ['a string longer than its block', [0x00, 0x05, 0x61]],
      ['a larger table than allowed', [0x3f, 0xe2, 0x1f, 0x82]],
      ['a table size update behind a field', [0x82, 0x20]],
      ['Huffman padding of more than 7 bits', [0x00, 0x82, 0x1f, 0xff, 0x00]],
      ['Huffman padding that is not all ones', [0x00, 0x81, 0x18, 0x00]],
      ['the Huffman code of the end', [0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00]],
    ] as const
  ).map(([what, bytes]): Http2Rule => ({
    section: '4.3',
    what: `a header block with ${what}`,
    send: [headers(1, Buffer.from(bytes), { end: true })],
    then: { connection: 'compressionError' },
  })),
  {
    section: '4.3',
    what: 'a broken header block among trailers',
    send: [headers(1, get()), headers(1, Buffer.from([0x80]), { end: true })],
    then: { connection: 'compressionError' },
  },
  ...(
    [
      ['DATA of its stream', data(1, 'x')],
      ['HEADERS of another stream', ask(3)],
      ['PRIORITY', priority(1)],
      ['PING', ping()],
      ['SETTINGS', settings()],
      ['WINDOW_UPDATE', windowUpdate(0, 1)],
      ['a frame of an unknown type', frame(0x16, 0, 1)],
      ['CONTINUATION of another stream', continuation(3, block.subarray(4), true)],
    ] as const
  ).map(([what, between]): Http2Rule => ({
    section: '4.3',
    what: `${what} within a header block`,
    send: [
      headers(1, block.subarray(0, 4), { end: true, endHeaders: false }),
      between,
      continuation(1, block.subarray(4), true),
    ],
    then: { connection: 'protocolError' },
  })),
];

/** RFC 8441 §3. */
const ENABLE_CONNECT_PROTOCOL = 8;

const setting = (
  id: number,
  value: number,
  what: string,
  code?: 'protocolError' | 'flowControlError',
): Http2Rule => ({
  section: '6.5.2',
  what,
  send: [settings([id, value]), ask(1)],
  then: code === undefined ? { whole: [1] } : { connection: code },
});

export const CONNECTION_FRAMES: readonly Http2Rule[] = [
  {
    section: '6.5',
    what: 'SETTINGS on a stream',
    send: [frame(FRAME.settings, 0, 1, Buffer.alloc(6))],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.5',
    what: 'SETTINGS whose length is no multiple of six',
    send: [frame(FRAME.settings, 0, 0, Buffer.alloc(7))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.5',
    what: 'an acknowledgement with a payload',
    send: [frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(6))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.5.3',
    what: 'an acknowledgement of settings that were not sent',
    send: [settingsAck()],
    then: { connection: 'protocolError' },
  },
  setting(SETTING.enablePush, 0, 'ENABLE_PUSH 0'),
  setting(SETTING.enablePush, 1, 'ENABLE_PUSH 1'),
  setting(SETTING.enablePush, 2, 'ENABLE_PUSH 2', 'protocolError'),
  setting(SETTING.initialWindowSize, 0x7fff_ffff, 'INITIAL_WINDOW_SIZE at its largest'),
  setting(
    SETTING.initialWindowSize,
    0x8000_0000,
    'INITIAL_WINDOW_SIZE too large',
    'flowControlError',
  ),
  setting(SETTING.maxFrameSize, 16_383, 'MAX_FRAME_SIZE too small', 'protocolError'),
  setting(SETTING.maxFrameSize, 0xff_ffff, 'MAX_FRAME_SIZE at its largest'),
  setting(SETTING.maxFrameSize, 0x100_0000, 'MAX_FRAME_SIZE too large', 'protocolError'),
  setting(SETTING.headerTableSize, 0, 'HEADER_TABLE_SIZE 0'),
  setting(SETTING.headerTableSize, 0xffff_ffff, 'HEADER_TABLE_SIZE at its largest'),
  setting(SETTING.maxConcurrentStreams, 0, 'MAX_CONCURRENT_STREAMS 0, which is about pushes'),
  setting(SETTING.maxHeaderListSize, 0, 'MAX_HEADER_LIST_SIZE 0, which is advice'),
  setting(ENABLE_CONNECT_PROTOCOL, 2, 'ENABLE_CONNECT_PROTOCOL 2 (RFC 8441 §3)', 'protocolError'),
  setting(0xabcd, 0xffff_ffff, 'a setting that is not known'),
  {
    section: '6.5.2',
    what: 'the last of several values of one setting counts',
    send: [
      settings([SETTING.initialWindowSize, 0], [SETTING.initialWindowSize, 100]),
      headers(1, get('/size/100'), { end: true }),
    ],
    then: { whole: [1] },
  },
  {
    section: '6.6, 8.4',
    what: 'PUSH_PROMISE from a client',
    send: [headers(1, get()), pushPromise(1, 2, get())],
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
    send: [frame(FRAME.ping, 0, 0, Buffer.alloc(6))],
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
    send: [frame(FRAME.goaway, 0, 1, uint32(0, CODE.noError))],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.8',
    what: 'GOAWAY shorter than eight bytes',
    send: [frame(FRAME.goaway, 0, 0, uint32(0))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.8',
    what: 'streams that were open when GOAWAY came are finished',
    send: [headers(1, get()), goaway(0, CODE.noError, 'bye'), data(1, 'x', { end: true })],
    then: { whole: [1] },
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
    section: '6.9',
    what: 'WINDOW_UPDATE of another length than four',
    send: [frame(FRAME.windowUpdate, 0, 0, Buffer.alloc(3, 1))],
    then: { connection: 'frameSizeError' },
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
    send: [
      headers(1, get()),
      windowUpdate(1, 0x7fff_ffff - 65_535),
      settings([SETTING.initialWindowSize, 65_536]),
    ],
    then: { connection: 'flowControlError' },
  },
  {
    section: '6.9.2',
    what: 'a window that SETTINGS took below zero and WINDOW_UPDATE took above it again',
    send: [
      windowUpdate(0, 100_000),
      headers(1, get('/size/70000'), { end: true }), // 65 535 of them go out
      settings([SETTING.initialWindowSize, 0]),
      windowUpdate(1, 70_000), // 4 465 more than nothing
      settings([SETTING.initialWindowSize, 65_535]),
    ],
    then: { whole: [1] },
  },
];
