/** Bodies and the order of frames on a stream (RFC 9113 §5.1, §8.1): what is not certain is an error of its stream. */
import { CODE, data, headers, rst, windowUpdate } from '../support/h2/frames.js';
import {
  CLOSED,
  ok,
  post,
  promises,
  PROTOCOL,
  streamed,
  whole,
  type Came,
  type H2Case,
} from './support.js';

const HELLO: Came = { body: 'hello' };
const LENGTH_5 = [['content-length', '5']] as const;

function resets(
  name: string,
  origin: (id: number) => Uint8Array[],
  more: Partial<H2Case> = {},
): H2Case {
  return { name, origin, expect: PROTOCOL, reuse: true, reset: CODE.protocolError, ...more };
}

promises('a body and its length (§8.1.1)', [
  resets(
    'shorter than was announced',
    (id) => [ok(id, LENGTH_5), data(id, 'hell', { end: true })],
    { reset: undefined as never },
  ),
  resets('nothing where some was announced', (id) => [ok(id, LENGTH_5, { end: true })], {
    reset: undefined as never,
  }),
  resets('longer than was announced', (id) => [
    ok(id, LENGTH_5),
    data(id, 'hello!'),
    data(id, '', { end: true }),
  ]),
  resets('longer, in a frame of its own', (id) => [
    ok(id, LENGTH_5),
    data(id, 'hello'),
    data(id, '!'),
  ]),
  resets('something where none was announced', (id) => [
    ok(id, [['content-length', '0']]),
    data(id, 'x'),
  ]),
  resets(
    'shorter, and trailers',
    (id) => [ok(id, LENGTH_5), data(id, 'hell'), headers(id, [['x', 'y']], { end: true })],
    { reset: undefined as never },
  ),
  {
    name: 'padding does not count',
    origin: (id) => [ok(id, LENGTH_5), data(id, 'hello', { padding: 100, end: true })],
    expect: HELLO,
    reuse: true,
  },
  {
    name: 'a HEAD announces what it does not send',
    request: () => ({ method: 'HEAD' }),
    origin: (id) => ok(id, LENGTH_5, { end: true }),
    expect: { body: '', headers: { 'content-length': '5' } },
    reuse: true,
  },
  {
    name: 'a HEAD that ends with empty DATA',
    request: () => ({ method: 'HEAD' }),
    origin: (id) => [ok(id, LENGTH_5), data(id, '', { end: true })],
    expect: { body: '' },
    reuse: true,
  },
  resets('a HEAD with a body', (id) => [ok(id, LENGTH_5), data(id, 'hello', { end: true })], {
    request: () => ({ method: 'HEAD' }),
    expect: PROTOCOL,
    reset: undefined as never,
  }),
  ...['204', '304'].map((status): H2Case => ({
    name: `a ${status} with a length and no body`,
    origin: (id) => headers(id, [[':status', status], ...LENGTH_5], { end: true }),
    expect: { status: Number(status), body: '' },
    reuse: true,
  })),
  resets(
    'a 204 with a body',
    (id) => [headers(id, [[':status', '204']]), data(id, 'hello', { end: true })],
    { reset: undefined as never },
  ),
]);

promises('the order on a stream (§5.1, §8.1)', [
  resets('DATA before any head', (id) => [data(id, 'hello', { end: true })]),
  resets('empty DATA before any head', (id) => [data(id, ''), whole(id, 'hello')]),
  resets('a second head behind the first', (id) => [
    ok(id),
    ok(id),
    data(id, 'hello', { end: true }),
  ]),
  {
    name: 'DATA behind the end: the answer stands, the connection goes or the frame is dropped',
    origin: (id) => [whole(id, 'hello'), data(id, 'more')],
    expect: HELLO,
    reuse: 'either',
  },
  {
    name: 'HEADERS behind the end: the answer stands',
    origin: (id) => [whole(id, 'hello'), ok(id, [], { end: true })],
    expect: HELLO,
    reuse: 'either',
  },
  {
    name: 'RST_STREAM behind the end: the answer stands, the connection, too',
    origin: (id) => [whole(id, 'hello'), rst(id, CODE.noError)],
    expect: HELLO,
    reuse: true,
  },
  {
    name: 'RST_STREAM twice',
    origin: (id) => [rst(id, CODE.cancel), rst(id, CODE.cancel)],
    expect: CLOSED,
    reuse: 'either',
  },
  {
    name: 'frames behind an origin’s own RST_STREAM',
    origin: (id) => [rst(id, CODE.cancel), data(id, 'late'), windowUpdate(id, 1)],
    expect: CLOSED,
    reuse: 'either',
  },
  {
    name: 'frames that were on their way when the client had reset are dropped, and decoded',
    options: { headersTimeout: 50 },
    origin: {
      script: async (peer, request) => {
        await peer.until(() => request.resetCode !== undefined, 'the client gives up');
        await peer.send(
          ok(request.streamId, [['x-late', 'yes']]),
          data(request.streamId, 'late', { end: true }),
        );
      },
    },
    expect: { error: 'HOTARU_HEADERS_TIMEOUT' },
    reuse: true,
    reset: CODE.cancel,
  },
]);

