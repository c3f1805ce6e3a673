/**
 * Frames (RFC 9113 §4, §5.1, §6): one that breaks the rules of its type ends the connection or the stream, as its
 * section says, with the code that it says; and one that is only unusual changes nothing.
 */
import {
  CODE,
  continuation,
  data,
  FLAG,
  FRAME,
  frame,
  goaway,
  headers,
  ping,
  priority,
  pushPromise,
  rst,
  settings,
  settingsAck,
  uint32,
  windowUpdate,
} from '../support/h2/frames.js';
import { encodeFields } from '../support/h2/hpack.js';
import { ok, promises, PROTOCOL, whole, type Came, type H2Case } from './support.js';

const HELLO: Came = { body: 'hello' };
/** Larger than `SETTINGS_MAX_FRAME_SIZE` may be without asking. */
const TOO_LONG = Buffer.alloc(16_385);
const HEAD = encodeFields([[':status', '200']]);
/** A stream of the client's that it has not opened, and one of the origin's. */
const IDLE = 99;
const EVEN = 2;
const RESERVED_BIT = 0x8000_0000;

/** The connection ends with this code. */
function ends(code: number, cases: Record<string, (id: number) => Uint8Array | Uint8Array[]>) {
  return Object.entries(cases).map(([name, origin]): H2Case => ({
    name,
    origin,
    expect: PROTOCOL,
    reuse: false,
    goaway: code,
  }));
}

/** The stream ends with this code, and the connection goes on. */
function resets(code: number, cases: Record<string, (id: number) => Uint8Array | Uint8Array[]>) {
  return Object.entries(cases).map(([name, origin]): H2Case => ({
    name,
    origin,
    expect: PROTOCOL,
    reuse: true,
    reset: code,
  }));
}

/** Nothing is wrong with these. */
function changesNothing(cases: Record<string, (id: number) => Uint8Array | Uint8Array[]>) {
  return Object.entries(cases).map(([name, origin]): H2Case => ({
    name,
    origin,
    expect: HELLO,
    reuse: true,
  }));
}

promises(
  'a frame of a wrong size ends the connection (§4.2, §6)',
  ends(CODE.frameSizeError, {
    'DATA longer than was allowed': (id) => [ok(id), data(id, TOO_LONG)],
    'HEADERS longer than was allowed': (id) => headers(id, TOO_LONG),
    'CONTINUATION longer than was allowed': (id) => [
      headers(id, HEAD, { endHeaders: false }),
      continuation(id, TOO_LONG, true),
    ],
    'an unknown frame longer than was allowed': () => frame(0xbe, 0, 0, TOO_LONG),
    'a length of 16 MiB, and nothing behind it': (id) =>
      frame(FRAME.data, FLAG.none, id, '', 0xff_ffff),
    'PING of 7 bytes': () => ping('1234567'),
    'PING of 9 bytes': () => ping('123456789'),
    'PING of none': () => ping(''),
    'SETTINGS of 5 bytes': () => frame(FRAME.settings, FLAG.none, 0, '12345'),
    'SETTINGS of 7 bytes': () => frame(FRAME.settings, FLAG.none, 0, '1234567'),
    'an acknowledgement with settings': () => frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(6)),
    'RST_STREAM of 3 bytes': (id) => frame(FRAME.rstStream, FLAG.none, id, '123'),
    'RST_STREAM of 5 bytes': (id) => frame(FRAME.rstStream, FLAG.none, id, '12345'),
    'WINDOW_UPDATE of 3 bytes': () => frame(FRAME.windowUpdate, FLAG.none, 0, '123'),
    'WINDOW_UPDATE of 5 bytes, on a stream': (id) =>
      frame(FRAME.windowUpdate, FLAG.none, id, '12345'),
    'GOAWAY of 7 bytes': () => frame(FRAME.goaway, FLAG.none, 0, '1234567'),
    'HEADERS with priority, too short for it': (id) =>
      frame(FRAME.headers, FLAG.endHeaders | FLAG.priority, id, '123'),
  }),
);

promises(
  'a frame on a wrong stream ends the connection (§5.1, §6)',
  ends(CODE.protocolError, {
    'DATA on stream 0': () => data(0, 'hello'),
    'HEADERS on stream 0': () => headers(0, HEAD),
    'PRIORITY on stream 0': () => priority(0),
    'RST_STREAM on stream 0': () => rst(0, CODE.cancel),
    'CONTINUATION on stream 0': () => continuation(0, HEAD, true),
    'SETTINGS on a stream': (id) => frame(FRAME.settings, FLAG.none, id),
    'PING on a stream': (id) => frame(FRAME.ping, FLAG.none, id, Buffer.alloc(8)),
    'GOAWAY on a stream': (id) => frame(FRAME.goaway, FLAG.none, id, Buffer.alloc(8)),
    'DATA on a stream that was not opened': () => data(IDLE, 'hello'),
    'HEADERS on a stream that was not opened': () => headers(IDLE, HEAD),
    'RST_STREAM on a stream that was not opened': () => rst(IDLE, CODE.cancel),
    'WINDOW_UPDATE on a stream that was not opened': () => windowUpdate(IDLE, 1),
    'HEADERS on a stream of the origin': () => headers(EVEN, HEAD),
    'DATA on a stream of the origin': () => data(EVEN, 'hello'),
    'RST_STREAM on a stream of the origin': () => rst(EVEN, CODE.cancel),
  }),
);

