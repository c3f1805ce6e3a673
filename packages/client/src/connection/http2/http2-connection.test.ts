/** A connection over a fake socket, with the codec's other role as its peer: what it writes when, and how it ends. */
import { describe, expect, it } from 'vitest';
import { inspect } from 'node:util';
import { Http2ErrorCode } from '@hotaru/wire';
import { FakeSocket } from '../../../test/support/fake-socket.js';
import { frame, Http2Peer, type Http2PeerLimits } from '../../../test/support/http2-peer.js';
import { CONSTANTS } from '../../config/constants.js';
import { ConnectionKey } from '../../key/connection-key.js';
import { NO_BODY, toRequestBody } from '../../message/request-body.js';
import { Counters } from '../../pool/counters.js';
import { Deadlines } from '../../pool/deadlines.js';
import { turn } from '../../testing/index.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { ExchangeEvents, ExchangeRequest, SendState } from '../exchange.js';
import { Transport } from '../transport.js';
import type { Http2Exchange } from './exchange.js';
import { Http2Connection } from './http2-connection.js';

const GET: ExchangeRequest = {
  ...{ method: 'GET', scheme: 'http', authority: 'peer.test', target: '/', fields: [] },
  ...{ body: NO_BODY, contentLength: -1, expectsContinue: false, wantsClose: false },
};
const POST: ExchangeRequest = {
  ...GET,
  ...{ method: 'POST', body: toRequestBody('hello'), contentLength: 5 },
};

/** What one exchange tells. */
class Owner implements ExchangeEvents {
  readonly told: string[] = [];
  error: Error | undefined = undefined;
  exchange!: Http2Exchange;

  sending(state: SendState): void {
    this.told.push(state);
  }
  onInformational(): void {}
  onHead(head: { readonly status: number }): undefined {
    this.told.push(String(head.status));
  }
  bodyPending(): void {}
  exchangeDone(): void {
    this.told.push(this.exchange.release() ? 'reusable' : 'done');
  }
  exchangeFailed(error: Error): void {
    this.error = error;
    this.told.push(this.exchange.mayBeSentAgain ? 'unprocessed' : 'failed');
    this.exchange.release();
  }
}

class Bench {
  readonly socket = new FakeSocket();
  readonly time = new VirtualClock();
  readonly counters = new Counters();
  readonly deadlines = new Deadlines(this.time);
  readonly transport: Transport;
  readonly connection: Http2Connection;
  readonly peer: Http2Peer;
  readonly told: string[] = [];
  error: Error | undefined = undefined;

  constructor(limits: Http2PeerLimits = {}, maxStreams = 100) {
    const key = ConnectionKey.from('http://peer.test');
    this.transport = new Transport(key, this.socket.asSocket(), this.time, this.counters);
    this.connection = new Http2Connection(this.transport, {
      ...{ id: 7, random: 0, dialTiming: { dns: 0, connect: 0, tls: 0 } },
      ...{ deadlines: this.deadlines, maxStreams },
    });
    this.connection.onClosed = () => this.told.push('closed');
    this.connection.onLimitChanged = () => this.told.push(`limit ${this.connection.callerLimit}`);
    this.peer = new Http2Peer(this.socket, (bytes) => this.transport.received(bytes), limits);
  }

  open(): this {
    this.connection.open({
      onReady: () => this.told.push('ready'),
      onFailed: (error) => {
        this.error = error;
        this.told.push('not ready');
      },
    });
    return this;
  }

  start(request: Partial<ExchangeRequest> = {}, isLastUse = false): Owner {
    const owner = new Owner();
    owner.exchange = this.connection.exchange({ ...GET, ...request }, owner, isLastUse);
    owner.exchange.start();
    return owner;
  }
}

/** Open, its SETTINGS acknowledged, in a turn of its own. */
async function opened(limits: Http2PeerLimits = {}, maxStreams = 100): Promise<Bench> {
  const bench = new Bench(limits, maxStreams).open();
  bench.peer.says();
  await turn();
  bench.told.length = 0;
  return bench;
}