promises('an answer that does not come to its end', [
  {
    name: 'no head: the clock of the head ends the stream, not the connection',
    options: { headersTimeout: 50 },
    origin: () => [],
    expect: { error: 'HOTARU_HEADERS_TIMEOUT' },
    reuse: true,
    reset: CODE.cancel,
  },
  {
    name: 'a body that stalls: the clock of the body does',
    options: { bodyTimeout: 50 },
    origin: (id) => [ok(id), data(id, 'hel')],
    expect: { error: 'HOTARU_BODY_TIMEOUT' },
    reuse: true,
    reset: CODE.cancel,
  },
  {
    name: 'only PINGs: they do not keep a call alive',
    options: { headersTimeout: 50 },
    origin: {
      script: async (peer, request) => {
        await peer.send(...Array<Buffer>(5).fill(windowUpdate(0, 1)));
        await peer.until(() => request.resetCode !== undefined, 'the client gives up');
      },
    },
    expect: { error: 'HOTARU_HEADERS_TIMEOUT' },
    reuse: true,
  },
  {
    name: 'a deadline in the middle of the body',
    options: { timeout: 60 },
    origin: (id) => [ok(id), data(id, 'hel')],
    expect: { error: 'HOTARU_DEADLINE_EXCEEDED' },
    reuse: true,
    reset: CODE.cancel,
  },
]);

promises('a body larger than the caller wants', [
  {
    name: 'by its length: ended with the head',
    options: { maxResponseSize: 4 },
    origin: (id) => [ok(id, LENGTH_5)],
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
    reuse: true,
    reset: CODE.cancel,
  },
  {
    name: 'by what comes',
    options: { maxResponseSize: 4 },
    origin: (id) => [ok(id), data(id, 'hel'), data(id, 'lo')],
    expect: { error: 'HOTARU_RESPONSE_TOO_LARGE' },
    reuse: true,
    reset: CODE.cancel,
  },
]);

const BODIES = { bytes: () => post(), 'a stream': () => streamed('a ', 'body') };

promises('an early answer (§8.1, docs/rules.md, rule 5)', [
  ...Object.entries(BODIES).map(([kind, request]): H2Case => ({
    name: `to a POST with ${kind}, then RST_STREAM with NO_ERROR: it is the answer`,
    request,
    atHead: true,
    origin: (id) => [
      headers(id, [
        [':status', '413'],
        ['content-length', '5'],
      ]),
      data(id, 'large', { end: true }),
      rst(id, CODE.noError),
    ],
    expect: { status: 413, body: 'large' },
    reuse: true,
  })),
  {
    name: 'in the middle of an upload that nothing takes: the rest is not sent',
    request: () => post(Buffer.alloc(1_048_576)),
    atHead: true,
    origin: {
      script: (peer, { streamId }) => {
        peer.manners.givesCredit = false;
        return peer.send(
          headers(streamId, [[':status', '413']]),
          data(streamId, 'large', { end: true }),
          rst(streamId, CODE.noError),
        );
      },
    },
    expect: { status: 413, body: 'large' },
    reuse: true,
  },
  {
    name: 'without RST_STREAM: the client stops its upload by itself',
    request: () => post(Buffer.alloc(1_048_576)),
    atHead: true,
    origin: {
      script: (peer, { streamId }) => {
        peer.manners.givesCredit = false;
        return peer.send(
          headers(streamId, [[':status', '413']]),
          data(streamId, 'large', { end: true }),
        );
      },
    },
    expect: { status: 413, body: 'large' },
    reuse: true,
    reset: CODE.noError,
  },
  {
    name: 'RST_STREAM with NO_ERROR before the answer is whole: an error',
    request: () => post(),
    origin: (id) => [ok(id, LENGTH_5), data(id, 'hel'), rst(id, CODE.noError)],
    expect: CLOSED,
    reuse: true,
  },
]);
