/** Every pair of states of the two sides, and every event in it; no sockets. */
import { describe, expect, it } from 'vitest';
import { FakeSocket } from '../../../test/support/fake-socket.js';
import { CONSTANTS } from '../../config/constants.js';
import { HotaruClientError, TransportError, type ErrorCode } from '../../errors.js';
import { ConnectionKey } from '../../key/connection-key.js';
import type { PieceSink } from '../../message/body-flow.js';
import { NO_BODY, toRequestBody } from '../../message/request-body.js';
import { Counters } from '../../pool/counters.js';
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
import type { Http1Exchange } from './exchange.js';
import { Http1Connection } from './http1-connection.js';

const GET: ExchangeRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'peer.test',
  target: '/',
  fields: [],
  body: NO_BODY,
  contentLength: -1,
  expectsContinue: false,
  wantsClose: false,
};

/** A streamed body that a test feeds by hand. */
class Source implements AsyncIterable<unknown> {
  /** It is read, and has not ended. */
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

  end(): void {
    this.isOpen = false;
    this.#answer?.({ done: true, value: undefined });
  }
  fail(): void {
    this.isOpen = false;
    this.#fail?.(new Error('the source broke'));
  }
}

/** One exchange on a fake socket; `told` has what it told its owner. */
class Bench implements ExchangeEvents, PieceSink {
  readonly socket = new FakeSocket();
  readonly counters = new Counters();
  readonly transport: Transport;
  readonly connection: Http1Connection;
  readonly exchange: Http1Exchange;
  told: string[] = [];
  hasBody: boolean | undefined = undefined;
  trailers: FieldSection | undefined = undefined;
  /** Aborts when it is told this. */
  abortsAt: string | undefined = undefined;
  refusal: TransportError | undefined = undefined;
  hasSink = true;
  /** What comes once it is started. */
  next: string | undefined = undefined;

  constructor(
    request: Partial<ExchangeRequest> = {},
    readonly source = new Source(),
    isLastUse = false,
  ) {
    const key = ConnectionKey.from('http://peer.test');
    const clock = new VirtualClock();
    this.transport = new Transport(key, this.socket.asSocket(), clock, this.counters);
    const dialTiming = { dns: 0, connect: 0, tls: 0 };
    this.connection = new Http1Connection(this.transport, { id: 0, random: 0, dialTiming });
    this.exchange = this.connection.exchange({ ...GET, ...request }, this, isLastUse);
  }

  gets(text: string): void {
    this.transport.received(Buffer.from(text, 'latin1'));
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
    this.#tell((error instanceof HotaruClientError && FAILURES.get(error.code)) || String(error));
    expect(this.exchange.release()).toBe(false);
  }

  #tell(what: string): void {
    this.told.push(what);
    if (what === this.abortsAt) this.exchange.abort();
  }
}

/** How the table names errors. */
const FAILURES = new Map<ErrorCode, string>([
  ['HOTARU_CONNECTION_CLOSED', 'closed'],
  ['HOTARU_PROTOCOL_ERROR', 'malformed'],
  ['HOTARU_REQUEST_BODY_FAILED', 'bad source'],
  ['HOTARU_RESPONSE_TOO_LARGE', 'refused'],
]);

const BYTES = toRequestBody(new Uint8Array(3));
const LARGE_BYTES = CONSTANTS.uploadSliceBytes * 3;
const LARGE = toRequestBody(new Uint8Array(LARGE_BYTES));

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
const WHOLE = `${HEAD}hello`;
const REFUSAL = 'HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\n';

/** How each state of the sending side is reached. */
const SENDING: Readonly<Record<string, () => Bench>> = {
  continue: () => begun({ body: BYTES, contentLength: 3, expectsContinue: true }),
  source: () => begun(streamed()),
  socket: () => begun({ body: LARGE, contentLength: LARGE_BYTES }, true),
  flush: () => begun({ body: BYTES, contentLength: 3 }, true),
  written: () => begun(),
  broken: () => {
    const bench = begun({ body: BYTES, contentLength: 3 }, true);
    bench.transport.keepsReading(new Error('EPIPE'));
    return bench;
  },
  stopped: () => {
    const bench = begun(streamed());
    bench.gets(`${REFUSAL}he`);
    return bench;
  },
};

/** How each state of the receiving side is reached from `none`; undefined where it can't be. */
const RECEIVING: Readonly<Record<string, (bench: Bench, sending: string) => boolean>> = {
  none: (_bench, sending) => sending !== 'stopped',
  pending: (bench, sending) => {
    if (sending === 'continue') return false; // a final head ends the wait
    if (sending !== 'stopped') bench.gets(`${HEAD}he`);
    return true;
  },
  flushing: (bench, sending) => {
    if (sending !== 'flush' && sending !== 'written') return false;
    bench.socket.writableLength = 1; // TLS tells a turn late that it was written
    bench.gets(WHOLE);
    return true;
  },
};

