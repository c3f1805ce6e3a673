/** The states of a stream (RFC 9113 §5) and the frames of a stream (§6.1 to §6.4, §6.9, §6.10). */
import {
  CODE,
  continuation,
  data,
  FLAG,
  frame,
  FRAME,
  headers,
  priority,
  rst,
  split,
  windowUpdate,
} from '../../../../client/test/support/h2/frames.js';
import { encodeFields } from '../../../../client/test/support/h2/hpack.js';
import { get, post } from './heads.js';
import type { Http2Rule } from './rule.js';

const block = encodeFields(get());
const ask = (id: number) => headers(id, get(), { end: true });

/** A request that is whole, and whose answer waits for more than the window of its stream. */
const HALF_CLOSED = Buffer.concat([
  windowUpdate(0, 100_000),
  headers(1, get('/size/70000'), { end: true }),
]);

export const STATES: readonly Http2Rule[] = [
  {
    section: '5.1',
    what: 'idle: DATA',
    send: [data(1, 'x')],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1',
    what: 'idle: RST_STREAM',
    send: [rst(1, CODE.cancel)],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1',
    what: 'idle: WINDOW_UPDATE',
    send: [windowUpdate(1, 1)],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1',
    what: 'idle: CONTINUATION',
    send: [continuation(1, block, true)],
    then: { connection: 'protocolError' },
  },
  { section: '5.1', what: 'idle: PRIORITY', send: [priority(1), ask(1)], then: { whole: [1] } },
  {
    section: '5.1',
    what: 'half-closed (remote): WINDOW_UPDATE and PRIORITY',
    send: [HALF_CLOSED, priority(1), windowUpdate(1, 9_999), windowUpdate(0, 9_999)],
    then: { whole: [1] },
  },
  {
    section: '5.1',
    what: 'half-closed (remote): DATA',
    send: [HALF_CLOSED, data(1, 'x')],
    then: { stream: 'streamClosed' },
  },
  {
    section: '5.1',
    what: 'half-closed (remote): HEADERS',
    send: [HALF_CLOSED, headers(1, get(), { end: true })],
    then: { stream: 'streamClosed' },
  },
  {
    section: '5.1',
    what: 'half-closed (remote): RST_STREAM',
    send: [HALF_CLOSED, rst(1, CODE.cancel)],
    then: 'ignored',
  },
  {
    section: '5.1',
    what: 'closed by RST_STREAM of the client: DATA',
    send: [headers(1, get()), rst(1, CODE.cancel), data(1, 'x')],
    then: { stream: 'streamClosed' },
  },
  {
    section: '5.1',
    what: 'closed by RST_STREAM of the client: HEADERS',
    send: [headers(1, get()), rst(1, CODE.cancel), headers(1, get(), { end: true })],
    then: { stream: 'streamClosed' },
  },
  {
    section: '5.1',
    what: 'closed by both ends: DATA',
    send: [ask(1), data(1, 'x')],
    then: { connection: 'streamClosed' },
  },
  {
    section: '5.1',
    what: 'closed by both ends: HEADERS',
    send: [ask(1), headers(1, get(), { end: true })],
    then: { connection: 'streamClosed' },
  },
  {
    section: '5.1',
    what: 'closed by both ends: WINDOW_UPDATE, RST_STREAM and PRIORITY',
    send: [ask(1), windowUpdate(1, 1), rst(1, CODE.streamClosed), priority(1)],
    then: { whole: [1] },
  },
  {
    section: '5.1.1',
    what: 'an even stream identifier',
    send: [ask(2)],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1.1',
    what: 'a stream identifier lower than one before',
    send: [headers(5, get()), headers(3, get())],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1.1',
    what: 'frames of a stream whose number was passed over',
    send: [headers(5, get()), rst(3, CODE.cancel)],
    then: { connection: 'protocolError' },
  },
  {
    section: '5.1.1',
    what: 'stream identifiers with gaps',
    send: [ask(1), ask(7), ask(101)],
    then: { whole: [1, 7, 101] },
  },
  {
    section: '5.1.2',
    what: 'one stream more than allowed',
    limits: { maxConcurrentStreams: 2 },
    send: [
      headers(1, get()),
      headers(3, get()),
      ask(5),
      data(1, '', { end: true }),
      data(3, '', { end: true }),
    ],
    then: { stream: 'refusedStream', id: 5 },
  },
];

