/** Each event may call any verb, of its stream, of others and of the connection; each stream is settled once. */
import { describe, expect, it } from 'vitest';
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  goaway,
  headers,
  Lone,
  OK,
  POST,
  rst,
  settings,
  windowUpdate,
} from '../../test/support/frames.js';
import type { Recorder } from '../../test/support/http2.js';

const LOST = new Error('lost');
const EARLY = headers(1, block(':status: 103'), END_HEADERS);

/** For each event of a stream: frames that bring it about, on stream 1, whose message is sent to its end or not. */
const EVENTS: Record<string, { frames: Buffer[]; open?: boolean }> = {
  informational: { frames: [EARLY] },
  head: { frames: [headers(1, OK, END_HEADERS)] },
  'head of an empty message': { frames: [headers(1, OK)] },
  'head of an empty message, while sending': { frames: [headers(1, OK)], open: true },
  data: { frames: [headers(1, OK, END_HEADERS), data(1, 'a')] },
  'data that is the last': { frames: [headers(1, OK, END_HEADERS), data(1, 'a', END_STREAM)] },
  end: { frames: [headers(1, OK, END_HEADERS), data(1, 'a', END_STREAM)] },
  'end, while sending': { frames: [headers(1, OK)], open: true },
  'end with trailers': { frames: [headers(1, OK, END_HEADERS), headers(1, block('a: 1'))] },
  room: { frames: [windowUpdate(0, 10)], open: true },
  stop: { frames: [headers(1, OK), rst(1)], open: true },
  failed: { frames: [rst(1)] },
  'failed by GOAWAY': { frames: [goaway(0)] },
  'failed by a fault': { frames: [data(1, 'a')] },
};

const VERBS: Record<string, (lone: Lone, call: Recorder) => void> = {
  reset: (_, call) => call.stream.reset(8),
  'reset twice': (_, call) => {
    call.stream.reset(8);
    call.stream.reset(8);
  },
  'reset of another': (lone) => lone.calls[1]!.stream.reset(8),
  'end of sending': (_, { stream }) => {
    if (stream.room > 0) stream.end();
  },
  'a new stream': (lone) => {
    if (!lone.codec.isLeaving) lone.request();
  },
  fail: (lone) => lone.codec.fail(LOST),
  'reset, then fail': (lone, call) => {
    call.stream.reset(8);
    lone.codec.fail(LOST);
  },
  goaway: (lone) => lone.codec.goaway(0, false),
  ping: (lone) => lone.codec.ping(),
  pause: (_, call) => call.stream.pause(),
  'pause and resume': (_, call) => {
    call.stream.pause();
    call.stream.resume();
  },
  'taking of the output': (lone) => lone.said(),
  blocking: (lone) => {
    lone.codec.setBlocked(true);
    lone.codec.setBlocked(false);
  },
};

const CASES = Object.keys(EVENTS).flatMap((event) =>
  Object.keys(VERBS).map((verb) => [event, verb]),
);

describe('within an event', () => {
  it.each(CASES)('%s: %s', (name, verb) => {
    const { frames, open = false } = EVENTS[name]!;
    const lone = new Lone('client');
    const call = lone.request({}, !open);
    const others = [lone.request(), lone.request()];
    lone.said();
    if (open) call.stream.send(Buffer.alloc(65_535), 0, 65_535, false);
    if (name === 'room') {
      lone.feed(windowUpdate(1, 100));
      expect(call.stream.room).toBe(0);
    }
    lone.side.log.length = 0;
    const event = name.split(/[ ,]/)[0]!;
    let ran = 0;
    call.on[event] = () => {
      ran += 1;
      VERBS[verb]!(lone, call);
    };
    lone.feed(...frames, headers(5, OK));
    expect(ran).toBe(1);
    // What follows is as it would be, or the stream hears nothing more.
    const { log } = call;
    const wasReset = verb.startsWith('reset') && verb !== 'reset of another';
    if (wasReset) expect(log.at(-1)!.startsWith(event)).toBe(true);
    const last = (entry: string): boolean => /^(end|stop|failed)/.test(entry);
    expect(log.filter(last).length).toBeLessThanOrEqual(
      /^(stop|end, while)/.test(name) ? 2 : name.includes('while') ? 2 : 1,
    );
    // A connection that goes on has answered the last of them.
    const isOver = verb.endsWith('fail');
    expect(others[1]!.log).toEqual(
      isOver
        ? ['failed']
        : name === 'failed by GOAWAY'
          ? ['failed unprocessed']
          : ['head 200', 'end'],
    );
    lone.codec.fail(LOST);
    for (const each of lone.calls) {
      const ends = each.log.filter((entry) => /^(stop|failed)/.test(entry)).length;
      expect(ends).toBeLessThanOrEqual(1);
      expect(each.stream.isClosed).toBe(true);
    }
    expect(lone.codec.activeCount).toBe(0);
    const closed = lone.side.log.filter((entry) => entry.startsWith('closed'));
    expect(closed.sort()).toEqual(lone.calls.map(({ stream }) => `closed ${stream.id}`).sort());
  });
});