describe('a peer that keeps the connection alive', () => {
  it('may send PINGs for days, whether there are calls or not', async () => {
    const bench = await opened();
    const ping = frame(6, 0, 0, Buffer.alloc(8));
    for (let i = 0; i < 4 * CONSTANTS.idleFrameAllowance; i += 1) {
      bench.time.advance(10_000);
      bench.transport.received(ping);
      await turn();
    }
    expect([bench.connection.isOpen, bench.told]).toEqual([true, []]);
  });
});

describe('the opening of a connection', () => {
  it('says the preface at once, and is ready when the peer has said how much it takes', () => {
    const bench = new Bench({ maxConcurrentStreams: 30 });
    expect([bench.socket.text, bench.connection.isOpen]).toEqual(['', false]);
    bench.open();
    expect(bench.socket.text.startsWith('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toBe(true);
    expect([bench.connection.isOpen, bench.connection.callerLimit]).toEqual([false, 0]);
    bench.peer.says();
    expect(bench.told).toEqual(['limit 30', 'ready']);
    expect([bench.connection.isOpen, bench.connection.callerLimit]).toEqual([true, 30]);
    expect([bench.peer.error, bench.connection.protocol, bench.connection.canShare]).toEqual([
      undefined,
      'h2',
      true,
    ]);
  });

  it.each([
    [
      'HTTP/1.1',
      (bench: Bench) => bench.peer.sends(Buffer.from('HTTP/1.1 400 Bad\r\n\r\n')),
      /HTTP\/1\.1/,
    ],
    ['garbage', (bench: Bench) => bench.peer.sends(Buffer.alloc(64, 0x7f)), /RFC 9113/],
    ['FIN', (bench: Bench) => bench.transport.ended(), /closed the connection before its SETTINGS/],
    [
      'reset',
      (bench: Bench) => {
        bench.transport.errored(new Error('ECONNRESET'));
        bench.transport.socketClosed();
      },
      /broke before its SETTINGS came: /,
    ],
    ['close', (bench: Bench) => bench.transport.socketClosed(), /closed before its SETTINGS/],
  ])('fails, once, with the reason in words: %s', async (_what, act, message) => {
    const bench = new Bench().open();
    act(bench);
    expect(bench.told).toEqual(['not ready']);
    expect(bench.error).toMatchObject({
      name: 'TransportError',
      message: expect.stringMatching(message),
    });
    await turn();
    await turn();
    expect([bench.socket.isDestroyed, bench.connection.isOpen]).toEqual([true, false]);
    bench.transport.socketClosed();
    bench.connection.close();
    expect(bench.told).toHaveLength(1);
  });
});

describe('what is written', () => {
  it('goes out at the end of the turn, all streams of it in one write', async () => {
    const bench = await opened();
    const { writes } = bench.socket;
    const owners = [bench.start(), bench.start(POST), bench.start()];
    await Promise.resolve();
    expect(bench.socket.writes).toBe(writes);
    await turn();
    expect(bench.socket.writes).toBe(writes + 1);
    expect(bench.peer.streams.map(({ isWhole, body }) => [isWhole, body])).toEqual([
      [true, ''],
      [true, 'hello'],
      [true, ''],
    ]);
    for (const { told, exchange } of owners) {
      expect(told).toEqual(['written']);
      expect(exchange.bytesSent).toBeGreaterThan(0);
    }
    expect(bench.counters).toMatchObject({ requests: 3, bytesSent: bench.socket.text.length });
    expect(bench.connection.record.requestCount).toBe(3);
  });

  it('waits while the socket is full: a request that was not begun has sent nothing', async () => {
    const bench = await opened();
    bench.socket.fill();
    const first = bench.start();
    await turn();
    expect(first.told).toEqual(['flush']);
    const second = bench.start();
    await turn();
    expect([second.exchange.bytesSent, bench.peer.streams.length]).toEqual([0, 1]);
    expect(second.told, 'the peer is on the clock').toEqual(['socket']);
    bench.socket.drain(bench.transport);
    expect([first.told, second.told]).toEqual([
      ['flush', 'written'],
      ['socket', 'written'],
    ]);
    expect(bench.peer.streams).toHaveLength(2);
  });

  it('has its peer on the clock for the end of a stream, too, while the socket is full', async () => {
    const bench = await opened();
    let end = (): void => undefined;
    const gate = new Promise<void>((resolve) => (end = resolve));
    const body = (async function* () {
      yield 'x';
      await gate;
    })();
    const owner = bench.start({ ...POST, body: toRequestBody(body), contentLength: -1 });
    await turn();
    bench.socket.fill();
    bench.start();
    await turn();
    expect(owner.told).toEqual(['source']);
    end();
    await turn();
    expect(owner.told, 'the peer is on the clock').toEqual(['source', 'flush']);
    bench.socket.drain(bench.transport);
    expect(owner.told).toEqual(['source', 'flush', 'written']);
    expect(bench.peer.streams[0]?.isWhole).toBe(true);
  });

  it('is nothing of a request that is aborted before', async () => {
    const bench = await opened();
    const { text } = bench.socket;
    const owner = bench.start(POST);
    owner.exchange.abort();
    expect([owner.exchange.release(), bench.connection.underWay]).toEqual([true, 0]);
    await turn();
    expect(bench.socket.text).toBe(text);
  });

  it('is an answer to a PING of an idle peer, too', async () => {
    const bench = await opened();
    bench.peer.codec.ping();
    bench.peer.says();
    await turn();
    expect(bench.peer.pongs).toBe(1);
  });

  it('larger than the peer takes in its fields is refused before it is sent', async () => {
    const bench = await opened({ maxHeaderListBytes: 300 });
    const { text } = bench.socket;
    const owner = bench.start({ fields: ['x-large', 'y'.repeat(200)] });
    await turn();
    expect(owner.error).toMatchObject({
      code: 'HOTARU_INVALID_REQUEST',
      message: expect.stringContaining('SETTINGS_MAX_HEADER_LIST_SIZE'),
    });
    expect(bench.socket.text).toBe(text);
    const next = bench.start({ fields: ['x', 'y'] });
    await turn();
    expect(next.told).toEqual(['written']);
  });

  it('never holds a field that HTTP/2 does not have', async () => {
    const bench = await opened();
    const owner = bench.start({ fields: ['Upgrade', 'x'] });
    await turn();
    expect(owner.error).toMatchObject({
      code: 'HOTARU_INVALID_REQUEST',
      message: expect.stringContaining('Upgrade'),
    });
    expect(bench.connection.isOpen).toBe(true);
  });
});

describe('how many it takes', () => {
  it('is the lower of the peer’s limit and our own, each time one of them changes', async () => {
    const bench = await opened({ maxConcurrentStreams: 30 }, 20);
    expect(bench.connection.callerLimit).toBe(20);
    bench.connection.maxStreams = 40;
    bench.connection.maxStreams = 50;
    bench.peer.sends(settings(3, 10));
    bench.peer.sends(settings(3, 0));
    bench.peer.sends(settings(3, 0));
    expect(bench.told).toEqual(['limit 30', 'limit 10', 'limit 0']);
    expect(bench.connection.isOpen).toBe(true);
  });

  it('may have fallen before a request is begun: the next try is for another connection', async () => {
    const bench = await opened({ maxConcurrentStreams: 5 });
    const owners = [bench.start(), bench.start()];
    bench.peer.sends(settings(3, 1));
    await turn();
    expect(owners.map(({ told }) => told)).toEqual([['written'], ['unprocessed']]);
    expect(bench.connection.isOpen).toBe(true);
  });
});

describe('GOAWAY', () => {
  it('fails the streams above the last that was acted on; the others come through', async () => {
    const bench = await opened();
    const [first, second] = [bench.start(), bench.start(POST)];
    await turn();
    const third = bench.start();
    bench.peer.sends(goaway(1, Http2ErrorCode.NoError, 'bye'));
    expect(second.told).toEqual(['written', 'unprocessed']);
    expect(second.error).toMatchObject({
      code: 'HOTARU_CONNECTION_CLOSED',
      message: expect.stringContaining('bye'),
    });
    expect([bench.connection.isOpen, bench.told]).toEqual([false, ['limit 0']]);
    await turn();
    expect(third.told).toEqual(['unprocessed']);
    bench.peer.streams[0]!.stream.respond(200, [], true);
    bench.peer.says();
    expect(first.told).toEqual(['written', '200', 'done']);
    expect([bench.connection.underWay, bench.told]).toEqual([0, ['limit 0']]);
  });

  it('that is graceful loses nothing: first the highest number, then the real one', async () => {
    const bench = await opened();
    const owner = bench.start();
    await turn();
    bench.peer.codec.goaway(Http2ErrorCode.NoError, true);
    bench.peer.says();
    expect([bench.connection.isOpen, owner.told]).toEqual([false, ['written']]);
    bench.peer.codec.goaway(Http2ErrorCode.NoError, false);
    bench.peer.last.stream.respond(200, [], true);
    bench.peer.says();
    expect(owner.told).toEqual(['written', '200', 'done']);
  });

  it('for an error ends what it leaves without an answer, soon, though the socket stays open', async () => {
    const bench = await opened();
    const [first, second] = [bench.start(), bench.start()];
    await turn();
    bench.peer.sends(goaway(3, Http2ErrorCode.CompressionError, ''));
    bench.time.advance(CONSTANTS.partingMs - 1);
    bench.peer.streams[0]!.stream.respond(200, [], true);
    bench.peer.says();
    bench.time.advance(CONSTANTS.partingMs);
    await turn();
    await turn();
    expect(first.told).toEqual(['written', '200', 'done']);
    expect(second.told).toEqual(['written', 'failed']);
    expect(second.error?.message).toBe(
      'the peer gave the connection up, and nothing more came for 1000 ms, before it answered (it had said GOAWAY: COMPRESSION_ERROR)',
    );
    expect([bench.told, bench.deadlines.size]).toEqual([['limit 0', 'closed'], 0]);
  });

  it('without an error leaves its streams all the time they take', async () => {
    const bench = await opened();
    const owner = bench.start();
    await turn();
    bench.peer.sends(goaway(1, Http2ErrorCode.NoError, ''));
    bench.time.advance(10 * CONSTANTS.partingMs);
    await turn();
    await turn();
    bench.peer.last.stream.respond(200, [], true);
    bench.peer.says();
    expect(owner.told).toEqual(['written', '200', 'done']);
  });

  it('is what an error is said to have come after', async () => {
    const bench = await opened();
    const owner = bench.start();
    await turn();
    bench.peer.sends(goaway(1, Http2ErrorCode.EnhanceYourCalm, 'too many'));
    bench.transport.ended();
    expect(owner.error?.message).toBe(
      'the peer closed the connection before it answered (it had said GOAWAY: ENHANCE_YOUR_CALM "too many")',
    );
  });
});

describe('a refused stream', () => {
  it('is for another connection: this one takes no more', async () => {
    const bench = await opened();
    const [first, second] = [bench.start(), bench.start(POST)];
    await turn();
    bench.peer.last.stream.reset(Http2ErrorCode.RefusedStream);
    bench.peer.says();
    expect(second.told).toEqual(['written', 'unprocessed']);
    expect([bench.connection.isOpen, bench.told]).toEqual([false, ['limit 0']]);
    bench.peer.streams[0]!.stream.respond(204, [], true);
    bench.peer.says();
    expect(first.told).toEqual(['written', '204', 'done']);
  });

  it('above a limit that has just fallen says nothing about the connection', async () => {
    const bench = await opened();
    const owners = [bench.start(), bench.start()];
    await turn();
    bench.peer.sends(settings(3, 1));
    bench.peer.last.stream.reset(Http2ErrorCode.RefusedStream);
    bench.peer.says();
    expect(owners[1]?.told).toEqual(['written', 'unprocessed']);
    expect(bench.connection.isOpen).toBe(true);
  });
});

describe('the end of a connection', () => {
  const ENDS: readonly (readonly [string, (bench: Bench) => void, RegExp])[] = [
    [
      'FIN',
      (bench) => bench.transport.ended(),
      /^the peer closed the connection before it answered$/,
    ],
    [
      'close',
      (bench) => bench.transport.socketClosed(),
      /^the connection was closed before it answered$/,
    ],
    [
      'reset',
      (bench) => {
        bench.transport.errored(new Error('ECONNRESET'));
        bench.transport.socketClosed();
      },
      /^the connection broke before it answered: ECONNRESET/,
    ],
    [
      'its own',
      (bench) => bench.connection.close(),
      /^the connection was closed before it answered$/,
    ],
  ];

  it.each(ENDS)(
    'settles every stream at once, each with an error of its own: %s',
    async (_what, act, message) => {
      const bench = await opened();
      const written = [bench.start(), bench.start(POST)];
      await turn();
      const queued = bench.start(POST);
      act(bench);
      for (const { told, error } of written) {
        expect(told).toEqual(['written', 'failed']);
        expect(error).toMatchObject({
          code: 'HOTARU_CONNECTION_CLOSED',
          message: expect.stringMatching(message),
        });
      }
      expect(written[0]?.error).not.toBe(written[1]?.error);
      expect(queued.told).toEqual(['unprocessed']);
      expect([bench.told, bench.connection.underWay, bench.deadlines.size]).toEqual([
        ['closed'],
        0,
        0,
      ]);
      await turn();
      await turn();
      expect(bench.socket.isDestroyed).toBe(true);
      expect(bench.told).toEqual(['closed']);
    },
  );

  it.each(ENDS)('of an idle one is told the pool, once: %s', async (_what, act) => {
    const bench = await opened();
    act(bench);
    bench.transport.socketClosed();
    bench.connection.close();
    expect([bench.told, bench.connection.isOpen]).toEqual([['closed'], false]);
  });

  it('says GOAWAY when it is ours', async () => {
    const bench = await opened();
    bench.connection.close();
    expect(bench.peer.goaway).toBe(Http2ErrorCode.NoError);
    expect(bench.socket.isDestroyed).toBe(false);
    await turn();
    await turn();
    expect(bench.socket.isDestroyed).toBe(true);
  });

  it('says GOAWAY with the reason when the peer breaks the protocol', async () => {
    const bench = await opened();
    const owners = [bench.start(), bench.start()];
    await turn();
    bench.peer.sends(frame(0x8, 0, 0, Buffer.alloc(4))); // WINDOW_UPDATE of nothing
    for (const { told, error } of owners) {
      expect(told).toEqual(['written', 'failed']);
      expect(error).toMatchObject({
        code: 'HOTARU_PROTOCOL_ERROR',
        message: expect.stringContaining('RFC 9113 §6.9'),
      });
    }
    expect([bench.told, bench.peer.goaway]).toEqual([['closed'], Http2ErrorCode.ProtocolError]);
    bench.peer.sends(Buffer.alloc(9));
    expect(bench.told).toEqual(['closed']);
  });

  it('gives each that was not begun an error of its own when the peer breaks the protocol', async () => {
    const bench = await opened();
    const owners = [bench.start(), bench.start()];
    bench.peer.sends(frame(0x8, 0, 0, Buffer.alloc(4)));
    expect(owners.map(({ told }) => told)).toEqual([['unprocessed'], ['unprocessed']]);
    expect(owners[0]?.error).not.toBe(owners[1]?.error);
    expect(owners[1]?.error).toMatchObject({ code: 'HOTARU_PROTOCOL_ERROR' });
  });

  it('waits for a moment after a failed write: what has arrived is read', async () => {
    const bench = await opened();
    const [first, second] = [bench.start(), bench.start()];
    await turn();
    expect(bench.transport.keepsReading(new Error('EPIPE'))).toBe(true);
    expect([bench.connection.isOpen, bench.told]).toEqual([false, ['limit 0']]);
    bench.peer.streams[0]!.stream.respond(413, [], true);
    bench.peer.says();
    expect(first.told).toEqual(['written', '413', 'done']);
    const { text } = bench.socket;
    await turn();
    expect(bench.socket.text).toBe(text);
    bench.time.advance(CONSTANTS.writeErrorGraceMs);
    expect(second.told).toEqual(['written', 'failed']);
    expect(second.error?.cause).toMatchObject({ message: 'EPIPE' });
    expect(bench.told).toEqual(['limit 0', 'closed']);
  });

  it('of one that nothing uses does not wait after a failed write', async () => {
    const bench = await opened();
    expect(bench.transport.keepsReading(new Error('EPIPE'))).toBe(false);
  });
});

describe('a silent peer', () => {
  const { pingAfterMs, pongWithinMs } = CONSTANTS;

  it('is asked while streams are open, and lost when it does not answer', async () => {
    const bench = await opened();
    const owner = bench.start();
    await turn();
    bench.time.advance(pingAfterMs);
    await turn();
    bench.time.advance(pongWithinMs);
    await turn();
    await turn();
    expect(owner.told).toEqual(['written', 'failed']);
    expect(owner.error).toMatchObject({
      code: 'HOTARU_CONNECTION_CLOSED',
      message: expect.stringContaining('no answer to a PING within 5000 ms'),
    });
    expect(bench.told).toEqual(['closed']);
  });

  it('that answers goes on', async () => {
    const bench = await opened();
    const owner = bench.start();
    await turn();
    for (let i = 0; i < 3; i += 1) {
      bench.time.advance(pingAfterMs);
      await turn();
      bench.time.advance(pongWithinMs - 1);
      bench.peer.says();
    }
    bench.peer.last.stream.respond(200, [], true);
    bench.peer.says();
    expect(owner.told).toEqual(['written', '200', 'reusable']);
    expect(bench.deadlines.size).toBe(0);
  });

  it('that takes a long upload slowly, and has nothing to say, goes on', async () => {
    const bench = await opened();
    bench.socket.fill();
    const owner = bench.start(POST);
    await turn();
    for (let i = 0; i < 3; i += 1) {
      bench.time.advance(pingAfterMs);
      await turn();
      bench.time.advance(pongWithinMs - 1);
      bench.socket.drain(bench.transport, true);
      bench.start(); // fills it again
      await turn();
    }
    expect(owner.told.at(-1)).toBe('written');
    expect(bench.told).toEqual([]);
    bench.time.advance(pingAfterMs);
    await turn();
    bench.time.advance(pongWithinMs);
    await turn();
    await turn();
    expect([owner.told.at(-1), bench.told]).toEqual(['failed', ['closed']]);
  });

  it('is no less silent because a write takes Node a moment', async () => {
    const bench = await opened();
    bench.start();
    await turn();
    bench.time.advance(pingAfterMs - 1);
    bench.socket.fill();
    bench.start();
    await new Promise<void>((resolve) => setImmediate(resolve));
    bench.socket.drain(bench.transport);
    await turn();
    bench.time.advance(1);
    await turn();
    bench.time.advance(pongWithinMs);
    await turn();
    await turn();
    expect(bench.told).toEqual(['closed']);
  });

  it('is found though each caller leaves before the answer is due', async () => {
    const bench = await opened();
    bench.time.advance(pingAfterMs);
    for (let i = 0; i < 5; i += 1) {
      const owner = bench.start(POST);
      await turn();
      bench.time.advance(pongWithinMs / 5);
      owner.exchange.release();
    }
    await turn();
    await turn();
    expect([bench.told, bench.deadlines.size]).toEqual([['limit 0', 'closed'], 0]);
  });

  it('is asked before it is used again: nothing of the request is written before it has answered', async () => {
    const bench = await opened();
    bench.time.advance(pingAfterMs);
    const owners = [bench.start(POST), bench.start()];
    await turn();
    expect([bench.peer.streams.length, owners[0]?.exchange.bytesSent]).toEqual([0, 0]);
    bench.peer.says(); // its pong
    await turn();
    expect(owners.map(({ told }) => told)).toEqual([['written'], ['written']]);
  });

  it('that does not answer then has been sent nothing: it may go to another one', async () => {
    const bench = await opened();
    bench.time.advance(pingAfterMs);
    const owner = bench.start(POST);
    await turn();
    bench.time.advance(pongWithinMs);
    await turn();
    await turn();
    expect([owner.told, bench.peer.streams, bench.told]).toEqual([['unprocessed'], [], ['closed']]);
  });

  it('takes no new callers soon after one has left it unheard, and those it has may still be answered', async () => {
    const bench = await opened();
    const [left, stays] = [bench.start(), bench.start(POST)];
    await turn();
    bench.time.advance(CONSTANTS.askEarlyAfterMs);
    expect(left.exchange.release()).toBe(true);
    const queued = bench.start(POST);
    await turn();
    expect([bench.connection.isOpen, queued.told]).toEqual([true, []]);
    bench.time.advance(CONSTANTS.wordWithinMs);
    await turn();
    await turn();
    expect([bench.connection.isOpen, bench.told]).toEqual([false, ['limit 0']]);
    expect([queued.told, queued.exchange.bytesSent]).toEqual([['unprocessed'], 0]);
    expect(queued.error?.message).toBe(
      'the peer is silent: no answer to a PING within 500 ms before it answered',
    );
    bench.peer.streams[1]!.stream.respond(200, [], true);
    bench.peer.says();
    expect(stays.told).toEqual(['written', '200', 'done']);
  });

  it('keeps its connection if it is but slow with its answers', async () => {
    const bench = await opened();
    for (let i = 0; i < 3; i += 1) {
      const owner = bench.start();
      await turn();
      bench.time.advance(CONSTANTS.askEarlyAfterMs);
      owner.exchange.release();
      await turn();
      bench.peer.says(); // its pong, the first time
      bench.time.advance(CONSTANTS.wordWithinMs);
      await turn();
      await turn();
    }
    expect([bench.connection.isOpen, bench.told, bench.deadlines.size]).toEqual([true, [], 0]);
  });

  it('costs no timer while nothing is under way', async () => {
    const bench = await opened();
    expect(bench.deadlines.size).toBe(0);
    const owner = bench.start();
    expect(bench.deadlines.size).toBe(1);
    owner.exchange.release();
    expect(bench.deadlines.size).toBe(0);
  });
});

describe('a connection', () => {
  it('needs a poll before it is used after a rest, and none while it is in use or was just heard', async () => {
    const bench = await opened();
    expect(bench.connection.needsPoll).toBe(true);
    const owner = bench.start();
    expect(bench.connection.needsPoll).toBe(false);
    await turn();
    bench.peer.last.stream.respond(204, [], true);
    bench.peer.says();
    expect([owner.told.at(-1), bench.connection.needsPoll]).toEqual(['reusable', false]);
    await turn();
    expect(bench.connection.needsPoll).toBe(true);
  });

  it('is used for the last time by a request that says so', async () => {
    const bench = await opened();
    const [first, second] = [bench.start({ wantsClose: true }), bench.start({}, true)];
    await turn();
    for (const { stream } of bench.peer.streams) stream.respond(204, [], true);
    bench.peer.says();
    expect([first.told.at(-1), second.told.at(-1)]).toEqual(['done', 'done']);
    expect(bench.peer.streams[0]?.head?.text).not.toContain('close');
  });

  it('is not kept by the last of its callers behind what its peer does not take', async () => {
    const bench = await opened();
    const [first, last] = [bench.start(), bench.start()];
    await turn();
    bench.time.advance(1);
    bench.socket.fill();
    const upload = bench.start(POST);
    await turn();
    await turn();
    expect([first.exchange.release(), upload.exchange.release()]).toEqual([true, true]);
    expect(last.exchange.release()).toBe(false);
    bench.socket.drain(bench.transport);
    const next = bench.start();
    expect(next.exchange.release()).toBe(true);
  });

  it('can be shown, without its socket', async () => {
    const bench = await opened();
    expect(inspect(bench.connection)).toMatch(/^Http2Connection \{\s+id: 7/);
    expect(bench.connection.reasonOf(new Error('x'))).toBe('x');
  });

  it('does not mind frames that no request asked for', async () => {
    const bench = await opened();
    bench.peer.sends(frame(0xbe, 0, 0, Buffer.from('unknown')));
    bench.peer.sends(frame(0x2, 0, 1, Buffer.alloc(5))); // PRIORITY
    expect([bench.connection.isOpen, bench.counters.poisoned]).toEqual([true, 0]);
  });

  it('keeps the process alive only while it is used', async () => {
    const bench = await opened();
    bench.connection.setIdle(true);
    await turn();
    await turn();
    expect(bench.socket.isRefd).toBe(false);
    bench.connection.setIdle(false);
    expect(bench.socket.isRefd).toBe(true);
  });
});

function settings(id: number, value: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(id, 0);
  payload.writeUInt32BE(value, 2);
  return frame(0x4, 0, 0, payload);
}

function goaway(lastStreamId: number, code: number, text: string): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStreamId, 0);
  payload.writeUInt32BE(code, 4);
  return frame(0x7, 0, 0, Buffer.concat([payload, Buffer.from(text)]));
}
