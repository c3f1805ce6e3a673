/** Every pair of states of the two sides, and every event in it; no sockets. Its peer is the codec's other role. */
import { describe, expect, it } from 'vitest';
import { Http2ErrorCode } from '@hotaru/wire';
import { FakeSocket } from '../../../test/support/fake-socket.js';
import { Http2Peer, type PeerStream } from '../../../test/support/http2-peer.js';
import { CONSTANTS } from '../../config/constants.js';
import { HotaruClientError, TransportError, type ErrorCode } from '../../errors.js';
import { ConnectionKey } from '../../key/connection-key.js';
import type { PieceSink } from '../../message/body-flow.js';
import { NO_BODY, toRequestBody, type RequestBody } from '../../message/request-body.js';
import { Counters } from '../../pool/counters.js';
import { Deadlines } from '../../pool/deadlines.js';
import { turn } from '../../testing/index.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type {
  ExchangeEvents,
  ExchangeRequest,
  FieldSection,
  ResponseHead,
  SendState,
} from '../exchange.js';
import { Transport } from '../transport.js';
import type { Http2Exchange } from './exchange.js';
import { Http2Connection } from './http2-connection.js';

const GET: ExchangeRequest = {
  ...{ method: 'GET', scheme: 'http', authority: 'peer.test', target: '/', fields: [] },
  ...{ body: NO_BODY, contentLength: -1, expectsContinue: false, wantsClose: false },
};
const BYTES = toRequestBody(new Uint8Array(3));
const WINDOW: number = CONSTANTS.streamWindowBytes;