export const STREAM_FRAMES: readonly Http2Rule[] = [
  {
    section: '6.1',
    what: 'DATA on stream 0',
    send: [data(0, 'x')],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.1',
    what: 'padded DATA',
    send: [
      headers(1, post()),
      data(1, 'x', { padding: 255 }),
      data(1, '', { padding: 0, end: true }),
    ],
    then: { whole: [1] },
  },
  {
    section: '6.1',
    what: 'DATA with more padding than payload',
    send: [headers(1, post()), frame(FRAME.data, FLAG.padded, 1, Buffer.from([4, 0, 0, 0]))],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.1',
    what: 'padded DATA without a length of padding',
    send: [headers(1, post()), frame(FRAME.data, FLAG.padded, 1)],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.2',
    what: 'HEADERS on stream 0',
    send: [ask(0)],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.2',
    what: 'HEADERS with padding and priority',
    send: [headers(1, get(), { end: true, padding: 20, priority: { dependsOn: 0, weight: 7 } })],
    then: { whole: [1] },
  },
  {
    section: '6.2',
    what: 'HEADERS with more padding than payload',
    send: [
      frame(
        FRAME.headers,
        FLAG.padded | FLAG.endHeaders | FLAG.endStream,
        1,
        Buffer.from([9, 0x82, 0]),
      ),
    ],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.2',
    what: 'padded HEADERS without a length of padding',
    send: [frame(FRAME.headers, FLAG.padded | FLAG.endHeaders | FLAG.endStream, 1)],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.2',
    what: 'HEADERS too short for their priority',
    send: [
      frame(FRAME.headers, FLAG.priority | FLAG.endHeaders | FLAG.endStream, 1, Buffer.alloc(4)),
    ],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.3',
    what: 'PRIORITY on stream 0',
    send: [priority(0)],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.3',
    what: 'PRIORITY of another length than five',
    send: [headers(1, get()), frame(FRAME.priority, 0, 1, Buffer.alloc(4))],
    then: { stream: 'frameSizeError' },
  },
  {
    section: '6.3',
    what: 'PRIORITY of another length than five, on an idle stream',
    send: [frame(FRAME.priority, 0, 1, Buffer.alloc(6))],
    then: { connection: 'frameSizeError' },
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
    send: [headers(1, get()), frame(FRAME.rstStream, 0, 1, Buffer.alloc(3))],
    then: { connection: 'frameSizeError' },
  },
  {
    section: '6.4, 7',
    what: 'RST_STREAM with a code that is not known',
    send: [headers(1, get()), rst(1, 0xdead)],
    then: 'ignored',
  },
  {
    section: '6.9',
    what: 'WINDOW_UPDATE of zero on a stream',
    send: [headers(1, get()), windowUpdate(1, 0)],
    then: { stream: 'protocolError' },
  },
  {
    section: '6.9.1',
    what: 'WINDOW_UPDATE that takes the window of a stream beyond 2³¹ − 1',
    send: [headers(1, get()), windowUpdate(1, 0x7fff_ffff)],
    then: { stream: 'flowControlError' },
  },
  {
    section: '6.10',
    what: 'CONTINUATION on stream 0',
    send: [continuation(0, block, true)],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.10',
    what: 'CONTINUATION behind the end of a header block',
    send: [headers(1, get()), continuation(1, block, true)],
    then: { connection: 'protocolError' },
  },
  {
    section: '6.10',
    what: 'a header block in several frames',
    send: [split(1, block, Math.ceil(block.length / 5), true)],
    then: { whole: [1] },
  },
  {
    section: '6.10, 10.5',
    what: 'a header block in more frames than our bound',
    limits: { maxContinuations: 3 },
    send: [split(1, block, Math.ceil(block.length / 5), true)],
    then: { connection: 'enhanceYourCalm' },
  },
  {
    section: '6.10',
    what: 'a header block whose first frame is empty',
    send: [
      headers(1, Buffer.alloc(0), { end: true, endHeaders: false }),
      continuation(1, block, true),
    ],
    then: { whole: [1] },
  },
];
