/** What a peer can send without end has one (RFC 9113 §10.5): a test for each attack, by its name. */
import { describe, expect, it } from 'vitest';
import {
  block,
  continuation,
  data,
  END_HEADERS,
  frame,
  goaway,
  headers,
  Lone,
  OK,
  padded,
  ping,
  POST,
  REQUEST,
  rst,
  settings,
  SETTINGS_ACK,
  windowUpdate,
} from '../../test/support/frames.js';
import { Http2Codec } from './codec.js';
import { LIMITS, Pair, Side } from '../../test/support/http2.js';

/** Feeds what `make` gives until it is refused; how often, and why. */
function flood(lone: Lone, make: (i: number) => Buffer): [number, string | undefined] {
  for (let i = 0; i < 5_000; i += 1) {
    const reason = lone.refusal(make(i));
    if (reason !== undefined) {
      expect(lone.codec.activeCount).toBe(0);
      expect(lone.said().at(-1)).toMatch(/^GOAWAY \d+ 11$/);
      return [i + 1, reason];
    }
    // It reads what it is answered, but for the floods of answers.
    lone.said();
  }
  return [Infinity, undefined];
}

const NONE = Buffer.alloc(0);
const { idleFrameAllowance, resetAllowance, maxQueuedAnswers } = LIMITS;

describe('frames that change nothing', () => {
  it.each<[string, Buffer]>([
    ['empty frames flood (CVE-2019-9518): DATA', data(1, '')],
    ['empty frames flood: DATA of padding alone', padded(0, 1, NONE, 1)],
    ['settings flood (CVE-2019-9515)', settings()],
    ['ping flood (CVE-2019-9512)', ping('12345678')],
    ['pong flood', ping('12345678', 1)],
    ['priority flood (CVE-2019-9513)', frame(2, 0, 1, Buffer.alloc(5))],
    ['flood of unknown frames', frame(0xaa, 0, 1, NONE)],
    ['one-byte WINDOW_UPDATE dribble, of the stream', windowUpdate(1, 1)],
    ['RST_STREAM flood (CVE-2019-9514) of a closed stream', rst(3)],
    ['WINDOW_UPDATE flood of a closed stream', windowUpdate(3, 1)],
    ['HEADERS flood of a stream that was reset', headers(3, block('a: 1'))],
  ])('%s', (name, bytes) => {
    const lone = new Lone('server', { resetAllowance: 1_000 });
    lone.feed(settings([4, 0]), headers(1, block(...POST), END_HEADERS));
    lone.feed(headers(3, block(...POST), END_HEADERS));
    lone.side.served[0]!.stream.respond(200, [], false);
    lone.side.served[1]!.stream.reset(0);
    const [count, reason] = flood(lone, () => {
      // A dribble is one that is used up at once.
      const { stream } = lone.side.served[0]!;
      if (name.includes('dribble') && stream.room > 0) stream.send(Buffer.from('a'), 0, 1, false);
      return bytes;
    });
    expect(reason).toBe('too-many-idle-frames');
    expect(count).toBeLessThanOrEqual(idleFrameAllowance + 2);
    expect(count).toBeGreaterThan(idleFrameAllowance - 5);
  });

  it('GOAWAY flood, each with a lower number', () => {
    const lone = new Lone('client');
    const [count, reason] = flood(lone, (i) => goaway(0x7fffffff - 2 * i));
    expect([count, reason]).toEqual([idleFrameAllowance + 2, 'too-many-idle-frames']);
  });

  it('are not paid for by credit of a byte', () => {
    const credit = windowUpdate(0, 1);
    const [count, reason] = flood(new Lone('client'), () =>
      Buffer.concat([ping('12345678'), credit]),
    );
    expect([count, reason]).toEqual([idleFrameAllowance + 1, 'too-many-idle-frames']);
  });

  it('GOAWAY flood', () => {
    const [count, reason] = flood(new Lone('client'), () => frame(7, 0, 0, Buffer.alloc(8)));
    expect([count, reason]).toEqual([idleFrameAllowance + 2, 'too-many-idle-frames']);
  });

  it('may come beside useful ones, one for each', () => {
    const lone = new Lone('server');
    lone.feed(headers(1, block(...POST), END_HEADERS));
    for (let i = 0; i < 1_000; i += 1) {
      lone.feed(data(1, 'a'), ping('12345678'));
      lone.said();
    }
    expect(lone.side.served[0]!.body).toHaveLength(1_000);
  });
});