const EVENTS: Readonly<Record<string, (bench: Bench) => unknown>> = {
  '1xx': (bench) => bench.gets('HTTP/1.1 100 Continue\r\n\r\n'),
  'head 200': (bench) => bench.gets(HEAD),
  'head 413': (bench) => bench.gets(REFUSAL),
  'all of it': (bench) => bench.gets(WHOLE),
  'rest of body': (bench) => bench.gets('llo'),
  'rest and more': (bench) => bench.gets('llo!'),
  FIN: (bench) => bench.transport.ended(),
  close: (bench) => bench.transport.socketClosed(),
  reset: (bench) => {
    bench.transport.errored(new Error('ECONNRESET'));
    bench.transport.socketClosed();
  },
  drain: (bench) => bench.socket.drain(bench.transport),
  'write error': (bench) => bench.transport.keepsReading(new Error('EPIPE')),
  'source ends': (bench) => {
    bench.source.end();
    return turn();
  },
  'source fails': (bench) => {
    bench.source.fail();
    return turn();
  },
  'a turn': () => turn(),
  continueUpload: (bench) => bench.exchange.continueUpload(),
  giveUp: (bench) => bench.exchange.giveUp(),
  abort: (bench) => bench.exchange.abort(),
  release: (bench) => bench.exchange.release(),
};

function streamed(): Partial<ExchangeRequest> & { source: Source } {
  const source = new Source();
  const body = { kind: 'stream', source, contentType: undefined } as const;
  return { body, source };
}

/** Started, and what it told of that is not noted. */
function begun(
  request: Partial<ExchangeRequest> & { source?: Source } = {},
  isFull = false,
): Bench {
  const { source, ...own } = request;
  const bench = new Bench(own, source);
  if (isFull) bench.socket.fill();
  bench.exchange.start();
  return bench;
}

/** What is told in each pair of states: `·` where there is no such pair, `-` for nothing. */
const TABLE: Readonly<Record<string, string>> = {
  none: `
                   | continue        | source          | socket          | flush       | written            | broken          | stopped
    1xx            | 100 written     | 100             | 100             | 100         | 100                | 100             | ·
    head 200       | 200 pending     | 200 pending     | 200 pending     | 200 pending | 200 pending        | 200 pending     | ·
    head 413       | 413 pending     | 413 pending     | 413 pending     | 413 pending | 413 pending        | 413 pending     | ·
    all of it      | 200 hello spent | 200 hello spent | 200 hello spent | 200 hello   | 200 hello reusable | 200 hello spent | ·
    rest of body   | malformed       | malformed       | malformed       | malformed   | malformed          | malformed       | ·
    rest and more  | malformed       | malformed       | malformed       | malformed   | malformed          | malformed       | ·
    FIN            | closed          | closed          | closed          | closed      | closed             | closed          | ·
    close          | closed          | closed          | closed          | closed      | closed             | closed          | ·
    reset          | closed          | closed          | closed          | closed      | closed             | closed          | ·
    drain          | -               | -               | written         | written     | -                  | -               | ·
    write error    | broken          | broken          | broken          | broken      | broken             | -               | ·
    source ends    | -               | written         | -               | -           | -                  | -               | ·
    source fails   | -               | bad source      | -               | -           | -                  | -               | ·
    a turn         | -               | -               | -               | -           | -                  | -               | ·
    continueUpload | written         | -               | -               | -           | -                  | -               | ·
    giveUp         | closed          | closed          | closed          | closed      | closed             | closed          | ·
    abort          | -               | -               | -               | -           | -                  | -               | ·
    release        | -               | -               | -               | -           | -                  | -               | ·
`,
  pending: `
                   | continue | source     | socket    | flush     | written      | broken    | stopped
    1xx            | ·        | HTT spent  | HTT spent | HTT spent | HTT spent    | HTT spent | HTT spent
    head 200       | ·        | HTT spent  | HTT spent | HTT spent | HTT spent    | HTT spent | HTT spent
    head 413       | ·        | HTT spent  | HTT spent | HTT spent | HTT spent    | HTT spent | HTT spent
    all of it      | ·        | HTT spent  | HTT spent | HTT spent | HTT spent    | HTT spent | HTT spent
    rest of body   | ·        | llo spent  | llo spent | llo       | llo reusable | llo spent | llo spent
    rest and more  | ·        | llo spent  | llo spent | llo spent | llo spent    | llo spent | llo spent
    FIN            | ·        | closed     | closed    | closed    | closed       | closed    | closed
    close          | ·        | closed     | closed    | closed    | closed       | closed    | closed
    reset          | ·        | closed     | closed    | closed    | closed       | closed    | closed
    drain          | ·        | -          | written   | written   | -            | -         | -
    write error    | ·        | broken     | broken    | broken    | broken       | -         | -
    source ends    | ·        | written    | -         | -         | -            | -         | -
    source fails   | ·        | bad source | -         | -         | -            | -         | -
    a turn         | ·        | -          | -         | -         | -            | -         | -
    continueUpload | ·        | -          | -         | -         | -            | -         | -
    giveUp         | ·        | closed     | closed    | closed    | closed       | closed    | closed
    abort          | ·        | -          | -         | -         | -            | -         | -
    release        | ·        | -          | -         | -         | -            | -         | -
`,
  flushing: `
                   | continue | source | socket | flush   | written | broken | stopped
    1xx            | ·        | ·      | ·      | spent   | spent   | ·      | ·
    head 200       | ·        | ·      | ·      | spent   | spent   | ·      | ·
    head 413       | ·        | ·      | ·      | spent   | spent   | ·      | ·
    all of it      | ·        | ·      | ·      | spent   | spent   | ·      | ·
    rest of body   | ·        | ·      | ·      | spent   | spent   | ·      | ·
    rest and more  | ·        | ·      | ·      | spent   | spent   | ·      | ·
    FIN            | ·        | ·      | ·      | spent   | spent   | ·      | ·
    close          | ·        | ·      | ·      | spent   | spent   | ·      | ·
    reset          | ·        | ·      | ·      | spent   | spent   | ·      | ·
    drain          | ·        | ·      | ·      | written | -       | ·      | ·
    write error    | ·        | ·      | ·      | -       | -       | ·      | ·
    source ends    | ·        | ·      | ·      | spent   | spent   | ·      | ·
    source fails   | ·        | ·      | ·      | spent   | spent   | ·      | ·
    a turn         | ·        | ·      | ·      | spent   | spent   | ·      | ·
    continueUpload | ·        | ·      | ·      | -       | -       | ·      | ·
    giveUp         | ·        | ·      | ·      | closed  | closed  | ·      | ·
    abort          | ·        | ·      | ·      | -       | -       | ·      | ·
    release        | ·        | ·      | ·      | -       | -       | ·      | ·
`,
};