/** A streamed body that a test feeds by hand. */
class Source implements AsyncIterable<unknown> {
  isOpen = false;
  isGivenUp = false;
  reads = 0;
  #answer: ((result: IteratorResult<unknown>) => void) | undefined = undefined;
  #fail: ((error: Error) => void) | undefined = undefined;

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    this.isOpen = true;
    return {
      next: () =>
        new Promise((resolve, reject) => {
          this.reads += 1;
          this.#answer = resolve;
          this.#fail = reject;
        }),
      return: () => {
        this.isGivenUp = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async give(value: unknown): Promise<void> {
    this.#answer?.({ done: false, value });
    await turn();
  }
  async end(): Promise<void> {
    this.isOpen = false;
    this.#answer?.({ done: true, value: undefined });
    await turn();
  }
  async fail(): Promise<void> {
    this.isOpen = false;
    this.#fail?.(new Error('the source broke'));
    await turn();
  }
}

/** How the table names errors. */
const FAILURES = new Map<ErrorCode, string>([
  ['HOTARU_CONNECTION_CLOSED', 'closed'],
  ['HOTARU_PROTOCOL_ERROR', 'malformed'],
  ['HOTARU_REQUEST_BODY_FAILED', 'bad source'],
  ['HOTARU_INVALID_REQUEST', 'bad source'],
  ['HOTARU_RESPONSE_TOO_LARGE', 'refused'],
]);

/** One exchange on a connection that is open; `told` has what it told its owner. */
class Bench implements ExchangeEvents, PieceSink {
  readonly socket = new FakeSocket();
  readonly transport: Transport;
  readonly connection: Http2Connection;
  readonly peer: Http2Peer;
  readonly time = new VirtualClock();
  readonly exchange: Http2Exchange;
  told: string[] = [];
  error: Error | undefined = undefined;
  hasBody: boolean | undefined = undefined;
  trailers: FieldSection | undefined = undefined;
  /** Aborts when it is told this. */
  abortsAt: string | undefined = undefined;
  refusal: TransportError | undefined = undefined;
  hasSink = true;

  constructor(
    request: Partial<ExchangeRequest> = {},
    readonly source = new Source(),
    streamWindowBytes = WINDOW,
  ) {
    const key = ConnectionKey.from('http://peer.test');
    this.transport = new Transport(key, this.socket.asSocket(), this.time, new Counters());
    this.connection = new Http2Connection(this.transport, {
      ...{ id: 0, random: 0, dialTiming: { dns: 0, connect: 0, tls: 0 }, maxStreams: 100 },
      deadlines: new Deadlines(this.time),
    });
    this.peer = new Http2Peer(this.socket, (bytes) => this.transport.received(bytes), {
      streamWindowBytes,
    });
    this.connection.open({ onReady: () => undefined, onFailed: () => undefined });
    this.peer.says();
    this.exchange = this.connection.exchange({ ...GET, ...request }, this, false);
  }

  /** The server's side of it. */
  get stream(): PeerStream {
    return this.peer.last;
  }

  get resetWith(): string | undefined {
    return this.stream.failure;
  }

  sending(state: SendState): void {
    this.#tell(state);
  }
  onInformational(head: ResponseHead): void {
    this.#tell(String(head.status));
  }
  onHead(head: ResponseHead, hasBody: boolean): PieceSink | undefined {
    this.hasBody = hasBody;
    this.#tell(String(head.status));
    return this.hasSink ? this : undefined;
  }
  take(bytes: Buffer, start: number, end: number): TransportError | undefined {
    this.#tell(bytes.toString('latin1', start, end));
    return this.refusal;
  }
  bodyPending(): void {
    this.#tell('pending');
  }
  exchangeDone(trailers: FieldSection | undefined): void {
    this.trailers = trailers;
    this.#tell(this.exchange.release() ? 'reusable' : 'spent');
  }
  exchangeFailed(error: Error): void {
    this.error = error;
    const name = (error instanceof HotaruClientError && FAILURES.get(error.code)) || String(error);
    this.#tell(this.exchange.mayBeSentAgain ? 'unprocessed' : name);
    this.exchange.release();
  }

  #tell(what: string): void {
    this.told.push(what);
    if (what === this.abortsAt) this.exchange.abort();
  }
}

function streamed(contentLength = -1): Partial<ExchangeRequest> & { source: Source } {
  const source = new Source();
  const body = { kind: 'stream', source, contentType: undefined } as const;
  return { body, source, contentLength };
}

async function begun(
  request: Partial<ExchangeRequest> & { source?: Source } = {},
  isFull = false,
  window = WINDOW,
): Promise<Bench> {
  const { source, ...own } = request;
  const bench = new Bench(own, source, window);
  bench.peer.isPaused = window === SMALL_WINDOW;
  await turn();
  if (isFull) bench.socket.fill();
  bench.exchange.start();
  await turn();
  return bench;
}

const LARGE_BYTES = 6;
const SMALL_WINDOW = 4;

/** How each state of the sending side is reached. */
const SENDING: Readonly<Record<string, () => Promise<Bench>>> = {
  head: async () => {
    const bench = new Bench();
    await turn();
    bench.exchange.start(); // HEADERS are made at the end of the turn
    return bench;
  },
  continue: () => begun({ body: BYTES, contentLength: 3, expectsContinue: true }),
  source: () => begun(streamed()),
  socket: () =>
    begun(
      { body: toRequestBody(new Uint8Array(LARGE_BYTES)), contentLength: LARGE_BYTES },
      false,
      SMALL_WINDOW,
    ),
  flush: () => begun({ body: BYTES, contentLength: 3 }, true),
  written: () => begun(),
  stopped: async () => {
    const bench = await begun(streamed());
    bench.stream.stream.respond(413, ['content-length', '5'], false);
    bench.stream.gives('he');
    bench.peer.says();
    return bench;
  },
};

/** How each state of the receiving side is reached from `none`; false where it can't be. */
const RECEIVING: Readonly<Record<string, (bench: Bench, sending: string) => boolean>> = {
  none: (_bench, sending) => sending !== 'stopped',
  pending: (bench, sending) => {
    if (sending === 'head' || sending === 'continue') return false; // a final head ends the wait
    if (sending === 'stopped') return true;
    bench.stream.stream.respond(200, ['content-length', '5'], false);
    bench.stream.gives('he');
    bench.peer.says();
    return true;
  },
};

/** `undefined` for what the server can't do, because it has not heard of the request or has answered. */
function ifServed(act: (bench: Bench) => void): (bench: Bench) => unknown {
  return (bench) => {
    if (bench.peer.streams.length === 0) return NO_EVENT;
    act(bench);
    bench.peer.says();
    return turn();
  };
}
function ifNotAnswered(act: (bench: Bench) => void): (bench: Bench) => unknown {
  return (bench) => (bench.hasBody === undefined ? ifServed(act)(bench) : NO_EVENT);
}
const NO_EVENT = 'no event';

const EVENTS: Readonly<Record<string, (bench: Bench) => unknown>> = {
  '1xx': ifNotAnswered(({ stream }) => stream.stream.inform(100, [])),
  'head 200': ifNotAnswered(({ stream }) => stream.stream.respond(200, [], false)),
  'head 413': ifNotAnswered(({ stream }) => stream.stream.respond(413, [], false)),
  'head alone': ifNotAnswered(({ stream }) => stream.stream.respond(204, [], true)),
  'all of it': ifNotAnswered(({ stream }) => {
    stream.stream.respond(200, [], false);
    stream.gives('hello', true);
  }),
  'rest of body': (bench) =>
    bench.hasBody === true ? ifServed(({ stream }) => stream.gives('llo', true))(bench) : NO_EVENT,
  'too little': (bench) =>
    bench.hasBody === true ? ifServed(({ stream }) => stream.gives('l', true))(bench) : NO_EVENT,
  CANCEL: ifServed(({ stream }) => stream.stream.reset(Http2ErrorCode.Cancel)),
  NO_ERROR: ifServed(({ stream }) => stream.stream.reset(Http2ErrorCode.NoError)),
  REFUSED: ifServed(({ stream }) => stream.stream.reset(Http2ErrorCode.RefusedStream)),
  FIN: (bench) => bench.transport.ended(),
  reset: (bench) => {
    bench.transport.errored(new Error('ECONNRESET'));
    bench.transport.socketClosed();
  },
  drain: (bench) => {
    bench.socket.drain(bench.transport);
    return turn();
  },
  window: (bench) => {
    if (bench.peer.streams.length > 0) bench.stream.stream.resume(); // and so gives credit
    bench.peer.says();
    return turn();
  },
  'write error': (bench) => bench.transport.keepsReading(new Error('EPIPE')),
  'source ends': (bench) => bench.source.end(),
  'source fails': (bench) => bench.source.fail(),
  'a turn': () => turn(),
  continueUpload: (bench) => {
    bench.exchange.continueUpload();
    return turn();
  },
  giveUp: (bench) => bench.exchange.giveUp(),
  abort: (bench) => bench.exchange.abort(),
  release: (bench) => bench.exchange.release(),
};

/** What is told in each pair of states: `·` where there is no such pair or event, `-` for nothing. */
const TABLE: Readonly<Record<string, string>> = {
  none: `
                   | head        | continue           | source             | socket             | flush              | written            | stopped
    1xx            | ·           | 100 written        | 100                | 100                | 100                | 100                | ·
    head 200       | ·           | 200 pending        | 200 pending        | 200 pending        | 200 pending        | 200 pending        | ·
    head 413       | ·           | 413 pending        | 413 pending        | 413 pending        | 413 pending        | 413 pending        | ·
    head alone     | ·           | 204 reusable       | 204 reusable       | 204 reusable       | 204 reusable       | 204 reusable       | ·
    all of it      | ·           | 200 hello reusable | 200 hello reusable | 200 hello reusable | 200 hello reusable | 200 hello reusable | ·
    rest of body   | ·           | ·                  | ·                  | ·                  | ·                  | ·                  | ·
    too little     | ·           | ·                  | ·                  | ·                  | ·                  | ·                  | ·
    CANCEL         | ·           | closed             | closed             | closed             | closed             | closed             | ·
    NO_ERROR       | ·           | closed             | closed             | closed             | closed             | closed             | ·
    REFUSED        | ·           | unprocessed        | closed             | unprocessed        | unprocessed        | unprocessed        | ·
    FIN            | unprocessed | closed             | closed             | closed             | closed             | closed             | ·
    reset          | unprocessed | closed             | closed             | closed             | closed             | closed             | ·
    drain          | written     | -                  | -                  | -                  | written            | -                  | ·
    window         | written     | -                  | -                  | written            | -                  | -                  | ·
    write error    | -           | -                  | -                  | -                  | -                  | -                  | ·
    source ends    | written     | -                  | written            | -                  | -                  | -                  | ·
    source fails   | written     | -                  | bad source         | -                  | -                  | -                  | ·
    a turn         | written     | -                  | -                  | -                  | -                  | -                  | ·
    continueUpload | written     | written            | -                  | -                  | -                  | -                  | ·
    giveUp         | -           | -                  | -                  | -                  | -                  | -                  | ·
    abort          | -           | -                  | -                  | -                  | -                  | -                  | ·
    release        | -           | -                  | -                  | -                  | -                  | -                  | ·
`,
  pending: `
                   | head | continue | source       | socket         | flush        | written      | stopped
    1xx            | ·    | ·        | ·            | ·              | ·            | ·            | ·
    head 200       | ·    | ·        | ·            | ·              | ·            | ·            | ·
    head 413       | ·    | ·        | ·            | ·              | ·            | ·            | ·
    head alone     | ·    | ·        | ·            | ·              | ·            | ·            | ·
    all of it      | ·    | ·        | ·            | ·              | ·            | ·            | ·
    rest of body   | ·    | ·        | llo reusable | llo reusable   | llo reusable | llo reusable | llo reusable
    too little     | ·    | ·        | l malformed  | l malformed    | l malformed  | l malformed  | l malformed
    CANCEL         | ·    | ·        | closed       | closed         | closed       | closed       | closed
    NO_ERROR       | ·    | ·        | closed       | closed         | closed       | closed       | closed
    REFUSED        | ·    | ·        | closed       | closed         | closed       | closed       | closed
    FIN            | ·    | ·        | closed       | closed         | closed       | closed       | closed
    reset          | ·    | ·        | closed       | closed         | closed       | closed       | closed
    drain          | ·    | ·        | -            | -              | written      | -            | -
    window         | ·    | ·        | -            | written        | -            | -            | -
    write error    | ·    | ·        | -            | -              | -            | -            | -
    source ends    | ·    | ·        | written      | -              | -            | -            | -
    source fails   | ·    | ·        | bad source   | -              | -            | -            | -
    a turn         | ·    | ·        | -            | -              | -            | -            | -
    continueUpload | ·    | ·        | -            | -              | -            | -            | -
    giveUp         | ·    | ·        | -            | -              | -            | -            | -
    abort          | ·    | ·        | -            | -              | -            | -            | -
    release        | ·    | ·        | -            | -              | -            | -            | -
`,
};

async function rowOf(event: string, receiving: string): Promise<string[]> {
  const cells: string[] = [];
  for (const [sending, reach] of Object.entries(SENDING)) {
    const bench = await reach();
    const isReached = RECEIVING[receiving]?.(bench, sending) === true;
    bench.told = [];
    if (!isReached || (await EVENTS[event]?.(bench)) === NO_EVENT) {
      cells.push('·');
      continue;
    }
    const told = bench.told.join(' ');
    cells.push(told || '-');
    expect(bench.peer.error, sending).toBeUndefined();
    if (ENDINGS.test(told) || event === 'abort' || event === 'release') await expectOver(bench);
  }
  return cells;
}

const ENDINGS = /reusable|spent|closed|malformed|bad source|unprocessed/;

/** It says nothing more whatever happens, keeps no stream open, and reads no source unless another may. */
async function expectOver(bench: Bench): Promise<void> {
  const { exchange, connection, peer, source, socket, transport } = bench;
  bench.told = [];
  expect(connection.underWay).toBe(0);
  const wasOpen = connection.isOpen;
  exchange.pause();
  exchange.resume();
  exchange.continueUpload();
  exchange.giveUp();
  exchange.abort();
  expect(exchange.release()).toBe(wasOpen);
  if (source.isOpen) expect(source.isGivenUp).toBe(true);
  if (wasOpen) {
    socket.drain(transport);
    await turn();
    expect(peer.codec.activeCount).toBe(0);
    const next = new Bench();
    expect(next.connection.isOpen).toBe(true);
  }
  transport.ended();
  transport.socketClosed();
  await source.end();
  expect(bench.told).toEqual([]);
  expect(() => exchange.start()).toThrow('twice, or after its end');
}

describe.each(Object.keys(RECEIVING))('while the response is: %s', (receiving) => {
  const [head = [], ...rows] = (TABLE[receiving] ?? '')
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it('has a column for each state of the sending side, and a row for each event', () => {
    expect(head.slice(1)).toEqual(Object.keys(SENDING));
    expect(rows.map(([event]) => event)).toEqual(Object.keys(EVENTS));
  });

  it.each(rows.map(([event = '', ...cells]) => [event, cells] as const))(
    '%s',
    async (event, cells) => {
      expect(await rowOf(event, receiving)).toEqual(cells);
    },
  );
});

describe('a body on its way up', () => {
  it.each<[string, RequestBody, number, string]>([
    ['text', toRequestBody('é'), 2, 'Ã©'],
    ['bytes', toRequestBody(Buffer.from('abc')), 3, 'abc'],
    ['nothing, as text', toRequestBody(''), 0, ''],
    ['none', NO_BODY, 0, ''],
  ])('of known length ends with its last frame: %s', async (_what, body, length, text) => {
    const bench = await begun({ method: 'POST', body, contentLength: length });
    expect([bench.told, bench.stream.body, bench.stream.isWhole]).toEqual([
      ['written'],
      text,
      true,
    ]);
    expect(bench.stream.head?.contentLength).toBe(length);
    // HEADERS, and DATA where there is something to send: END_STREAM stands on the last of them
    expect(framesOf(bench).slice(-1)).toEqual([text === '' ? 'HEADERS end' : 'DATA end']);
    expect(bench.exchange.bytesSent).toBeGreaterThan(text.length);
  });

  it('that is a stream of known length ends with its last frame, too', async () => {
    const request = streamed(5);
    const bench = await begun(request);
    await request.source.give('ab');
    await request.source.give(Buffer.from('cde'));
    expect([bench.stream.body, bench.stream.isWhole]).toEqual(['abcde', true]);
    expect(bench.told).toEqual(['source']);
    await request.source.end();
    expect(bench.told).toEqual(['source', 'written']);
    expect(framesOf(bench).slice(-2)).toEqual(['DATA', 'DATA end']);
  });

  it('of unknown length ends with an empty frame', async () => {
    const request = streamed();
    const bench = await begun(request);
    await request.source.give('ab');
    await request.source.end();
    expect([bench.stream.body, bench.stream.isWhole]).toEqual(['ab', true]);
    expect(framesOf(bench).slice(-2)).toEqual(['DATA', 'DATA end']);
  });

  it.each([
    ['longer', 'abc', /longer than its content-length of 2/],
    ['shorter', 'a', /ended after 1 bytes, but its content-length is 2/],
  ])('that is %s than announced ends its stream, and no other', async (_what, piece, message) => {
    const request = streamed(2);
    const bench = await begun(request);
    await request.source.give(piece);
    await request.source.end();
    expect(bench.error?.message).toMatch(message);
    expect([bench.resetWith, bench.connection.isOpen]).toEqual([
      expect.stringContaining('CANCEL'),
      true,
    ]);
  });

  it('waits for 100 with everything but its head, and is sent then', async () => {
    const bench = await begun({ body: BYTES, contentLength: 3, expectsContinue: true });
    expect([bench.told, bench.stream.body, bench.stream.isWhole]).toEqual([
      ['continue'],
      '',
      false,
    ]);
    bench.exchange.continueUpload();
    await turn();
    expect(bench.stream.body).toHaveLength(3);
  });

  it('that waits for 100 is not sent when the final answer comes instead', async () => {
    const bench = await begun({ body: BYTES, contentLength: 3, expectsContinue: true });
    bench.stream.stream.respond(200, [], false);
    bench.peer.says();
    bench.exchange.continueUpload();
    await turn();
    expect([bench.told, bench.stream.body]).toEqual([['continue', '200', 'pending'], '']);
  });

  it('goes as far as the windows allow, and on when they open', async () => {
    const size = WINDOW * 3 + 1;
    const bench = await begun({
      body: toRequestBody(Buffer.alloc(size, 'x')),
      contentLength: size,
    });
    for (let rounds = 0; !bench.stream.isWhole && rounds < 100; rounds += 1) {
      bench.peer.says();
      await turn();
    }
    expect(bench.stream.body).toHaveLength(size);
    expect(bench.told.at(-1)).toBe('written');
    expect(new Set(bench.told.slice(0, -1))).toEqual(new Set(['socket']));
  });

  it('is as long as it was, or the stream ends: bytes may be taken away while it waits', async () => {
    const bytes = new Uint8Array(LARGE_BYTES);
    const request = { body: toRequestBody(bytes), contentLength: LARGE_BYTES };
    const bench = await begun(request, false, SMALL_WINDOW);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    bench.stream.stream.resume();
    bench.peer.says();
    await turn();
    expect(bench.error?.message).toContain('transferred or resized');
    expect(bench.resetWith).toContain('CANCEL');
  });

  it('stops at an error status, and its stream ends with the response', async () => {
    const request = streamed();
    const bench = await begun(request);
    bench.stream.stream.respond(413, [], false);
    bench.peer.says();
    expect([request.source.isGivenUp, bench.resetWith]).toEqual([true, undefined]);
    bench.stream.gives('no', true);
    bench.peer.says();
    await turn();
    expect([bench.told.at(-1), bench.resetWith]).toEqual([
      'reusable',
      expect.stringContaining('NO_ERROR'),
    ]);
  });

  it('is not read while there is no room', async () => {
    const request = streamed();
    const bench = await begun(request, false, SMALL_WINDOW);
    await request.source.give('four');
    expect([bench.told, request.source.reads]).toEqual([['source', 'socket'], 1]);
    bench.stream.stream.resume();
    bench.peer.says();
    await turn();
    expect([bench.told, request.source.reads]).toEqual([['source', 'socket', 'source'], 2]);
  });
});

describe('a response', () => {
  it('hands over the trailers', async () => {
    const bench = await begun();
    bench.stream.stream.respond(200, [], false);
    bench.stream.gives('x');
    bench.stream.stream.end(['sum', '7']);
    bench.peer.says();
    expect(bench.told).toEqual(['written', '200', 'x', 'reusable']);
    expect([bench.trailers?.offsets.length, bench.trailers?.text]).toEqual([4, 'sum7']);
  });

  it.each([
    ['HEAD', 200, ['content-length', '5']],
    ['GET', 304, ['content-length', '5']],
    ['GET', 204, []],
  ])('without a body is whole with its head: %s, %i', async (method, status, fields) => {
    for (const isLast of [true, false]) {
      const bench = await begun({ method });
      bench.stream.stream.respond(status, fields, isLast);
      bench.peer.says();
      expect([bench.told, bench.hasBody]).toEqual([['written', String(status), 'reusable'], false]);
      await turn();
      expect(bench.peer.codec.activeCount).toBe(0);
    }
  });

  it('is read and dropped if nothing takes it', async () => {
    const bench = await begun();
    bench.hasSink = false;
    bench.stream.stream.respond(200, [], false);
    bench.stream.gives('hello', true);
    bench.peer.says();
    expect(bench.told).toEqual(['written', '200', 'reusable']);
  });

  it('ends with the error that its sink returns, and the stream with it', async () => {
    const bench = await begun();
    bench.refusal = new TransportError('HOTARU_RESPONSE_TOO_LARGE', 'too much');
    bench.stream.stream.respond(200, [], false);
    bench.stream.gives('hello');
    bench.peer.says();
    expect([bench.told, bench.error]).toEqual([
      ['written', '200', 'hello', 'refused'],
      bench.refusal,
    ]);
    await turn();
    expect(bench.resetWith).toContain('CANCEL');
    await expectOver(bench);
  });

  it('that is paused holds its peer back, and no other stream', async () => {
    const bench = await begun();
    const size = CONSTANTS.streamWindowBytes;
    bench.stream.stream.respond(200, [], false);
    bench.peer.says();
    bench.exchange.pause();
    const { stream } = bench.stream;
    const give = (): void => {
      while (stream.room > 0) stream.send(Buffer.alloc(stream.room), 0, stream.room, false);
      bench.peer.says();
    };
    for (let rounds = 0; rounds < 20; rounds += 1) {
      give();
      await turn();
    }
    expect(stream.room).toBe(0);
    const received = bench.told.slice(2).reduce((sum, { length }) => sum + length, 0);
    expect(received).toBe(size + 'pending'.length);
    bench.exchange.resume();
    await turn();
    expect(stream.room).toBeGreaterThan(0);
  });

  it('knows when something last came in for it', async () => {
    const bench = await begun();
    bench.time.advance(10);
    bench.stream.stream.respond(200, [], true);
    bench.peer.says();
    expect(bench.exchange.heardAtMs).toBe(10);
  });

  it.each(['100', '200', 'hello', 'pending', 'written'])(
    'may be aborted while it is told: %s',
    async (word) => {
      const bench = new Bench();
      await turn();
      bench.abortsAt = word;
      bench.exchange.start();
      await turn();
      if (word !== 'written') {
        bench.stream.stream.inform(100, []);
        if (word !== '100') bench.stream.stream.respond(200, [], false);
        if (word === 'hello') bench.stream.gives('hello');
        bench.peer.says();
      }
      expect(bench.told.at(-1)).toBe(word);
      await turn();
      expect(bench.peer.codec.activeCount).toBe(0);
      expect(bench.connection.isOpen).toBe(true);
      await expectOver(bench);
    },
  );
});

describe('an exchange', () => {
  it('does nothing before it is started, and gives up the body when it ends before that', async () => {
    const { source, ...request } = streamed();
    const bench = new Bench(request, source);
    await turn();
    const { text } = bench.socket;
    expect(bench.exchange.release()).toBe(true);
    expect(() => bench.exchange.start()).toThrow('after its end');
    await turn();
    expect([bench.socket.text, bench.told, bench.connection.underWay]).toEqual([text, [], 0]);
    expect(source.isGivenUp).toBe(true);
  });

  it('that has been told something was acted on, whatever its peer says then', async () => {
    const bench = await begun();
    bench.stream.stream.inform(103, []);
    bench.stream.stream.reset(Http2ErrorCode.RefusedStream);
    bench.peer.says();
    expect(bench.told).toEqual(['written', '103', 'closed']);
  });

  it('leaves a stream that was not read to the next one, if its peer has not acted on it', async () => {
    const request = { ...streamed(), expectsContinue: true };
    const bench = await begun(request);
    bench.stream.stream.reset(Http2ErrorCode.RefusedStream);
    bench.peer.says();
    expect([bench.told.at(-1), request.source.isGivenUp]).toEqual(['unprocessed', false]);
    const read = await begun(streamed());
    read.stream.stream.reset(Http2ErrorCode.RefusedStream);
    read.peer.says();
    expect([read.told.at(-1), read.source.isGivenUp]).toEqual(['closed', true]);
  });
});

const NAMES: Readonly<Record<number, string>> = { 0: 'DATA', 1: 'HEADERS', 3: 'RST_STREAM' };

/** The frames of streams that the client wrote: what each is, and whether it ends its stream. */
function framesOf({ socket }: Bench): string[] {
  const bytes = Buffer.from(socket.text, 'latin1').subarray(24); // behind the preface
  const frames: string[] = [];
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const name = NAMES[bytes.readUInt8(at + 3)];
    const isLast = (bytes.readUInt8(at + 4) & 1) === 1;
    if (name !== undefined) frames.push(isLast ? `${name} end` : name);
  }
  return frames;
}