describe('resets', () => {
  it('rapid reset (CVE-2023-44487)', () => {
    const lone = new Lone('server');
    const [count, reason] = flood(lone, (i) =>
      Buffer.concat([headers(2 * i + 1, block(...REQUEST)), rst(2 * i + 1)]),
    );
    expect([count, reason]).toEqual([resetAllowance + 1, 'too-many-resets']);
    expect(lone.side.served.every(({ log }) => log.join() === 'head GET /,end,stop')).toBe(true);
  });

  it.each<[string, (id: number) => Buffer]>([
    ['credit of 0', (id) => windowUpdate(id, 0)],
    ['credit beyond the largest window', (id) => windowUpdate(id, 0x7fffffff)],
    ['PRIORITY of 4 bytes', (id) => frame(2, 0, id, Buffer.alloc(4))],
    ['DATA behind its end', (id) => data(id, 'a')],
    ['HEADERS behind its end', (id) => headers(id, block('a: 1'))],
  ])('MadeYouReset (CVE-2025-8671): by %s', (_, fault) => {
    const [count, reason] = flood(new Lone('server'), (i) =>
      Buffer.concat([headers(2 * i + 1, block(...REQUEST)), fault(2 * i + 1)]),
    );
    expect([count, reason]).toEqual([resetAllowance + 1, 'too-many-resets']);
  });

  it.each<[string, string[]]>([
    ['that are malformed', [...REQUEST, 'Bad: 1']],
    ['whose header list is too large', [...REQUEST, `a: ${'x'.repeat(10_000)}`]],
  ])('flood of requests %s', (_, fields) => {
    const lone = new Lone('server', { maxHeaderListBytes: 5_000 });
    const [count, reason] = flood(lone, (i) => headers(2 * i + 1, block(...fields)));
    expect([count, reason]).toEqual([resetAllowance + 1, 'too-many-resets']);
  });

  it('flood of requests beyond the limit, which the peer knows', () => {
    const lone = new Lone('server', { maxConcurrentStreams: 0 });
    const [count, reason] = flood(lone, (i) => headers(2 * i + 1, block(...REQUEST)));
    expect([count, reason]).toEqual([resetAllowance + 1, 'too-many-resets']);
  });

  it('flood of requests beyond the limit, which the peer never acknowledges', () => {
    const lone = new Lone('server', { maxConcurrentStreams: 0 }, true);
    lone.feed(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings());
    const [count, reason] = flood(lone, (i) => headers(2 * i + 1, block(...REQUEST)));
    expect([count, reason]).toEqual([idleFrameAllowance + 1, 'too-many-idle-frames']);
  });

  it('are paid back by streams that end', () => {
    const lone = new Lone('server');
    lone.side.onServed = ({ stream, on }) => {
      on.end = () => stream.respond(200, [], true);
    };
    for (let i = 0; i < 1_000; i += 1) {
      const fields = block(...POST);
      lone.feed(
        headers(4 * i + 1, fields, END_HEADERS),
        rst(4 * i + 1),
        headers(4 * i + 3, fields),
      );
      lone.said();
    }
    expect(lone.codec.isLeaving).toBe(false);
  });

  it('by a server are bounded by what its client asks', () => {
    const lone = new Lone('client');
    for (let i = 0; i < 1_000; i += 1) {
      const call = lone.request();
      lone.feed(rst(call.stream.id, 7));
      expect(call.isUnprocessed).toBe(true);
      lone.said();
    }
  });
});

