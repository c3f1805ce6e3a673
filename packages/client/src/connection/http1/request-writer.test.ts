/** What is written, and which state of the sending side is told, for each kind of body; no sockets. */
import { describe, expect, it } from 'vitest';
import { FakeSocket } from '../../../test/support/fake-socket.js';
import { Random, showSeed } from '../../../../wire/test/support/random.js';
import { CONSTANTS } from '../../config/constants.js';
import { ConnectionKey } from '../../key/connection-key.js';
import { NO_BODY, toRequestBody, type RequestBody } from '../../message/request-body.js';
import { Counters } from '../../pool/counters.js';
import { turn } from '../../testing/index.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { ExchangeRequest, SendState } from '../exchange.js';
import { Transport, type ByteSink } from '../transport.js';
import { Http1RequestWriter } from './request-writer.js';

const HEAD = 'POST /a HTTP/1.1\r\nhost: peer.test\r\n';
const SLICE = CONSTANTS.uploadSliceBytes;

/** The arrows of `SendState` (connection/exchange.ts); `stopped` is told to no owner. */
const ARROWS: Readonly<Record<SendState, readonly SendState[]>> = {
  head: ['continue', 'source', 'socket', 'flush', 'written', 'broken'],
  continue: ['source', 'socket', 'flush', 'written', 'broken'],
  source: ['socket', 'flush', 'written', 'broken'],
  socket: ['source', 'socket', 'flush', 'written', 'broken'],
  flush: ['written', 'broken'],
  written: ['broken'],
  broken: [],
  stopped: [],
};

class Bench implements ByteSink {
  readonly socket = new FakeSocket();
  readonly transport: Transport;
  readonly writer: Http1RequestWriter;
  readonly states: SendState[] = [];
  error: Error | undefined = undefined;
  readonly #request: ExchangeRequest;

  constructor(
    body: RequestBody,
    contentLength: number,
    expectsContinue = false,
    fields: readonly string[] = [],
  ) {
    const key = ConnectionKey.from('http://peer.test');
    const clock = new VirtualClock();
    this.transport = new Transport(key, this.socket.asSocket(), clock, new Counters());
    this.transport.belongsTo(this);
    const authority = 'peer.test';
    this.#request = {
      ...{ method: 'POST', scheme: 'http', authority, target: '/a', fields },
      ...{ body, contentLength, expectsContinue, wantsClose: false },
    };
    this.writer = new Http1RequestWriter(this.transport, body, {
      sending: (state) => {
        expect(ARROWS[this.states.at(-1) ?? 'head']).toContain(state);
        this.states.push(state);
      },
      bodyFailed: (error) => {
        this.error = error;
        this.writer.stop();
      },
    });
  }

  start(isFull = false): this {
    if (isFull) this.socket.fill();
    this.writer.start(this.#request, false);
    return this;
  }

  /** The peer takes all that was written; then the socket is full again, or not. */
  drain(isFull = false): void {
    this.socket.drain(this.transport, isFull);
  }

  onBytes(): void {}
  onEnd(): void {}
  onClose(): void {}
  onWriteError(): boolean {
    return true;
  }
  onDrain(): void {
    this.writer.roomCame();
  }
}

function stream(pieces: readonly unknown[]): RequestBody {
  async function* generate() {
    for (const piece of pieces) yield piece;
  }
  return toRequestBody(generate());
}