promises(
  'a header block that is not whole ends the connection (§4.3, §6.10)',
  ends(CODE.protocolError, {
    'CONTINUATION that continues nothing': (id) => continuation(id, HEAD, true),
    'CONTINUATION behind a head that was whole': (id) => [
      headers(id, HEAD),
      continuation(id, HEAD, true),
    ],
    'DATA inside': (id) => [headers(id, HEAD, { endHeaders: false }), data(id, 'hello')],
    'PING inside': (id) => [headers(id, HEAD, { endHeaders: false }), ping()],
    'SETTINGS inside': (id) => [headers(id, HEAD, { endHeaders: false }), settings()],
    'WINDOW_UPDATE inside': (id) => [headers(id, HEAD, { endHeaders: false }), windowUpdate(0, 1)],
    'RST_STREAM inside': (id) => [
      headers(id, HEAD, { endHeaders: false }),
      rst(id, CODE.refusedStream),
    ],
    'HEADERS inside': (id) => [headers(id, HEAD, { endHeaders: false }), headers(id, HEAD)],
    'CONTINUATION of another stream inside': (id) => [
      headers(id, HEAD, { endHeaders: false }),
      continuation(IDLE, HEAD, true),
    ],
    'an unknown frame inside': (id) => [
      headers(id, HEAD, { endHeaders: false }),
      frame(0xbe, 0, 0, 'grease'),
    ],
  }),
);

promises('padding (§6.1, §6.2)', [
  ...ends(CODE.protocolError, {
    'as long as the payload, in DATA': (id) => [
      ok(id),
      frame(FRAME.data, FLAG.padded, id, Buffer.from([4, 1, 2, 3])),
    ],
    'longer than the payload, in DATA': (id) => [
      ok(id),
      frame(FRAME.data, FLAG.padded, id, Buffer.from([255, 1, 2, 3])),
    ],
    'longer than the payload, in HEADERS': (id) =>
      frame(FRAME.headers, FLAG.padded | FLAG.endHeaders, id, Buffer.from([255, 0x88])),
    'with no room beside priority, in HEADERS': (id) =>
      frame(
        FRAME.headers,
        FLAG.padded | FLAG.priority | FLAG.endHeaders,
        id,
        Buffer.from([2, 0, 0, 0, 0, 9, 0x88]),
      ),
  }),
  {
    name: 'without a byte for its length',
    origin: (id) => [ok(id), frame(FRAME.data, FLAG.padded, id)],
    expect: PROTOCOL,
    reuse: false,
  },
  ...changesNothing({
    'is no part of the body': (id) => [ok(id), data(id, 'hello', { padding: 255, end: true })],
    'of no bytes': (id) => [ok(id), data(id, 'hello', { padding: 0, end: true })],
    'alone, and an end': (id) => [
      ok(id),
      data(id, 'hello', { padding: 1 }),
      data(id, '', { padding: 100, end: true }),
    ],
    'in HEADERS': (id) => [ok(id, [], { padding: 17 }), data(id, 'hello', { end: true })],
  }),
]);

promises('WINDOW_UPDATE (§6.9)', [
  ...ends(CODE.protocolError, { 'of 0, for the connection': () => windowUpdate(0, 0) }),
  ...ends(CODE.flowControlError, {
    'beyond 2^31 − 1, for the connection': () => windowUpdate(0, 0x7fff_ffff),
    'beyond 2^31 − 1, for the connection, in two': () => [
      windowUpdate(0, 0x4000_0000),
      windowUpdate(0, 0x4000_0000),
    ],
  }),
  ...resets(CODE.protocolError, { 'of 0, for a stream': (id) => windowUpdate(id, 0) }),
  ...resets(CODE.flowControlError, {
    'beyond 2^31 − 1, for a stream': (id) => windowUpdate(id, 0x7fff_ffff),
  }),
  ...changesNothing({
    'up to 2^31 − 1': (id) => [
      windowUpdate(0, 0x7fff_0000),
      windowUpdate(id, 0x7fff_0000),
      whole(id, 'hello'),
    ],
    'behind the end of the answer': (id) => [whole(id, 'hello'), windowUpdate(id, 1_000)],
    'with the reserved bit': (id) => [
      frame(FRAME.windowUpdate, 0, id, uint32(RESERVED_BIT + 5)),
      whole(id, 'hello'),
    ],
  }),
]);