async function rowOf(event: string, receiving: string): Promise<string[]> {
  const cells: string[] = [];
  for (const [sending, reach] of Object.entries(SENDING)) {
    const bench = reach();
    if (RECEIVING[receiving]?.(bench, sending) !== true) {
      cells.push('·');
      continue;
    }
    bench.told = [];
    await EVENTS[event]?.(bench);
    cells.push(bench.told.join(' ') || '-');
    expect(bench.socket.corks).toBe(0);
    if (ENDINGS.test(bench.told.join(' ')) || event === 'abort' || event === 'release')
      await expectOver(bench);
  }
  return cells;
}

const ENDINGS = /reusable|spent|closed|malformed|bad source/;

/** It says nothing more whatever happens, keeps no hold of its connection, and reads no source. */
async function expectOver(bench: Bench): Promise<void> {
  const { exchange, transport, socket, source } = bench;
  bench.told = [];
  const isReusable = exchange.release();
  expect(socket.isPaused).toBe(false);
  exchange.pause();
  exchange.resume();
  exchange.continueUpload();
  exchange.giveUp();
  exchange.abort();
  expect(socket.isPaused).toBe(false);
  expect(exchange.release()).toBe(isReusable);
  if (source.isOpen) expect(source.isGivenUp).toBe(true);
  socket.drain(transport);
  const wasOpen = !socket.isDestroyed && transport.isOpen;
  bench.gets('unasked');
  if (wasOpen) expect(bench.counters.poisoned).toBe(1);
  transport.ended();
  transport.socketClosed();
  source.end();
  await turn();
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

describe('an exchange', () => {
  it('does nothing before it is started', () => {
    const bench = new Bench();
    expect([bench.socket.text, bench.told, bench.counters.requests]).toEqual(['', [], 0]);
    bench.gets('unasked');
    expect(bench.counters.poisoned).toBe(1);
  });

  it('gives up the body when it is aborted before it is started', () => {
    const { source, ...request } = streamed();
    const bench = new Bench(request, source);
    expect(bench.exchange.release()).toBe(false);
    expect(() => bench.exchange.start()).toThrow('after its end');
    expect([bench.socket.text, bench.told]).toEqual(['', []]);
  });

  it.each([
    ['continue', () => new Bench({ body: BYTES, contentLength: 3, expectsContinue: true })],
    ['written', () => new Bench()],
    ['source', () => withSource()],
    ['100', () => afterStart('HTTP/1.1 100 Continue\r\n\r\n')],
    ['200', () => afterStart(WHOLE)],
    ['200', () => afterStart('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n')],
    ['204', () => afterStart('HTTP/1.1 204 No Content\r\n\r\n')],
    ['hello', () => afterStart(WHOLE)],
    [
      'hel',
      () =>
        afterStart('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n'),
    ],
    ['pending', () => afterStart(HEAD)],
  ] as const)('may be aborted while it tells: %s', async (word, make) => {
    const bench = make();
    bench.abortsAt = word;
    const { next } = bench;
    if (next === undefined) bench.exchange.start();
    else {
      bench.exchange.start();
      bench.gets(next);
    }
    expect(bench.told.at(-1)).toBe(word);
    expect(bench.exchange.release()).toBe(false);
    await expectOver(bench);
  });

  it('does not read a source that is given up as soon as it would be read', async () => {
    const bench = withSource();
    bench.abortsAt = 'source';
    bench.exchange.start();
    await turn();
    expect(bench.source.reads).toBe(0);
  });

  it('ends its connection for bytes that follow the response', () => {
    const bench = begun();
    bench.gets(`${WHOLE}HTTP/1.1 200 OK`);
    expect([bench.told.at(-1), bench.counters.poisoned, bench.socket.isDestroyed]).toEqual([
      'spent',
      1,
      true,
    ]);
  });

  it('ends with the error that the sink of the body returns', async () => {
    const bench = begun();
    bench.refusal = new TransportError('HOTARU_RESPONSE_TOO_LARGE', 'too much');
    bench.gets(WHOLE);
    expect(bench.told).toEqual(['written', '200', 'hello', 'refused']);
    await expectOver(bench);
  });

  it('reads and drops a body that nothing takes', () => {
    const bench = begun();
    bench.hasSink = false;
    bench.gets(WHOLE);
    expect(bench.told).toEqual(['written', '200', 'reusable']);
  });

  it('hands over the trailers', () => {
    const bench = begun();
    bench.gets('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSum: 7\r\n\r\n');
    expect(bench.trailers?.text).toContain('Sum: 7');
    expect(bench.hasBody).toBe(true);
  });

  it('stops the source at an error status, and at a final status that comes instead of 100', () => {
    const bench = begun(streamed());
    bench.gets(REFUSAL);
    expect(bench.source.isGivenUp).toBe(true);
    const waits = begun({ body: BYTES, contentLength: 3, expectsContinue: true });
    const { text } = waits.socket;
    waits.gets(HEAD);
    waits.exchange.continueUpload();
    expect(waits.socket.text).toBe(text);
  });

  it('is reusable once TLS tells, a turn late, that the last write is out', async () => {
    const bench = begun();
    bench.socket.writableLength = 1;
    bench.gets(WHOLE);
    expect(bench.told).toEqual(['written', '200', 'hello']);
    bench.socket.drain(bench.transport);
    await turn();
    expect(bench.told).toEqual(['written', '200', 'hello', 'reusable']);
  });

  it.each([
    ['the request said close', { wantsClose: true }, false, WHOLE],
    ['it is the last use', {}, true, WHOLE],
    [
      'the response says close',
      {},
      false,
      `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello`,
    ],
  ] as const)('is spent when %s', (_why, request, isLastUse, response) => {
    const bench = new Bench(request, undefined, isLastUse);
    bench.exchange.start();
    bench.gets(response);
    expect(bench.told.at(-1)).toBe('spent');
    expect(bench.socket.text.includes('connection: close')).toBe(response === WHOLE);
  });

  it('pauses its connection, which is read again once it is over', () => {
    const bench = begun();
    bench.gets(HEAD);
    bench.exchange.pause();
    expect(bench.socket.isPaused).toBe(true);
    bench.exchange.abort();
    expect(bench.socket.isPaused).toBe(false);
  });

  it('leaves the next one on its connection alone, whatever is still asked of it', () => {
    const bench = begun();
    bench.gets(WHOLE);
    expect(bench.told.at(-1)).toBe('reusable');
    const next = bench.connection.exchange(GET, bench, false);
    next.start();
    bench.exchange.pause();
    bench.exchange.abort();
    expect(bench.exchange.release()).toBe(true);
    expect(bench.socket.isPaused).toBe(false);
    bench.told = [];
    bench.gets(WHOLE);
    expect(bench.told.slice(0, 2)).toEqual(['200', 'hello']);
    expect(next.release()).toBe(true);
  });
});

function withSource(): Bench {
  const { source, ...request } = streamed();
  return new Bench(request, source);
}

function afterStart(response: string): Bench {
  const bench = new Bench();
  bench.next = response;
  return bench;
}