describe('fail()', () => {
  it('settles every stream once, in the order they were opened', () => {
    const lone = new Lone('client');
    const order: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const call = lone.request({}, i !== 2);
      call.on.failed = () => order.push(call.stream.id);
      call.on.stop = () => order.push(-call.stream.id);
    }
    lone.said();
    const late = lone.request();
    lone.feed(headers(3, OK, END_HEADERS), headers(5, OK), headers(7, OK));
    lone.codec.fail(LOST);
    lone.codec.fail(new Error('again'));
    expect(order).toEqual([1, 3, -5, 9]);
    expect(lone.calls.map(({ error }) => error)).toEqual([LOST, LOST, LOST, undefined, LOST, LOST]);
    // Of the last one no byte was taken.
    expect([late.isUnprocessed, lone.calls[0]!.isUnprocessed]).toEqual([true, false]);
    expect(lone.codec.activeCount).toBe(0);
    expect(() => lone.request()).toThrow('no stream');
  });

  it('within an error of the connection is the same: it is told once', () => {
    const lone = new Lone('client');
    const [first, second] = [lone.request(), lone.request()];
    lone.said();
    first.on.failed = () => lone.codec.fail(LOST);
    expect(lone.refusal(windowUpdate(0, 0))).toBe('window-zero');
    expect([first.log, second.log]).toEqual([['failed'], ['failed']]);
    expect(second.error).toMatchObject({ reason: 'window-zero' });
    expect(lone.said()).toEqual(['GOAWAY 0 1']);
  });

  it('in the middle of what came leaves the rest', () => {
    const lone = new Lone('client');
    const [first, second] = [lone.request(), lone.request()];
    lone.said();
    first.on.head = () => lone.codec.fail(LOST);
    lone.feed(headers(1, OK, END_HEADERS), data(1, 'a'), headers(3, OK), windowUpdate(0, 0));
    expect([first.log, second.log]).toEqual([['head 200', 'failed'], ['failed']]);
  });
});

describe('events of the connection', () => {
  it('may open streams: SETTINGS, the end of another stream, its closing', () => {
    const lone = new Lone('client');
    lone.feed(settings([3, 1]));
    const open = (): void => {
      const { activeCount, peer } = lone.codec;
      if (activeCount < peer.maxConcurrentStreams && lone.calls.length < 5) lone.request();
    };
    lone.side.on.closed = open;
    lone.side.on.settings = open;
    lone.request().on.end = open;
    lone.feed(headers(1, OK));
    expect(lone.calls).toHaveLength(2);
    lone.feed(settings([3, 2]), headers(3, OK), headers(5, OK));
    expect(lone.calls.map(({ log }) => log.length)).toEqual([2, 2, 2, 0, 0]);
    expect(lone.codec.activeCount).toBe(2);
  });

  it('may give a body up in the middle of a frame, and return an error as well', () => {
    const lone = new Lone('client');
    const [call, other] = [lone.request(), lone.request()];
    const head = headers(1, block(':status: 200', 'content-length: 1'), END_HEADERS);
    const bytes = data(1, 'abcd');
    call.on.data = () => call.stream.reset(8);
    call.refusal = new Error('enough');
    lone.feed(head, bytes.subarray(0, 10)).feed(bytes.subarray(10), headers(3, OK));
    expect([call.log, other.log]).toEqual([
      ['head 200', 'data 1'],
      ['head 200', 'end'],
    ]);
    expect(lone.said().at(-1)).toBe('RST_STREAM 1 8');
  });

  it('may reset what has just come: onStream', () => {
    const lone = new Lone('server');
    lone.side.onServed = ({ stream }) => stream.reset(7);
    lone.feed(headers(1, block(...POST), END_HEADERS), data(1, 'a'), headers(3, block(...POST)));
    expect(lone.side.served.map(({ log }) => log)).toEqual([[], []]);
    expect(lone.said()).toEqual(['RST_STREAM 1 7', 'RST_STREAM 3 7']);
    expect(lone.side.log.filter((entry) => entry.startsWith('closed'))).toEqual([
      'closed 1',
      'closed 3',
    ]);
  });

  it('may answer at once, in onStream and in onHead', () => {
    for (const event of ['stream', 'head']) {
      const lone = new Lone('server');
      lone.side.onServed = ({ stream, on }) => {
        if (event === 'stream') stream.respond(204, [], true);
        else on.head = () => stream.respond(204, [], true);
      };
      lone.feed(
        headers(1, block(...POST)),
        headers(3, block(...POST), END_HEADERS),
        data(3, 'a', 1),
      );
      expect(lone.said()).toEqual(['HEADERS 1 :status=204 end', 'HEADERS 3 :status=204 end']);
      expect(lone.codec.activeCount).toBe(0);
    }
  });

  it('that throw end the connection, and the error comes out of feed()', () => {
    const lone = new Lone('client');
    const [first, second] = [lone.request(), lone.request()];
    lone.said();
    first.on.head = () => {
      throw LOST;
    };
    expect(() => lone.feed(headers(1, OK))).toThrow(LOST);
    expect(second.error).toBe(LOST);
    expect(lone.said()).toEqual(['GOAWAY 0 2']);
  });

  it('onOutput is called once until what waits is taken, behind whole frames', () => {
    const lone = new Lone('client');
    const taken: string[][] = [];
    lone.side.log.length = 0;
    lone.request();
    lone.request();
    expect(lone.side.log).toEqual(['output']);
    lone.said();
    lone.side.on.output = () => taken.push(lone.said());
    lone
      .request({ fields: ['a', 'x'.repeat(40_000)] }, false)
      .stream.send(Buffer.alloc(9), 0, 9, true);
    expect(taken.flat().map((said) => said.split(' ')[0])).toEqual([
      'HEADERS',
      'CONTINUATION',
      'CONTINUATION',
      'DATA',
    ]);
  });
});