describe('a request writer', () => {
  it('writes a large piece of a stream as one chunk in slices, and waits between them', async () => {
    const bench = new Bench(stream([new Uint8Array(SLICE + 1), 'x']), -1).start(true);
    await turn();
    const slices = (): number =>
      bench.socket.text.length - `${HEAD}transfer-encoding: chunked\r\n\r\n`.length;
    expect([slices(), bench.states]).toEqual(['10001\r\n'.length + SLICE, ['source', 'socket']]);
    bench.drain(true);
    expect([slices(), bench.states.at(-1)]).toEqual(['10001\r\n\r\n'.length + SLICE + 1, 'socket']);
    bench.drain();
    await turn();
    expect(bench.socket.text.endsWith('1\r\nx\r\n0\r\n\r\n')).toBe(true);
    expect(bench.states).toEqual(['source', 'socket', 'socket', 'source', 'written']);
  });

  it('fails for a piece of a stream that is taken away while it waits', async () => {
    const piece = new Uint8Array(SLICE + 1);
    const bench = new Bench(stream([piece]), -1).start(true);
    await turn();
    structuredClone(piece, { transfer: [piece.buffer] });
    bench.drain();
    expect(bench.error?.message).toContain('a piece of the body was transferred or resized');
  });

  it.each([[NO_BODY], [toRequestBody('text')], [stream(['x'])]])(
    'says whether a stream was read: %j',
    async (body) => {
      const bench = new Bench(body, body.kind === 'bytes' ? 4 : -1);
      expect(bench.writer.isStreamRead).toBe(false);
      bench.start();
      await turn();
      expect(bench.writer.isStreamRead).toBe(body.kind === 'stream');
    },
  );

  it('leaves a stream of which nothing was read to another exchange', async () => {
    const body = stream(['x']);
    const bench = new Bench(body, -1, true).start();
    bench.writer.leaveBody();
    expect(bench.writer.state).toBe('stopped');
    expect(new Bench(body, -1).start().error).toBeUndefined();
    await turn();
  });

  it.each([
    ['no body', NO_BODY, -1, ''],
    ['no body, and says so', NO_BODY, 0, 'content-length: 0\r\n'],
    ['ASCII text', toRequestBody('text'), 4, 'content-length: 4\r\n'],
    ['text', toRequestBody('é'), 2, 'content-length: 2\r\n'],
    ['bytes', toRequestBody(Buffer.from([1, 2])), 2, 'content-length: 2\r\n'],
  ])('hands over at once: %s', (_what, body, length, framing) => {
    for (const isFull of [false, true]) {
      const bench = new Bench(body, length).start(isFull);
      const bytes = body.kind === 'bytes' ? Buffer.from(body.bytes as string) : '';
      expect(bench.socket.text).toBe(`${HEAD}${framing}\r\n${bytes.toString('latin1')}`);
      expect(bench.states).toEqual([isFull ? 'flush' : 'written']);
      expect(bench.writer.isHandedOver).toBe(true);
      expect(bench.writer.bytesSent).toBe(bench.socket.text.length);
      bench.drain();
      expect(bench.states.at(-1)).toBe('written');
    }
  });

  it('writes small text in one piece with its head, and other bodies corked', () => {
    expect(new Bench(toRequestBody('text'), 4).start().socket.writes).toBe(1);
    const bench = new Bench(toRequestBody(new Uint8Array(2)), 2).start();
    expect([bench.socket.writes, bench.socket.mostCorks, bench.socket.corks]).toEqual([2, 1, 0]);
  });

  it('writes large bytes slice by slice, each when the one before has left', () => {
    const bench = new Bench(toRequestBody(new Uint8Array(SLICE * 2 + 1)), SLICE * 2 + 1);
    bench.start(true);
    const head = bench.socket.text.indexOf('\r\n\r\n') + 4;
    for (const slices of [1, 2]) {
      expect(bench.socket.text.length).toBe(head + slices * SLICE);
      bench.drain(slices === 1);
    }
    expect(bench.socket.text.length).toBe(head + SLICE * 2 + 1);
    expect(bench.states).toEqual(['socket', 'socket', 'written']);
  });

  it('waits with the body for 100, and asks for it once', () => {
    const bench = new Bench(toRequestBody('text'), 4, true).start();
    expect(bench.socket.text.endsWith('\r\n\r\n')).toBe(true);
    bench.writer.continue();
    bench.writer.continue();
    expect(bench.socket.text.endsWith('\r\n\r\ntext')).toBe(true);
    expect(bench.states).toEqual(['continue', 'written']);
  });

  it('frames a stream in chunks, and writes one of known length as it is', async () => {
    const chunked = new Bench(stream(['ab', '', Buffer.from('c')]), -1).start();
    const plain = new Bench(stream(['ab', '', Buffer.from('c')]), 3).start();
    await turn();
    expect(chunked.socket.text).toBe(
      `${HEAD}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`,
    );
    expect(plain.socket.text).toBe(`${HEAD}content-length: 3\r\n\r\nabc`);
    for (const { states } of [chunked, plain]) expect(states).toEqual(['source', 'written']);
  });

  it.each([
    ['longer', ['abc'], 'the body is longer than its content-length of 2 bytes'],
    ['shorter', ['a'], 'the body ended after 1 bytes, but its content-length is 2'],
    ['of something else', [7], undefined],
  ])('fails for a stream that is %s', async (_what, pieces, message) => {
    const bench = new Bench(stream(pieces), 2).start();
    await turn();
    expect(bench.error?.message).toContain(message ?? 'body');
    expect(bench.states).toEqual(['source']);
  });

  it('fails for bytes that were taken away while it waited', () => {
    for (const expectsContinue of [true, false]) {
      const bytes = new Uint8Array(SLICE + 1);
      const bench = new Bench(toRequestBody(bytes), bytes.length, expectsContinue).start(true);
      structuredClone(bytes, { transfer: [bytes.buffer] });
      if (expectsContinue) bench.writer.continue();
      else bench.drain();
      expect(bench.error?.message).toContain('transferred or resized');
      expect(bench.writer.state).toBe('stopped');
    }
  });

  it('goes along its arrows alone, whatever comes in any order', async () => {
    for (let seed = 0; seed < 150; seed += 1) {
      const random = new Random(seed);
      const pieces = random.several(random.below(5), () =>
        Buffer.alloc(random.oneIn(4) ? SLICE * 2 : 1 + random.below(9)),
      );
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const body = random.oneIn(2) ? stream(pieces) : toRequestBody(Buffer.concat(pieces));
      const isChunked = body.kind === 'stream' && random.oneIn(2);
      const bench = new Bench(body, isChunked ? -1 : length, random.oneIn(3));
      try {
        bench.start(random.oneIn(2));
        for (let steps = random.below(12); steps > 0; steps -= 1) {
          const { writer } = bench;
          const wasEnded = writer.state === 'stopped' || writer.state === 'broken';
          const { text } = bench.socket;
          [
            () => bench.drain(random.oneIn(2)),
            () => writer.continue(),
            () => bench.socket.fill(),
            () => random.oneIn(4) && writer.stop(),
            () => random.oneIn(4) && writer.break(),
          ][random.below(5)]?.();
          await turn();
          if (wasEnded) expect(bench.socket.text).toBe(text);
          expect([bench.socket.corks, writer.bytesSent]).toEqual([0, bench.socket.text.length]);
        }
        bench.writer.continue();
        for (let i = 0; i < 20; i += 1) {
          bench.drain();
          await turn();
        }
        expect(bench.error).toBeUndefined();
        expect(['written', 'broken', 'stopped']).toContain(bench.writer.state);
      } catch (error) {
        throw new Error(`${(error as Error).message}\nseed ${showSeed(seed)}`, { cause: error });
      }
    }
  });
});