describe('a peer that is honest, for days', () => {
  it('may keep an idle connection alive by PINGs', () => {
    const lone = new Lone('client');
    for (let i = 0; i < 5_000; i += 1) {
      lone.codec.timePassed(10_000);
      lone.feed(ping('12345678'));
      lone.said();
    }
    expect(lone.codec.isLeaving).toBe(false);
  });

  it('may send PINGs as fast as it is paid back, and no faster', () => {
    const { idleFramesPerSecond } = LIMITS;
    const lone = new Lone('client');
    const [count, reason] = flood(lone, () => {
      lone.codec.timePassed(1_000 / idleFramesPerSecond / 2);
      return ping('12345678');
    });
    expect(reason).toBe('too-many-idle-frames');
    expect(Math.abs(count - idleFrameAllowance * 2)).toBeLessThan(3);
  });

  it('may answer what a client has given up by then, each time', () => {
    const lone = new Lone('client');
    for (let i = 0; i < 1_000; i += 1) {
      const { stream } = lone.request();
      stream.reset(8);
      lone.feed(headers(stream.id, OK, END_HEADERS), data(stream.id, '', 1));
      lone.said();
    }
    expect(lone.codec.isLeaving).toBe(false);
  });

  it('may give up each of its calls, as seldom as it is paid back', () => {
    const lone = new Lone('server');
    for (let i = 0; i < 1_000; i += 1) {
      lone.codec.timePassed(1_000 / LIMITS.resetsPerSecond);
      lone.feed(headers(2 * i + 1, block(...REQUEST)), rst(2 * i + 1));
      lone.said();
    }
    expect(lone.codec.isLeaving).toBe(false);
  });
});

describe('answers that are not read', () => {
  const unread = (make: (i: number) => Buffer, limits = {}): [number, string | undefined] => {
    const lone = new Lone('server', { idleFrameAllowance: 1_000, ...limits });
    lone.feed(headers(1, block(...POST), END_HEADERS), rst(1));
    lone.codec.setBlocked(true);
    return flood(lone, make);
  };

  it.each<[string, Buffer]>([
    ['PING', ping('12345678')],
    ['SETTINGS', settings()],
    ['DATA of a stream that it has reset', data(1, 'a')],
  ])('queue up to a bound: of %s', (_, bytes) => {
    expect(unread(() => bytes)).toEqual([maxQueuedAnswers + 1, 'too-many-answers']);
  });

  it.each<[string, string[], number]>([
    ['malformed requests', ['a: 1'], 1],
    ['requests that are too large', [...REQUEST, `a: ${'x'.repeat(10_000)}`], 1],
  ])('queue up to a bound: of %s', (_, fields, each) => {
    const limits = { resetAllowance: 1_000, maxHeaderListBytes: 5_000 };
    const [count, reason] = unread((i) => headers(2 * i + 3, block(...fields)), limits);
    expect(reason).toBe('too-many-answers');
    expect(count).toBeLessThanOrEqual(maxQueuedAnswers / each + 1);
  });

  it('are forgotten when the socket takes them', () => {
    const lone = new Lone('server', { idleFrameAllowance: 1_000 });
    for (let i = 0; i < 4; i += 1) {
      for (let n = 0; n < maxQueuedAnswers; n += 1) lone.feed(ping('12345678'));
      lone.said();
    }
    lone.codec.setBlocked(true);
    for (let n = 0; n < maxQueuedAnswers; n += 1) lone.feed(ping('12345678'));
    lone.codec.setBlocked(false);
    lone.feed(ping('12345678'));
    expect(lone.codec.isLeaving).toBe(false);
  });
});