promises('PUSH_PROMISE and PRIORITY', [
  ...ends(CODE.protocolError, {
    'a push is refused: it was forbidden (§8.4)': (id) =>
      pushPromise(id, EVEN, [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':authority', 'localhost'],
        [':path', '/pushed'],
      ]),
    'a push on stream 0': () => pushPromise(0, EVEN, []),
  }),
  ...resets(CODE.frameSizeError, {
    'PRIORITY of 4 bytes (§6.3)': (id) => frame(FRAME.priority, FLAG.none, id, '1234'),
  }),
  ...changesNothing({
    'PRIORITY is ignored': (id) => [priority(id), priority(IDLE, id), whole(id, 'hello')],
    'priority in HEADERS is ignored': (id) => [
      ok(id, [], { priority: { dependsOn: 0, weight: 255 } }),
      data(id, 'hello', { end: true }),
    ],
  }),
]);

promises('what is only unusual', [
  ...changesNothing({
    'unknown frames, on the connection and on a stream (§5.5)': (id) => [
      frame(0xbe, 0xff, 0, 'grease'),
      frame(0x0a, 0, 0, 'alt-svc'),
      ok(id),
      frame(0xbf, FLAG.endStream, id, 'x'.repeat(1_000)),
      frame(0x0c, 0, IDLE, ''),
      data(id, 'hello', { end: true }),
    ],
    'unknown flags (§4.1)': (id) => [
      frame(FRAME.settings, 0xfe, 0),
      frame(FRAME.headers, 0xd2 | FLAG.endHeaders, id, HEAD),
      frame(FRAME.data, 0xf6 | FLAG.endStream, id, 'hello'),
    ],
    'the reserved bit of a stream (§4.1)': (id) => [
      frame(FRAME.headers, FLAG.endHeaders, RESERVED_BIT + id, HEAD),
      frame(FRAME.data, FLAG.endStream, RESERVED_BIT + id, 'hello'),
    ],
    'a PONG for no PING (§6.7)': (id) => [ping('unasked?', true), whole(id, 'hello')],
    'unknown settings (§6.5.2)': (id) => [
      settings([0x99, 1], [0xffff, 0xffff_ffff]),
      whole(id, 'hello'),
    ],
    'a setting that is said twice: the last one holds': (id) => [
      settings([4, 0], [4, 65_535]),
      whole(id, 'hello'),
    ],
    'empty DATA between pieces': (id) => [
      ok(id),
      data(id, ''),
      data(id, 'hel'),
      data(id, ''),
      data(id, 'lo'),
      data(id, '', { end: true }),
    ],
    'a head in CONTINUATION frames, some of no bytes': (id) => [
      headers(id, HEAD.subarray(0, 0), { endHeaders: false }),
      continuation(id, HEAD, false),
      continuation(id, HEAD.subarray(0, 0), true),
      data(id, 'hello', { end: true }),
    ],
    'a body of one-byte frames': (id) => [
      ok(id),
      ...Array.from('hello').map((letter) => data(id, letter)),
      data(id, '', { end: true }),
    ],
  }),
  {
    name: 'all of it a byte at a time',
    origin: {
      script: (peer, { streamId }) =>
        peer.drip(Buffer.concat([ping(), settings(), whole(streamId, 'hello')])),
    },
    expect: HELLO,
    reuse: true,
  },
  {
    name: 'a PING is answered with its own bytes (§6.7)',
    origin: {
      script: async (peer, { streamId }) => {
        const isPong = ({ flags, payload }: { flags: number; payload: Buffer }) =>
          flags === FLAG.ack && payload.toString() === 'hotaru!!';
        await peer.send(ping('hotaru!!'));
        await peer.until(() => peer.framesOf(FRAME.ping).some(isPong), 'the PONG comes');
        await peer.send(whole(streamId, 'hello'));
      },
    },
    expect: HELLO,
    reuse: true,
  },
  {
    name: 'SETTINGS are acknowledged, each (§6.5.3)',
    origin: {
      script: async (peer, { streamId }) => {
        await peer.send(settings(), settings([3, 50]), settings([3, 100]));
        const acks = () =>
          peer.framesOf(FRAME.settings).filter(({ flags }) => flags === FLAG.ack).length;
        await peer.until(() => acks() === 4, 'all were acknowledged');
        await peer.send(whole(streamId, 'hello'));
      },
    },
    expect: HELLO,
    reuse: true,
  },
  {
    name: 'the client’s own SETTINGS are acknowledged only at the end',
    origin: {
      script: async (peer, { streamId }) => {
        peer.manners.acknowledgesSettings = false;
        await peer.send(whole(streamId, 'hello'), settingsAck());
      },
    },
    expect: HELLO,
    reuse: 'either',
  },
  {
    name: 'a GOAWAY with the reserved bit allows what it names',
    origin: (id) => [goaway(RESERVED_BIT + id, CODE.noError), whole(id, 'hello')],
    expect: HELLO,
    reuse: false,
  },
]);