describe('header blocks', () => {
  it('CONTINUATION flood (2024), with bytes and without', () => {
    for (const part of [Buffer.alloc(16_000), NONE]) {
      const lone = new Lone('server');
      lone.feed(headers(1, block(...REQUEST), 0));
      const [count, reason] = flood(lone, () => continuation(1, part, 0));
      expect([count, reason]).toEqual([LIMITS.maxContinuations + 1, 'too-many-continuations']);
    }
  });

  it('empty CONTINUATION frames count as frames that change nothing', () => {
    const lone = new Lone('server', { maxContinuations: 1_000 });
    lone.feed(headers(1, block(...REQUEST), 0));
    const [count, reason] = flood(lone, () => continuation(1, NONE, 0));
    expect([count, reason]).toEqual([idleFrameAllowance + 1, 'too-many-idle-frames']);
  });

  it('header list size: an HPACK bomb is cut off, and the connection goes on', () => {
    // One large value in the table, then its index again and again: 16 000 times 2 000 bytes.
    const entry = Buffer.concat([
      Buffer.from('400161', 'hex'),
      block(['', 'x'.repeat(2_000)]).subarray(2),
    ]);
    const bomb = Buffer.concat([OK, entry, Buffer.alloc(13_000, 0xbe)]);
    const lone = new Lone('client');
    const [call, next] = [lone.request(), lone.request()];
    lone.feed(headers(1, bomb), headers(3, Buffer.concat([OK, Buffer.from([0xbe])])));
    expect(call.error).toMatchObject({ reason: 'field-list-too-large', http2Code: 11 });
    expect(next.log).toEqual(['head 200', 'end']);
  });

  it('too many fields', () => {
    const lone = new Lone('client');
    const call = lone.request();
    lone.feed(headers(1, Buffer.concat([OK, Buffer.concat(new Array(101).fill(block('a: 1')))])));
    expect(call.error).toMatchObject({ reason: 'too-many-fields' });
  });
});

describe('streams that never end', () => {
  it('are as many as were allowed, and no more', () => {
    const lone = new Lone('server', { maxConcurrentStreams: 10 });
    for (let i = 0; i < 30; i += 1) lone.feed(headers(2 * i + 1, block(...POST), END_HEADERS));
    expect(lone.codec.activeCount).toBe(10);
    expect(lone.said().every((said) => /^RST_STREAM \d+ 7$/.test(said))).toBe(true);
  });
});

describe('slow reading', () => {
  it('of a peer that gives no window leaves nothing in our memory but what its window took', () => {
    const pair = new Pair({ streamWindowBytes: 0 });
    pair.request({}, true);
    pair.run();
    const { stream, log } = pair.served[0]!;
    stream.respond(200, [], false);
    expect(stream.room).toBe(0);
    pair.run();
    expect([pair.server.outputBytes, log]).toEqual([0, ['head GET /', 'end']]);
  });
});

describe('data beyond the window', () => {
  it('of a stream resets it, again and again is a flood', () => {
    const lone = new Lone('server', { streamWindowBytes: 10 });
    const [count, reason] = flood(lone, (i) => {
      const id = 2 * i + 1;
      return Buffer.concat([headers(id, block(...POST), END_HEADERS), data(id, 'x'.repeat(11))]);
    });
    expect([count, reason]).toEqual([resetAllowance + 1, 'too-many-resets']);
  });
});

it('SETTINGS that were never acknowledged leave the peer at what is usual', () => {
  const side = new Side();
  const codec = new Http2Codec('server', side, LIMITS);
  codec.start();
  codec.feed(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings()]));
  codec.feed(headers(1, block(...POST), END_HEADERS));
  side.served[0]!.stream.pause();
  for (let i = 0; i < 4; i += 1) codec.feed(data(1, Buffer.alloc(16_383)));
  expect(side.served[0]!.error).toBeUndefined();
  codec.feed(data(1, Buffer.alloc(4)));
  expect(side.served[0]!.error).toMatchObject({ reason: 'stream-window-exceeded' });
  codec.feed(SETTINGS_ACK);
});
